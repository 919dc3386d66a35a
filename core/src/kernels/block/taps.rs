//! Which element of each window pooling took, where windows do not overlap: what the backward pass needs to know of maps
//! that are pooled to their largest element.
//!
//! ```text
//! tap[window] = the first tap, row by row, that has what pooling took, or the number of taps if ReLU passes nothing on
//! ```
//!
//! A number of a tap is a whole number below 2^24, which any element type holds exactly.

use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::pool::Planes;
use crate::ops::Unary;
use crate::ops::unary::Relu;
use crate::reduction::LANES;

/// Whether taps say which elements of the maps have a gradient, and which one: if no element is in two windows.
pub(super) fn possible(window: &Window) -> bool {
    let [rows, columns] = window.kernel;
    // The stride of a window that is alone says nothing.
    let apart = (0..2).all(|a| window.output[a] == 1 || window.stride[a] >= window.kernel[a]);
    apart && rows.saturating_mul(columns) < 1 << 24
}

/// Finds the taps of some planes.
pub(super) struct Find<'a, 'o, E> {
    pub(super) window: &'a Window,
    /// Whether the maps went through ReLU.
    pub(super) relu: bool,
    pub(super) maps: &'a [E],
    /// What pooling made of them.
    pub(super) pooled: &'a [E],
    pub(super) taps: &'o mut [E],
}

impl<E: Element> Kernel for Find<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        debug_assert_eq!(self.taps.len(), self.pooled.len());
        if self.window.kernel == [4, 4] {
            self.planes::<I, 4>();
        } else {
            self.planes::<I, 0>();
        }
    }
}

impl<E: Element> Find<'_, '_, E> {
    /// All planes, whose windows have `K` rows and columns, or any number of them.
    #[inline(always)]
    fn planes<I: Isa, const K: usize>(self) {
        let Window {
            kernel,
            stride,
            input: [height, width],
            output: [lines, windows],
            ..
        } = *self.window;
        let [rows, columns] = if K > 0 { [K; 2] } else { kernel };
        let planes = self.maps.chunks_exact(height * width);
        let pooled = self.pooled.chunks_exact(lines * windows);
        let taps = self.taps.chunks_exact_mut(lines * windows);
        for ((plane, pooled), taps) in planes.zip(pooled).zip(taps) {
            let pooled = pooled.chunks_exact(windows);
            for (y, (taps, pooled)) in taps.chunks_exact_mut(windows).zip(pooled).enumerate() {
                for (x, (tap, &best)) in taps.iter_mut().zip(pooled).enumerate() {
                    let window = &plane[y * stride[0] * width + x * stride[1]..];
                    let first = if K == 4 {
                        first_of_16::<I, E>(window, width, best)
                    } else {
                        first::<I, E>(window, width, [rows, columns], best)
                    };
                    // Only what is not a number equals nothing.
                    let first = first.unwrap_or_else(|| first_that_is_none(window, width, columns));
                    let passes = !self.relu | (Relu.grad::<I, E>(best, E::ONE) != E::ZERO);
                    let tap_or_none = if passes { first } else { rows * columns };
                    *tap = E::from_whole(tap_or_none as u32);
                }
            }
        }
    }
}

/// The first element of a 4x4 window that equals `best`.
#[inline(always)]
fn first_of_16<I: Isa, E: Element>(window: &[E], width: usize, best: E) -> Option<usize> {
    let mut all = 0;
    for half in 0..2 {
        let mut elements = [E::ZERO; LANES];
        let (above, below) = elements.split_at_mut(LANES / 2);
        for (i, to) in [above, below].into_iter().enumerate() {
            let at = (2 * half + i) * width;
            to.copy_from_slice(window[at..].first_chunk::<{ LANES / 2 }>()?);
        }
        all |= E::equal::<I>(elements, best) << (half * LANES);
    }
    (all != 0).then(|| all.trailing_zeros() as usize)
}

/// The first element of a window that equals `best`.
#[inline(always)]
fn first<I: Isa, E: Element>(
    window: &[E],
    width: usize,
    [rows, columns]: [usize; 2],
    best: E,
) -> Option<usize> {
    (0..rows).find_map(|i| {
        let line = &window[i * width..][..columns];
        let (chunks, rest) = line.as_chunks::<LANES>();
        let in_chunks = chunks.iter().enumerate().find_map(|(n, chunk)| {
            let hits = E::equal::<I>(*chunk, best);
            (hits != 0).then(|| n * LANES + hits.trailing_zeros() as usize)
        });
        let in_rest = || {
            let at = rest.iter().position(|&x| x == best)?;
            Some(columns - rest.len() + at)
        };
        in_chunks.or_else(in_rest).map(|j| i * columns + j)
    })
}

