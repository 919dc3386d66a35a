//! The register-blocked kernel under matrix products and convolutions.
//!
//! All of them are sums `out[r, c] = sum over k of a[r, k] * b[k, c]`. What differs is where `a` and `b` lie. So the
//! kernel finds them through a table with two offsets for each `k` ([`Taps`]):
//!
//! ```text
//! for k in 0..taps                       one table row: (ka, kb)
//!     for r in 0..MR                     MR x NC accumulators, in registers
//!         for c in 0..NC                 one vector operation for each 8 of them
//!             acc[r][c] = fma(a[a_base + r * a_row + ka], b[b_base + kb + c], acc[r][c])
//! ```
//!
//! `a` is read where it is, whatever its strides: weights, transposed weights, any view. `b` lies in scratch memory or,
//! if its columns are contiguous, where it is. Taps ascend and each accumulator takes them one by one (R3 of the
//! canonical arithmetic); a sum that is longer than the table goes on from the values already in `out`.
#![allow(unsafe_code)]

use super::SMALL;
use crate::element::Element;
use crate::isa::Isa;
use crate::reduction::LANES;

/// Vectors of eight lanes in a tile.
const VECTORS: usize = if SMALL { 1 } else { 2 };

/// Columns of a tile.
pub(crate) const NR: usize = VECTORS * LANES;

/// Columns of a tile that has few rows, which needs more of them to keep the arithmetic units busy.
pub(crate) const WIDE: usize = 4 * NR;

/// The most taps of a table.
pub(crate) const DEPTH: usize = if SMALL { 32 } else { 256 };

/// Elements of scratch memory: a block of `DEPTH x NR`, or part of an image.
pub(crate) const SCRATCH: usize = DEPTH * NR;

/// Scratch memory on the stack. At most the first `SCRATCH` elements are in use; each read of a tile starts among them
/// and ends less than a row behind.
pub(crate) type Scratch<E> = [[E; NR]; DEPTH + 1];

/// How many rows a tile has when there are enough: two 8-lane vectors each, in half of the 16 registers.
pub(crate) const fn tile_rows<E>() -> usize {
    if SMALL || size_of::<E>() > 4 { 2 } else { 4 }
}

/// How many multiplications make a task worth handing to another thread (about 10 microseconds).
pub(crate) const TASK: usize = 1 << 18;

/// For each `k` in order: the offsets of `a[.., k]` and of `b[k, ..]` from the places where a tile starts.
pub(crate) struct Taps {
    offsets: [[usize; 2]; DEPTH],
    len: usize,
    // The largest offsets. `tile` trusts them, so nothing but `push` and `clear` changes these fields.
    reach: [usize; 2],
}

impl Taps {
    pub(crate) const fn new() -> Self {
        Self {
            offsets: [[0; 2]; DEPTH],
            len: 0,
            reach: [0; 2],
        }
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
        self.reach = [0; 2];
    }

    /// Adds the next `k`.
    #[inline(always)]
    pub(crate) fn push(&mut self, a: usize, b: usize) {
        self.offsets[self.len] = [a, b];
        self.len += 1;
        self.reach = [self.reach[0].max(a), self.reach[1].max(b)];
    }
}

/// The left operand: row `r` starts at `base + r * row`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a, E> {
    pub(crate) data: &'a [E],
    pub(crate) base: usize,
    pub(crate) row: usize,
}

/// Where results go. Columns lie in lines of `line` columns, of which the first `width` exist in the output; there are
/// `height` such lines. Column `x` of line `y` of row `r` goes to `base + r * row + y * step[0] + x * step[1]`.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) base: usize,
    pub(crate) row: usize,
    pub(crate) line: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) step: [usize; 2],
}

impl Target {
    /// Calls `run(c, at, count)` for the columns `c..c + count` of a tile at line `y`, column `x` that exist, `at` being
    /// the place of the first of them in row 0.
    #[inline(always)]
    fn runs(
        &self,
        [mut y, mut x]: [usize; 2],
        columns: usize,
        mut run: impl FnMut(usize, usize, usize),
    ) {
        let mut c = 0;
        while c < columns && y < self.height {
            let count = (columns - c).min(self.line - x);
            if x < self.width {
                run(
                    c,
                    self.base + y * self.step[0] + x * self.step[1],
                    count.min(self.width - x),
                );
            }
            c += count;
            x = 0;
            y += 1;
        }
    }

