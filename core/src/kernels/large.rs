//! Matrix products whose right operand is packed once, for all rows and all tasks.
//!
//! ```text
//! for columns and terms, 2^20 elements or fewer        packed by all threads, in panels
//!     for rows of a task                               by all threads
//!         for rows, as many as scratch memory holds
//!             for terms, at most 256 in order          the left operand's block is packed tile by tile
//!                 for columns of a tile                a panel
//!                     for rows of a tile               sums in registers
//!             after the last term: the epilogue
//! ```
//!
//! A panel is what tiles read one after the other: the columns of a tile, `terms x columns`. The product goes over all of
//! them for each block of rows; where they lie, each term would be a few lines of the cache in a page of its own.

use super::Context;
use super::left;
use super::panel::{Line, Panel, VECTORS, lanes};
use super::product::{Product, pack_columns};
use super::split::{self, Cut};
use super::terms::Even;
use super::workspace::Workspace;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// Elements that are packed at once.
const PACKED: usize = 1 << 20;
/// The fewest columns that are packed at once if there are so many: the left operand is packed again for others.
const COLUMNS: usize = 512;
/// Panels that are packed together where columns lie side by side.
const TOGETHER: usize = 8;
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

/// Columns, in whole tiles of `width`, and terms that are packed at once.
fn at_once(columns: usize, depth: usize, width: usize) -> [usize; 2] {
    let most = (PACKED / depth).max(COLUMNS) / width * width;
    let columns = most.min(columns.next_multiple_of(width));
    [columns, depth.min(PACKED / columns)]
}

/// How the first columns and terms are cut for packing, panel by panel.
pub(super) fn packing(workers: usize, columns: usize, depth: usize, width: usize) -> Cut {
    let [columns, terms] = at_once(columns, depth, width);
    Cut::new(workers, columns * terms, terms * width, TASK)
}

/// The product of matrices without leading axes, of sizes for which [`Matmul::packing`] is there; `false` if there is
/// no memory.
pub(super) fn product<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    product: &Product<'_, E>,
    out: &mut [E],
) -> bool {
    let plan = product.plan;
    let [columns, terms] = at_once(plan.columns, plan.depth, plan.tile[1]);
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
        let first = side.matrix(0) + right.terms.first * side.depth;
        let mut column = self.first * right.width;
        let mut to = self.to;
        while !to.is_empty() {
            let from = first + (right.columns.first + column) * side.step;
            let rest = right.columns.count - column;
            let elements = TOGETHER * right.panel();
            if side.step == 1 && rest >= TOGETHER * right.width && to.len() >= elements {
                let (panels, others) = to.split_at_mut(elements);
                to = others;
                copy_panels(&side.data[from..], side.depth, &right, panels);
                column += TOGETHER * right.width;
            } else {
                let (panel, others) = to.split_at_mut(right.panel());
                to = others;
                let shape = [right.terms.count, right.width.min(rest)];
                pack_columns::<E, I>(side, from, shape, right.width, panel);
                column += right.width;
            }
        }
    }
}