/// The first element of a window that is not a number: that is what pooling takes if there is one.
#[cold]
fn first_that_is_none<E: Element>(window: &[E], width: usize, columns: usize) -> usize {
    let mut lines = window.chunks(width).enumerate();
    #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
    let first = lines.find_map(|(i, line)| {
        let at = line[..columns.min(line.len())]
            .iter()
            .position(|&x| x != x)?;
        Some(i * columns + at)
    });
    first.unwrap_or(0)
}

/// The gradient of some planes of maps, before ReLU, from that of what pooling made of them.
pub(super) struct Scatter<'a, 'o, E> {
    pub(super) window: &'a Window,
    pub(super) taps: &'a [E],
    pub(super) g: Planes<'a, E>,
    pub(super) out: &'o mut [E],
}

impl<E: Element> Scatter<'_, '_, E> {
    pub(super) fn run(self) {
        let Window {
            kernel: [rows, columns],
            stride,
            input: [height, width],
            output: [lines, windows],
            ..
        } = *self.window;
        let planes = self.out.chunks_exact_mut(height * width);
        let taps = self.taps.chunks_exact(lines * windows);
        for (n, (plane, taps)) in planes.zip(taps).enumerate() {
            let g = self.g.elements(n);
            plane.fill(E::ZERO);
            for (at, tap) in taps.iter().enumerate() {
                let ([y, x], tap) = ([at / windows, at % windows], tap.to_whole() as usize);
                if tap < rows * columns {
                    let row = y * stride[0] + tap / columns;
                    let column = x * stride[1] + tap % columns;
                    // An element sums the gradients of its windows, from +0.
                    plane[row * width + column] = E::ZERO + g(y, x);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Level;
    use alloc::vec;
    use alloc::vec::Vec;

    /// Two planes of windows with these rows and columns, apart, with a margin that is in no window.
    fn window(kernel: [usize; 2]) -> Window {
        let stride = [kernel[0] + 1, kernel[1]];
        let output = [2, 3];
        Window {
            kernel,
            stride,
            before: [0; 2],
            input: [0, 1].map(|a| (output[a] - 1) * stride[a] + kernel[a] + 1),
            output,
        }
    }

    /// What pooling takes, and the first tap that has it.
    fn expected(window: &Window, relu: bool, plane: &[f64], [y, x]: [usize; 2]) -> (f64, usize) {
        let [rows, columns] = window.kernel;
        let taps = (0..rows * columns).map(|tap| {
            let row = y * window.stride[0] + tap / columns;
            plane[row * window.input[1] + x * window.stride[1] + tap % columns]
        });
        let best = taps.clone().fold(f64::NEG_INFINITY, Element::maximum);
        let first = taps.clone().position(f64::is_nan);
        let first = first.or_else(|| taps.clone().position(|tap| tap == best));
        let blocked = relu && best <= 0.0;
        (
            best,
            if blocked {
                rows * columns
            } else {
                first.unwrap()
            },
        )
    }

    #[test]
    fn taps_are_the_first_of_what_pooling_took() {
        let kinds = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        // Planes with few kinds of elements, so that there are ties, and windows without any that is above 0.
        for few in [
            &kinds[..2],
            &kinds[..4],
            &kinds[3..4],
            &kinds[5..6],
            &kinds[1..6],
            &kinds,
        ] {
            for kernel in [[4, 4], [3, 9], [1, 2], [2, 8]] {
                let window = window(kernel);
                let (area, windows) = (window.input[0] * window.input[1], 6);
                let mut state = 1_u64;
                let mut maps = vec![0.0; 2 * area];
                maps.fill_with(|| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    few[(state >> 33) as usize % few.len()]
                });
                for relu in [true, false] {
                    let all: Vec<_> = (0..2 * windows)
                        .map(|n| {
                            let plane = &maps[n / windows * area..][..area];
                            expected(&window, relu, plane, [n % windows / 3, n % 3])
                        })
                        .collect();
                    let pooled: Vec<f64> = all.iter().map(|&(best, _)| best).collect();
                    for level in Level::supported() {
                        let mut taps = vec![-1.0; 2 * windows];
                        level.run(Find {
                            window: &window,
                            relu,
                            maps: &maps,
                            pooled: &pooled,
                            taps: &mut taps,
                        });
                        let found = taps.iter().map(|tap| tap.to_whole() as usize);
                        let wanted = all.iter().map(|&(_, tap)| tap);
                        assert!(found.eq(wanted), "{few:?} {kernel:?} {relu} {level:?}");
                    }
                }
            }
        }
    }
}
