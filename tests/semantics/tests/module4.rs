//! MiniTorch's tests of module 4, under their names: convolution, pooling, softmax and dropout.
//!
//! | file | its tests | here |
//! | --- | --- | --- |
//! | `test_conv.py` | 7: `test_conv1d_simple`, `test_conv1d`, `test_conv1d_channel`, `test_conv`, `test_conv_batch`, `test_conv_channel`, `test_conv2` | the same names |
//! | `test_nn.py` | 6: `test_avg`, `test_max`, `test_max_pool`, `test_drop`, `test_softmax`, `test_log_softmax` | the same names |
//!
//! MiniTorch compares convolutions with nothing but their own gradients, pooling and softmax in one place. Here every
//! element has a second definition, in `minitorch_tests::oracle`.

mod strategies;

use minitorch_core::backend::Window;
use minitorch_core::nn::{Dropout, Layer, Module};
use minitorch_core::{Cpu, Generator, Padding, Shape, Tensor};
use minitorch_tests::gradients::some;
use minitorch_tests::oracle::spatial::{Pooled, forward, input_grad, weight_grad};
use minitorch_tests::oracle::{arg_max, indices};
use minitorch_tests::real::assert_same;
use proptest::prelude::*;
use strategies::{T, at, config, right, tensor, tensors};

/// The sizes of four axes.
fn sizes(x: &T) -> [usize; 4] {
    <[usize; 4]>::try_from(&**x.shape()).unwrap()
}

/// MiniTorch's convolution, whose kernel is anchored at the top left and whose output has the size of the input.
fn conv2d(x: &T, weight: &T) -> T {
    x.conv2d(weight, [1, 1], Padding::MiniTorch)
}

/// The result, and the gradients of its sum weighted with uneven numbers: with those, and by which operands.
fn gradients<const N: usize>(f: &dyn Fn([&T; N]) -> T, operands: [&T; N]) -> (T, T, [T; N]) {
    let leaves = operands.map(Tensor::tracked);
    let out = f(leaves.each_ref());
    let g = some(5, out.shape());
    let grads = (&out * &g).sum_all().backward();
    (
        out.detach(),
        g,
        leaves
            .each_ref()
            .map(|leaf| grads.get(leaf).unwrap().clone()),
    )
}

#[track_caller]
fn same(actual: &T, expected: &[f64], what: &str) {
    assert_same(&actual.to_vec(), expected, &|| what.to_string());
}

/// The convolution and both gradients, to the bit.
#[track_caller]
fn convolves(x: &T, weight: &T) {
    let ([b, c, h, w], [o, _, kh, kw]) = (sizes(x), sizes(weight));
    let window = Window {
        kernel: [kh, kw],
        stride: [1, 1],
        before: [0, 0],
        input: [h, w],
        output: [h, w],
    };
    let (out, g, [by_x, by_weight]) = gradients(&|[x, weight]| conv2d(x, weight), [x, weight]);
    let (xs, ws, gs) = (x.to_vec(), weight.to_vec(), g.to_vec());
    assert_eq!(sizes(&out), [b, o, h, w]);
    same(&out, &forward(&xs, &ws, [b, c, o], &window), "conv2d");
    let expected = input_grad(&gs, &ws, [b, c, o], &window);
    same(&by_x, &expected, "the gradient by the input");
    let expected = weight_grad(&xs, &gs, [b, c, o], &window);
    same(&by_weight, &expected, "the gradient by the weight");
    right("conv2d", &|[x, weight]| conv2d(x, weight), [x, weight]);
}

/// The same in one dimension: a plane of one line.
#[track_caller]
fn convolves_1d(x: &T, weight: &T) {
    convolves(&x.unsqueeze(2), &weight.unsqueeze(2));
    let line = |x: &T, weight: &T| x.conv1d(weight, 1, Padding::MiniTorch);
    let plane = conv2d(&x.unsqueeze(2), &weight.unsqueeze(2)).squeeze(2);
    assert_eq!(line(x, weight).shape(), plane.shape());
    same(&line(x, weight), &plane.to_vec(), "conv1d");
    right("conv1d", &|[x, weight]| line(x, weight), [x, weight]);
}

