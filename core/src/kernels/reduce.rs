//! Folding axes, in the order that [`crate::reduction`] defines.
//!
//! Two ways give the same bits. Where the folded elements of one output lie together, a block of them is read as a
//! slice and folded in eight lanes. Where instead the *outputs* lie together (the sum of columns), some tiles of outputs
//! are folded side by side, each with its own eight lanes, row by row.

use super::fold::{fold_block, fold_lanes};
use super::gather::gather;
use super::map::STAGE;
use super::split::{self, Cut};
use super::workspace::CAPACITY;
use super::{Context, Operand, SMALL, Workspace};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use crate::nest::Nest;
use crate::reduction::{BLOCK, LANES, Reduction, combine};
use crate::shape::Shape;
use core::marker::PhantomData;
use core::ops::Range;

/// Elements below which a fold is not worth a second thread.
const GRAIN: usize = 16 * 1024;
/// How many outputs are folded side by side.
const TILE: usize = if SMALL { 16 } else { 64 };
/// The most such tiles that a row is read for: memory is read best in long lines, and one tile has a page of its own in
/// each row of a large matrix.
const TILES: usize = if SMALL { 1 } else { 8 };
/// Elements from which on an operand comes from memory as a rule, not from a cache, so that the fold of all of it is
/// worth a second thread. It is read as one stream, which processors fetch ahead better than they are told to.
const FAR: usize = 512 * 1024;

/// How axes are folded: those of the operand in three groups.
#[derive(Clone, Copy, Debug)]
pub struct Reduce {
    /// The loops over the axes that stay: one turn is one output.
    pub kept: Nest<1>,
    /// Size and stride of the outermost folded axis, if there are several.
    pub outer: Option<(usize, usize)>,
    /// The loops over the other folded axes.
    pub inner: Nest<1>,
    /// Whether neighbouring outputs are folded side by side, up to eight tiles of 64 (one of 16 on small targets) row by row;
    /// else each on its own, in eight lanes.
    pub side_by_side: bool,
    /// Whether tasks share the terms of the output, which is a single one: each part of the fold, which is an index of
    /// the outermost axis or a block of the only one, goes to scratch memory, and then they fold in their order.
    pub by_parts: bool,
    /// How the output is cut, or its parts.
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
        let mut plan = Self {
            side_by_side: kept.inner_strides() == [1] && (step != [1] || terms == 1),
            by_parts: false,
            cut: Cut::new(workers, kept.elements(), 1, grain(work)),
            kept,
            outer,
            inner,
        };
        if plan.kept.elements() == 1 && layout.elements() >= FAR {
            let cut = plan.cut_parts(workers, plan.parts().min(CAPACITY));
            if cut.tasks > 1 {
                (plan.by_parts, plan.cut) = (true, cut);
            }
        }
        plan
    }

    /// How many parts an output is folded of.
    fn parts(&self) -> usize {
        match self.outer {
            Some((size, _)) => size,
            None => self.inner.elements().div_ceil(BLOCK),
        }
    }

    fn cut_parts(&self, workers: usize, parts: usize) -> Cut {
        let terms = self.inner.elements();
        let terms = self.outer.map_or(terms.min(BLOCK), |_| terms);
        Cut::new(workers, parts, 1, grain(terms))
    }
}

/// How many folds of so many terms are worth a task.
fn grain(terms: usize) -> usize {
    (GRAIN / terms.max(1)).max(1)
}

/// Folds the axes marked in `axes`; `out` has one element for each index of the others, row-major.
pub(crate) fn reduce<E: Element, R: Reduction>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
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
        dense: plan.inner.inner_strides() == [1] && plan.inner.sizes().len() == 1,
        reduction: PhantomData,
    };
    if plan.by_parts {
        let total = &mut out[0];
        return workspace.with(|parts| fold.by_parts(context, parts, total));
    }
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
            for first in (0..count).step_by(TILES * TILE) {
                let width = (TILES * TILE).min(count - first);
                let (base, out) = (at + first, &mut out[done..done + width]);
                // Apart, because what `runs` calls may be compiled without the instruction set.
                if width <= TILE {
                    I::apart(Tiles::<E, R, 1> { fold, base, out });
                } else if width <= 2 * TILE {
                    I::apart(Tiles::<E, R, 2> { fold, base, out });
                } else {
                    I::apart(Tiles::<E, R, TILES> { fold, base, out });
                }
                done += width;
            }
        });
    }
}

/// At most `N` tiles of outputs, whose elements start at `base`, `base + 1`, ...
struct Tiles<'a, 'o, E, R, const N: usize> {
    fold: Folder<'a, E, R>,
    base: usize,
    out: &'o mut [E],
}

impl<E: Element, R: Reduction, const N: usize> Kernel for Tiles<'_, '_, E, R, N> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        self.fold.columns::<N>(self.base, self.out);
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
                *out = I::apart(Row {
                    fold,
                    base: at + i * stride,
                });
            }
        });
    }
}

/// The output at `base`.
struct Row<'a, E, R> {
    fold: Folder<'a, E, R>,
    base: usize,
}

impl<E: Element, R: Reduction> Kernel for Row<'_, E, R> {
    type Output = E;

    #[inline(always)]
    fn run<I: Isa>(self) -> E {
        self.fold.row(self.base)
    }
}

/// Parts of the only output.
struct Parts<'a, E, R> {
    fold: Folder<'a, E, R>,
    start: usize,
    out: &'a mut [E],
}

impl<E: Element, R: Reduction> Kernel for Parts<'_, E, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let base = self.fold.plan.kept.offsets()[0];
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = self.fold.part(base, self.start + i);
        }
    }
}

