//! Matrix products over any strides: how they are cut and blocked. [`product`](super::product) and, where all
//! rows share packed columns, [`large`](super::large) do the work.

use super::epilogue::Epilogue;
use super::few::FEW;
use super::panel::{TASK, VECTORS, tile};
use super::product::{Product, Side};
use super::split::{self, Cut};
use super::workspace::{CAPACITY, Workspace};
use super::{Context, Operand, SMALL};
use crate::element::Element;
use crate::isa::Level;
use crate::layout::Layout;

/// Terms of a sum that go through the registers before it is written: packed columns of so many stay in the first-level
/// cache.
const TERMS: usize = if SMALL { 32 } else { 256 };

/// Elements of an operand that may be read where they lie again and again: with strides that reach further, they
/// would fight for the same lines of the cache.
const NEAR: usize = 8 << 10;

/// How a matrix product goes over its operands.
#[derive(Clone, Copy, Debug)]
pub struct Matmul {
    /// Rows of a product.
    pub rows: usize,
    /// Columns of a product.
    pub columns: usize,
    /// Terms of each sum.
    pub depth: usize,
    /// Whether the right operand is turned in registers for a few rows: the terms of both lie side by side.
    pub turned: bool,
    /// Whether the transposed product is computed, because that one reads columns which are contiguous. Then the right
    /// operand below is the left one of the product, and rows are its columns.
    pub transposed: bool,
    /// Where all rows share packed columns of the right operand, how the first part of them is cut, of which there is
    /// one up to 2^20 elements: they are packed before, as far as there is memory. Otherwise each block of rows packs
    /// them, or reads them where they lie.
    pub packing: Option<Cut>,
    /// How the output is cut.
    pub cut: Cut,
    /// Rows and columns of a tile, whose sums are in registers.
    pub tile: [usize; 2],
    /// Whether columns of the right operand are contiguous.
    contiguous: bool,
    /// Distance of two rows of the left operand, and of two terms of both.
    strides: [usize; 3],
}

impl Matmul {
    /// The plan for `[.., i, k] x [.., k, j]` with equal leading axes, of elements of type `E`; `None` if the shapes are
    /// others or the product has no elements.
    #[must_use]
    pub fn new<E: Element>(workers: usize, level: Level, a: &Layout, b: &Layout) -> Option<Self> {
        let (&[ref lead @ .., rows, depth], &[.., columns]) = (&**a.shape(), &**b.shape()) else {
            return None;
        };
        let (&[.., a_row, a_depth], &[.., b_depth, b_column]) = (a.strides(), b.strides()) else {
            return None;
        };
        let lines = lead
            .iter()
            .fold(rows, |lines, &size| lines.saturating_mul(size));
        let elements = lines.saturating_mul(columns);
        if elements == 0 || b.shape().rank() != lead.len() + 2 {
            return None;
        }
        // Packing reads columns best where they are contiguous. Where they are not, the transposed product packs the
        // other operand; that pays if it is the smaller one, and not so small that its vectors are nearly empty.
        let tile = tile::<E>(level);
        let large = lines == rows && Self::is_large(rows, columns, depth, tile);
        let packing = large.then(|| super::large::packing(workers, columns, depth, tile[1]));
        let turned = !SMALL && rows <= FEW && [a_depth, b_depth] == [1, 1] && b_column != 1;
        let transposed = b_column != 1 && columns > rows && !large && !turned;
        // Whole rows, unless there are too few of them for all threads.
        let many = large || lines / (2 * tile[0]) >= workers;
        let unit = if many {
            tile[0] * columns
        } else {
            tile[1].min(columns)
        };
        Some(Self {
            rows,
            columns,
            depth,
            turned,
            transposed,
            packing,
            cut: Cut::new(workers, elements, unit, TASK / depth.max(1)),
            tile,
            contiguous: if transposed {
                a_row == 1
            } else {
                b_column == 1
            },
            strides: if transposed {
                [b_column, b_depth, a_depth]
            } else {
                [a_row, a_depth, b_depth]
            },
        })
    }

