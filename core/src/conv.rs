//! Convolution: the formula, the shapes, the padding, and the order of the sums.
//!
//! # The formula
//!
//! "Convolution" is cross-correlation, as everywhere in deep learning. With `x` `[b, c, h, w]`, `weight`
//! `[o, c, kh, kw]`, stride `(sy, sx)` and `(py, px)` rows and columns of padding before the image, the output
//! `[b, o, oh, ow]` is
//!
//! ```text
//! out[n, o, y, x] = sum over c, i, j of  weight[o, c, i, j] * x[n, c, y * sy + i - py, x * sx + j - px]
//! ```
//!
//! where `x` is 0 outside of the image. One dimension is the case `h = kh = 1`.
//!
//! # Padding
//!
//! Two conventions keep the size of the image:
//!
//! * MiniTorch anchors the kernel at the left and top: `py = px = 0`, `oh = h`, `ow = w`, and the taps run over the
//!   right and bottom edges, where the padding is (`kh - 1` rows and `kw - 1` columns).
//! * Symmetric padding `p`, everybody else's: `py = px = p`, `oh = (h + 2p - kh) / sy + 1`.
//!
//! A [`Window`] has the padding before the image and the size of the output; what lies behind follows from them.
//!
//! # The order (R4 of the canonical arithmetic)
//!
//! Results are defined to the bit:
//!
//! * **Output.** One accumulator per element, from +0, taps in the order (channel, row, column), each
//!   `acc = fma(weight, x, acc)`. Taps in the padding multiply +0.
//! * **Gradient by the input.** One accumulator per element, from +0, over the taps (output channel, row, column) in
//!   that order, each `acc = fma(weight, g, acc)`. A tap `(i, j)` meets the input `(y, x)` if `sy` divides `y + py - i`
//!   and `sx` divides `x + px - j`; other taps do not exist. Where the quotients lie outside of the output, `g` is +0. (Along
//!   an axis with a single output any larger stride is the smallest that leaves one: [`Padding`](crate::Padding) makes it so.)
//! * **Gradient by the weight.** An image gives each weight eight lanes, from +0; lane `l` takes
//!   `lane = fma(g, x, lane)` for the outputs in the columns `l, l + 8, ..` of each row, rows ascending. Padding is +0.
//!   The lanes combine as `((0+4)+(2+6))+((1+5)+(3+7))`, and the images' sums are added, ascending, to +0.
//!
//! The functions below are this text in the other operations of a [`Backend`]: its default methods, and what faster
//! ones are tested against.

use crate::backend::{Backend, View, Window};
use crate::element::Element;
use crate::error::Result;
use crate::layout::Layout;
use crate::ops::binary::Add;
use crate::ops::unary::Identity;
use crate::reduction::LANES;

/// `[b, c, h, w]` and `[o, c, kh, kw]` give `[b, o, oh, ow]`; see the [module](self).
///
/// # Errors
/// Those of the backend's operations.
pub fn forward<B: Backend>(
    backend: &B,
    x: View<'_, B>,
    weight: View<'_, B>,
    window: &Window,
) -> Result<B::Buffer> {
    let Window {
        kernel: [kh, kw],
        output: [oh, ow],
        ..
    } = *window;
    let (b, c, o) = (x.shape()[0], x.shape()[1], weight.shape()[0]);
    let out = Layout::contiguous([b, o, oh, ow])?;
    if out.elements() == 0 || weight.layout.elements() == 0 {
        return backend.full(out.elements(), B::Elem::ZERO);
    }
    let (padded, layout) = pad(backend, x, window)?;
    // [b, c, oh, ow, kh, kw] -> [b, c, kh, kw, oh, ow]
    let windows = slide(&layout, window)?.permute(&[0, 1, 4, 5, 2, 3])?;
    let taps = backend.map(Identity, [View::new(&padded, windows)])?;
    let taps = View::new(&taps, Layout::contiguous([b, c * kh * kw, oh * ow])?);
    let weight = backend.map(Identity, [weight])?;
    let rows = Layout::contiguous([o, c * kh * kw])?.expand([b, o, c * kh * kw])?;
    backend.matmul(View::new(&weight, rows), taps)
}

