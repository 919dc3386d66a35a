//! Convolution and pooling, one output after the other, in the order that the canonical arithmetic defines.

use super::{arg_max, place};
use crate::real::Real;
use minitorch_core::backend::Window;

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
#[must_use]
pub fn forward<E: Real>(x: &[E], w: &[E], [b, c, o]: [usize; 3], window: &Window) -> Vec<E> {
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
#[must_use]
pub fn input_grad<E: Real>(g: &[E], w: &[E], [b, c, o]: [usize; 3], window: &Window) -> Vec<E> {
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
#[must_use]
pub fn weight_grad<E: Real>(x: &[E], g: &[E], [b, c, o]: [usize; 3], window: &Window) -> Vec<E> {
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

/// Pooling and its gradients.
#[derive(Clone, Debug)]
pub struct Pooled<E> {
    /// The mean of each window.
    pub average: Vec<E>,
    /// What each input takes of the gradients of the means.
    pub average_grad: Vec<E>,
    /// The largest element of each window.
    pub largest: Vec<E>,
    /// What each input takes of the gradients of the largest elements: the first of equal ones takes all.
    pub largest_grad: Vec<E>,
}

impl<E: Real> Pooled<E> {
    /// The pooled planes of `x`, of which there are `planes`, and the gradients for the results' gradients `g`.
    #[must_use]
    pub fn new(x: &[E], g: &[E], planes: usize, window: &Window) -> Self {
        let mut all = Self {
            average: Vec::new(),
            average_grad: Vec::new(),
            largest: Vec::new(),
            largest_grad: Vec::new(),
        };
        (0..planes).for_each(|plane| all.plane(x, g, plane, window));
        all
    }

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
            let first = arg_max(&shown);
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
