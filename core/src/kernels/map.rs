//! Elementwise loops: one vectorised loop per operation, whatever the operands' layouts.
//!
//! The loop of an operation only ever sees plain slices. An operand whose inner stride is 1 lends its own memory; any
//! other one (broadcast, transposed, sliced) is first copied, a block at a time, to a buffer on the stack that stays in
//! the first-level cache. So an operation is compiled once, and layouts cost a copy instead of a second loop.

use super::gather::gather;
use super::split::{self, Cut};
use super::{Context, Operand, SMALL};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use crate::nest::Nest;
use crate::ops::Op;
use core::cmp::Ordering;
use core::ops::Range;

/// How many elements of an operand are staged at a time.
pub(super) const STAGE: usize = if SMALL { 128 } else { 512 };

/// Runs below this length are not worth a block each.
const SHORT: usize = 128;

/// Rows and columns of a tile of transposed operands. Each of its columns lies in a page of its own as a rule, so many
/// rows are worth more than many columns.
const TILE: [usize; 2] = if SMALL { [8, 16] } else { [64, 32] };

/// Elements below which an operation is not worth a second thread (a few microseconds of work).
const GRAIN: usize = 16 * 1024;

/// How an elementwise operation goes over its operands.
#[derive(Clone, Copy, Debug)]
pub struct Map<const N: usize> {
    /// The loops.
    pub nest: Nest<N>,
    /// What the innermost loop reads.
    pub access: Access,
    /// How the output, which is dense, is cut.
    pub cut: Cut,
}

impl<const N: usize> Map<N> {
    /// The plan for operands of one shape (expand them first).
    #[must_use]
    #[inline(always)]
    pub fn new(workers: usize, operands: [&Layout; N]) -> Self {
        let nest = Nest::new(operands);
        Self::over(nest, workers, nest.elements())
    }

    /// The plan for a nest of so many elements.
    #[inline(always)]
    fn over(nest: Nest<N>, workers: usize, elements: usize) -> Self {
        Self {
            access: Access::of(&nest),
            cut: Self::cut(&nest, workers, elements),
            nest,
        }
    }
}

impl<const N: usize> Map<N> {
    /// Whole rows of tiles for a transposed operand.
    #[inline(always)]
    fn cut(nest: &Nest<N>, workers: usize, elements: usize) -> Cut {
        let unit = match Access::of(nest) {
            Access::Transposed => TILE[0] * nest.sizes().last().map_or(1, |&inner| inner),
            _ => 1,
        };
        Cut::new(workers, elements, unit, GRAIN)
    }
}

/// What the innermost loop of an elementwise operation reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// The operands where they lie, a whole run of the nest at once: all of them step by 1.
    InPlace,
    /// A block of 512 elements at a time (128 on small targets): an operand that steps by 1 where it lies, any other
    /// one from a copy.
    Staged,
    /// Tiles of 64 by 32 elements of the two innermost loops, because an operand steps by 1 in the outer one: it would
    /// be read by single elements of many cache lines.
    Transposed,
    /// Blocks of copies that span several runs, because runs are shorter than a block.
    Gathered,
}

impl Access {
    #[inline]
    fn of<const N: usize>(nest: &Nest<N>) -> Self {
        let short = nest.sizes().last().is_some_and(|&inner| inner < SHORT);
        let transposed = |outer: &[usize; N]| {
            let inner = nest.inner_strides();
            (0..N).any(|k| outer[k] == 1 && inner[k] > 1)
        };
        let rank = nest.sizes().len();
        if short && rank > 1 {
            Self::Gathered
        } else if rank > 1
            && nest.sizes()[rank - 2] >= TILE[0]
            && transposed(&nest.strides()[rank - 2])
        {
            Self::Transposed
        } else if nest.inner_strides().iter().all(|&stride| stride == 1) {
            Self::InPlace
        } else {
            Self::Staged
        }
    }
}

/// `out[i] = op(operands[i])`.
struct Apply<'a, E, O, const N: usize> {
    op: O,
    operands: [&'a [E]; N],
    out: &'a mut [E],
}

impl<E: Element, O: Op<N>, const N: usize> Kernel for Apply<'_, E, O, N> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // Equal lengths, known to the compiler, so that the loop has no bounds checks.
        let count = self.out.len();
        let operands = self.operands.map(|operand| &operand[..count]);
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = self
                .op
                .eval::<I, E>(core::array::from_fn(|k| operands[k][i]));
        }
    }
}

/// `out[i] = op(out[i], operands[i])`, with the old value where [`Op::IN_PLACE`] says.
struct Update<'a, E, O, const N: usize> {
    op: O,
    operands: [&'a [E]; N],
    out: &'a mut [E],
}

