//! Folding axes, in the order that [`crate::reduction`] defines.
//!
//! Two ways give the same bits. Where the folded elements of one output lie together, a block of them is read as a
//! slice and folded in eight lanes. Where instead the *outputs* lie together (the sum of columns), a tile of outputs is
//! folded side by side, each with its own eight lanes, row by row.

use super::map::{STAGE, gather};
use super::split::{self, Cut};
use super::{Context, Operand, SMALL};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use crate::nest::Nest;
use crate::reduction::{BLOCK, LANES, Reduction, combine};
use crate::shape::Shape;
use core::marker::PhantomData;

/// Elements below which a fold is not worth a second thread.
const GRAIN: usize = 16 * 1024;
/// How many outputs are folded side by side.
const TILE: usize = if SMALL { 16 } else { 64 };
/// How many short rows are folded at the same time: one alone would wait for each of its additions.
const BLOCKS: usize = 4;

/// How axes are folded: those of the operand in three groups.
#[derive(Clone, Copy, Debug)]
pub struct Reduce {
    /// The loops over the axes that stay: one turn is one output.
    pub kept: Nest<1>,
    /// Size and stride of the outermost folded axis, if there are several.
    pub outer: Option<(usize, usize)>,
    /// The loops over the other folded axes.
    pub inner: Nest<1>,
    /// Whether 64 neighbouring outputs (16 on small targets) are folded side by side; else each on its own, in eight
    /// lanes.
    pub side_by_side: bool,
    /// How the output is cut.
    pub cut: Cut,
}

impl Reduce {
    /// The plan for folding the axes of `layout` that are marked in `axes`.
    ///
    /// # Panics
    /// If `axes` has no entry for an axis.
    #[must_use]
    pub fn new(workers: usize, layout: &Layout, axes: &[bool]) -> Self {
        // A folded axis becomes size 1 in `kept`, a kept one in `inner`: the nests drop those.
        let pick = |keep: &dyn Fn(usize) -> bool, offset: usize| {
            let mut shape = *layout.shape();
            for (axis, size) in shape.sizes_mut().iter_mut().enumerate() {
                if !keep(axis) {
                    *size = 1;
                }
            }
            layout.with_sizes(shape, offset)
        };
        let shape: &Shape = layout.shape();
        let folded = |axis: usize| axes[axis] && shape[axis] != 1;
        let first = (0..shape.rank()).find(|&axis| folded(axis));
        let several = (0..shape.rank()).filter(|&axis| folded(axis)).count() > 1;
        let outer = first.filter(|_| several);
        let kept = Nest::new([&pick(&|axis| !axes[axis], layout.offset())]);
        let inner = Nest::new([&pick(&|axis| folded(axis) && Some(axis) != outer, 0)]);
        let outer = outer.map(|axis| (shape[axis], layout.strides()[axis]));
        let (terms, step) = (inner.elements(), inner.inner_strides());
        let work = terms.saturating_mul(outer.map_or(1, |(size, _)| size));
        let grain = (GRAIN / work.max(1)).max(1);
        Self {
            side_by_side: kept.inner_strides() == [1] && (step != [1] || terms == 1),
            cut: Cut::new(workers, kept.elements(), 1, grain),
            kept,
            outer,
            inner,
        }
    }
}

/// Folds the axes marked in `axes`; `out` has one element for each index of the others, row-major.
pub(crate) fn reduce<E: Element, R: Reduction>(
    context: Context<'_>,
    _: R,
    x: Operand<'_, E>,
    axes: &[bool],
    out: &mut [E],
) {
    if x.layout.elements() == 0 {
        // Folds of nothing. Sizes beside one that is 0 may be too large to multiply or to walk.
        return out.fill(E::from_f64(R::START));
    }
    let plan = Reduce::new(context.executor.workers(), x.layout, axes);
    let fold = Folder::<E, R> {
        data: x.data,
        plan: &plan,
        reduction: PhantomData,
    };
    split::chunks(context.executor, out, plan.cut, &|start, out| {
        // Two kernels, so that each is small enough to be compiled into one piece.
        if plan.side_by_side {
            context.level.run(Columns { fold, start, out });
        } else {
            context.level.run(Rows { fold, start, out });
        }
    });
}

/// Outputs side by side.
struct Columns<'a, E, R> {
    fold: Folder<'a, E, R>,
    start: usize,
    out: &'a mut [E],
}

