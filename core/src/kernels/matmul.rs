//! Matrix products over any strides.

use super::panel::{DEPTH, Left, NR, Panel, Scratch, TASK, Taps, Target, WIDE, tile_rows};
use super::split::{self, Cut};
use super::{Context, Operand};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use core::ops::Range;

/// Rows that share one pass over packed columns: their part of the left operand stays in the second-level cache.
const ROWS: usize = 256;

/// How a matrix product goes over its operands.
#[derive(Clone, Copy, Debug)]
pub struct Matmul {
    /// Rows of a product.
    pub rows: usize,
    /// Columns of a product.
    pub columns: usize,
    /// Terms of each sum.
    pub depth: usize,
    /// Whether the transposed product is computed, because that one reads columns which are contiguous. Then the right
    /// operand below is the left one of the product, and rows are its columns.
    pub transposed: bool,
    /// How the output is cut.
    pub cut: Cut,
    /// Rows of a tile, whose sums are in registers.
    tile_rows: usize,
    /// Whether columns of the right operand are contiguous.
    contiguous: bool,
}

impl Matmul {
    /// The plan for `[.., i, k] x [.., k, j]` with equal leading axes, of elements of type `E`; `None` if the shapes are
    /// others or the product has no elements.
    #[must_use]
    pub fn new<E: Element>(workers: usize, a: &Layout, b: &Layout) -> Option<Self> {
        let (&[ref lead @ .., rows, depth], &[.., columns]) = (&**a.shape(), &**b.shape()) else {
            return None;
        };
        let (&[.., a_row, _], &[.., b_column]) = (a.strides(), b.strides()) else {
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
        // other operand; that pays if it is the smaller one.
        let transposed = b_column != 1 && columns > rows;
        let tile_rows = tile_rows::<E>();
        // Whole blocks of rows, unless there are too few of them for all threads.
        let many = lines / (4 * tile_rows) >= workers;
        let unit = if many {
            tile_rows * columns
        } else {
            NR.min(columns)
        };
        Some(Self {
            rows,
            columns,
            depth,
            transposed,
            cut: Cut::new(workers, elements, unit, TASK / depth.max(1)),
            tile_rows,
            contiguous: if transposed {
                a_row == 1
            } else {
                b_column == 1
            },
        })
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

    /// Whether a rectangle with so many rows reads the right operand where it lies, as far as its columns fill tiles;
    /// else, it is copied to the stack, a tile's columns at a time. That costs about as much as four rows of products.
    #[must_use]
    pub const fn reads_in_place(&self, rows: usize) -> bool {
        self.contiguous && rows <= 2 * self.tile_rows
    }

    /// Rows and columns of the next tile of a rectangle with so many rows and columns that are left.
    #[must_use]
    pub const fn tile(&self, rows: usize, columns: usize) -> [usize; 2] {
        if self.reads_in_place(rows) && columns >= WIDE && rows < self.tile_rows {
            [1, WIDE]
        } else {
            [self.tile_rows, NR]
        }
    }

    /// The terms of a sum that go through the registers before it is written: the next ones go on from there.
    #[must_use]
    pub fn depth_at_once(&self) -> usize {
        self.depth.min(DEPTH)
    }
}

/// `[.., i, k] x [.., k, j] -> [.., i, j]`: `out[i, j]` starts at +0 and takes `fma(a[i, k], b[k, j], out)` for `k`
/// ascending (R3 of the canonical arithmetic).
///
/// Blocks of `k` go over packed columns of `b`; how the output is cut, and which operand is packed, changes no bit.
pub(crate) fn matmul<E: Element>(
    context: Context<'_>,
    a: Operand<'_, E>,
    b: Operand<'_, E>,
    out: &mut [E],
) {
    let Some(plan) = Matmul::new::<E>(context.executor.workers(), a.layout, b.layout) else {
        return;
    };
    let [.., a_row, a_depth] = *a.layout.strides() else {
        return;
    };
    let [.., b_depth, b_column] = *b.layout.strides() else {
        return;
    };
    let a = Side {
        data: a.data,
        layout: a.layout,
        step: a_row,
        depth: a_depth,
    };
    let b = Side {
        data: b.data,
        layout: b.layout,
        step: b_column,
        depth: b_depth,
    };
    let product = Product { a, b, plan };
    split::chunks(context.executor, out, plan.cut, &|start, chunk| {
        context.level.run(Task {
            product: &product,
            start,
            out: chunk,
        });
    });
}

/// One operand: the strides of its rows or columns and of `k`.
#[derive(Clone, Copy)]
struct Side<'a, E> {
    data: &'a [E],
    layout: &'a Layout,
    step: usize,
    depth: usize,
}

impl<E> Side<'_, E> {
    /// Where the matrix with the number `batch` starts.
    fn matrix(&self, mut batch: usize) -> usize {
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
struct Product<'a, E> {
    a: Side<'a, E>,
    b: Side<'a, E>,
    plan: Matmul,
}

/// The elements `start..` of the product, in row-major order, as many as `out` has.
struct Task<'a, 'o, E> {
    product: &'a Product<'a, E>,
    start: usize,
    out: &'o mut [E],
}

impl<E: Element> Kernel for Task<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            product,
            start,
            out,
        } = self;
        // A copy: what lies behind a reference would be read again after each write to the output.
        let product = *product;
        let Matmul { rows, columns, .. } = product.plan;
        let mut buffer = Buffer {
            taps: Taps::new(),
            scratch: [[E::ZERO; NR]; _],
        };
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
            product.block::<I>(&block, &mut buffer, out);
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

