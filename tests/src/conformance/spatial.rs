//! Convolution and pooling, over kernels, strides and paddings.

use super::agree;
use crate::oracle::place;
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
        (
            [8, 6, 7],
            window([20, 21], [3, 3], [1, 1], [1, 1], [20, 21]),
        ),
    ]
}

/// The element of a padded image, and +0 outside of it.
fn padded<E: Real>(
    x: &[E],
    [n, c]: [usize; 2],
    channels: usize,
    at: [isize; 2],
    size: [usize; 2],
) -> E {
    let inside = |axis: usize| usize::try_from(at[axis]).ok().filter(|&at| at < size[axis]);
    match (inside(0), inside(1)) {
        (Some(row), Some(column)) => {
            x[place(
                &[n, c, row, column],
                &[usize::MAX, channels, size[0], size[1]],
            )]
        }
        _ => E::ZERO,
    }
}

fn reads(window: &Window, output: [usize; 2], tap: [usize; 2]) -> [isize; 2] {
    [0, 1].map(|axis| {
        (output[axis] * window.stride[axis] + tap[axis]) as isize - window.before[axis] as isize
    })
}

fn pairs([height, width]: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    (0..height).flat_map(move |y| (0..width).map(move |x| [y, x]))
}

/// The output: channel, row, column, fused, from +0 (R4).
fn forward<E: Real>(x: &[E], w: &[E], [b, c, o]: [usize; 3], window: &Window) -> Vec<E> {
    let [kh, kw] = window.kernel;
    let mut out = Vec::new();
    for [n, o] in pairs([b, o]) {
        for at in pairs(window.output) {
            let mut sum = E::ZERO;
            for channel in 0..c {
                for tap in pairs(window.kernel) {
                    let x = padded(x, [n, channel], c, reads(window, at, tap), window.input);
                    sum = w[place(&[o, channel, tap[0], tap[1]], &[0, c, kh, kw])].fused(x, sum);
                }
            }
            out.push(sum);
        }
    }
    out
}

/// The gradient by the input: output channel, row, column; taps between strides do not exist (R4).
fn input_grad<E: Real>(g: &[E], w: &[E], [b, c, o]: [usize; 3], window: &Window) -> Vec<E> {
    let [kh, kw] = window.kernel;
    let mut out = Vec::new();
    for [n, channel] in pairs([b, c]) {
        for at in pairs(window.input) {
            let mut sum = E::ZERO;
            for o_at in 0..o {
                for tap in pairs(window.kernel) {
                    let far = [0, 1]
                        .map(|axis| (at[axis] + window.before[axis]) as isize - tap[axis] as isize);
                    let stride = window.stride.map(usize::cast_signed);
                    if (0..2).any(|axis| far[axis].rem_euclid(stride[axis]) != 0) {
                        continue;
                    }
                    let from = [0, 1].map(|axis| far[axis].div_euclid(stride[axis]));
                    let g = padded(g, [n, o_at], o, from, window.output);
                    sum = w[place(&[o_at, channel, tap[0], tap[1]], &[0, c, kh, kw])].fused(g, sum);
                }
            }
            out.push(sum);
        }
    }
    out
}

/// The gradient by the weight: eight lanes of columns for each image, combined as a tree, images in order (R4).
fn weight_grad<E: Real>(x: &[E], g: &[E], [b, c, o]: [usize; 3], window: &Window) -> Vec<E> {
    let mut out = Vec::new();
    for [o_at, channel] in pairs([o, c]) {
        for tap in pairs(window.kernel) {
            let image = |n: usize| {
                let mut lane = [E::ZERO; 8];
                for at in pairs(window.output) {
                    let x = padded(x, [n, channel], c, reads(window, at, tap), window.input);
                    let g = padded(g, [n, o_at], o, at.map(usize::cast_signed), window.output);
                    lane[at[1] % 8] = g.fused(x, lane[at[1] % 8]);
                }
                let [a, b, c, d, e, f, g, h] = lane;
                ((a + e) + (c + g)) + ((b + f) + (d + h))
            };
            out.push((0..b).fold(E::ZERO, |sum, n| sum + image(n)));
        }
    }
    out
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
                let mut expected = Pooled::default();
                for [n, channel] in pairs([b, c]) {
                    expected.plane(&x_elements, &g_elements, n * c + channel, &window);
                }
                let Pooled {
                    average,
                    average_grad,
                    largest,
                    largest_grad,
                } = &expected;
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

#[derive(Default)]
struct Pooled<E> {
    average: Vec<E>,
    average_grad: Vec<E>,
    largest: Vec<E>,
    largest_grad: Vec<E>,
}

impl<E: Real> Pooled<E> {
    fn plane(&mut self, x: &[E], g: &[E], plane: usize, window: &Window) {
        let ([h, w], [oh, ow]) = (window.input, window.output);
        let taps = E::from_f64((window.kernel[0] * window.kernel[1]) as f64);
        let start = self.average_grad.len();
        self.average_grad.resize(start + h * w, E::ZERO);
        self.largest_grad.resize(start + h * w, E::ZERO);
        for at in pairs(window.output) {
            let places: Vec<usize> = pairs(window.kernel)
                .map(|tap| {
                    (at[0] * window.stride[0] + tap[0]) * w + at[1] * window.stride[1] + tap[1]
                })
                .collect();
            let shown: Vec<E> = places
                .iter()
                .map(|&place| x[plane * h * w + place])
                .collect();
            let g = g[plane * oh * ow + at[0] * ow + at[1]];
            self.average
                .push(shown.iter().fold(E::ZERO, |sum, &x| sum + x) / taps);
            // Between zeros the one that the fold ends with stays: `max(a, b)` is `b` unless `a` is larger (R6).
            let max = |a: E, b: E| {
                if a > b || a.partial_cmp(&a).is_none() {
                    a
                } else {
                    b
                }
            };
            self.largest
                .push(shown.iter().fold(E::NEG_INFINITY, |a, &b| max(a, b)));
            let first = crate::oracle::arg_max(&shown);
            for (tap, &place) in places.iter().enumerate() {
                let grad = &mut self.average_grad[start + place];
                *grad = *grad + g / taps;
                if tap == first {
                    let grad = &mut self.largest_grad[start + place];
                    *grad = *grad + g;
                }
            }
        }
    }
}