impl<E: Element, R: Reduction> Kernel for Columns<'_, E, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { fold, start, out } = self;
        let mut done = 0;
        let range = start..start + out.len();
        fold.plan.kept.runs(range, |[at], count| {
            for first in (0..count).step_by(TILE) {
                let width = TILE.min(count - first);
                fold.columns(at + first, &mut out[done..done + width]);
                done += width;
            }
        });
    }
}

/// Outputs one after the other.
struct Rows<'a, E, R> {
    fold: Folder<'a, E, R>,
    start: usize,
    out: &'a mut [E],
}

impl<E: Element, R: Reduction> Kernel for Rows<'_, E, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { fold, start, out } = self;
        let kept = &fold.plan.kept;
        let [stride] = kept.inner_strides();
        let range = start..start + out.len();
        let mut out = out.iter_mut();
        kept.runs(range, |[at], count| {
            for (i, out) in out.by_ref().take(count).enumerate() {
                *out = fold.row(at + i * stride);
            }
        });
    }
}

#[derive(Clone, Copy)]
struct Folder<'a, E, R> {
    data: &'a [E],
    plan: &'a Reduce,
    reduction: PhantomData<R>,
}

impl<E: Element, R: Reduction> Folder<'_, E, R> {
    /// The fold of everything that belongs to the output at `base`.
    #[inline(always)]
    fn row(&self, base: usize) -> E {
        let start = E::from_f64(R::START);
        let Some((count, stride)) = self.plan.outer else {
            return self.row_inner(base);
        };
        if !self.dense() {
            return (0..count).fold(start, |total, i| {
                R::fold(total, self.gathered(base + i * stride))
            });
        }
        let (mut total, size) = (start, self.plan.inner.elements());
        for first in (0..count).step_by(BLOCKS) {
            let bases = [0, 1, 2, 3].map(|n| base + (first + n).min(count - 1) * stride);
            let sums = self.dense_rows(bases, size);
            for &sum in &sums[..BLOCKS.min(count - first)] {
                total = R::fold(total, sum);
            }
        }
        total
    }

    /// Whether the elements of the inner loops lie together.
    #[inline(always)]
    fn dense(&self) -> bool {
        self.plan.inner.inner_strides() == [1] && self.plan.inner.sizes().len() == 1
    }

    /// The folds of `size` elements from each of `bases` on.
    #[inline(always)]
    fn dense_rows(&self, bases: [usize; BLOCKS], size: usize) -> [E; BLOCKS] {
        let mut totals = [E::from_f64(R::START); BLOCKS];
        for first in (0..size).step_by(BLOCK) {
            let size = BLOCK.min(size - first);
            let blocks = bases.map(|base| &self.data[base + first..][..size]);
            let sums = fold_blocks::<E, R>(blocks);
            for n in 0..BLOCKS {
                totals[n] = R::fold(totals[n], sums[n]);
            }
        }
        totals
    }

    /// The fold of the inner axes, one block after the other.
    #[inline(always)]
    fn row_inner(&self, base: usize) -> E {
        if !self.dense() {
            return self.gathered(base);
        }
        let mut total = E::from_f64(R::START);
        let elements = self.plan.inner.elements();
        // The outputs of an empty fold may lie beyond an empty buffer.
        let data = self.data.get(base..base + elements).unwrap_or(&[]);
        // Several blocks at a time would be faster in a cache, but memory is read three times as slowly.
        for block in data.chunks(BLOCK) {
            let mut lanes = [E::from_f64(R::START); LANES];
            fold_lanes::<E, R>(&mut lanes, block);
            total = R::fold(total, combine::<R, E>(lanes));
        }
        total
    }

    /// The fold of inner axes whose elements do not lie together.
    #[inline(always)]
    fn gathered(&self, base: usize) -> E {
        const { assert!(STAGE.is_multiple_of(LANES)) };
        let mut total = E::from_f64(R::START);
        let (inner, count) = (&self.plan.inner, self.plan.inner.elements());
        let mut stage = [E::ZERO; STAGE];
        let data = self.data.get(base..).unwrap_or(&[]);
        for first in (0..count).step_by(BLOCK) {
            let last = (first + BLOCK).min(count);
            let mut lanes = [E::from_f64(R::START); LANES];
            for from in (first..last).step_by(STAGE) {
                let to = (from + STAGE).min(last);
                gather(inner, 0, data, from..to, &mut stage);
                fold_lanes::<E, R>(&mut lanes, &stage[..to - from]);
            }
            total = R::fold(total, combine::<R, E>(lanes));
        }
        total
    }

    /// The folds of `out.len()` outputs, at most [`TILE`], whose elements start at `base`, `base + 1`, ...
    #[inline(always)]
    fn columns(&self, base: usize, out: &mut [E]) {
        let (count, stride) = self.plan.outer.unwrap_or((1, 0));
        let start = E::from_f64(R::START);
        let mut total = [start; TILE];
        for i in 0..count {
            let mut part = [start; TILE];
            self.columns_inner(base + i * stride, out.len(), &mut part);
            if self.plan.outer.is_some() {
                for (total, part) in total.iter_mut().zip(part) {
                    *total = R::fold(*total, part);
                }
            } else {
                total = part;
            }
        }
        out.copy_from_slice(&total[..out.len()]);
    }

    #[inline(always)]
    fn columns_inner(&self, base: usize, width: usize, total: &mut [E; TILE]) {
        let inner = &self.plan.inner;
        let count = inner.elements();
        let [stride] = inner.inner_strides();
        let mut places = [0; BLOCK];
        for first in (0..count).step_by(BLOCK) {
            let range = first..(first + BLOCK).min(count);
            let places = &mut places[..range.len()];
            let mut next = places.iter_mut();
            inner.runs(range, |[at], rows| {
                for (row, place) in next.by_ref().take(rows).enumerate() {
                    *place = base + at + row * stride;
                }
            });
            let mut lanes = [[E::from_f64(R::START); TILE]; LANES];
            for (i, &from) in places.iter().enumerate() {
                let lane = &mut lanes[i % LANES];
                // A full tile has a constant width, which becomes vector instructions.
                if width == TILE {
                    for (total, &x) in lane.iter_mut().zip(&self.data[from..from + TILE]) {
                        *total = R::fold(*total, x);
                    }
                } else {
                    for (total, &x) in lane.iter_mut().zip(&self.data[from..from + width]) {
                        *total = R::fold(*total, x);
                    }
                }
            }
            for (column, total) in total.iter_mut().enumerate() {
                let block = combine::<R, E>(core::array::from_fn(|lane| lanes[lane][column]));
                *total = R::fold(*total, block);
            }
        }
    }
}

