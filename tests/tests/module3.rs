//! MiniTorch's tests of module 3, under their names: the operations on fast backends.
//!
//! | file | its tests | here |
//! | --- | --- | --- |
//! | `test_tensor_general.py` | 10: `test_create`, `test_one_args`, `test_two_args`, `test_one_derivative`, `test_two_grad`, `test_reduce`, `test_two_grad_broadcast`, `test_permute`, `test_mm2`, `test_bmm` | the same names |
//!
//! MiniTorch's tensors are too small to be cut into tasks, so these tests repeat them until they are large enough.

// Only this one of MiniTorch's modules is about speed, and is compiled for it.
#[path = "../semantics/tests/strategies/mod.rs"]
mod strategies;

use minitorch_core::indexing::Indices;
use minitorch_core::{Cpu, Shape, Tensor};
use minitorch_tests::devices::{Threads, cpus};
use minitorch_tests::gradients::{self, within};
use minitorch_tests::math_functions::{one_argument, reductions, two_arguments};
use minitorch_tests::oracle;
use minitorch_tests::real::assert_same;
use proptest::prelude::*;
use strategies::{
    Drawn, T, at, config, drawn, drawn_pairs, orders, right, right_two, shapes, small,
};

/// The backend with threads, for gradient checks, whose operands are small.
fn fast() -> Cpu<f64> {
    Cpu::builder().executor(Threads(2)).build()
}

/// How often a tensor is repeated to have work for several threads.
fn times(x: &T) -> usize {
    70_000usize.div_ceil(x.elements())
}

/// `x`, repeated along a new first axis.
fn repeated(x: &T) -> T {
    let shape = [&[times(x)], &**x.shape()].concat();
    x.expand(Shape::new(&shape).unwrap())
}

/// What `f` gives on one thread, after making sure that every backend gives its bits.
#[track_caller]
fn everywhere(name: &str, f: &dyn Fn(&Cpu<f64>) -> T) -> T {
    let expected = f(&Cpu::default());
    let values = expected.to_vec();
    for device in cpus() {
        let what = || format!("{name} on {device:?}");
        assert_same(&f(&device).to_vec(), &values, &what);
    }
    expected
}

/// Fails unless `many` is `one` over and over, to the bit.
#[track_caller]
fn repeats(name: &str, many: &T, one: &T) {
    let one = one.to_vec();
    for part in many.to_vec().chunks(one.len()) {
        assert_same(part, &one, &|| name.to_string());
    }
}

