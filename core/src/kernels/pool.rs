//! Pooling: windows without padding that fold to their mean or their largest element.
//!
//! The gradients of most windows, side by side in contiguous rows, are the subject of [`tiles`].

mod tiles;

use super::split::{self, Cut};
use super::{Context, Operand};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};

/// How many windows fold at a time.
const STRETCH: usize = if super::SMALL { 16 } else { 64 };

/// Elements that a task reads at least.
const TASK: usize = 1 << 15;

/// The mean of each window of `[b, c, h, w]`: taps added row by row from +0, then one division by their number.
pub(crate) fn avg<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    pool(context, x, window, false, out);
}

/// The largest element of each window of `[b, c, h, w]`, folded row by row by [`Element::maximum`].
pub(crate) fn max<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    pool(context, x, window, true, out);
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

fn pool<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    window: &Window,
    largest: bool,
    out: &mut [E],
) {
    if out.is_empty() {
        return;
    }
    let plane = window.output[0] * window.output[1];
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
    if out.is_empty() {
        return;
    }
    let plane = window.input[0] * window.input[1];
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

/// The planes of a `[b, c, h, w]` operand, counted from one of them on.
#[derive(Clone, Copy)]
pub(crate) struct Planes<'a, E> {
    data: &'a [E],
    first: usize,
    channels: usize,
    strides: [usize; 4],
}

impl<'a, E: Element> Planes<'a, E> {
    pub(crate) fn new(operand: Operand<'a, E>, first: usize) -> Self {
        let mut strides = [0; 4];
        strides.copy_from_slice(operand.layout.strides());
        Self {
            data: &operand.data[operand.layout.offset()..],
            first,
            channels: operand.layout.shape()[1],
            strides,
        }
    }

    /// The elements of a plane from its first one on.
    #[inline(always)]
    fn plane(&self, plane: usize) -> &'a [E] {
        let plane = self.first + plane;
        let at = plane / self.channels * self.strides[0] + plane % self.channels * self.strides[1];
        &self.data[at..]
    }

    /// The element in a row and a column of a plane.
    #[inline(always)]
    pub(crate) fn elements(&self, plane: usize) -> impl Fn(usize, usize) -> E + use<'a, E> {
        let (elements, [.., row, column]) = (self.plane(plane), self.strides);
        move |y, x| elements[y * row + x * column]
    }
}

/// The folded planes `first..`, as many as `out` has.
pub(crate) struct Fold<'a, 'o, E> {
    pub(crate) x: Operand<'a, E>,
    pub(crate) window: &'a Window,
    pub(crate) largest: bool,
    pub(crate) first: usize,
    pub(crate) out: &'o mut [E],
}

impl<E: Element> Kernel for Fold<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (x, window) = (Planes::new(self.x, self.first), self.window);
        let taps = E::from_f64((window.kernel[0] * window.kernel[1]) as f64);
        if self.largest {
            fold::<Largest, E>(&x, window, self.out, |total| total);
        } else {
            fold::<Total, E>(&x, window, self.out, |total| total / taps);
        }
    }
}

/// How taps fold.
trait Taps {
    fn start<E: Element>() -> E;
    /// Folds the next taps of a window, in order.
    fn fold<const K: usize, E: Element>(total: E, taps: [E; K]) -> E;
}

struct Total;

impl Taps for Total {
    fn start<E: Element>() -> E {
        E::ZERO
    }
    #[inline(always)]
    fn fold<const K: usize, E: Element>(total: E, taps: [E; K]) -> E {
        taps.into_iter().fold(total, |total, tap| total + tap)
    }
}

struct Largest;

impl Taps for Largest {
    fn start<E: Element>() -> E {
        E::NEG_INFINITY
    }
    #[inline(always)]
    fn fold<const K: usize, E: Element>(total: E, taps: [E; K]) -> E {
        // The last one of the largest, however they are grouped: so that one row need not wait for the other.
        let largest = taps.into_iter().reduce(E::maximum);
        largest.map_or(total, |largest| E::maximum(total, largest))
    }
}

/// Folds each window, row by row, to `finish(total)`.
#[inline(always)]
fn fold<T: Taps, E: Element>(
    x: &Planes<'_, E>,
    window: &Window,
    out: &mut [E],
    finish: impl Fn(E) -> E,
) {
    if tiles::fit::<2, E>(window, &[x]) {
        tiles::fold::<2, E>(x, window, out, T::start(), T::fold, finish);
    } else if tiles::fit::<4, E>(window, &[x]) {
        tiles::fold::<4, E>(x, window, out, T::start(), T::fold, finish);
    } else {
        fold_windows::<T, E>(x, window, out, finish);
    }
}

