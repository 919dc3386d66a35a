//! The work of a matrix product: blocks of rows and terms, packed operands, tiles.
//!
//! ```text
//! for rows, as many as scratch memory holds
//!     for terms, at most 256 in order     the left operand's block is packed tile by tile, if it reaches far
//!         for columns of a tile           the right operand's are copied side by side, or read where they lie
//!             for rows of a tile          panel: sums in registers
//! the epilogue
//! ```

use super::epilogue::Epilogue;
use super::few::Few;
use super::left::{self, Left, Rows};
use super::matmul::Matmul;
use super::panel::{Line, Panel, VECTORS, WIDE, lanes};
use super::terms::Even;
use super::workspace::BEYOND;
use super::{Operand, SMALL};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use crate::reduction::LANES;
use core::ops::Range;

/// One operand: the strides of its rows or columns and of `k`.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a, E> {
    pub(super) data: &'a [E],
    layout: &'a Layout,
    pub(super) step: usize,
    pub(super) depth: usize,
}

impl<'a, E> Side<'a, E> {
    pub(crate) const fn new(operand: Operand<'a, E>, step: usize, depth: usize) -> Self {
        Self {
            data: operand.data,
            layout: operand.layout,
            step,
            depth,
        }
    }

    /// Where the matrix with the number `batch` starts.
    pub(super) fn matrix(&self, mut batch: usize) -> usize {
        let lead = self.layout.shape().rank() - 2;
        let mut at = self.layout.offset();
        for axis in (0..lead).rev() {
            let size = self.layout.shape()[axis];
            at += batch % size * self.layout.strides()[axis];
            batch /= size;
        }
        at
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Product<'a, E> {
    pub(crate) a: Side<'a, E>,
    pub(crate) b: Side<'a, E>,
    pub(crate) plan: Matmul,
    pub(crate) epilogue: Epilogue<'a, E>,
}

/// The elements `start..` of the product, in row-major order, as many as `out` has.
pub(crate) struct Task<'a, 'o, E> {
    pub(crate) product: &'a Product<'a, E>,
    pub(crate) start: usize,
    pub(crate) out: &'o mut [E],
    pub(crate) scratch: &'o mut [E],
}

impl<E: Element> Kernel for Task<'_, '_, E> {
    type Output = ();
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            product,
            start,
            out,
            scratch,
        } = self;
        // A copy: what lies behind a reference would be read again after each write to the output.
        let product = *product;
        let Matmul { rows, columns, .. } = product.plan;
        let mut at = start;
        let end = start + out.len();
        while at < end {
            let (row, column) = (at / columns % rows, at % columns);
            let [height, width] = product.plan.rectangle(at, end);
            let block = Block {
                batch: at / columns / rows,
                rows: row..row + height,
                columns: column..column + width,
                base: at - start,
            };
            product.block::<I>(&block, scratch, out);
            let out = &mut out[at - start..];
            product
                .epilogue
                .apply::<I>(column, [height, width], columns, out);
            at += height * width;
        }
    }
}

/// A rectangle of one output matrix; its first element is `base` in the output.
struct Block {
    batch: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    base: usize,
}

impl<E: Element> Product<'_, E> {
    #[inline(always)]
    fn block<I: Isa>(&self, block: &Block, scratch: &mut [E], out: &mut [E]) {
        let Self { a, b, plan, .. } = *self;
        let Matmul {
            columns: stride,
            depth: terms,
            ..
        } = plan;
        let (left, right, rows, columns, steps) = if plan.transposed {
            (b, a, &block.columns, &block.rows, [1, stride])
        } else {
            (a, b, &block.rows, &block.columns, [stride, 1])
        };
        let left_at = left.matrix(block.batch) + rows.start * left.step;
        let right_at = right.matrix(block.batch) + columns.start * right.step;
        if terms == 0 {
            for row in 0..rows.len() {
                for column in 0..columns.len() {
                    out[block.base + row * steps[0] + column * steps[1]] = E::ZERO;
                }
            }
            return;
        }
        // Where it never is, the compiler has to know.
        if !SMALL && plan.turned {
            let few = Few {
                sides: [a, b],
                starts: [left_at, right_at],
                size: [rows.len(), columns.len()],
                depth: terms,
                out: &mut out[block.base..],
                pitch: stride,
            };
            return few.run::<I>();
        }
        let at_once = plan.terms(scratch.len() - BEYOND);
        let (packed_columns, packed_rows) = scratch.split_at_mut(at_once * plan.tile[1] + BEYOND);
        let fits = left::fitting(packed_rows.len(), at_once, plan.tile[0]);
        let packs_left = plan.packs_left([rows.len(), columns.len()]) && fits > 0;
        let fits = if packs_left { fits } else { rows.len() };
        // Equal parts, of whole tiles, rather than full ones and a rest.
        let equal = rows.len().div_ceil(rows.len().div_ceil(fits));
        let most = equal.next_multiple_of(plan.tile[0]).min(fits);
        for top in (0..rows.len()).step_by(most) {
            let height = most.min(rows.len() - top);
            for first in (0..terms).step_by(at_once) {
                let depth = at_once.min(terms - first);
                let from = left_at + top * left.step + first * left.depth;
                let lying = Rows {
                    data: left.data,
                    base: from,
                    row: left.step,
                };
                let by_term = left.depth;
                let left = if packs_left {
                    left::pack::<E, I>(lying, height, depth, |k| k * by_term, packed_rows)
                } else {
                    Left::Lying(lying)
                };
                let pass = Pass {
                    left,
                    left_depth: by_term,
                    right,
                    right_at: right_at + first * right.depth,
                    in_place: plan.reads_in_place(rows.len()),
                    height,
                    depth,
                    steps,
                    first: first == 0,
                };
                let base = block.base + top * steps[0];
                pass.columns::<I>(columns.len(), base, packed_columns, out);
            }
        }
    }
}