fn tensors() -> impl Strategy<Value = Drawn> {
    shapes().prop_flat_map(|shape| drawn(&shape))
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn test_one_args(x in tensors()) {
        for ((name, f), (_, number)) in one_argument::<T>().into_iter().zip(one_argument::<f64>()) {
            let many = everywhere(name, &|device| f(&repeated(&x.on(device))));
            let small = x.on(&fast());
            let one = f(&small);
            for index in Indices::new(*small.shape()) {
                prop_assert_eq!(at(&one, &index), number(&at(&small, &index)), "{} at {}", name, index);
            }
            repeats(name, &many, &one);
        }
    }

    #[test]
    fn test_two_args([a, b] in drawn_pairs()) {
        for ((name, f), (_, number)) in two_arguments::<T>().into_iter().zip(two_arguments::<f64>()) {
            let many = everywhere(name, &|device| f(&repeated(&a.on(device)), &b.on(device)));
            let (a, b) = (a.on(&fast()), b.on(&fast()));
            let one = f(&a, &b);
            for index in Indices::new(*a.shape()) {
                let expected = number(&at(&a, &index), &at(&b, &index));
                prop_assert_eq!(at(&one, &index), expected, "{} at {}", name, index);
            }
            repeats(name, &many, &one);
        }
    }

    #[test]
    fn test_one_derivative(x in tensors()) {
        for (name, f) in one_argument::<T>() {
            let grad = |device: &Cpu<f64>, spread: fn(&T) -> T| {
                let leaf = x.on(device).tracked();
                let grads = f(&spread(&leaf)).sum_all().backward();
                grads.get(&leaf).unwrap().clone()
            };
            // The gradient of the repeated tensor is the sum over all repeats.
            let many = everywhere(name, &|device| grad(device, repeated));
            let one = grad(&fast(), |leaf| leaf.clone());
            let times = times(&one) as f64;
            for (many, one) in many.to_vec().into_iter().zip(one.to_vec()) {
                prop_assert!((many - times * one).abs() <= 1e-12 * many.abs(), "{}: {} {}", name, many, one);
            }
        }
    }

    #[test]
    fn test_reduce(x in tensors()) {
        for (name, f) in reductions() {
            // The axis that is folded is long, and then it is short and the others are long.
            for last in [0, x.shape.len()] {
                let many = |device: &Cpu<f64>| repeated(&x.on(device)).transpose(0, last);
                let actual = everywhere(name, &|device| f(&many(device)));
                let whole = many(&fast());
                let axes: Vec<bool> = (0..whole.rank()).map(|axis| axis == 0 || name == "mean_full_red").collect();
                let sums = oracle::fold(&whole.to_vec(), whole.shape(), &axes, 0.0, &|a, b| a + b);
                let count = if name == "sum_red" { 1 } else { whole.elements() / sums.len() };
                let expected: Vec<f64> = sums.iter().map(|sum| sum / count as f64).collect();
                assert_same(&actual.to_vec(), &expected, &|| name.to_string());
            }
            right(name, &|[x]| f(x), [&x.on(&fast())]);
        }
    }

    #[test]
    fn test_permute((x, order) in tensors().prop_flat_map(|x| {
        let order = orders(x.shape.len());
        (Just(x), order)
    })) {
        let later: Vec<usize> = std::iter::once(0).chain(order.iter().map(|axis| axis + 1)).collect();
        let many = everywhere("permute", &|device| repeated(&x.on(device)).permute(&later).contiguous());
        let small = x.on(&fast());
        repeats("permute", &many, &small.permute(&order));
        right("permute", &|[x]| x.permute(&order), [&small]);
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn test_create(values in prop::collection::vec(small(), 1..100)) {
        let tensor = T::from_slice(&fast(), &values, [values.len()]);
        for (i, &value) in values.iter().enumerate() {
            prop_assert_eq!(at(&tensor, &[i]).to_bits(), value.to_bits());
        }
    }

    #[test]
    fn test_two_grad([a, b] in drawn_pairs()) {
        let (a, b) = (a.on(&fast()), b.on(&fast()));
        for (name, f) in two_arguments::<T>() {
            right_two(name, f, &a, &b);
        }
    }

    #[test]
    fn test_two_grad_broadcast([a, b] in drawn_pairs()) {
        let (a, b) = (a.on(&fast()), b.on(&fast()));
        for (name, f) in two_arguments::<T>() {
            right_two(name, f, &a.sum_keepdim(&[0]), &b);
            right_two(name, f, &a, &b.sum_keepdim(&[0]));
        }
    }

    #[test]
    fn test_bmm([a, b] in [2..=4usize, 2..=4, 2..=4, 2..=4].prop_flat_map(|[d, i, k, j]| {
        [drawn(&[d, i, k]), drawn(&[1, k, j])]
    })) {
        let product = everywhere("matmul", &|device| a.on(device).matmul(&b.on(device)));
        let (a, b) = (a.on(&fast()), b.on(&fast()));
        let [&[d, i, k], &[1, _, j]] = [&**a.shape(), &**b.shape()] else { panic!("three axes") };
        let each = b.to_vec().repeat(d);
        assert_same(&product.to_vec(), &oracle::matmul(&a.to_vec(), &each, [d, i, k, j]), &|| "matmul".into());
        // The same by broadcasting and a sum, as module 2 does it; each of its products is rounded.
        let sums = (a.unsqueeze(3) * b.unsqueeze(1)).sum(&[2]);
        prop_assert_eq!(sums.shape(), product.shape());
        for (sum, product) in sums.to_vec().into_iter().zip(product.to_vec()) {
            prop_assert!((sum - product).abs() < 1e-10);
        }
        right("matmul", &|[a, b]| a.matmul(b), [&a, &b]);
    }
}

#[test]
fn test_mm2() {
    // MiniTorch's sizes, and some that are cut into tasks.
    for [i, k, j] in [[2, 3, 4], [90, 130, 70]] {
        let (a, b) = (within(1, &[i, k], 0.0, 1.0), within(2, &[k, j], 0.0, 1.0));
        let on = |x: &T, device: &Cpu<f64>| Tensor::from_slice(device, &x.to_vec(), x.shape());
        let product = everywhere("matmul", &|device| on(&a, device).matmul(&on(&b, device)));
        let expected = oracle::matmul(&a.to_vec(), &b.to_vec(), [1, i, k, j]);
        assert_same(&product.to_vec(), &expected, &|| "matmul".into());
        let sums = (a.view_as([i, k, 1]) * b.view_as([1, k, j])).sum(&[1]);
        for (sum, product) in sums.to_vec().into_iter().zip(product.to_vec()) {
            assert!((sum - product).abs() < 1e-12);
        }
    }
    let (a, b) = (within(1, &[2, 3], 0.0, 1.0), within(2, &[3, 4], 0.0, 1.0));
    gradients::right("matmul", &|[a, b]| a.try_matmul(b), [&a, &b]);
}