/// `[b, o, oh, ow]` and `[o, c, kh, kw]` give `[b, c, h, w]`: the gradient by the input; see the [module](self).
///
/// # Errors
/// Those of the backend's operations.
pub fn input_grad<B: Backend>(
    backend: &B,
    g: View<'_, B>,
    weight: View<'_, B>,
    window: &Window,
) -> Result<B::Buffer> {
    let (b, o, c) = (g.shape()[0], g.shape()[1], weight.shape()[1]);
    let Window {
        kernel,
        stride,
        input,
        ..
    } = *window;
    let image = Layout::contiguous([b, c, input[0], input[1]])?;
    let mut out = backend.full(image.elements(), B::Elem::ZERO)?;
    if image.elements() == 0 || weight.layout.elements() == 0 {
        return Ok(out);
    }
    let firsts = [0, 1].map(|a| stride[a].min(input[a]));
    for first in (0..firsts[0] * firsts[1]).map(|n| [n / firsts[1], n % firsts[1]]) {
        // The inputs first, first + stride, .., for which (y + before) % stride is phase, and the taps that they meet.
        let phase = [0, 1].map(|a| (first[a] + window.before[a]) % stride[a]);
        let count = [0, 1].map(|a| (input[a] - first[a]).div_ceil(stride[a]));
        let taps = [0, 1].map(|a| kernel[a].saturating_sub(phase[a]).div_ceil(stride[a]));
        if taps.contains(&0) {
            continue;
        }
        // [b, o, taps, taps, count, count]: what each tap of each input reads.
        let read = Layout::contiguous([b, o, taps[0], taps[1], count[0], count[1]])?;
        let mut gathered = backend.full(read.elements(), B::Elem::ZERO)?;
        for i in 0..taps[0] {
            for j in 0..taps[1] {
                // Input number m reads output m + shift, where that exists.
                let shift = [0, 1].map(|a| {
                    ((first[a] + window.before[a]) / stride[a]) as isize - [i, j][a] as isize
                });
                let (mut to, mut from) = (read.select(2, i)?.select(2, j)?, g.layout);
                for axis in 0..2 {
                    let skip = (-shift[axis]).max(0).cast_unsigned().min(count[axis]);
                    let start = shift[axis].max(0).cast_unsigned().min(window.output[axis]);
                    let both = (count[axis] - skip).min(window.output[axis] - start);
                    to = to.narrow(2 + axis, skip, both)?;
                    from = from.narrow(2 + axis, start, both)?;
                }
                backend.assign(&mut gathered, &to, View::new(g.buffer, from))?;
            }
        }
        let met = weight
            .layout
            .slice(2, phase[0], taps[0], stride[0])?
            .slice(3, phase[1], taps[1], stride[1])?;
        let met = backend.map(
            Identity,
            [View::new(weight.buffer, met.permute(&[1, 0, 2, 3])?)],
        )?;
        let depth = o * taps[0] * taps[1];
        let rows = View::new(&met, Layout::contiguous([c, depth])?.expand([b, c, depth])?);
        let columns = View::new(
            &gathered,
            Layout::contiguous([b, depth, count[0] * count[1]])?,
        );
        let part = backend.matmul(rows, columns)?;
        let to = image
            .slice(2, first[0], count[0], stride[0])?
            .slice(3, first[1], count[1], stride[1])?;
        backend.assign(
            &mut out,
            &to,
            View::new(&part, Layout::contiguous([b, c, count[0], count[1]])?),
        )?;
    }
    Ok(out)
}