/// Copies terms into neighbouring panels. Panel by panel, each term would be one line of the cache in a page of its own.
#[inline(always)]
fn copy_panels<E: Element>(data: &[E], by_term: usize, right: &Right, panels: &mut [E]) {
    let Right { terms, width, .. } = *right;
    for k in 0..terms.count {
        let line = data[k * by_term..][..TOGETHER * width].chunks_exact(width);
        for (from, panel) in line.zip(panels.chunks_exact_mut(right.panel())) {
            // Vectors rather than a call.
            let (to, _) = panel[k * width..][..width].as_chunks_mut::<LANES>();
            let (from, _) = from.as_chunks::<LANES>();
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
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
        let Product {
            a, plan, epilogue, ..
        } = *self.product;
        let lanes = lanes::<E, I>();
        let rows = self.out.len() / plan.columns;
        let terms = plan.terms(self.scratch.len()).min(right.terms.count);
        let fits = left::fitting(self.scratch.len(), terms, plan.tile[0]);
        // Equal parts, of whole tiles, rather than full ones and a rest.
        let equal = rows.div_ceil(rows.div_ceil(fits));
        let most = equal.next_multiple_of(plan.tile[0]).min(fits);
        for top in (0..rows).step_by(most) {
            let height = most.min(rows - top);
            for first in (0..right.terms.count).step_by(terms) {
                let depth = terms.min(right.terms.count - first);
                let term = right.terms.first + first;
                let lying = left::Rows {
                    data: a.data,
                    base: a.matrix(0) + (self.first + top) * a.step + term * a.depth,
                    row: a.step,
                };
                let panel = Panel {
                    terms: Even {
                        left: left::pack::<E, I>(
                            lying,
                            height,
                            depth,
                            |k| k * a.depth,
                            self.scratch,
                        ),
                        right: self.packed,
                        count: depth,
                        steps: [a.depth, right.width],
                    },
                    steps: [plan.columns, 1],
                    first: term == 0,
                };
                for column in (0..right.columns.count).step_by(right.width) {
                    let b = column / right.width * right.panel() + first * right.width;
                    let to = top * plan.columns + right.columns.first + column;
                    let line = Line {
                        b,
                        out: to,
                        step: 1,
                        width: right.columns.count - column,
                        lanes,
                    };
                    // Not all panels in one call: the last rows would go through all of them once more.
                    panel.tiles::<I, VECTORS>(lanes, height, line.spots(1), self.out);
                }
            }
            if right.terms.first + right.terms.count == plan.depth {
                let Part {
                    first: column,
                    count,
                } = right.columns;
                let out = &mut self.out[top * plan.columns + column..];
                epilogue.apply::<I>(column, [height, count], plan.columns, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Operand;
    use super::super::epilogue::Epilogue;
    use super::super::matmul::Matmul;
    use super::super::product::Side;
    use super::super::workspace::CAPACITY;
    use super::*;
    use crate::isa::Level;
    use crate::layout::Layout;
    use alloc::vec;
    use alloc::vec::Vec;

    /// A task may find no memory after the packed columns did: then it has that of the stack.
    fn tasks_with_little_memory<E: Element>() {
        let shape = [130, 300, 131];
        let [rows, depth, columns] = shape;
        let matrix = |shape: [usize; 2]| {
            let layout = Layout::row_major(shape.into());
            let value = |n: usize| E::from_f64((n as f64).sin());
            let data: Vec<E> = (0..layout.elements()).map(value).collect();
            (data, layout)
        };
        let (a, b) = (matrix([rows, depth]), matrix([depth, columns]));
        for level in Level::supported() {
            let plan = Matmul::new::<E>(1, level, &a.1, &b.1).unwrap();
            let operand = |data, layout| Operand { data, layout };
            let product = Product {
                a: Side::new(operand(&*a.0, &a.1), depth, 1),
                b: Side::new(operand(&*b.0, &b.1), columns, 1),
                plan,
                epilogue: Epilogue::NONE,
            };
            let right = Right {
                columns: Part {
                    first: 0,
                    count: columns,
                },
                terms: Part {
                    first: 0,
                    count: depth,
                },
                width: plan.tile[1],
            };
            let mut packed = vec![E::ZERO; right.elements()];
            level.run(Pack {
                product: &product,
                right,
                first: 0,
                to: &mut packed,
            });
            let rows_with = |elements| {
                let mut out = vec![E::ZERO; rows * columns];
                level.run(Rows {
                    product: &product,
                    right,
                    packed: &packed,
                    first: 0,
                    out: &mut out,
                    scratch: &mut vec![E::ZERO; elements],
                });
                out.into_iter().map(E::to_f64).collect::<Vec<_>>()
            };
            assert_eq!(
                rows_with(4096),
                rows_with(CAPACITY.max(1 << 15)),
                "{level:?}"
            );
        }
    }

    #[test]
    fn memory_of_tasks_has_no_influence() {
        tasks_with_little_memory::<f32>();
        tasks_with_little_memory::<f64>();
    }
}