/// Both kinds of pooling with their gradients, to the bit, over every tiling that MiniTorch's tests have.
#[track_caller]
fn pools(x: &T, of: impl Fn(&Pooled<f64>) -> [&[f64]; 2], pool: fn(&T, [usize; 2]) -> T) {
    let [b, c, h, w] = sizes(x);
    for kernel in [[2, 2], [2, 1], [1, 2], [4, 4], [1, 1]] {
        let window = Window {
            kernel,
            stride: kernel,
            before: [0, 0],
            input: [h, w],
            output: [h / kernel[0], w / kernel[1]],
        };
        let (out, g, [grad]) = gradients(&|[x]| pool(x, kernel), [x]);
        let pooled = Pooled::new(&x.to_vec(), &g.to_vec(), b * c, &window);
        let [expected, expected_grad] = of(&pooled);
        assert_eq!(sizes(&out), [b, c, window.output[0], window.output[1]]);
        same(&out, expected, "pooling");
        same(&grad, expected_grad, "the gradient of pooling");
    }
}

#[test]
fn test_conv1d_simple() {
    let line = |values: &[f64]| T::from_slice(&Cpu::default(), values, [1, 1, values.len()]);
    let t = line(&[0.0, 1.0, 2.0, 3.0]);
    let out = t.conv1d(&line(&[1.0, 2.0, 3.0]), 1, Padding::MiniTorch);
    assert_eq!(out.to_vec(), [8.0, 14.0, 8.0, 3.0]);
    // `reverse=True` is the gradient's direction: the kernel ends where it started.
    let turned = line(&[3.0, 2.0, 1.0]);
    let back = t.conv1d(&turned, 1, Padding::MiniTorchReverse);
    assert_eq!(back.to_vec(), [0.0, 1.0, 4.0, 10.0]);
}