    /// Whether a product is so large that packing the right operand once, which takes a pass of its own, pays.
    const fn is_large(rows: usize, columns: usize, depth: usize, tile: [usize; 2]) -> bool {
        !SMALL && rows >= 128 && columns >= 4 * tile[1] && depth.saturating_mul(columns) >= 4 * NEAR
    }

    /// Rows and columns of the largest rectangle of the output that starts at element `at` and ends by `end`, which is
    /// greater: part of a row, or whole rows of one product.
    #[must_use]
    pub fn rectangle(&self, at: usize, end: usize) -> [usize; 2] {
        let Self { rows, columns, .. } = *self;
        let (row, column) = (at / columns % rows, at % columns);
        let whole = if column == 0 {
            (rows - row).min((end - at) / columns)
        } else {
            0
        };
        if whole > 0 {
            [whole, columns]
        } else {
            [1, (columns - column).min(end - at)]
        }
    }

    /// Whether a rectangle with so many rows reads the right operand where it lies, as far as its columns fill vectors
    /// or it is turned in registers; else it is packed, a tile's columns at a time. That costs about as much as four
    /// rows of products; columns that are one tile, or one vector, lie as if they were packed.
    #[must_use]
    pub const fn reads_in_place(&self, rows: usize) -> bool {
        let [_, _, by_term] = self.strides;
        self.turned
            || self.packing.is_none()
                && self.contiguous
                && (rows <= 2 * self.tile[0]
                    || by_term == self.tile[1]
                    || by_term * VECTORS == self.tile[1]
                    || self.depth.saturating_mul(by_term) <= NEAR)
    }

    /// Whether a rectangle with so many rows and columns packs the left operand, too.
    #[must_use]
    pub const fn packs_left(&self, [rows, columns]: [usize; 2]) -> bool {
        let [by_row, by_term, _] = self.strides;
        let reach =
            (rows.saturating_mul(by_row)).saturating_add(self.depth.saturating_mul(by_term));
        let reused = rows >= 4 && columns >= 6 * self.tile[1];
        self.packing.is_some() || !SMALL && !self.turned && reused && reach > NEAR
    }

    /// The terms of a sum that go through the registers before it is written, if there is scratch memory for so many
    /// elements; the next ones go on from there.
    #[must_use]
    pub(crate) fn terms(&self, scratch: usize) -> usize {
        // Half, so that rows of the left operand find room.
        let fits = scratch / self.tile[1] / if SMALL { 1 } else { 2 };
        self.depth.min(TERMS).min(fits)
    }

    /// The terms of a sum that go through the registers before it is written: the next ones go on from there. Fewer
    /// where a task's memory is on the stack because there is no other.
    #[must_use]
    pub fn depth_at_once(&self) -> usize {
        if self.turned {
            return self.depth;
        }
        self.terms(CAPACITY)
    }
}

/// `[.., i, k] x [.., k, j] -> [.., i, j]`: `out[i, j]` starts at +0 and takes `fma(a[i, k], b[k, j], out)` for `k`
/// ascending (R3 of the canonical arithmetic); then what `epilogue` says.
///
/// How the output is cut, what is packed and how many terms go at once changes no bit.
pub(crate) fn matmul<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    a: Operand<'_, E>,
    b: Operand<'_, E>,
    epilogue: Epilogue<'_, E>,
    out: &mut [E],
) {
    let workers = context.executor.workers();
    let Some(plan) = Matmul::new::<E>(workers, context.level, a.layout, b.layout) else {
        return;
    };
    let [.., a_row, a_depth] = *a.layout.strides() else {
        return;
    };
    let [.., b_depth, b_column] = *b.layout.strides() else {
        return;
    };
    let product = Product {
        a: Side::new(a, a_row, a_depth),
        b: Side::new(b, b_column, b_depth),
        plan,
        epilogue,
    };
    if plan.packing.is_some() && super::large::product(context, workspace, &product, out) {
        return;
    }
    split::chunks(context.executor, out, plan.cut, &|start, chunk| {
        workspace.with(|scratch| {
            context.level.run(super::product::Task {
                product: &product,
                start,
                out: chunk,
                scratch,
            });
        });
    });
}
