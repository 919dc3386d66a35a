//! Reading and writing by whole numbers: table rows, and one element along an axis.

use super::split::{self, Cut};
use super::{Context, Operand};
use crate::element::Element;
use crate::layout::Layout;

/// Elements below which copying is not worth a second thread.
const GRAIN: usize = 16 * 1024;

/// `[v, d]` and `n` numbers give `[n, d]`.
pub(crate) fn rows<E: Element>(
    context: Context<'_>,
    table: Operand<'_, E>,
    index: &[u32],
    out: &mut [E],
) {
    let (width, [by_row, by_column]) = (table.layout.shape()[1], strides(table.layout));
    let cut = Cut::new(context.executor.workers(), out.len(), width, GRAIN);
    split::chunks(context.executor, out, cut, &|start, out| {
        for (out, &row) in out
            .chunks_mut(width.max(1))
            .zip(&index[start / width.max(1)..])
        {
            let from = table.layout.offset() + row as usize * by_row;
            for (column, out) in out.iter_mut().enumerate() {
                *out = table.data[from + column * by_column];
            }
        }
    });
}

/// Adds the rows of `[n, d]` in ascending order to the rows of `out` that `index` names.
pub(crate) fn rows_add<E: Element>(rows: Operand<'_, E>, index: &[u32], out: &mut [E]) {
    let (width, [by_row, by_column]) = (rows.layout.shape()[1], strides(rows.layout));
    for (i, &row) in index.iter().enumerate().take(rows.layout.shape()[0]) {
        let from = rows.layout.offset() + i * by_row;
        for (column, out) in out[row as usize * width..][..width].iter_mut().enumerate() {
            *out = *out + rows.data[from + column * by_column];
        }
    }
}

/// One element along axis 1: `[outer, n, inner]` and `[outer, inner]` numbers give `[outer, inner]`.
pub(crate) fn pick<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    index: &[u32],
    out: &mut [E],
) {
    let inner = x.layout.shape()[2];
    let [by_outer, by_n, by_inner] = strides(x.layout);
    let cut = Cut::new(context.executor.workers(), out.len(), 1, GRAIN);
    split::chunks(context.executor, out, cut, &|start, out| {
        for (i, (out, &at)) in out.iter_mut().zip(&index[start..]).enumerate() {
            let (row, column) = ((start + i) / inner, (start + i) % inner);
            *out =
                x.data[x.layout.offset() + row * by_outer + at as usize * by_n + column * by_inner];
        }
    });
}

/// Puts `[outer, inner]` into the positions along axis 1 of a zeroed `[outer, n, inner]`.
pub(crate) fn place<E: Element>(x: Operand<'_, E>, index: &[u32], n: usize, out: &mut [E]) {
    let (inner, [by_outer, by_inner]) = (x.layout.shape()[1], strides(x.layout));
    for (i, &at) in index.iter().enumerate().take(x.layout.elements()) {
        let (row, column) = (i / inner, i % inner);
        let from = x.layout.offset() + row * by_outer + column * by_inner;
        out[(row * n + at as usize) * inner + column] = x.data[from];
    }
}

fn strides<const N: usize>(layout: &Layout) -> [usize; N] {
    core::array::from_fn(|axis| layout.strides()[axis])
}
