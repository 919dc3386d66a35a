//! Windows of 2x2 or 4x4 that lie side by side in contiguous rows.
//!
//! Eight windows fold at a time, in lanes. For the gradients, the windows of some rows are worked on together, in steps
//! that are one plain loop each: down the columns, across the columns of a window, back to all of its columns, and into
//! all of its rows. Each element is read and written once.

use super::Planes;
use crate::backend::Window;
use crate::element::Element;
use crate::kernels::SMALL;
use crate::reduction::LANES;
use core::array::from_fn;

/// Columns of all rows of windows that are worked on together.
const COLUMNS: usize = if SMALL { 64 } else { 512 };
/// Columns of a row that go down at a time: four vectors. The 28 of a digit leave few unused.
const CHUNK: usize = 32;

/// A number for each of those columns, and room for what is too much in the last chunk.
type Lane<E> = [E; COLUMNS + CHUNK];

/// Whether windows of `K` by `K` lie side by side, and rows of the operands are contiguous.
pub(super) fn fit<const K: usize, E: Element>(
    window: &Window,
    operands: &[&Planes<'_, E>],
) -> bool {
    [window.kernel, window.stride] == [[K; 2]; 2]
        && (1..=COLUMNS / K).contains(&window.output[1])
        && operands.iter().all(|operand| operand.strides[3] == 1)
}

/// Folds each window to `finish(total)`, where `total` starts at `start` and `fold` takes the taps of a row in order.
#[inline(always)]
pub(super) fn fold<const K: usize, E: Element>(
    x: &Planes<'_, E>,
    window: &Window,
    out: &mut [E],
    start: E,
    fold: impl Fn(E, [E; K]) -> E,
    finish: impl Fn(E) -> E,
) {
    let [height, width] = window.output;
    for (n, out) in out.chunks_exact_mut(height * width).enumerate() {
        let x = Rows::new(x, n);
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            for (part, out) in out.chunks_mut(LANES).enumerate() {
                let mut totals = [start; LANES];
                for i in 0..K {
                    let taps = columns::<K, E>(x.from(y * K + i, part * LANES * K));
                    totals = from_fn(|l| fold(totals[l], from_fn(|j| taps[j][l])));
                }
                for (out, total) in out.iter_mut().zip(totals) {
                    *out = finish(total);
                }
            }
        }
    }
}

/// The columns of eight windows: what lies `K` apart. Elements that are not there are 0, for windows that are not there.
#[inline(always)]
fn columns<const K: usize, E: Element>(x: &[E]) -> [[E; LANES]; K] {
    let mut last = [[E::ZERO; K]; LANES];
    let windows = match x.as_chunks::<K>().0.first_chunk::<LANES>() {
        Some(windows) => windows,
        None => {
            last.as_flattened_mut()[..x.len()].copy_from_slice(x);
            &last
        }
    };
    from_fn(|j| from_fn(|l| windows[l][j]))
}

/// Gives each element of a window the same share of its gradient.
#[inline(always)]
pub(super) fn avg_grad<const K: usize, E: Element>(
    g: &Planes<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    let taps = E::from_f64((K * K) as f64);
    let mut given: Lane<E> = [E::ZERO; _];
    let [height, width] = window.input;
    for (n, out) in out.chunks_exact_mut(height * width).enumerate() {
        let g = Rows::new(g, n);
        for y in 0..window.output[0] {
            repeat::<K, E>(&g.from(y, 0)[..window.output[1]], |g| g / taps, &mut given);
            for i in 0..K {
                write(out, window, y * K + i, |row| {
                    row.copy_from_slice(&given[..row.len()]);
                });
            }
        }
        out[window.output[0] * K * width..].fill(E::ZERO);
    }
}