impl<E: Element, O: Op<M>, const N: usize, const M: usize> Kernel
    for (Update<'_, E, O, N>, [(); M])
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Update { op, operands, out } = self.0;
        let count = out.len();
        let operands = operands.map(|operand| &operand[..count]);
        for i in 0..count {
            let x = core::array::from_fn(|k| match k.cmp(&O::IN_PLACE) {
                Ordering::Less => operands[k][i],
                Ordering::Equal => out[i],
                Ordering::Greater => operands[k - 1][i],
            });
            out[i] = op.eval::<I, E>(x);
        }
    }
}

/// Applies `op` to operands of one shape; `out` is dense.
pub(crate) fn map<E: Element, O: Op<N>, const N: usize>(
    context: Context<'_>,
    op: O,
    operands: [Operand<'_, E>; N],
    out: &mut [E],
) {
    if let Some(operands) = small_and_dense(&operands, out.len()) {
        return context.level.run(Apply { op, operands, out });
    }
    let nest = Nest::new(operands.map(|operand| operand.layout));
    let Map { nest, access, cut } = Map::over(nest, context.executor.workers(), out.len());
    let data = operands.map(|operand| operand.data);
    split::chunks(context.executor, out, cut, &|start, out| {
        let range = start..start + out.len();
        blocks(&nest, access, data, range.clone(), &mut |at, operands| {
            let at = at - range.start;
            let out = &mut out[at..at + operands.first().map_or(0, |operand| operand.len())];
            context.level.run(Apply { op, operands, out });
        });
    });
}

/// The elements of operands that are worth no plan: dense, and too few for a second thread.
#[inline]
fn small_and_dense<'a, E, const N: usize>(
    operands: &[Operand<'a, E>; N],
    elements: usize,
) -> Option<[&'a [E]; N]> {
    // Where memory is what counts, each loop is compiled once.
    let small = !SMALL
        && elements <= GRAIN
        && operands
            .iter()
            .all(|operand| operand.layout.is_contiguous());
    small.then(|| {
        core::array::from_fn(|k| {
            let Operand { data, layout } = operands[k];
            // Without elements the offset may lie beyond the buffer.
            data.get(layout.offset()..).unwrap_or(&[])
        })
    })
}

/// Applies `op` in place to `out` under `layout`, with operands of the same shape.
pub(crate) fn update<E: Element, O: Op<M>, const N: usize, const M: usize>(
    context: Context<'_>,
    op: O,
    out: &mut [E],
    layout: &Layout,
    operands: [Operand<'_, E>; N],
) {
    const {
        assert!(
            M == N + 1 && O::IN_PLACE < M,
            "an update takes the old value and the operands"
        );
    }
    let data = operands.map(|operand| operand.data);
    let elements = layout.elements();
    if elements == 0 {
        return;
    }
    if layout.is_contiguous() {
        if let Some(operands) = small_and_dense(&operands, elements) {
            let out = &mut out[layout.offset()..layout.offset() + elements];
            return context.level.run((Update { op, operands, out }, [(); M]));
        }
        let nest = Nest::new(operands.map(|operand| operand.layout));
        let Map { nest, access, cut } = Map::over(nest, context.executor.workers(), elements);
        let out = &mut out[layout.offset()..layout.offset() + elements];
        return split::chunks(context.executor, out, cut, &|start, out| {
            let range = start..start + out.len();
            if N == 0 {
                return context.level.run((
                    Update {
                        op,
                        operands: data,
                        out,
                    },
                    [(); M],
                ));
            }
            blocks(&nest, access, data, range.clone(), &mut |at, operands| {
                let at = at - range.start;
                let out = &mut out[at..at + operands.first().map_or(0, |operand| operand.len())];
                context.level.run((Update { op, operands, out }, [(); M]));
            });
        });
    }
    // A strided output: gather the old values, compute, scatter the new ones. Rare and small, so on one thread.
    let places = Nest::new([layout]);
    let [stride] = places.inner_strides();
    let nest = Nest::new(operands.map(|operand| operand.layout));
    // Blocks of this loop may begin and end inside of a row.
    let access = match Access::of(&nest) {
        Access::Transposed => Access::Staged,
        access => access,
    };
    let mut stage = [E::ZERO; STAGE];
    for start in (0..elements).step_by(STAGE) {
        let range = start..(start + STAGE).min(elements);
        gather(&places, 0, out, range.clone(), &mut stage);
        let old = &mut stage[..range.len()];
        if N == 0 {
            context.level.run((
                Update {
                    op,
                    operands: data,
                    out: old,
                },
                [(); M],
            ));
        } else {
            blocks(&nest, access, data, range.clone(), &mut |at, operands| {
                let at = at - range.start;
                let out = &mut old[at..at + operands.first().map_or(0, |operand| operand.len())];
                context.level.run((Update { op, operands, out }, [(); M]));
            });
        }
        let mut new = stage.iter();
        places.runs(range, |[at], count| {
            for (i, &value) in new.by_ref().take(count).enumerate() {
                out[at + i * stride] = value;
            }
        });
    }
}

/// Copies `from` into the positions of `out` that `layout` names.
pub(crate) fn assign<E: Element>(out: &mut [E], layout: &Layout, from: Operand<'_, E>) {
    let nest = Nest::new([layout, from.layout]);
    let [to_stride, from_stride] = nest.inner_strides();
    nest.runs(0..layout.elements(), |[to, at], count| {
        if (to_stride, from_stride) == (1, 1) {
            out[to..to + count].copy_from_slice(&from.data[at..at + count]);
        } else {
            for i in 0..count {
                out[to + i * to_stride] = from.data[at + i * from_stride];
            }
        }
    });
}

/// Calls `block(start, slices)` for stretches that together are `range`, with the operands as plain slices.
fn blocks<E: Element, const N: usize>(
    nest: &Nest<N>,
    access: Access,
    data: [&[E]; N],
    range: Range<usize>,
    block: &mut dyn FnMut(usize, [&[E]; N]),
) {
    if access == Access::Transposed {
        return tiles(nest, data, range, block);
    }
    if access == Access::InPlace {
        let mut start = range.start;
        return nest.runs(range, |at, count| {
            block(
                start,
                core::array::from_fn(|k| &data[k][at[k]..at[k] + count]),
            );
            start += count;
        });
    }
    let strides = nest.inner_strides();
    let mut stages = [[E::ZERO; STAGE]; N];
    if access == Access::Gathered {
        let mut start = range.start;
        while start < range.end {
            let end = (start + STAGE).min(range.end);
            for k in 0..N {
                gather(nest, k, data[k], start..end, &mut stages[k]);
            }
            block(start, core::array::from_fn(|k| &stages[k][..end - start]));
            start = end;
        }
        return;
    }
    let mut start = range.start;
    nest.runs(range, |at, count| {
        // A broadcast operand has one value for the whole run: it is spread once.
        for k in 0..N {
            if strides[k] == 0 {
                stages[k][..count.min(STAGE)].fill(data[k][at[k]]);
            }
        }
        for done in (0..count).step_by(STAGE) {
            let size = STAGE.min(count - done);
            for k in 0..N {
                if strides[k] > 1 {
                    let from = at[k] + done * strides[k];
                    for (i, out) in stages[k][..size].iter_mut().enumerate() {
                        *out = data[k][from + i * strides[k]];
                    }
                }
            }
            let slices = core::array::from_fn(|k| match strides[k] {
                1 => &data[k][at[k] + done..at[k] + done + size],
                _ => &stages[k][..size],
            });
            block(start, slices);
            start += size;
        }
    });
}

/// [`blocks`] for [`Access::Transposed`]: `range` starts and ends with whole runs.
fn tiles<E: Element, const N: usize>(
    nest: &Nest<N>,
    data: [&[E]; N],
    range: Range<usize>,
    block: &mut dyn FnMut(usize, [&[E]; N]),
) {
    let [.., rows, columns] = *nest.sizes() else {
        return;
    };
    let [.., down, across] = *nest.strides() else {
        return;
    };
    let mut stages = [[[E::ZERO; TILE[1]]; TILE[0]]; N];
    let (mut row, end) = (range.start / columns, range.end / columns);
    while row < end {
        // The rows of a tile lie in one matrix of the two innermost loops.
        let height = TILE[0].min(end - row).min(rows - row % rows);
        let mut at = [0; N];
        nest.runs(row * columns..row * columns + 1, |starts, _| at = starts);
        for left in (0..columns).step_by(TILE[1]) {
            let width = TILE[1].min(columns - left);
            for k in (0..N).filter(|&k| across[k] != 1) {
                let from = &data[k][at[k] + left * across[k]..];
                if down[k] == 1 && height == TILE[0] {
                    for column in 0..width {
                        let from = &from[column * across[k]..][..TILE[0]];
                        for (to, &x) in stages[k].iter_mut().zip(from) {
                            to[column] = x;
                        }
                    }
                } else {
                    for (i, to) in stages[k][..height].iter_mut().enumerate() {
                        for (column, to) in to[..width].iter_mut().enumerate() {
                            *to = from[i * down[k] + column * across[k]];
                        }
                    }
                }
            }
            for i in 0..height {
                let slices = core::array::from_fn(|k| match across[k] {
                    1 => &data[k][at[k] + i * down[k] + left..][..width],
                    _ => &stages[k][i][..width],
                });
                block((row + i) * columns + left, slices);
            }
        }
        row += height;
    }
}
