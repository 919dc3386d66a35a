//! Convolution and pooling, over kernels, strides and paddings.

use super::agree;
use crate::oracle::spatial::{Pooled, forward, input_grad, weight_grad};
use crate::real::Real;
use crate::samples::{Sample, plain, special, ties, views};
use minitorch_core::Backend;
use minitorch_core::backend::Window;

/// `b, c, o` and the window: kernels larger than the stride and smaller, all kinds of padding, one dimension.
fn windows() -> Vec<([usize; 3], Window)> {
    let window =
        |input: [usize; 2], kernel, stride: [usize; 2], before: [usize; 2], output| Window {
            kernel,
            stride,
            before,
            input,
            output,
        };
    vec![
        ([1, 1, 1], window([1, 1], [1, 1], [1, 1], [0, 0], [1, 1])),
        ([2, 1, 4], window([7, 9], [3, 3], [1, 1], [0, 0], [7, 9])),
        ([3, 4, 5], window([6, 17], [3, 3], [1, 1], [1, 1], [6, 17])),
        ([2, 3, 2], window([9, 8], [3, 2], [2, 3], [0, 0], [4, 3])),
        ([1, 2, 3], window([5, 5], [2, 3], [3, 1], [1, 2], [3, 7])),
        ([2, 5, 3], window([1, 30], [1, 4], [1, 1], [0, 0], [1, 27])),
        ([2, 2, 2], window([4, 4], [4, 4], [4, 4], [0, 0], [1, 1])),
        ([1, 2, 2], window([6, 6], [1, 1], [3, 2], [0, 0], [2, 3])),
        ([0, 2, 2], window([4, 4], [3, 3], [1, 1], [1, 1], [4, 4])),
        ([2, 0, 3], window([4, 4], [3, 3], [1, 1], [1, 1], [4, 4])),
        ([2, 3, 0], window([4, 4], [3, 3], [1, 1], [1, 1], [4, 4])),
        // Enough taps for tiles over the ends of lines, forward and backward.
        (
            [2, 15, 16],
            window([6, 20], [3, 3], [1, 1], [1, 1], [6, 20]),
        ),
        (
            [8, 6, 7],
            window([20, 21], [3, 3], [1, 1], [1, 1], [20, 21]),
        ),
    ]
}

/// Convolution and both of its gradients.
///
/// # Panics
/// If a device differs from the definition.
pub fn convolution<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for (sizes @ [b, c, o], window) in windows() {
        let ([h, w], [kh, kw], [oh, ow]) = (window.input, window.kernel, window.output);
        for values in [plain::<B::Elem>, special] {
            let xs = views(&[b, c, h, w], &|at| values(31, at));
            let weights = views(&[o, c, kh, kw], &|at| values(32, at));
            let gs = views(&[b, o, oh, ow], &|at| values(33, at));
            for (x, weight, g) in triples(&xs, &weights, &gs) {
                let [xe, we, ge] = [x, weight, g].map(Sample::elements);
                let expected = forward(&xe, &we, sizes, &window);
                agree(
                    devices,
                    "conv2d",
                    [x, weight],
                    &expected,
                    |device, [x, weight]| device.conv2d(x, weight, &window),
                );
                let expected = input_grad(&ge, &we, sizes, &window);
                agree(
                    devices,
                    "conv2d_input_grad",
                    [g, weight],
                    &expected,
                    |device, [g, weight]| device.conv2d_input_grad(g, weight, &window),
                );
                let expected = weight_grad(&xe, &ge, sizes, &window);
                agree(
                    devices,
                    "conv2d_weight_grad",
                    [x, g],
                    &expected,
                    |device, [x, g]| device.conv2d_weight_grad(x, g, &window),
                );
            }
        }
    }
}

type Triple<'a, E> = (&'a Sample<E>, &'a Sample<E>, &'a Sample<E>);

/// Each layout of each operand at least once.
fn triples<'a, E>(
    xs: &'a [Sample<E>],
    ws: &'a [Sample<E>],
    gs: &'a [Sample<E>],
) -> impl Iterator<Item = Triple<'a, E>> {
    (0..xs.len()).map(|i| (&xs[i], &ws[(i * 2) % ws.len()], &gs[(i * 5) % gs.len()]))
}

/// Average and maximum pooling with their gradients, on windows without padding.
///
/// # Panics
/// If a device differs from the definition.
pub fn pooling<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for ([b, c, _], window) in windows() {
        let room =
            |axis: usize| (window.input[axis] - window.kernel[axis]) / window.stride[axis] + 1;
        let window = Window {
            before: [0; 2],
            output: [room(0), room(1)],
            ..window
        };
        let ([h, w], [oh, ow]) = (window.input, window.output);
        for values in [special::<B::Elem>, ties, plain] {
            let xs = views(&[b, c, h, w], &|at| values(41, at));
            let gs = views(&[b, c, oh, ow], &|at| values(42, at));
            for (x, g, _) in triples(&xs, &gs, &gs) {
                let (x_elements, g_elements) = (x.elements(), g.elements());
                let Pooled {
                    average,
                    average_grad,
                    largest,
                    largest_grad,
                } = &Pooled::new(&x_elements, &g_elements, b * c, &window);
                agree(devices, "avg_pool2d", [x], average, |device, [x]| {
                    device.avg_pool2d(x, &window)
                });
                agree(
                    devices,
                    "avg_pool2d_grad",
                    [g],
                    average_grad,
                    |device, [g]| device.avg_pool2d_grad(g, &window),
                );
                agree(devices, "max_pool2d", [x], largest, |device, [x]| {
                    device.max_pool2d(x, &window)
                });
                agree(
                    devices,
                    "max_pool2d_grad",
                    [x, g],
                    largest_grad,
                    |device, [x, g]| device.max_pool2d_grad(x, g, &window),
                );
            }
        }
    }
}
