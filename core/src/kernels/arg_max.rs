//! Where the largest elements are.

use super::split::{self, Cut};
use super::{Context, Operand, SMALL};
use crate::element::Element;
use crate::isa::{Isa, Kernel};

/// How many outputs are worked on side by side.
const TILE: usize = if SMALL { 8 } else { 64 };

/// Elements below which a search is not worth a second thread.
const GRAIN: usize = 16 * 1024;

/// The position of the first largest element (or not-a-number) along axis 1 of `[outer, n, inner]`, for each of the others.
pub(crate) fn arg_max<E: Element>(context: Context<'_>, x: Operand<'_, E>, out: &mut [u32]) {
    let grain = (GRAIN / x.layout.shape()[1].max(1)).max(1);
    let cut = Cut::new(context.executor.workers(), out.len(), 1, grain);
    split::chunks(context.executor, out, cut, &|start, out| {
        context.level.run(ArgMax { x, start, out });
    });
}

/// The outputs from `start` on.
struct ArgMax<'a, 'o, E> {
    x: Operand<'a, E>,
    start: usize,
    out: &'o mut [u32],
}

impl<E: Element> Kernel for ArgMax<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, start, mut out } = self;
        let (&[_, n, inner], &[by_outer, by_n, by_inner]) =
            (&**x.layout.shape(), x.layout.strides())
        else {
            return;
        };
        let mut at = start;
        while !out.is_empty() {
            let (row, column) = (at / inner, at % inner);
            let from = &x.elements()[row * by_outer + column * by_inner..];
            let count = TILE.min(inner - column).min(out.len());
            let (now, rest) = out.split_at_mut(count);
            if by_inner == 1 && count > 1 {
                side_by_side(from, [n, by_n], now);
            } else {
                for (i, out) in now.iter_mut().enumerate() {
                    side_by_side(&from[i * by_inner..], [n, by_n], core::slice::from_mut(out));
                }
            }
            (at, out) = (at + count, rest);
        }
    }
}

/// Several columns of `n` elements, which are contiguous in each of the rows.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn side_by_side<E: Element>(from: &[E], [n, stride]: [usize; 2], out: &mut [u32]) {
    let count = out.len();
    let mut best = [E::ZERO; TILE];
    let best = &mut best[..count];
    best.copy_from_slice(&from[..count]);
    out.fill(0);
    for i in 1..n {
        let line = &from[i * stride..][..count];
        for c in 0..count {
            let x = line[c];
            let wins = (x > best[c]) | ((x != x) & (best[c] == best[c]));
            best[c] = if wins { x } else { best[c] };
            out[c] = if wins { i as u32 } else { out[c] };
        }
    }
}