/// Some rows and terms, over all columns.
struct Pass<'a, E> {
    left: Left<'a, E>,
    left_depth: usize,
    right: Side<'a, E>,
    right_at: usize,
    in_place: bool,
    height: usize,
    depth: usize,
    steps: [usize; 2],
    first: bool,
}

impl<E: Element> Pass<'_, E> {
    #[inline(always)]
    fn columns<I: Isa>(&self, columns: usize, base: usize, packed: &mut [E], out: &mut [E]) {
        let lanes = lanes::<E, I>();
        let mut column = 0;
        while column < columns {
            let rest = columns - column;
            let from = self.right_at + column * self.right.step;
            let in_place = self.in_place && rest >= lanes;
            // Whole vectors where they lie; all that a tile holds where they are packed.
            let few = self.height < 4 && matches!(self.left, Left::Lying(_));
            let vectors = if !in_place {
                VECTORS.min(rest.div_ceil(lanes))
            } else if few && rest >= WIDE * lanes {
                WIDE
            } else if few && rest >= WIDE / 2 * lanes {
                WIDE / 2
            } else {
                VECTORS.min(rest / lanes)
            };
            // Where they lie, all that fill tiles follow each other.
            let times = if in_place {
                rest / (vectors * lanes)
            } else {
                1
            };
            let width = rest.min(times * vectors * lanes);
            let (right, spacing) = if in_place {
                (&self.right.data[from..], self.right.depth)
            } else {
                let spacing = vectors * lanes;
                pack_columns::<E, I>(&self.right, from, [self.depth, width], spacing, packed);
                (&*packed, spacing)
            };
            let panel = Panel {
                terms: Even {
                    left: self.left,
                    right,
                    count: self.depth,
                    steps: [self.left_depth, spacing],
                },
                steps: self.steps,
                first: self.first,
            };
            let line = Line {
                b: 0,
                out: base + column * self.steps[1],
                step: self.steps[1],
                width,
                lanes,
            };
            if vectors == WIDE {
                panel.few_rows::<I, 1, WIDE>(self.height, line.spots(times), out);
            } else if vectors == WIDE / 2 && vectors > VECTORS {
                panel.few_rows::<I, 1, { WIDE / 2 }>(self.height, line.spots(times), out);
            } else if vectors == VECTORS {
                panel.tiles::<I, VECTORS>(lanes, self.height, line.spots(times), out);
            } else {
                panel.tiles::<I, 1>(lanes, self.height, line.spots(times), out);
            }
            column += width;
        }
    }
}

/// Copies columns, `shape[1]` of `shape[0]` terms, so that terms are `spacing` apart, and zeros into what is left over.
#[inline(always)]
pub(super) fn pack_columns<E: Element, I: Isa>(
    side: &Side<'_, E>,
    from: usize,
    [depth, width]: [usize; 2],
    spacing: usize,
    packed: &mut [E],
) {
    if side.step == 1 {
        // Vectors rather than calls.
        match spacing {
            8 if width == spacing => return copy_lines::<E, 8>(side, from, depth, packed),
            16 if width == spacing => return copy_lines::<E, 16>(side, from, depth, packed),
            32 if width == spacing => return copy_lines::<E, 32>(side, from, depth, packed),
            _ => {}
        }
        for (k, to) in packed.chunks_exact_mut(spacing).take(depth).enumerate() {
            to[..width].copy_from_slice(&side.data[from + k * side.depth..][..width]);
            to[width..].fill(E::ZERO);
        }
        return;
    }
    if width < spacing {
        packed[..depth * spacing].fill(E::ZERO);
    }
    // Terms side by side in each column: squares of them.
    let squares = if side.depth == 1 {
        [depth / LANES * LANES, width / LANES * LANES]
    } else {
        [0; 2]
    };
    for column in (0..squares[1]).step_by(LANES) {
        for k in (0..squares[0]).step_by(LANES) {
            let mut square = [[E::ZERO; LANES]; LANES];
            for (n, line) in square.iter_mut().enumerate() {
                let at = from + (column + n) * side.step + k;
                line.copy_from_slice(&side.data[at..][..LANES]);
            }
            let square = E::transpose::<I>(square);
            for (n, line) in square.iter().enumerate() {
                packed[(k + n) * spacing + column..][..LANES].copy_from_slice(line);
            }
        }
    }
    for column in 0..width {
        let done = if column < squares[1] { squares[0] } else { 0 };
        if done == depth {
            continue;
        }
        let to = packed[done * spacing + column..].iter_mut();
        let to = to.step_by(spacing).take(depth - done);
        let source = &side.data[from + column * side.step..];
        // A stride of 0 shows one element everywhere.
        if side.depth == 0 {
            to.for_each(|to| *to = source[0]);
        } else {
            to.zip(source[done * side.depth..].iter().step_by(side.depth))
                .for_each(|(to, &from)| *to = from);
        }
    }
}

/// Copies `depth` terms of `N` columns that lie side by side.
#[inline(always)]
fn copy_lines<E: Element, const N: usize>(
    side: &Side<'_, E>,
    from: usize,
    depth: usize,
    packed: &mut [E],
) {
    let (packed, _) = packed.as_chunks_mut::<N>();
    for (k, to) in packed[..depth].iter_mut().enumerate() {
        to.copy_from_slice(&side.data[from + k * side.depth..][..N]);
    }
}