    /// The place of a tile whose columns all exist and are contiguous.
    #[inline(always)]
    fn dense(&self, [y, x]: [usize; 2], columns: usize) -> Option<usize> {
        let dense = self.step[1] == 1 && x + columns <= self.width && y < self.height;
        dense.then(|| self.base + y * self.step[0] + x)
    }
}

/// A block of work: the operands, the taps that are to be added, and where the results go.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a, E> {
    pub(crate) left: Left<'a, E>,
    /// Column `x` of line `y` starts at `b[y * line + x]`.
    pub(crate) b: &'a [E],
    pub(crate) taps: &'a Taps,
    pub(crate) target: Target,
    /// Whether sums start at +0; else they go on from what is in the output.
    pub(crate) first: bool,
}

impl<E: Element> Panel<'_, E> {
    /// The tile of `NR` columns at line `at[0]`, column `at[1]`, for `rows` rows.
    #[inline(always)]
    pub(crate) fn column<I: Isa>(&self, rows: usize, at: [usize; 2], out: &mut [E]) {
        let most = tile_rows::<E>();
        let mut row = 0;
        while rows - row >= most {
            if most == 4 {
                self.below(row).tile::<I, 4, VECTORS>(at, out);
            } else {
                self.below(row).tile::<I, 2, VECTORS>(at, out);
            }
            row += most;
        }
        if rows - row >= 2 {
            self.below(row).tile::<I, 2, VECTORS>(at, out);
            row += 2;
        }
        if rows > row {
            self.below(row).tile::<I, 1, VECTORS>(at, out);
        }
    }

    /// The tile of `WIDE` columns at line `at[0]`, column `at[1]`, for row `row`.
    #[inline(always)]
    pub(crate) fn wide<I: Isa>(&self, row: usize, at: [usize; 2], out: &mut [E]) {
        self.below(row).tile::<I, 1, { WIDE / LANES }>(at, out);
    }

    /// The same block without its first `row` rows.
    #[inline(always)]
    fn below(&self, row: usize) -> Self {
        let left = Left {
            base: self.left.base + row * self.left.row,
            ..self.left
        };
        let target = Target {
            base: self.target.base + row * self.target.row,
            ..self.target
        };
        Self {
            left,
            target,
            ..*self
        }
    }

    /// A tile of `MR` rows and `NV` vectors.
    #[inline(always)]
    fn tile<I: Isa, const MR: usize, const NV: usize>(&self, at: [usize; 2], out: &mut [E]) {
        let (target, position, columns) =
            (&self.target, at[0] * self.target.line + at[1], NV * LANES);
        let mut acc = [[[E::ZERO; LANES]; NV]; MR];
        if let Some(place) = target.dense(at, columns) {
            if !self.first {
                for (r, acc) in acc.iter_mut().enumerate() {
                    acc.as_flattened_mut()
                        .copy_from_slice(&out[place + r * target.row..][..columns]);
                }
            }
            let acc = self.accumulate::<I, MR, NV>(position, acc);
            for (r, acc) in acc.iter().enumerate() {
                out[place + r * target.row..][..columns].copy_from_slice(acc.as_flattened());
            }
            return;
        }
        if !self.first {
            target.runs(at, columns, |c, place, count| {
                for (r, acc) in acc.iter_mut().enumerate() {
                    for (i, acc) in acc.as_flattened_mut()[c..c + count].iter_mut().enumerate() {
                        *acc = out[place + r * target.row + i * target.step[1]];
                    }
                }
            });
        }
        let acc = self.accumulate::<I, MR, NV>(position, acc);
        target.runs(at, columns, |c, place, count| {
            for (r, acc) in acc.iter().enumerate() {
                for (i, &acc) in acc.as_flattened()[c..c + count].iter().enumerate() {
                    out[place + r * target.row + i * target.step[1]] = acc;
                }
            }
        });
    }

    /// The loop at the head of this file, over all taps.
    #[inline(always)]
    fn accumulate<I: Isa, const MR: usize, const NV: usize>(
        &self,
        position: usize,
        mut acc: [[[E; LANES]; NV]; MR],
    ) -> [[[E; LANES]; NV]; MR] {
        let Self {
            left: a, b, taps, ..
        } = *self;
        if taps.len == 0 {
            return acc;
        }
        assert!(reach(a.base, MR, a.row, taps.reach[0]) < a.data.len());
        assert!(reach(position, 1, 0, taps.reach[1]).saturating_add(NV * LANES) <= b.len());
        for &[ka, kb] in &taps.offsets[..taps.len] {
            // SAFETY: `kb` is at most `taps.reach[1]`, and the assertion has that leave room for all columns.
            let columns: [[E; LANES]; NV] = unsafe {
                b.as_ptr()
                    .add(position + kb)
                    .cast::<[[E; LANES]; NV]>()
                    .read()
            };
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: `ka` is at most `taps.reach[0]` and `r` at most `MR - 1`: the assertion covers the sum.
                let x = unsafe { *a.data.get_unchecked(a.base + r * a.row + ka) };
                for (acc, &columns) in acc.iter_mut().zip(&columns) {
                    // Written out: a repeat expression would be a loop when it should become one broadcast.
                    *acc = E::fma_lanes::<I>([x, x, x, x, x, x, x, x], columns, *acc);
                }
            }
        }
        acc
    }
}

