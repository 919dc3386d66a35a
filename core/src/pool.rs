//! Pooling: windows without padding fold to one element.
//!
//! With `x` `[b, c, h, w]`, kernel `(kh, kw)` and stride `(sy, sx)`, the window of the output `(y, x)` has the taps
//! `x[n, c, y * sy + i, x * sx + j]` for `i < kh` and `j < kw`. MiniTorch's pooling is the case where stride and
//! kernel are equal. One dimension is the case `h = kh = 1`.
//!
//! Results are defined to the bit (R5 and R6 of the canonical arithmetic):
//!
//! * **Average.** Taps are added row by row to +0; the sum is divided by `kh * kw`, once.
//! * **Gradient of the average.** Each input adds, to +0, `g / (kh * kw)` of the windows that it is in, windows in
//!   row-major order.
//! * **Maximum.** Taps fold row by row with `max(a, b)` = `a` if `a > b` or `a` is not a number, else `b`.
//! * **Gradient of the maximum.** The first of the largest taps of a window takes its whole gradient; if some are not
//!   numbers, the first of those. Each input adds what it takes, to +0, windows in row-major order.
//!
//! The functions below are this text in the other operations of a [`Backend`]: its default methods, and what faster
//! ones are tested against.

use crate::backend::{Backend, View, Window};
use crate::element::Element;
use crate::error::Result;
use crate::isa::Isa;
use crate::layout::Layout;
use crate::ops::Op;
use crate::ops::binary::{Add, Div};

/// The mean of each window: `[b, c, h, w]` gives `[b, c, oh, ow]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn avg<B: Backend>(backend: &B, x: View<'_, B>, window: &Window) -> Result<B::Buffer> {
    let outputs = outputs(&x.layout, window)?;
    let mut total = backend.full(outputs.elements(), B::Elem::ZERO)?;
    if outputs.elements() == 0 {
        return Ok(total);
    }
    for tap in taps(window) {
        backend.update(
            Add,
            &mut total,
            &outputs,
            [View::new(x.buffer, under(&x.layout, window, tap)?)],
        )?;
    }
    divide(backend, View::new(&total, outputs), window)
}

/// The gradient of [`avg`]: `[b, c, oh, ow]` gives `[b, c, h, w]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn avg_grad<B: Backend>(backend: &B, g: View<'_, B>, window: &Window) -> Result<B::Buffer> {
    let inputs = inputs(&g.layout, window)?;
    let mut out = backend.full(inputs.elements(), B::Elem::ZERO)?;
    if g.layout.elements() == 0 {
        return Ok(out);
    }
    let share = divide(backend, g, window)?;
    let share = View::new(&share, outputs(&inputs, window)?);
    // An input's windows ascend where its place in them, the tap, descends.
    for tap in taps(window).rev() {
        backend.update(Add, &mut out, &under(&inputs, window, tap)?, [share])?;
    }
    Ok(out)
}

/// The largest element of each window: `[b, c, h, w]` gives `[b, c, oh, ow]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn max<B: Backend>(backend: &B, x: View<'_, B>, window: &Window) -> Result<B::Buffer> {
    let outputs = outputs(&x.layout, window)?;
    let mut best = backend.full(outputs.elements(), B::Elem::NEG_INFINITY)?;
    if outputs.elements() == 0 {
        return Ok(best);
    }
    for tap in taps(window) {
        backend.update(
            Largest,
            &mut best,
            &outputs,
            [View::new(x.buffer, under(&x.layout, window, tap)?)],
        )?;
    }
    Ok(best)
}

/// The gradient of [`max`]: `[b, c, h, w]` and `[b, c, oh, ow]` give `[b, c, h, w]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn max_grad<B: Backend>(
    backend: &B,
    x: View<'_, B>,
    g: View<'_, B>,
    window: &Window,
) -> Result<B::Buffer> {
    let (inputs, outputs) = (inputs(&x.layout, window)?, outputs(&x.layout, window)?);
    let mut out = backend.full(inputs.elements(), B::Elem::ZERO)?;
    if g.layout.elements() == 0 {
        return Ok(out);
    }
    let best = max(backend, x, window)?;
    let best = View::new(&best, outputs);
    // Taps descend for the order of the windows, so the first tap is the last one to ask. The number of taps that
    // equal the maximum says when it has come.
    let mut hits = backend.full(outputs.elements(), B::Elem::ZERO)?;
    for tap in taps(window) {
        let x = View::new(x.buffer, under(&x.layout, window, tap)?);
        backend.update(Count, &mut hits, &outputs, [x, best])?;
    }
    for tap in taps(window).rev() {
        let x = View::new(x.buffer, under(&x.layout, window, tap)?);
        // `hits` is 1 at the first of the largest taps, and is counted down on the way to it.
        let taken = backend.map(Take, [View::new(&hits, outputs), x, best, g])?;
        backend.update(
            Add,
            &mut out,
            &under(&inputs, window, tap)?,
            [View::new(&taken, outputs)],
        )?;
        backend.update(Uncount, &mut hits, &outputs, [x, best])?;
    }
    Ok(out)
}