/// `[b, c, h, w]` and `[b, o, oh, ow]` give `[o, c, kh, kw]`: the gradient by the weight; see the [module](self).
///
/// # Errors
/// Those of the backend's operations.
pub fn weight_grad<B: Backend>(
    backend: &B,
    x: View<'_, B>,
    g: View<'_, B>,
    window: &Window,
) -> Result<B::Buffer> {
    let Window {
        kernel: [kh, kw],
        output: [oh, ow],
        ..
    } = *window;
    let (b, c, o) = (x.shape()[0], x.shape()[1], g.shape()[1]);
    let count = Layout::contiguous([o, c, kh, kw])?.elements();
    if count == 0 || g.layout.elements() == 0 {
        return backend.full(count, B::Elem::ZERO);
    }
    let (padded, layout) = pad(backend, x, window)?;
    // [b, c, oh, ow, kh, kw] -> [b, oh, ow, c, kh, kw]
    let windows = slide(&layout, window)?.permute(&[0, 2, 3, 1, 4, 5])?;
    let weights = c * kh * kw;
    let sums = Layout::contiguous([b, o, weights])?;
    // One lane of all images: a product over its positions, rows first.
    let lane = |lane: usize| {
        let columns = ow.saturating_sub(lane).div_ceil(LANES);
        let start = lane.min(ow);
        let g = backend.map(
            Identity,
            [View::new(
                g.buffer,
                g.layout.slice(3, start, columns, LANES)?,
            )],
        )?;
        let g = View::new(&g, Layout::contiguous([b, o, oh * columns])?);
        let x = backend.map(
            Identity,
            [View::new(&padded, windows.slice(2, start, columns, LANES)?)],
        )?;
        backend.matmul(
            g,
            View::new(&x, Layout::contiguous([b, oh * columns, weights])?),
        )
    };
    let add =
        |a: B::Buffer, b: B::Buffer| backend.map(Add, [View::new(&a, sums), View::new(&b, sums)]);
    let even = add(add(lane(0)?, lane(4)?)?, add(lane(2)?, lane(6)?)?)?;
    let odd = add(add(lane(1)?, lane(5)?)?, add(lane(3)?, lane(7)?)?)?;
    let images = add(even, odd)?;
    let all = Layout::contiguous([o, weights])?;
    let mut total = backend.full(all.elements(), B::Elem::ZERO)?;
    for image in 0..b {
        backend.update(
            Add,
            &mut total,
            &all,
            [View::new(&images, sums.select(0, image)?)],
        )?;
    }
    Ok(total)
}

/// `[b, c, h, w]` with its padding: exactly the rows and columns that the windows cover.
fn pad<B: Backend>(backend: &B, x: View<'_, B>, window: &Window) -> Result<(B::Buffer, Layout)> {
    let size = [0, 1].map(|a| match window.output[a] {
        0 => 0,
        outputs => (outputs - 1) * window.stride[a] + window.kernel[a],
    });
    let layout = Layout::contiguous([x.shape()[0], x.shape()[1], size[0], size[1]])?;
    let mut padded = backend.full(layout.elements(), B::Elem::ZERO)?;
    let (mut to, mut from) = (layout, x.layout);
    for axis in 0..2 {
        let before = window.before[axis].min(size[axis]);
        let kept = window.input[axis].min(size[axis] - before);
        to = to.narrow(2 + axis, before, kept)?;
        from = from.narrow(2 + axis, 0, kept)?;
    }
    backend.assign(&mut padded, &to, View::new(x.buffer, from))?;
    Ok((padded, layout))
}

/// The windows of a padded image: `[b, c, h, w]` -> `[b, c, oh, ow, kh, kw]`.
fn slide(padded: &Layout, window: &Window) -> Result<Layout> {
    let mut view = *padded;
    for axis in 0..2 {
        view = if window.output[axis] > 0 {
            view.window(2 + axis, window.kernel[axis], window.stride[axis])?
        } else {
            // No window at all: any view without elements does.
            let mut sizes = [1; crate::shape::MAX_RANK];
            let rank = view.shape().rank();
            sizes[..rank].copy_from_slice(view.shape());
            sizes[2 + axis] = 0;
            sizes[rank] = window.kernel[axis];
            Layout::contiguous(crate::shape::Shape::new(&sizes[..=rank])?)?
        };
    }
    Ok(view)
}
