//! Gradients are the same bits on every instruction set and number of threads.

use minitorch_core::{Cpu, Generator, Index, Padding, Tensor};
use minitorch_tests::devices::cpus;
use minitorch_tests::real::assert_same;
use minitorch_tests::samples::plain;

/// Runs `f` on tracked operands of every device and compares result and gradients with those of the first device.
fn same_everywhere(what: &str, shapes: &[&[usize]], f: &dyn Fn(&[Tensor]) -> Tensor) {
    let mut first: Option<Vec<Vec<f32>>> = None;
    for device in cpus::<f32>() {
        let operands: Vec<Tensor> = (1..)
            .zip(shapes)
            .map(|(seed, shape)| {
                let values: Vec<f32> = (0..shape.iter().product())
                    .map(|at| plain(seed, at))
                    .collect();
                Tensor::from_slice(&device, &values, minitorch_core::Shape::new(shape).unwrap())
                    .tracked()
            })
            .collect();
        let out = f(&operands);
        let mut all = vec![out.to_vec()];
        let seed: Vec<f32> = (0..out.elements()).map(|at| plain(99, at)).collect();
        let seed = Tensor::from_slice(&device, &seed, *out.shape());
        let grads = out.backward_with(seed);
        all.extend(
            operands
                .iter()
                .map(|operand| grads.get(operand).unwrap().to_vec()),
        );
        let first = first.get_or_insert_with(|| all.clone());
        for (number, (mine, other)) in all.iter().zip(first).enumerate() {
            assert_same(mine, other, &|| {
                format!("{what}: number {number} on {device:?}")
            });
        }
        assert!(
            all.iter().flatten().any(|&x| x != 0.0 && x.is_finite()),
            "{what} is trivial"
        );
    }
}

macro_rules! unary_table {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
        eval($x:ident) $eval:block c $c:literal grad($($args:ident),*) $grad:block c $grad_c:literal;)*) => {
        #[test]
        fn unary_operations() {
            $(same_everywhere(stringify!($method), &[&[150, 140]], &|x| x[0].transpose(0, 1).$method());)*
        }
    };
}
minitorch_core::with_unary_ops!(unary_table);

macro_rules! binary_table {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident eval($a:ident, $b:ident) $eval:block c $c:literal
        slopes($left:ident, $right:ident) grads($($args:ident),*) $grads:block c [$($grads_c:literal),*];)*) => {
        #[test]
        fn binary_operations() {
            // Comparisons have no gradient; adding the operands gives them one.
            $(same_everywhere(stringify!($method), &[&[150, 140], &[140]], &|x| {
                x[0].$method(&x[1]) + &x[0] * &x[1]
            });)*
        }
    };
}
minitorch_core::with_binary_ops!(binary_table);

#[test]
fn reductions() {
    for axes in [&[0][..], &[1], &[2], &[0, 2], &[1, 2], &[0, 1, 2]] {
        same_everywhere("sum", &[&[20, 33, 40]], &|x| x[0].square().sum(axes));
        same_everywhere("var", &[&[20, 33, 40]], &|x| x[0].var(axes, 1));
    }
    same_everywhere("max", &[&[20, 33, 40]], &|x| x[0].max(1));
    same_everywhere("prod", &[&[3000, 7]], &|x| x[0].prod(&[1]));
    same_everywhere("softmax", &[&[70, 300]], &|x| x[0].softmax(1));
    same_everywhere("log_softmax", &[&[300, 70]], &|x| x[0].log_softmax(0));
    same_everywhere("logsumexp", &[&[300, 70]], &|x| x[0].logsumexp(1));
    same_everywhere("broadcast", &[&[300, 1], &[70]], &|x| &x[0] * &x[1]);
}

#[test]
fn products_and_windows() {
    same_everywhere("matmul", &[&[3, 60, 70], &[70, 50]], &|x| {
        x[0].matmul(&x[1])
    });
    same_everywhere("matmul of views", &[&[90, 80], &[60, 90]], &|x| {
        x[0].transpose(0, 1).matmul(&x[1].transpose(0, 1))
    });
    for padding in [Padding::MiniTorch, Padding::Symmetric([1, 1])] {
        for stride in [[1, 1], [2, 2]] {
            same_everywhere("conv2d", &[&[8, 4, 20, 21], &[6, 4, 3, 3]], &|x| {
                x[0].conv2d(&x[1], stride, padding)
            });
        }
    }
    same_everywhere("conv1d", &[&[10, 20, 60], &[30, 20, 3]], &|x| {
        x[0].conv1d(&x[1], 1, Padding::Valid)
    });
    same_everywhere("avg_pool2d", &[&[10, 8, 20, 20]], &|x| {
        x[0].avg_pool2d([3, 3], [2, 2])
    });
    same_everywhere("max_pool2d", &[&[10, 8, 20, 20]], &|x| {
        x[0].max_pool2d([2, 2], [2, 2])
    });
}

#[test]
fn places() {
    let index = |x: &Tensor, count: u32, bound: u32| {
        let numbers: Vec<u32> = (0..count).map(|i| i * i % bound).collect();
        Index::new(x.device(), &numbers).unwrap()
    };
    same_everywhere("rows", &[&[60, 50]], &|x| x[0].rows(&index(&x[0], 500, 60)));
    same_everywhere("pick", &[&[200, 3, 100]], &|x| {
        x[0].pick(1, &index(&x[0], 20_000, 3))
    });
    same_everywhere("cat", &[&[200, 60], &[200, 70]], &|x| {
        Tensor::cat(&[x[0].clone(), x[1].clone(), x[0].clone()], 1)
    });
    same_everywhere("window", &[&[200, 130]], &|x| x[0].window(1, 3, 1).exp());
    same_everywhere("dropout", &[&[200, 130]], &|x| {
        x[0].dropout(0.3, &mut Generator::new(1))
    });
    same_everywhere("clamp", &[&[200, 130]], &|x| {
        x[0].clamp(-1.0, 2.0).powf(3.0)
    });
}

/// A whole network at a small size: ten steps of training give one set of weights.
#[test]
fn training() {
    let run = |device: &Cpu| {
        let mut rng = Generator::new(4);
        let mut weights = [
            Tensor::randn(device, [6, 1, 3, 3], &mut rng) * 0.3,
            Tensor::randn(device, [6 * 12 * 12, 10], &mut rng) * 0.05,
        ];
        let x = Tensor::rand(device, [8, 1, 24, 24], &mut rng);
        let labels = Index::new(device, &[0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        for _ in 0..10 {
            let leaves = weights.each_ref().map(Tensor::tracked);
            let hidden = x
                .conv2d(&leaves[0], [1, 1], Padding::MiniTorch)
                .relu()
                .max_pool2d([2, 2], [2, 2]);
            let hidden = hidden.reshape([8, 6 * 12 * 12]).dropout(0.25, &mut rng);
            let loss = -hidden
                .matmul(&leaves[1])
                .log_softmax(1)
                .pick(1, &labels)
                .mean_all();
            let grads = loss.backward();
            for (weight, leaf) in weights.iter_mut().zip(&leaves) {
                *weight = &*weight - grads.get(leaf).unwrap() * 0.1;
            }
        }
        weights.map(|weight| weight.to_vec())
    };
    let mut first = None;
    for device in cpus::<f32>() {
        let weights = run(&device);
        let first = first.get_or_insert_with(|| weights.clone());
        for (mine, other) in weights.iter().zip(first.iter()) {
            assert_same(mine, other, &|| format!("{device:?}"));
        }
    }
}