/// The taps of a window, row by row.
fn taps(window: &Window) -> impl DoubleEndedIterator<Item = [usize; 2]> {
    let columns = window.kernel[1];
    (0..window.kernel[0] * columns).map(move |tap| [tap / columns, tap % columns])
}

/// What each window of `[b, c, h, w]` shows under one tap: `[b, c, oh, ow]`.
fn under(layout: &Layout, window: &Window, tap: [usize; 2]) -> Result<Layout> {
    let mut view = *layout;
    for axis in 0..2 {
        // Without outputs the tap may lie outside.
        let start = if window.output[axis] > 0 {
            tap[axis]
        } else {
            0
        };
        view = view.slice(2 + axis, start, window.output[axis], window.stride[axis])?;
    }
    Ok(view)
}

/// The dense layout `[b, c, oh, ow]` for any `[b, c, ..]`.
fn outputs(layout: &Layout, window: &Window) -> Result<Layout> {
    Layout::contiguous([
        layout.shape()[0],
        layout.shape()[1],
        window.output[0],
        window.output[1],
    ])
}

/// The dense layout `[b, c, h, w]` for any `[b, c, ..]`.
fn inputs(layout: &Layout, window: &Window) -> Result<Layout> {
    Layout::contiguous([
        layout.shape()[0],
        layout.shape()[1],
        window.input[0],
        window.input[1],
    ])
}

/// `x` divided by the number of taps.
fn divide<B: Backend>(backend: &B, x: View<'_, B>, window: &Window) -> Result<B::Buffer> {
    let taps = backend.full(
        1,
        B::Elem::from_f64((window.kernel[0] * window.kernel[1]) as f64),
    )?;
    backend.map(
        Div,
        [
            x,
            View::new(&taps, Layout::contiguous([])?.expand(x.shape())?),
        ],
    )
}

/// Whether `x` is the largest of a window whose maximum is `best`.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn hit<E: Element>(x: E, best: E) -> bool {
    // If some tap is not a number, neither is the maximum.
    x == best || x != x
}

/// The fold of the maximum.
#[derive(Clone, Copy)]
pub(crate) struct Largest;

impl Op<2> for Largest {
    const NAME: &'static str = "pool_max";
    const C: &'static str = "mt_max(x0, x1)";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [best, x]: [E; 2]) -> E {
        E::maximum(best, x)
    }
}

/// `hits + 1` where `x` is the largest.
#[derive(Clone, Copy)]
pub(crate) struct Count;

impl Op<3> for Count {
    const NAME: &'static str = "pool_count";
    const C: &'static str = "x1 == x2 || x1 != x1 ? x0 + 1 : x0";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [hits, x, best]: [E; 3]) -> E {
        if hit(x, best) { hits + E::ONE } else { hits }
    }
}

/// `hits - 1` where `x` is the largest.
#[derive(Clone, Copy)]
pub(crate) struct Uncount;

impl Op<3> for Uncount {
    const NAME: &'static str = "pool_uncount";
    const C: &'static str = "x1 == x2 || x1 != x1 ? x0 - 1 : x0";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [hits, x, best]: [E; 3]) -> E {
        if hit(x, best) { hits - E::ONE } else { hits }
    }
}

/// `g` where `x` is the first of the largest, else +0.
#[derive(Clone, Copy)]
pub(crate) struct Take;

impl Op<4> for Take {
    const NAME: &'static str = "pool_take";
    const C: &'static str = "x0 == 1 && (x1 == x2 || x1 != x1) ? x3 : 0";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [hits, x, best, g]: [E; 4]) -> E {
        if hits == E::ONE && hit(x, best) {
            g
        } else {
            E::ZERO
        }
    }
}
