//! MiniTorch's tests of module 3 on CUDA, under their names. Without a GPU they run on the fake driver, where the two
//! devices run the threads of a kernel in opposite orders.
//!
//! | file | its tests | here |
//! | --- | --- | --- |
//! | `test_tensor_general.py`, of CUDA alone | 12: `test_sum_practice_1` to `_5`, `test_sum_practice_other_dims`, `test_mul_practice_1` to `_6` | the same names |
//! | `test_tensor_general.py`, with the backend `cuda` | 10: `test_create`, `test_one_args`, `test_two_args`, `test_one_derivative`, `test_two_grad`, `test_reduce`, `test_two_grad_broadcast`, `test_permute`, `test_mm2`, `test_bmm` | the same names |
//!
//! MiniTorch compares with a tolerance; here every number is the one of the CPU, to the bit.

mod strategies;

use minitorch_core::{Backend, Cpu, Shape, Tensor};
use minitorch_tests::math_functions::{one_argument, reductions, two_arguments};
use minitorch_tests::oracle;
use minitorch_tests::real::assert_same;
use minitorch_tests::samples::plain;
use proptest::prelude::*;
use runner::backend::cuda::Cuda;
use strategies::{Drawn, config, drawn, drawn_pairs, orders, shapes, small};

/// The devices, or none without a C++ compiler, which is said.
fn devices() -> Vec<Cuda> {
    match minitorch_fake_cuda::load() {
        true => [0, 1].map(|number| Cuda::open(number).unwrap()).to_vec(),
        false => Vec::new(),
    }
}

/// What `f` gives for tensors on a device, and the gradients of the sum of it; none for what records nothing.
fn results<B: Backend<Elem = f32>, const N: usize>(
    device: &B,
    f: &dyn Fn([&Tensor<B>; N]) -> Tensor<B>,
    operands: [&Drawn; N],
) -> [Vec<f32>; 2] {
    let leaves = operands.map(|operand| operand.on(device).tracked());
    let out = f(leaves.each_ref());
    let values = out.to_vec();
    if !out.is_tracked() {
        return [values, Vec::new()];
    }
    let grads = out.sum_all().backward();
    let each = leaves
        .iter()
        .flat_map(|leaf| grads.get(leaf).unwrap().to_vec());
    [values, each.collect()]
}

/// Fails unless `on_cuda` gives what `on_cpu` gives, to the bit.
#[track_caller]
fn same<const N: usize>(
    name: &str,
    on_cpu: &dyn Fn([&Tensor<Cpu>; N]) -> Tensor<Cpu>,
    on_cuda: &dyn Fn([&Tensor<Cuda>; N]) -> Tensor<Cuda>,
    operands: [&Drawn; N],
) {
    let expected = results(&Cpu::default(), on_cpu, operands);
    for device in devices() {
        let actual = results(&device, on_cuda, operands);
        let what = || format!("{name} on {device:?}");
        for (actual, expected) in actual.iter().zip(&expected) {
            assert_same(actual, expected, &what);
        }
    }
}

/// The same function for both.
macro_rules! same {
    ($name:expr, $f:expr, $operands:expr) => {
        same($name, &$f, &$f, $operands)
    };
}

fn tensors() -> impl Strategy<Value = Drawn> {
    shapes().prop_flat_map(|shape| drawn(&shape))
}