/// How far `count` steps from `base` reach, and `more` beyond. Sums that overflow reach beyond any slice: what rests on
/// the assertions below must not depend on the callers' strides being reasonable.
#[inline(always)]
fn reach(base: usize, count: usize, step: usize, more: usize) -> usize {
    let steps = (count - 1).checked_mul(step);
    let end = steps.and_then(|steps| base.checked_add(steps)?.checked_add(more));
    end.unwrap_or(usize::MAX)
}

/// Lines of two operands that are multiplied element by element: the second kernel, of a convolution's weight gradient.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, E> {
    pub(crate) x: &'a [E],
    /// Distance of two lines of `x`.
    pub(crate) x_line: usize,
    pub(crate) g: &'a [E],
    /// Distance of two lines of `g`.
    pub(crate) g_line: usize,
    pub(crate) height: usize,
    /// Vectors of a line.
    pub(crate) blocks: usize,
}

impl<E: Element> Lines<'_, E> {
    /// Adds `fma(g, x, acc)` for each vector, line by line: `acc[o][t]` is for the lines of `g` that start at `g_at[o]`
    /// and those of `x` that start at `x_at[t]`.
    #[inline(always)]
    pub(crate) fn correlate<I: Isa, const O: usize, const T: usize>(
        &self,
        g_at: [usize; O],
        x_at: [usize; T],
        mut acc: [[[E; LANES]; T]; O],
    ) -> [[[E; LANES]; T]; O] {
        let Self {
            x,
            x_line,
            g,
            g_line,
            height,
            blocks,
        } = *self;
        if height == 0 || blocks == 0 {
            return acc;
        }
        let length = blocks * LANES;
        assert!(
            g_at.iter()
                .all(|&at| reach(at, height, g_line, length) <= g.len())
        );
        assert!(
            x_at.iter()
                .all(|&at| reach(at, height, x_line, length) <= x.len())
        );
        for y in 0..height {
            for block in 0..blocks {
                let load = |from: &[E], at: usize| -> [E; LANES] {
                    // SAFETY: `at` is a start, at most `height - 1` lines and `blocks - 1` vectors further: the
                    // assertions have that leave room for a vector.
                    unsafe { from.as_ptr().add(at).cast::<[E; LANES]>().read() }
                };
                let xs = x_at.map(|at| load(x, at + y * x_line + block * LANES));
                for (acc, at) in acc.iter_mut().zip(g_at) {
                    let g = load(g, at + y * g_line + block * LANES);
                    for (acc, x) in acc.iter_mut().zip(xs) {
                        *acc = E::fma_lanes::<I>(g, x, *acc);
                    }
                }
            }
        }
        acc
    }
}