#[derive(Clone, Copy)]
struct Folder<'a, E, R> {
    data: &'a [E],
    plan: &'a Reduce,
    /// Whether the elements of the inner loops lie together.
    dense: bool,
    reduction: PhantomData<R>,
}

impl<E: Element, R: Reduction> Folder<'_, E, R> {
    /// Folds the only output: its parts by several tasks, as many at a time as `parts` has room for, then their folds
    /// in order.
    fn by_parts(self, context: Context<'_>, parts: &mut [E], total: &mut E) {
        *total = E::from_f64(R::START);
        let (workers, count) = (context.executor.workers(), self.plan.parts());
        let room = parts.len().min(CAPACITY);
        for first in (0..count).step_by(room) {
            let parts = &mut parts[..room.min(count - first)];
            let cut = self.plan.cut_parts(workers, parts.len());
            split::chunks(context.executor, parts, cut, &|start, out| {
                let (fold, start) = (self, first + start);
                context.level.run(Parts { fold, start, out });
            });
            *total = parts
                .iter()
                .fold(*total, |total, &part| R::fold(total, part));
        }
    }

    // Loops, not iterators that fold: those are functions of their own, compiled without the instruction set.

    /// The fold of everything that belongs to the output at `base`.
    #[inline(always)]
    fn row(&self, base: usize) -> E {
        let terms = self.plan.inner.elements();
        let Some((count, stride)) = self.plan.outer else {
            return self.blocks(base, terms);
        };
        let mut total = E::from_f64(R::START);
        for i in 0..count {
            total = R::fold(total, self.blocks(base + i * stride, terms));
        }
        total
    }

    /// The fold of part `i` of the output at `base`.
    #[inline(always)]
    fn part(&self, base: usize, i: usize) -> E {
        let terms = self.plan.inner.elements();
        match self.plan.outer {
            Some((_, stride)) => self.blocks(base + i * stride, terms),
            None => self.block(base, i * BLOCK..((i + 1) * BLOCK).min(terms)),
        }
    }

    /// The fold of the inner axes, block by block.
    #[inline(always)]
    fn blocks(&self, base: usize, terms: usize) -> E {
        let mut total = E::from_f64(R::START);
        if self.dense {
            for block in self.data[base..base + terms].chunks(BLOCK) {
                total = R::fold(total, fold_block::<E, R>(block));
            }
            return total;
        }
        let mut first = 0;
        while first < terms {
            let block = first..(first + BLOCK).min(terms);
            total = R::fold(total, self.block(base, block));
            first += BLOCK;
        }
        total
    }

    /// The fold of one block of the inner axes.
    #[inline(always)]
    fn block(&self, base: usize, range: Range<usize>) -> E {
        const { assert!(STAGE.is_multiple_of(LANES)) };
        if self.dense {
            return fold_block::<E, R>(&self.data[base + range.start..base + range.end]);
        }
        let mut lanes = [E::from_f64(R::START); LANES];
        let mut stage = [E::ZERO; STAGE];
        for from in range.clone().step_by(STAGE) {
            let to = (from + STAGE).min(range.end);
            gather(
                &self.plan.inner,
                0,
                &self.data[base..],
                from..to,
                &mut stage,
            );
            fold_lanes::<E, R>(&mut lanes, &stage[..to - from]);
        }
        combine::<R, E>(lanes)
    }

    /// The folds of `out.len()` outputs, at most `N` tiles, whose elements start at `base`, `base + 1`, ...
    #[inline(always)]
    fn columns<const N: usize>(&self, base: usize, out: &mut [E]) {
        let start = E::from_f64(R::START);
        let mut lanes = [[[start; TILE]; LANES]; N];
        let lanes = &mut lanes[..out.len().div_ceil(TILE)];
        out.fill(start);
        let Some((count, stride)) = self.plan.outer else {
            return self.columns_inner(base, lanes, out);
        };
        for i in 0..count {
            let mut part = [[start; TILE]; N];
            let part = &mut part.as_flattened_mut()[..out.len()];
            self.columns_inner(base + i * stride, lanes, part);
            each::<E, R>(out, part);
        }
    }

    /// The same for the inner axes, added to `totals`; `lanes` are as at the start of a fold, before and after.
    #[inline(always)]
    fn columns_inner(&self, base: usize, lanes: &mut [[[E; TILE]; LANES]], totals: &mut [E]) {
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
            for (i, &from) in places.iter().enumerate() {
                let row = &self.data[from..from + totals.len()];
                for (lanes, x) in lanes.iter_mut().zip(row.chunks(TILE)) {
                    let lane = &mut lanes[i % LANES];
                    // A full tile has a constant width, which becomes vector instructions.
                    match x.first_chunk::<TILE>() {
                        Some(tile) => each::<E, R>(lane, tile),
                        None => each::<E, R>(lane, x),
                    }
                }
            }
            for (totals, lanes) in totals.chunks_mut(TILE).zip(&mut *lanes) {
                for (column, total) in totals.iter_mut().enumerate() {
                    let block = combine::<R, E>(core::array::from_fn(|lane| lanes[lane][column]));
                    *total = R::fold(*total, block);
                }
                *lanes = [[E::from_f64(R::START); TILE]; LANES];
            }
        }
    }
}

/// Folds each element of `x` to its total.
#[inline(always)]
fn each<E: Element, R: Reduction>(totals: &mut [E], x: &[E]) {
    for (total, &x) in totals.iter_mut().zip(x) {
        *total = R::fold(*total, x);
    }
}
