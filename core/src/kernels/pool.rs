//! Pooling: windows without padding that fold to their mean or their largest element.

use super::split::{self, Cut};
use super::{Context, Operand};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// How many windows of a row fold at a time.
const STRETCH: usize = 64;

/// Elements that a task reads at least.
const TASK: usize = 1 << 15;

/// The mean of each window of `[b, c, h, w]`: taps added row by row from +0, then one division by their number.
pub(crate) fn avg<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    fold(context, x, window, false, out);
}

/// The largest element of each window of `[b, c, h, w]`, folded row by row by [`Element::maximum`].
pub(crate) fn max<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    fold(context, x, window, true, out);
}

/// The gradient of [`avg`]: each input sums, from +0, `g / taps` of its windows in row-major order.
pub(crate) fn avg_grad<E: Element>(
    context: Context<'_>,
    g: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    spread(context, None, g, window, out);
}

/// The gradient of [`max`]: the first of the largest elements of a window gets its gradient (not-a-number is the
/// largest); each input sums, from +0, over its windows in row-major order.
pub(crate) fn max_grad<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    g: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    spread(context, Some(x), g, window, out);
}

fn fold<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    window: &Window,
    largest: bool,
    out: &mut [E],
) {
    let plane = window.output[0] * window.output[1];
    if out.is_empty() {
        return;
    }
    let grain = TASK / (window.kernel[0] * window.kernel[1]);
    let cut = Cut::new(context.executor.workers(), out.len(), plane, grain);
    split::chunks(context.executor, out, cut, &|start, out| {
        context.level.run(Fold {
            x,
            window,
            largest,
            first: start / plane,
            out,
        });
    });
}

fn spread<E: Element>(
    context: Context<'_>,
    x: Option<Operand<'_, E>>,
    g: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    let plane = window.input[0] * window.input[1];
    if out.is_empty() {
        return;
    }
    let cut = Cut::new(context.executor.workers(), out.len(), plane, TASK);
    split::chunks(context.executor, out, cut, &|start, out| {
        context.level.run(Spread {
            x,
            g,
            window,
            first: start / plane,
            out,
        });
    });
}

/// The planes of a `[b, c, h, w]` operand.
#[derive(Clone, Copy)]
struct Planes<'a, E> {
    operand: Operand<'a, E>,
    channels: usize,
    strides: [usize; 4],
}

impl<'a, E: Element> Planes<'a, E> {
    fn new(operand: Operand<'a, E>) -> Self {
        let mut strides = [0; 4];
        strides.copy_from_slice(operand.layout.strides());
        Self {
            operand,
            channels: operand.layout.shape()[1],
            strides,
        }
    }

    /// The elements of a plane from its first one on.
    #[inline(always)]
    fn plane(&self, plane: usize) -> &'a [E] {
        let at = plane / self.channels * self.strides[0] + plane % self.channels * self.strides[1];
        &self.operand.data[self.operand.layout.offset() + at..]
    }
}

/// The folded planes `first..`, as many as `out` has.
struct Fold<'a, 'o, E> {
    x: Operand<'a, E>,
    window: &'a Window,
    largest: bool,
    first: usize,
    out: &'o mut [E],
}

impl<E: Element> Kernel for Fold<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            x,
            window,
            largest,
            first,
            out,
        } = self;
        let planes = Planes::new(x);
        let [.., row, column] = planes.strides;
        let Window {
            kernel,
            stride,
            output,
            ..
        } = *window;
        let taps = E::from_f64((kernel[0] * kernel[1]) as f64);
        let start = if largest { E::NEG_INFINITY } else { E::ZERO };
        // Windows side by side in contiguous rows, as most are, fold a row of windows at a time.
        let side_by_side = column == 1 && kernel[1] == stride[1];
        for (n, out) in out.chunks_exact_mut(output[0] * output[1]).enumerate() {
            let x = planes.plane(first + n);
            for (y, out) in out.chunks_exact_mut(output[1]).enumerate() {
                for left in (0..output[1]).step_by(STRETCH) {
                    let out = &mut out[left..output[1].min(left + STRETCH)];
                    let mut totals = [start; STRETCH];
                    for i in 0..kernel[0] {
                        let at = (y * stride[0] + i) * row + left * stride[1] * column;
                        let x = &x[at..];
                        match (kernel[1], largest) {
                            (2, false) if side_by_side => {
                                fold_row::<2, E>(x, out.len(), &mut totals, |a, b| a + b)
                            }
                            (4, false) if side_by_side => {
                                fold_row::<4, E>(x, out.len(), &mut totals, |a, b| a + b)
                            }
                            (2, true) if side_by_side => {
                                fold_row::<2, E>(x, out.len(), &mut totals, E::maximum)
                            }
                            (4, true) if side_by_side => {
                                fold_row::<4, E>(x, out.len(), &mut totals, E::maximum)
                            }
                            _ => {
                                for (place, total) in totals[..out.len()].iter_mut().enumerate() {
                                    for j in 0..kernel[1] {
                                        let x = x[(place * stride[1] + j) * column];
                                        *total = if largest {
                                            E::maximum(*total, x)
                                        } else {
                                            *total + x
                                        };
                                    }
                                }
                            }
                        }
                    }
                    for (out, &total) in out.iter_mut().zip(&totals) {
                        *out = if largest { total } else { total / taps };
                    }
                }
            }
        }
    }
}

/// How many totals to compute when `count` of a row of `x`, `K` elements each, are wanted: whole vectors, if there are
/// elements to read for them. What is too much is never used, and it is faster than a rest.
#[inline(always)]
fn whole_vectors<const K: usize, E>(x: &[E], count: usize) -> usize {
    let whole = count.next_multiple_of(LANES);
    if whole * K <= x.len() { whole } else { count }
}