/// Gives the gradient of each window to the first of its largest elements.
#[inline(always)]
pub(super) fn max_grad<const K: usize, E: Element>(
    x: &Planes<'_, E>,
    g: &Planes<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    let lane: Lane<E> = [E::ZERO; _];
    let (mut best, mut first, mut taps, mut given) = (lane, lane, lane, lane);
    let ([height, width], windows) = (window.input, window.output[1]);
    let columns = windows * K;
    for (n, out) in out.chunks_exact_mut(height * width).enumerate() {
        let (x, g) = (Rows::new(x, n), Rows::new(g, n));
        let together = COLUMNS / columns;
        for start in (0..window.output[0]).step_by(together) {
            let rows = together.min(window.output[0] - start);
            for row in 0..rows {
                for at in (0..columns).step_by(CHUNK) {
                    let lines: [&[E]; K] = from_fn(|i| x.from((start + row) * K + i, at));
                    // What is too much is overwritten by the next row. A constant length is worth it.
                    let count = if lines[K - 1].len() < CHUNK {
                        columns - at
                    } else {
                        CHUNK
                    };
                    let to = row * columns + at;
                    let (best, first) = (&mut best[to..to + CHUNK], &mut first[to..to + CHUNK]);
                    if count == CHUNK {
                        down::<K, E>(lines.map(|line| &line[..CHUNK]), best, first);
                    } else {
                        let (best, first) = (&mut best[..count], &mut first[..count]);
                        down::<K, E>(lines.map(|line| &line[..count]), best, first);
                    }
                }
            }
            across::<K, E>(&best, &first, &mut taps[..rows * windows]);
            // From here on `first` holds a tap less the number of the column in its window, so that the rows of the
            // window only compare with the tap of their first column.
            let all = first.as_chunks_mut::<K>().0.iter_mut();
            for (all, &tap) in all.zip(&taps[..rows * windows]) {
                *all = from_fn(|j| tap - E::from_f64(j as f64));
            }
            for row in 0..rows {
                let g = &g.from(start + row, 0)[..windows];
                repeat::<K, E>(g, |g| g, &mut given);
                for i in 0..K {
                    let tap = E::from_f64((i * K) as f64);
                    write(out, window, (start + row) * K + i, |out| {
                        let first = &first[row * columns..];
                        for ((out, &first), &given) in out.iter_mut().zip(first).zip(&given) {
                            *out = if first == tap { given } else { E::ZERO };
                        }
                    });
                }
            }
        }
        out[window.output[0] * K * width..].fill(E::ZERO);
    }
}

/// Down each column of `K` rows: the largest element, and the tap in a window's first column of the first row that has it.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "true for NaN is meant")]
fn down<const K: usize, E: Element>(rows: [&[E]; K], best: &mut [E], first: &mut [E]) {
    let count = best.len();
    let (rows, first) = (rows.map(|row| &row[..count]), &mut first[..count]);
    for c in 0..count {
        let (mut largest, mut tap) = (rows[0][c], E::ZERO);
        for i in 1..K {
            // Larger or not a number, and the largest so far is a number.
            let x = rows[i][c];
            let wins = !(x <= largest) & (largest == largest);
            largest = if wins { x } else { largest };
            tap = if wins {
                E::from_f64((i * K) as f64)
            } else {
                tap
            };
        }
        (best[c], first[c]) = (largest, tap);
    }
}

/// Across the `K` columns of each window: the first tap that has the largest element.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn across<const K: usize, E: Element>(best: &[E], first: &[E], taps: &mut [E]) {
    let windows = best.as_chunks::<K>().0.iter().zip(first.as_chunks::<K>().0);
    for (tap, (best, first)) in taps.iter_mut().zip(windows) {
        let mut largest = best[0];
        for j in 1..K {
            largest = E::maximum(largest, best[j]);
        }
        *tap = E::INFINITY;
        for j in 0..K {
            let hit = (best[j] == largest) | (best[j] != best[j]);
            let at = first[j] + E::from_f64(j as f64);
            *tap = if hit & (at < *tap) { at } else { *tap };
        }
    }
}

/// What each window is given, in all of its columns, added to the +0 that the sum of an element starts at.
#[inline(always)]
fn repeat<const K: usize, E: Element>(windows: &[E], given: impl Fn(E) -> E, all: &mut Lane<E>) {
    for (all, &g) in all.as_chunks_mut::<K>().0.iter_mut().zip(windows) {
        *all = [E::ZERO + given(g); K];
    }
}

/// Fills row `y` of a plane: `fill` all columns of windows, zeros the columns beyond. Rows must come in order: whole
/// vectors are filled, if there is room, and what is too much lies in the rows that follow.
#[inline(always)]
fn write<E: Element>(plane: &mut [E], window: &Window, y: usize, fill: impl FnOnce(&mut [E])) {
    let (width, columns) = (window.input[1], window.output[1] * window.kernel[1]);
    let rest = &mut plane[y * width..];
    let count = columns.next_multiple_of(LANES).min(rest.len());
    fill(&mut rest[..count]);
    rest[columns..width].fill(E::ZERO);
}

/// The rows of a plane.
#[derive(Clone, Copy)]
struct Rows<'a, E> {
    elements: &'a [E],
    stride: usize,
}

impl<'a, E: Element> Rows<'a, E> {
    #[inline(always)]
    fn new(planes: &Planes<'a, E>, plane: usize) -> Self {
        Self {
            elements: planes.plane(plane),
            stride: planes.strides[2],
        }
    }

    /// The elements from a column of a row on.
    #[inline(always)]
    fn from(&self, row: usize, column: usize) -> &'a [E] {
        &self.elements[row * self.stride + column..]
    }
}
