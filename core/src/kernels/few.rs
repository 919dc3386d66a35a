//! Products of up to four rows with columns whose terms lie side by side, as in answering a sample or a few by a linear
//! layer.
//!
//! Each element of the right operand is used a few times only, so it is not worth packing. Squares of it, eight columns
//! by eight terms, are turned in registers instead, after which lanes run along the columns as in every product:
//!
//! ```text
//! for 32 columns, or 16
//!     for 8 terms
//!         for 8 columns       square[n][k]  ->  turned[k][n]
//!             for k, row      sum[row][n] = fma(turned[k][n], a[row][k], sum[row][n])
//! ```

use super::product::Side;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// The most rows.
pub(super) const FEW: usize = 4;

/// Some rows and columns of a product, with all terms.
pub(super) struct Few<'a, 'o, E> {
    /// The operands, whose terms are adjacent.
    pub(super) sides: [Side<'a, E>; 2],
    /// Where the first row and the first column start.
    pub(super) starts: [usize; 2],
    /// How many rows, at most [`FEW`], and columns.
    pub(super) size: [usize; 2],
    /// How many terms.
    pub(super) depth: usize,
    /// The first row and column of the result, whose rows are `pitch` apart.
    pub(super) out: &'o mut [E],
    pub(super) pitch: usize,
}

impl<E: Element> Few<'_, '_, E> {
    #[inline(always)]
    pub(super) fn run<I: Isa>(mut self) {
        // As many sums as stay in registers beside a square, and enough that those of some squares wait while others
        // are worked on.
        match self.size[0] {
            1 => self.rows::<I, 1, 4>(),
            2 => self.rows::<I, 2, 4>(),
            3 => self.rows::<I, 3, 2>(),
            _ => self.rows::<I, FEW, 2>(),
        }
    }

    /// `R` rows, as far as possible at `G` times eight columns.
    #[inline(always)]
    fn rows<I: Isa, const R: usize, const G: usize>(&mut self) {
        let columns = self.size[1];
        let mut first = 0;
        while first < columns {
            let squares = (columns - first).div_ceil(LANES);
            first += LANES
                * if squares >= G {
                    self.sums::<I, R, G>(first)
                } else if squares >= 2 {
                    self.sums::<I, R, 2>(first)
                } else {
                    self.sums::<I, R, 1>(first)
                };
        }
    }

    /// `R` rows at `G` times eight columns, of which the last ones may not exist; gives `G`.
    #[inline(always)]
    fn sums<I: Isa, const R: usize, const G: usize>(&mut self, first: usize) -> usize {
        let Self {
            sides: [a, b],
            starts,
            depth,
            ..
        } = *self;
        let columns = self.size[1] - first;
        let sums = I::apart(Sums::<E, R, G> {
            rows: core::array::from_fn(|r| &a.data[starts[0] + r * a.step..][..depth]),
            // A column that does not exist is the last one that does.
            columns: core::array::from_fn(|g| {
                core::array::from_fn(|n| {
                    let column = first + (g * LANES + n).min(columns - 1);
                    &b.data[starts[1] + column * b.step..][..depth]
                })
            }),
        });
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut self.out[r * self.pitch + first..];
            for (out, sums) in out[..columns.min(G * LANES)].chunks_mut(LANES).zip(sums) {
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
        G
    }
}

/// Sums in registers.
struct Sums<'a, E, const R: usize, const G: usize> {
    rows: [&'a [E]; R],
    columns: [[&'a [E]; LANES]; G],
}

impl<E: Element, const R: usize, const G: usize> Kernel for Sums<'_, E, R, G> {
    type Output = [[[E; LANES]; G]; R];

    #[inline(always)]
    fn run<I: Isa>(self) -> Self::Output {
        let Self { rows, columns } = self;
        let depth = columns[0][0].len();
        let whole = depth / LANES * LANES;
        let mut sums = [[[E::ZERO; LANES]; G]; R];
        for first in (0..whole).step_by(LANES) {
            let x: [[E; LANES]; R] =
                core::array::from_fn(|r| core::array::from_fn(|k| rows[r][first..][..LANES][k]));
            for g in 0..G {
                let mut square = [[E::ZERO; LANES]; LANES];
                for n in 0..LANES {
                    square[n].copy_from_slice(&columns[g][n][first..first + LANES]);
                }
                let turned = E::transpose::<I>(square);
                for k in 0..LANES {
                    for r in 0..R {
                        sums[r][g] = E::fma_lanes::<I>(turned[k], [x[r][k]; LANES], sums[r][g]);
                    }
                }
            }
        }
        for k in whole..depth {
            for g in 0..G {
                let terms = core::array::from_fn(|n| columns[g][n][k]);
                for r in 0..R {
                    let x = [rows[r][k]; LANES];
                    sums[r][g] = E::fma_lanes::<I>(terms, x, sums[r][g]);
                }
            }
        }
        sums
    }
}