struct Buffer<E> {
    taps: Taps,
    scratch: Scratch<E>,
}

impl<E: Element> Product<'_, E> {
    #[inline(always)]
    fn block<I: Isa>(&self, block: &Block, buffer: &mut Buffer<E>, out: &mut [E]) {
        let Self { a, b, plan } = *self;
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
        let direct = plan.reads_in_place(rows.len());
        for top in (0..rows.len()).step_by(ROWS) {
            let height = ROWS.min(rows.len() - top);
            for first in (0..terms).step_by(DEPTH) {
                let depth = DEPTH.min(terms - first);
                let left = Left {
                    data: left.data,
                    base: left_at + top * left.step + first * left.depth,
                    row: left.step,
                };
                let source = right_at + first * right.depth;
                let Buffer { taps, scratch } = &mut *buffer;
                let mut column = 0;
                // How far apart the taps in the table are, to write it again only when that changes.
                let mut tabled = None;
                while column < columns.len() {
                    let rest = columns.len() - column;
                    let in_place = direct && rest >= NR;
                    let width = plan.tile(rows.len(), rest)[1].min(rest);
                    let from = source + column * right.step;
                    let (b, spacing) = if in_place {
                        (&right.data[from..], right.depth)
                    } else {
                        pack(&right, from, depth, width, scratch);
                        (scratch.as_flattened(), NR)
                    };
                    if tabled != Some(spacing) {
                        taps.clear();
                        (0..depth).for_each(|k| taps.push(k * left_depth(self), k * spacing));
                        tabled = Some(spacing);
                    }
                    let base = block.base + top * steps[0] + column * steps[1];
                    let target = Target {
                        base,
                        row: steps[0],
                        line: width,
                        width,
                        height: 1,
                        step: [0, steps[1]],
                    };
                    let panel = Panel {
                        left,
                        b,
                        taps,
                        target,
                        first: first == 0,
                    };
                    if width == WIDE {
                        (0..height).for_each(|row| panel.wide::<I>(row, [0, 0], out));
                    } else {
                        panel.column::<I>(height, [0, 0], out);
                    }
                    column += width;
                }
            }
        }
    }
}

/// The distance of two `k` in the operand that is read in place.
fn left_depth<E>(product: &Product<'_, E>) -> usize {
    if product.plan.transposed {
        product.b.depth
    } else {
        product.a.depth
    }
}

/// Copies `width` columns of `depth` elements, zeros in the columns after them, into `[depth][NR]`.
#[inline(always)]
fn pack<E: Element>(
    side: &Side<'_, E>,
    from: usize,
    depth: usize,
    width: usize,
    scratch: &mut Scratch<E>,
) {
    let rows = &mut scratch[..depth];
    if side.step == 1 && width == NR {
        for (k, row) in rows.iter_mut().enumerate() {
            row.copy_from_slice(&side.data[from + k * side.depth..][..NR]);
        }
        return;
    }
    if width < NR {
        rows.fill([E::ZERO; NR]);
    }
    for column in 0..width {
        let source = &side.data[from + column * side.step..];
        // A stride of 0 shows one element everywhere.
        if side.depth == 0 {
            rows.iter_mut().for_each(|row| row[column] = source[0]);
        } else {
            for (row, &x) in rows.iter_mut().zip(source.iter().step_by(side.depth)) {
                row[column] = x;
            }
        }
    }
}