/// Dense numbers of a shape.
fn dense(seed: u64, shape: &[usize]) -> Drawn {
    let count = shape.iter().product();
    Drawn {
        values: (0..count).map(|at| plain(seed, at)).collect(),
        shape: shape.to_vec(),
        order: (0..shape.len()).collect(),
    }
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn test_create(values in prop::collection::vec(small(), 1..100)) {
        let values: Vec<f32> = values.into_iter().map(|x| x as f32).collect();
        for device in devices() {
            let tensor = Tensor::from_slice(&device, &values, [values.len()]);
            assert_same(&tensor.to_vec(), &values, &|| "create".into());
        }
    }

    #[test]
    fn test_one_args(x in tensors()) {
        for ((name, cpu), (_, cuda)) in one_argument::<Tensor<Cpu>>().into_iter().zip(one_argument()) {
            same(name, &|[x]| cpu(&x.detach()), &|[x]| cuda(&x.detach()), [&x]);
        }
    }

    #[test]
    fn test_two_args([a, b] in drawn_pairs()) {
        for ((name, cpu), (_, cuda)) in two_arguments::<Tensor<Cpu>>().into_iter().zip(two_arguments()) {
            let operands = [&a, &b];
            same(name, &|[a, b]| cpu(&a.detach(), &b.detach()), &|[a, b]| cuda(&a.detach(), &b.detach()), operands);
        }
    }

    #[test]
    fn test_one_derivative(x in tensors()) {
        for ((name, cpu), (_, cuda)) in one_argument::<Tensor<Cpu>>().into_iter().zip(one_argument()) {
            same(name, &|[x]| cpu(x), &|[x]| cuda(x), [&x]);
        }
    }

    #[test]
    fn test_two_grad([a, b] in drawn_pairs()) {
        for ((name, cpu), (_, cuda)) in two_arguments::<Tensor<Cpu>>().into_iter().zip(two_arguments()) {
            same(name, &|[a, b]| cpu(a, b), &|[a, b]| cuda(a, b), [&a, &b]);
        }
    }

    #[test]
    fn test_reduce(x in tensors()) {
        for ((name, cpu), (_, cuda)) in reductions::<Cpu>().into_iter().zip(reductions()) {
            same(name, &|[x]| cpu(x), &|[x]| cuda(x), [&x]);
        }
    }

    #[test]
    fn test_two_grad_broadcast([a, b] in drawn_pairs()) {
        for ((name, cpu), (_, cuda)) in two_arguments::<Tensor<Cpu>>().into_iter().zip(two_arguments()) {
            let operands = [&a, &b];
            same(name, &|[a, b]| cpu(&a.sum_keepdim(&[0]), b), &|[a, b]| cuda(&a.sum_keepdim(&[0]), b), operands);
            same(name, &|[a, b]| cpu(a, &b.sum_keepdim(&[0])), &|[a, b]| cuda(a, &b.sum_keepdim(&[0])), operands);
        }
    }

    #[test]
    fn test_permute((x, order) in tensors().prop_flat_map(|x| {
        let order = orders(x.shape.len());
        (Just(x), order)
    })) {
        same!("permute", |[x]| x.permute(&order), [&x]);
    }

    #[test]
    fn test_bmm([a, b] in [2..=4usize, 2..=4, 2..=4, 2..=4].prop_flat_map(|[d, i, k, j]| {
        [drawn(&[d, i, k]), drawn(&[1, k, j])]
    })) {
        same!("matmul", |[a, b]| a.matmul(b), [&a, &b]);
    }
}

#[test]
fn test_mm2() {
    same!(
        "matmul",
        |[a, b]| a.matmul(b),
        [&dense(1, &[2, 3]), &dense(2, &[3, 4])]
    );
}

/// The sum along the last axis, compared with the definition.
#[track_caller]
fn sum_practice(shape: &[usize]) {
    let x = dense(3, shape);
    let values: Vec<f32> = x.values.iter().map(|&x| x as f32).collect();
    let axes: Vec<bool> = (1..=shape.len()).map(|axis| axis == shape.len()).collect();
    let expected = oracle::fold(&values, shape, &axes, 0.0, &|a, b| a + b);
    let last = shape.len() - 1;
    for device in devices() {
        let sum = x.on(&device).sum(&[last]);
        assert_same(&sum.to_vec(), &expected, &|| format!("sum of {shape:?}"));
    }
    same!("sum", |[x]| x.sum(&[last]), [&x]);
}

#[test]
fn test_sum_practice_1() {
    sum_practice(&[16]);
}

#[test]
fn test_sum_practice_2() {
    sum_practice(&[64]);
}

#[test]
fn test_sum_practice_3() {
    sum_practice(&[48]);
}

#[test]
fn test_sum_practice_4() {
    sum_practice(&[32]);
}

#[test]
fn test_sum_practice_5() {
    sum_practice(&[500]);
}

#[test]
fn test_sum_practice_other_dims() {
    sum_practice(&[16, 32]);
}

/// A product of matrices, `[.., i, k]` by `[.., k, j]`, compared with the definition.
#[track_caller]
fn mul_practice(batch: &[usize], [i, k, j]: [usize; 3]) {
    let shapes = [[i, k], [k, j]].map(|matrix| [batch, &matrix].concat());
    let (a, b) = (dense(4, &shapes[0]), dense(5, &shapes[1]));
    let [left, right] = [&a, &b].map(|x| x.values.iter().map(|&x| x as f32).collect::<Vec<_>>());
    let expected = oracle::matmul(&left, &right, [batch.iter().product(), i, k, j]);
    for device in devices() {
        let product = a.on(&device).matmul(&b.on(&device));
        assert_eq!(
            *product.shape(),
            Shape::new(&[batch, &[i, j]].concat()).unwrap()
        );
        assert_same(&product.to_vec(), &expected, &|| {
            format!("product of {shapes:?}")
        });
    }
    same!("matmul", |[a, b]| a.matmul(b), [&a, &b]);
}

#[test]
fn test_mul_practice_1() {
    mul_practice(&[], [2, 2, 2]);
}

#[test]
fn test_mul_practice_2() {
    mul_practice(&[], [32, 32, 32]);
}

#[test]
fn test_mul_practice_3() {
    mul_practice(&[2], [2, 2, 2]);
}

#[test]
fn test_mul_practice_4() {
    mul_practice(&[], [33, 33, 33]);
}

#[test]
fn test_mul_practice_5() {
    mul_practice(&[2], [33, 33, 33]);
}

#[test]
fn test_mul_practice_6() {
    mul_practice(&[], [45, 33, 40]);
}