/// The folds of blocks of one length.
#[inline(always)]
fn fold_blocks<E: Element, R: Reduction>(blocks: [&[E]; BLOCKS]) -> [E; BLOCKS] {
    let mut lanes = [[E::from_f64(R::START); LANES]; BLOCKS];
    let whole = blocks[0].len() / LANES;
    let chunks = blocks.map(|block| &block.as_chunks::<LANES>().0[..whole]);
    for i in 0..whole {
        for (lanes, chunks) in lanes.iter_mut().zip(chunks) {
            for (lane, &x) in lanes.iter_mut().zip(&chunks[i]) {
                *lane = R::fold(*lane, x);
            }
        }
    }
    let mut folds = [E::from_f64(R::START); BLOCKS];
    for n in 0..BLOCKS {
        fold_lanes::<E, R>(&mut lanes[n], &blocks[n][whole * LANES..]);
        folds[n] = combine::<R, E>(lanes[n]);
    }
    folds
}

/// Folds elements into eight lanes, the first one into the first.
#[inline(always)]
fn fold_lanes<E: Element, R: Reduction>(lanes: &mut [E; LANES], elements: &[E]) {
    let (whole, rest) = elements.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = R::fold(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = R::fold(*lane, x);
    }
}

/// The position of the first largest element (or not-a-number) along axis 1 of `[outer, n, inner]`.
pub(crate) fn arg_max<E: Element>(context: Context<'_>, x: Operand<'_, E>, out: &mut [u32]) {
    let [_, n, inner]: [usize; 3] = core::array::from_fn(|axis| x.layout.shape()[axis]);
    let [by_outer, by_n, by_inner]: [usize; 3] =
        core::array::from_fn(|axis| x.layout.strides()[axis]);
    let grain = (GRAIN / n.max(1)).max(1);
    let cut = Cut::new(context.executor.workers(), out.len(), 1, grain);
    split::chunks(context.executor, out, cut, &|start, out| {
        for (i, out) in out.iter_mut().enumerate() {
            let (row, column) = ((start + i) / inner, (start + i) % inner);
            let base = x.layout.offset() + row * by_outer + column * by_inner;
            let mut best = (0, x.data[base]);
            for at in 1..n {
                let value = x.data[base + at * by_n];
                #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
                let nan = value != value && best.1 == best.1;
                if value > best.1 || nan {
                    best = (at, value);
                }
            }
            *out = best.0 as u32;
        }
    });
}