/// [`fold`] for any windows.
#[inline(always)]
fn fold_windows<T: Taps, E: Element>(
    x: &Planes<'_, E>,
    window: &Window,
    out: &mut [E],
    finish: impl Fn(E) -> E,
) {
    let Window {
        kernel,
        stride,
        output,
        ..
    } = *window;
    let [.., row, column] = x.strides;
    for (n, out) in out.chunks_exact_mut(output[0] * output[1]).enumerate() {
        let x = x.plane(n);
        for (y, out) in out.chunks_exact_mut(output[1]).enumerate() {
            for (place, out) in out.iter_mut().enumerate() {
                let mut total = T::start();
                for i in 0..kernel[0] {
                    let x = &x[(y * stride[0] + i) * row + place * stride[1] * column..];
                    for j in 0..kernel[1] {
                        total = T::fold(total, [x[j * column]]);
                    }
                }
                *out = finish(total);
            }
        }
    }
}

/// The gradients of the planes `first..`, as many as `out` has.
pub(crate) struct Spread<'a, 'o, E> {
    /// The input, where the largest element gets it all.
    pub(crate) x: Option<Operand<'a, E>>,
    pub(crate) g: Operand<'a, E>,
    pub(crate) window: &'a Window,
    pub(crate) first: usize,
    pub(crate) out: &'o mut [E],
}

impl<E: Element> Kernel for Spread<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, window, out, .. } = self;
        let g = &Planes::new(self.g, self.first);
        if let Some(x) = x {
            let x = &Planes::new(x, self.first);
            if tiles::fit::<2, E>(window, &[x, g]) {
                tiles::max_grad::<2, E>(x, g, window, out);
            } else if tiles::fit::<4, E>(window, &[x, g]) {
                tiles::max_grad::<4, E>(x, g, window, out);
            } else {
                max_grad_windows(x, g, window, out);
            }
        } else if tiles::fit::<2, E>(window, &[g]) {
            tiles::avg_grad::<2, E>(g, window, out);
        } else if tiles::fit::<4, E>(window, &[g]) {
            tiles::avg_grad::<4, E>(g, window, out);
        } else {
            avg_grad_windows(g, window, out);
        }
    }
}

#[inline(always)]
fn avg_grad_windows<E: Element>(g: &Planes<'_, E>, window: &Window, out: &mut [E]) {
    let Window {
        kernel,
        stride,
        input,
        output,
        ..
    } = *window;
    let taps = E::from_f64((kernel[0] * kernel[1]) as f64);
    out.fill(E::ZERO);
    for (n, out) in out.chunks_exact_mut(input[0] * input[1]).enumerate() {
        let g = g.elements(n);
        for y in 0..output[0] {
            for x in 0..output[1] {
                let share = g(y, x) / taps;
                for i in 0..kernel[0] {
                    let at = (y * stride[0] + i) * input[1] + x * stride[1];
                    let out = &mut out[at..][..kernel[1]];
                    out.iter_mut().for_each(|out| *out = *out + share);
                }
            }
        }
    }
}

#[inline(always)]
fn max_grad_windows<E: Element>(
    x: &Planes<'_, E>,
    g: &Planes<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    let Window {
        stride,
        input,
        output,
        ..
    } = *window;
    out.fill(E::ZERO);
    for (n, out) in out.chunks_exact_mut(input[0] * input[1]).enumerate() {
        let g = g.elements(n);
        for y in 0..output[0] {
            for left in (0..output[1]).step_by(STRETCH) {
                let count = STRETCH.min(output[1] - left);
                let corner = [y * stride[0], left * stride[1]];
                let places = largest(x, n, corner, count, window);
                for (place, [i, j]) in places[..count].iter().enumerate() {
                    let at = (corner[0] + i) * input[1] + corner[1] + place * stride[1] + j;
                    out[at] = out[at] + g(y, left + place);
                }
            }
        }
    }
}

/// For each of `count` windows, the first at `corner`: row and column of the first of its largest elements.
#[inline(always)]
fn largest<E: Element>(
    x: &Planes<'_, E>,
    plane: usize,
    corner: [usize; 2],
    count: usize,
    window: &Window,
) -> [[usize; 2]; STRETCH] {
    let [.., row, column] = x.strides;
    let (mut best, mut places) = ([E::NEG_INFINITY; STRETCH], [[0; 2]; STRETCH]);
    for i in 0..window.kernel[0] {
        let x = &x.plane(plane)[(corner[0] + i) * row + corner[1] * column..];
        for (place, (best, at)) in best[..count].iter_mut().zip(&mut places).enumerate() {
            for j in 0..window.kernel[1] {
                let x = x[(place * window.stride[1] + j) * column];
                // Nothing wins over a number that is none. If nothing is larger than negative infinity, the first tap
                // is one of the largest.
                #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
                if x > *best || (x != x && *best == *best) {
                    (*best, *at) = (x, [i, j]);
                }
            }
        }
    }
    places
}