/// Folds the next `K` elements of `x` into each of `count` totals.
#[inline(always)]
fn fold_row<const K: usize, E: Element>(
    x: &[E],
    count: usize,
    totals: &mut [E; STRETCH],
    fold: impl Fn(E, E) -> E,
) {
    let count = whole_vectors::<K, E>(x, count);
    for (total, x) in totals[..count]
        .iter_mut()
        .zip(x[..count * K].as_chunks::<K>().0)
    {
        *total = x.iter().fold(*total, |total, &x| fold(total, x));
    }
}

/// The gradients of the planes `first..`, as many as `out` has.
struct Spread<'a, 'o, E> {
    /// The input, where the largest element gets it all.
    x: Option<Operand<'a, E>>,
    g: Operand<'a, E>,
    window: &'a Window,
    first: usize,
    out: &'o mut [E],
}

impl<E: Element> Kernel for Spread<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            x,
            g,
            window,
            first,
            out,
        } = self;
        let (xs, gs) = (x.map(Planes::new), Planes::new(g));
        let Window {
            kernel,
            stride,
            output,
            input,
            ..
        } = *window;
        let taps = E::from_f64((kernel[0] * kernel[1]) as f64);
        out.fill(E::ZERO);
        for (n, out) in out.chunks_exact_mut(input[0] * input[1]).enumerate() {
            for y in 0..output[0] {
                for left in (0..output[1]).step_by(STRETCH) {
                    let count = STRETCH.min(output[1] - left);
                    let corner = [y * stride[0], left * stride[1]];
                    let at = y * gs.strides[2] + left * gs.strides[3];
                    let g = &gs.plane(first + n)[at..];
                    let g = |place: usize| g[place * gs.strides[3]];
                    if let Some(xs) = &xs {
                        let places = largest(xs, first + n, corner, count, window);
                        for (place, tap) in places[..count].iter().enumerate() {
                            let (i, j) = (*tap as usize / kernel[1], *tap as usize % kernel[1]);
                            let at = (corner[0] + i) * input[1] + corner[1];
                            let out = &mut out[at + place * stride[1] + j];
                            *out = *out + g(place);
                        }
                    } else {
                        let mut shares = [E::ZERO; STRETCH];
                        for (place, share) in shares[..count].iter_mut().enumerate() {
                            *share = g(place) / taps;
                        }
                        for i in 0..kernel[0] {
                            let at = (corner[0] + i) * input[1] + corner[1];
                            let out = &mut out[at..];
                            match kernel[1] {
                                2 if stride[1] == 2 => add_row::<2, E>(out, &shares[..count]),
                                4 if stride[1] == 4 => add_row::<4, E>(out, &shares[..count]),
                                _ => {
                                    for (place, &share) in shares[..count].iter().enumerate() {
                                        let out = &mut out[place * stride[1]..][..kernel[1]];
                                        out.iter_mut().for_each(|out| *out = *out + share);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Adds each share to the next `K` elements.
#[inline(always)]
fn add_row<const K: usize, E: Element>(out: &mut [E], shares: &[E]) {
    for (out, &share) in out.as_chunks_mut::<K>().0.iter_mut().zip(shares) {
        *out = out.map(|out| out + share);
    }
}

/// For each of `count` windows, the first at `corner`: which tap, row by row, is the first of the largest elements.
#[inline(always)]
fn largest<E: Element>(
    xs: &Planes<'_, E>,
    plane: usize,
    corner: [usize; 2],
    count: usize,
    window: &Window,
) -> [u32; STRETCH] {
    let Window { kernel, stride, .. } = *window;
    let [.., row, column] = xs.strides;
    let (mut best, mut places) = ([E::NEG_INFINITY; STRETCH], [0; STRETCH]);
    for i in 0..kernel[0] {
        let x = &xs.plane(plane)[(corner[0] + i) * row + corner[1] * column..];
        let tap = (i * kernel[1]) as u32;
        match kernel[1] {
            2 if stride[1] == 2 && column == 1 => {
                best_row::<2, E>(x, count, tap, &mut best, &mut places)
            }
            4 if stride[1] == 4 && column == 1 => {
                best_row::<4, E>(x, count, tap, &mut best, &mut places)
            }
            _ => {
                for (place, (best, at)) in best[..count].iter_mut().zip(&mut places).enumerate() {
                    for j in 0..kernel[1] {
                        let x = x[(place * stride[1] + j) * column];
                        (*best, *at) = better(*best, *at, x, tap + j as u32);
                    }
                }
            }
        }
    }
    places
}

/// Compares the next `K` elements of `x`, the taps from `tap` on, with the best of each of `count` windows.
#[inline(always)]
fn best_row<const K: usize, E: Element>(
    x: &[E],
    count: usize,
    tap: u32,
    best: &mut [E; STRETCH],
    places: &mut [u32; STRETCH],
) {
    let count = whole_vectors::<K, E>(x, count);
    let windows = x[..count * K].as_chunks::<K>().0;
    for ((best, place), x) in best[..count]
        .iter_mut()
        .zip(&mut places[..count])
        .zip(windows)
    {
        for (j, &x) in x.iter().enumerate() {
            (*best, *place) = better(*best, *place, x, tap + j as u32);
        }
    }
}

/// The larger one and its place; the first if they are equal, and the first that is not a number if there is one.
///
/// Starting at negative infinity in place 0 is right even if nothing is larger: then tap 0 is one of the largest.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn better<E: Element>(best: E, place: u32, x: E, tap: u32) -> (E, u32) {
    let wins = (x > best) | ((x != x) & (best == best));
    (if wins { x } else { best }, if wins { tap } else { place })
}
