//! Matrix products whose right operand is packed once, for all rows and all tasks.
//!
//! ```text
//! for columns and terms, 2^20 elements or fewer        packed by all threads, panel by panel
//!     for rows of a task                               by all threads
//!         for rows, as many as scratch memory holds
//!             for terms, at most 256 in order          the left operand's block is packed tile by tile
//!                 for columns of a tile                a panel
//!                     for rows of a tile               sums in registers
//! ```
//!
//! A panel is what tiles read one after the other: the columns of a tile, `terms x columns`. The product goes over all of
//! them for each block of rows; where they lie, each term would be a few lines of the cache in a page of its own.

use super::Context;
use super::left;
use super::matmul::Matmul;
use super::panel::{Panel, Spot, Taps, VECTORS, lanes};
use super::product::{Product, pack_columns};
use super::split::{self, Cut};
use super::workspace::Workspace;
use crate::element::Element;
use crate::isa::{Isa, Kernel};

/// Elements that are packed at once.
const PACKED: usize = 1 << 20;
/// The fewest columns that are packed at once if there are so many: the left operand is packed again for others.
const COLUMNS: usize = 512;
/// Elements that are worth a task of packing.
const TASK: usize = 1 << 14;

/// `first` and how many follow.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    count: usize,
}

/// Columns and terms of the right operand.
#[derive(Clone, Copy)]
struct Right {
    columns: Part,
    terms: Part,
    /// Columns of a tile.
    width: usize,
}

impl Right {
    /// Elements of a packed panel.
    const fn panel(&self) -> usize {
        self.terms.count * self.width
    }

    const fn elements(&self) -> usize {
        self.columns.count.div_ceil(self.width) * self.panel()
    }
}

/// Columns and terms that are packed at once.
fn at_once(plan: &Matmul) -> [usize; 2] {
    let width = plan.tile[1];
    let columns = (PACKED / plan.depth).max(COLUMNS) / width * width;
    let columns = columns.min(plan.columns.next_multiple_of(width));
    [columns, plan.depth.min(PACKED / columns)]
}

/// The product of matrices without leading axes, of sizes for which [`Matmul::once`] is set; `false` if there is
/// no memory.
pub(super) fn product<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    product: &Product<'_, E>,
    out: &mut [E],
) -> bool {
    let plan = product.plan;
    let [columns, terms] = at_once(&plan);
    workspace.shared(columns * terms, |packed| {
        for first_column in (0..plan.columns).step_by(columns) {
            for first_term in (0..plan.depth).step_by(terms) {
                let right = Right {
                    columns: Part {
                        first: first_column,
                        count: columns.min(plan.columns - first_column),
                    },
                    terms: Part {
                        first: first_term,
                        count: terms.min(plan.depth - first_term),
                    },
                    width: plan.tile[1],
                };
                let elements = right.elements();
                let workers = context.executor.workers();
                let cut = Cut::new(workers, elements, right.panel(), TASK);
                let to = &mut packed[..elements];
                split::chunks(context.executor, to, cut, &|start, to| {
                    context.level.run(Pack {
                        product,
                        right,
                        first: start / right.panel(),
                        to,
                    });
                });
                let packed = &packed[..elements];
                split::chunks(context.executor, out, plan.cut, &|start, out| {
                    workspace.with(|scratch| {
                        context.level.run(Rows {
                            product,
                            right,
                            packed,
                            first: start / plan.columns,
                            out,
                            scratch,
                        });
                    });
                });
            }
        }
    })
}

/// Panels of the right operand, from the one with the number `first` on.
struct Pack<'a, 'o, E> {
    product: &'a Product<'a, E>,
    right: Right,
    first: usize,
    to: &'o mut [E],
}

impl<E: Element> Kernel for Pack<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { right, .. } = self;
        let side = &self.product.b;
        let at = side.matrix(0) + right.terms.first * side.depth;
        for (n, panel) in self.to.chunks_exact_mut(right.panel()).enumerate() {
            let column = (self.first + n) * right.width;
            let from = at + (right.columns.first + column) * side.step;
            let shape = [
                right.terms.count,
                right.width.min(right.columns.count - column),
            ];
            pack_columns::<E, I>(side, from, shape, right.width, panel);
        }
    }
}

/// Rows of the output from `first` on, at the packed columns: their sums go on by the packed terms.
struct Rows<'a, 'o, E> {
    product: &'a Product<'a, E>,
    right: Right,
    packed: &'a [E],
    first: usize,
    out: &'o mut [E],
    scratch: &'o mut [E],
}

impl<E: Element> Kernel for Rows<'_, '_, E> {
    type Output = ();
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { right, .. } = self;
        let Product { a, plan, .. } = *self.product;
        let lanes = lanes::<E, I>();
        let rows = self.out.len() / plan.columns;
        let terms = plan.depth_at_once().min(right.terms.count);
        let fits = left::fitting(self.scratch.len(), terms, plan.tile[0]);
        // Equal parts, of whole tiles, rather than full ones and a rest.
        let equal = rows.div_ceil(rows.div_ceil(fits));
        let most = equal.next_multiple_of(plan.tile[0]).min(fits);
        let mut taps = Taps::new();
        for top in (0..rows).step_by(most) {
            let height = most.min(rows - top);
            for first in (0..right.terms.count).step_by(terms) {
                let depth = terms.min(right.terms.count - first);
                if taps.len() != depth {
                    taps.clear();
                    (0..depth).for_each(|k| taps.push(k, k * right.width));
                }
                let term = right.terms.first + first;
                let lying = left::Rows {
                    data: a.data,
                    base: a.matrix(0) + (self.first + top) * a.step + term * a.depth,
                    row: a.step,
                };
                let panel = Panel {
                    left: left::pack::<E, I>(lying, height, depth, |k| k * a.depth, self.scratch),
                    b: self.packed,
                    taps: &taps,
                    steps: [plan.columns, 1],
                    first: term == 0,
                };
                for column in (0..right.columns.count).step_by(right.width) {
                    let b = column / right.width * right.panel() + first * right.width;
                    let to = top * plan.columns + right.columns.first + column;
                    let spots: [Spot; VECTORS] = core::array::from_fn(|v| Spot {
                        b: b + v * lanes,
                        out: to + v * lanes,
                        count: (right.columns.count - column)
                            .saturating_sub(v * lanes)
                            .min(lanes),
                    });
                    panel.tiles::<I, VECTORS>(lanes, height, &spots, self.out);
                }
            }
        }
    }
}