#[test]
fn test_conv2() {
    let dev = Cpu::default();
    let t = T::arange(&dev, 0.0, 4, 1.0).expand([4, 4]);
    let t = t.unsqueeze(0).unsqueeze(0);
    let ones = T::ones(&dev, [1, 1, 2, 2]);
    let out = conv2d(&t, &ones).to_vec();
    let row = [2.0, 6.0, 10.0, 6.0];
    assert_eq!(out[..12], [row; 3].concat());
    assert_eq!(out[12..], row.map(|x| x / 2.0));
    convolves(&t, &ones);
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn test_conv1d(x in tensor(&[1, 1, 6]), weight in tensor(&[1, 1, 4])) {
        convolves_1d(&x, &weight);
    }

    #[test]
    fn test_conv1d_channel(x in tensor(&[2, 2, 6]), weight in tensor(&[3, 2, 2])) {
        convolves_1d(&x, &weight);
    }

    #[test]
    fn test_conv(x in tensor(&[1, 1, 6, 6]), weight in tensor(&[1, 1, 2, 4])) {
        convolves(&x, &weight);
    }

    #[test]
    fn test_avg(x in tensor(&[2, 3, 4, 4])) {
        let pool = |x: &T, kernel| x.avg_pool2d(kernel, kernel);
        pools(&x, |pooled| [&pooled.average, &pooled.average_grad], pool);
        right("avg_pool2d", &|[x]| pool(x, [2, 2]), [&x]);
    }

    #[test]
    fn test_max_pool(x in tensor(&[2, 3, 4, 4]), ties in prop::collection::vec(0..3u8, 96)) {
        let pool = |x: &T, kernel| x.max_pool2d(kernel, kernel);
        let ties: Vec<f64> = ties.into_iter().map(f64::from).collect();
        for x in [x, T::from_slice(&Cpu::default(), &ties, [2, 3, 4, 4])] {
            pools(&x, |pooled| [&pooled.largest, &pooled.largest_grad], pool);
        }
    }

    #[test]
    fn test_max(x in tensor(&[2, 3, 4]), ties in prop::collection::vec(0..3u8, 24)) {
        let ties: Vec<f64> = ties.into_iter().map(f64::from).collect();
        for x in [x, T::from_slice(&Cpu::default(), &ties, [2, 3, 4])] {
            for axis in 0..3 {
                let (out, g, [grad]) = gradients(&|[x]| x.max(axis), [&x]);
                let mut expected = vec![0.0; 24];
                let first = x.argmax(axis).to_vec();
                let kept: Vec<usize> = (0..3).filter(|&other| other != axis).collect();
                for (number, index) in indices(out.shape()).enumerate() {
                    let mut full = vec![0; 3];
                    full[kept[0]] = index[0];
                    full[kept[1]] = index[1];
                    let along: Vec<f64> = (0..x.shape()[axis])
                        .map(|i| {
                            full[axis] = i;
                            at(&x, &full)
                        })
                        .collect();
                    let best = arg_max(&along);
                    prop_assert_eq!(at(&out, &index), along.iter().copied().fold(f64::MIN, f64::max));
                    prop_assert_eq!(first[number] as usize, best);
                    full[axis] = best;
                    expected[full[0] * 12 + full[1] * 4 + full[2]] = at(&g, &index);
                }
                same(&grad, &expected, "the gradient of max");
            }
        }
    }

    #[test]
    fn test_drop(x in tensors(), seed in any::<u64>()) {
        let mut rng = Generator::new(seed);
        same(&x.dropout(0.0, &mut rng), &x.to_vec(), "nothing is dropped");
        prop_assert!(x.dropout(1.0, &mut rng).to_vec().iter().all(|&y| y == 0.0), "all is dropped");
        let mut layer = Dropout::new(1.0, &mut rng).unwrap();
        prop_assert!(layer.forward(&x).to_vec().iter().all(|&y| y == 0.0));
        Module::<Cpu<f64>>::eval(&mut layer);
        same(&layer.forward(&x), &x.to_vec(), "nothing is dropped in evaluation");
        // What stays is scaled, and gradients take the same way.
        let (out, g, [grad]) = gradients(&|[x]| x.dropout(0.5, &mut Generator::new(seed)), [&x]);
        for index in indices(x.shape()) {
            let (x, y, g, grad) = (at(&x, &index), at(&out, &index), at(&g, &index), at(&grad, &index));
            prop_assert!((y, grad) == (0.0, 0.0) || (y, grad) == (2.0 * x, 2.0 * g));
        }
    }

    #[test]
    fn test_softmax(x in tensor(&[2, 3, 4, 4])) {
        for axis in 0..4 {
            let soft = x.softmax(axis);
            for (actual, log) in soft.to_vec().into_iter().zip(log_softmax(&x, axis)) {
                prop_assert!((actual - log.exp()).abs() <= 1e-12 * log.exp(), "{} {}", actual, log.exp());
            }
            for sum in soft.sum(&[axis]).to_vec() {
                prop_assert!((sum - 1.0).abs() < 1e-15 * 4.0);
            }
            right("softmax", &|[x]| x.softmax(axis), [&x]);
        }
    }

    #[test]
    fn test_log_softmax(x in tensor(&[2, 3, 4, 4])) {
        for axis in 0..4 {
            let log = x.log_softmax(axis);
            for (actual, expected) in log.to_vec().into_iter().zip(log_softmax(&x, axis)) {
                prop_assert!((actual - expected).abs() <= 1e-13 * (1.0 + expected.abs()), "{} {}", actual, expected);
            }
            right("log_softmax", &|[x]| x.log_softmax(axis), [&x]);
        }
    }
}

/// `x - log(sum(exp(x)))` along an axis: numbers up to 100 need no care in double precision.
fn log_softmax(x: &T, axis: usize) -> Vec<f64> {
    let size = |of: usize| if of == axis { x.shape()[axis] } else { 1 };
    let along = Shape::new(&(0..x.rank()).map(size).collect::<Vec<_>>()).unwrap();
    let share = |mut index: Vec<usize>| {
        let own = at(x, &index);
        index[axis] = 0;
        let total: f64 = indices(&along)
            .map(|step| {
                let place: Vec<usize> = index.iter().zip(&step).map(|(a, b)| a + b).collect();
                at(x, &place).exp()
            })
            .sum();
        own - total.ln()
    };
    indices(x.shape()).map(share).collect()
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn test_conv_batch(x in tensor(&[2, 1, 6, 6]), weight in tensor(&[1, 1, 2, 4])) {
        convolves(&x, &weight);
    }

    #[test]
    fn test_conv_channel(x in tensor(&[2, 2, 6, 6]), weight in tensor(&[3, 2, 2, 4])) {
        convolves(&x, &weight);
    }
}
