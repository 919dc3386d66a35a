//! The register-blocked kernel under matrix products and convolutions.
//!
//! All of them are sums `out[r, c] = sum over k of a[r, k] * b[k, c]`. What differs is where `a` and `b` lie, which the
//! [terms](super::terms) of a panel know:
//!
//! ```text
//! for k in 0..terms
//!     for r in 0..MR                     MR x NV accumulators, vectors in registers
//!         for v in 0..NV
//!             acc[r][v] = fma(a[r, k], b[k, spot[v] ..], acc[r][v])
//! ```
//!
//! The vectors of a tile need not be neighbours: each has its own spot in `b` and in the output, so the ends of two short
//! lines of an image make one tile. Each accumulator takes its terms one by one (R3 of the canonical arithmetic); a sum
//! that has more terms than go at once continues from the values already in `out`.
#![allow(unsafe_code)]

use super::SMALL;
use super::left;
use super::terms::Terms;
use super::vector::Vector;
use crate::element::Element;
use crate::isa::{Isa, Kernel, Level};
use crate::reduction::LANES;
use core::array::from_fn;
use core::hint::black_box;
use core::marker::PhantomData;

/// How many numbers a vector of the kernel holds.
pub(crate) const fn lanes<E, I: Isa>() -> usize {
    if SMALL || size_of::<E>() > 4 {
        LANES
    } else {
        I::LANES
    }
}

/// Vectors side by side in a tile.
pub(crate) const VECTORS: usize = if SMALL { 1 } else { 2 };

/// Vectors of a tile of one row, which needs more of them to keep the arithmetic units busy.
pub(crate) const WIDE: usize = 4 * VECTORS;

/// Vectors side by side in the tiles of a convolution with so many rows in all: few rows need more of them, as far as there
/// are registers.
pub(crate) const fn vectors<E, I: Isa>(rows: usize) -> usize {
    let many = !SMALL && (I::ROWS == 8 || I::ROWS == 6 && size_of::<E>() == 4);
    match rows {
        1 if many => WIDE,
        2 if many => WIDE / 2,
        4 if many && I::ROWS == 8 => WIDE / 2,
        _ => VECTORS,
    }
}

/// How many rows a tile has when there are enough of them.
pub(crate) const fn tile_rows<E, I: Isa>() -> usize {
    if SMALL {
        2
    } else if size_of::<E>() > 4 && I::ROWS < 8 {
        // A vector of eight is two registers.
        I::ROWS / 2
    } else {
        I::ROWS
    }
}

/// Rows and columns of a tile at some level.
pub(crate) fn tile<E: Element>(level: Level) -> [usize; 2] {
    conv_tile::<E>(level, usize::MAX)
}

/// Rows and columns of a tile of a convolution with so many rows in all.
pub(crate) fn conv_tile<E: Element>(level: Level, rows: usize) -> [usize; 2] {
    struct Ask<E>(usize, PhantomData<E>);
    impl<E: Element> Kernel for Ask<E> {
        type Output = [usize; 2];
        const DENSE: bool = true;

        #[inline(always)]
        fn run<I: Isa>(self) -> [usize; 2] {
            let columns = vectors::<E, I>(self.0) * lanes::<E, I>();
            [tile_rows::<E, I>().min(self.0), columns]
        }
    }
    level.run(Ask(rows, PhantomData::<E>))
}

/// Elements of the largest tile: eight rows of two vectors of sixteen, or a wide row.
const LARGEST: usize = if SMALL { WIDE * LANES } else { 256 };

/// How many multiplications make a task worth handing to another thread (about 10 microseconds).
pub(crate) const TASK: usize = 1 << 18;

/// A vector of results: which elements of the right operand it sums, and where the sums go.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spot {
    /// The place of the first column in the right operand, for an offset of 0.
    pub(crate) b: usize,
    /// The place of the first column of row 0 in the output.
    pub(crate) out: usize,
    /// How many columns exist in the output, from the first one on.
    pub(crate) count: usize,
}

/// Columns side by side: those of a product.
pub(crate) struct Line {
    /// The places of the first one in the right operand and in row 0 of the output.
    pub(crate) b: usize,
    pub(crate) out: usize,
    /// Distance of two columns in the output.
    pub(crate) step: usize,
    pub(crate) width: usize,
    pub(crate) lanes: usize,
}

impl Line {
    /// So many times `NV` vectors: one type for all products, whose tiles are compiled once.
    #[inline(always)]
    pub(crate) fn spots<const NV: usize>(
        self,
        times: usize,
    ) -> impl Iterator<Item = [Spot; NV]> + Clone {
        let Self {
            b,
            out,
            step,
            width,
            lanes,
        } = self;
        let spot = move |column: usize| Spot {
            b: b + column,
            out: out + column * step,
            count: width.saturating_sub(column).min(lanes),
        };
        (0..times).map(move |n| from_fn(|v| spot((n * NV + v) * lanes)))
    }
}

/// A block of work: what is to be added, and how results lie.
#[derive(Clone, Copy)]
pub(crate) struct Panel<T> {
    pub(crate) terms: T,
    /// Distances of two rows and of two columns in the output.
    pub(crate) steps: [usize; 2],
    /// Whether sums start at +0; else they go on from what is in the output.
    pub(crate) first: bool,
}

impl<E: Element, T: Terms<Element = E>> Panel<T> {
    /// The sums of `rows` rows, at least one, at `NV` vectors of columns, as many in each as [`lanes()`] says, or eight,
    /// for each item of `spots`.
    #[inline(always)]
    pub(crate) fn tiles<I: Isa, const NV: usize>(
        &self,
        lanes: usize,
        rows: usize,
        spots: impl Iterator<Item = [Spot; NV]> + Clone,
        out: &mut [E],
    ) {
        self.all_rows::<I, _, NV, false>(lanes, rows, spots, 0, out);
    }

    /// The same at vectors over the ends of lines. Where a spot has fewer columns than a vector, `gap` follow that
    /// do not exist, and then others that do: in the output they come next. As many elements behind them are overwritten,
    /// which are left to later spots. Outputs must be adjacent, lines no shorter than a vector, and sums start at +0.
    #[inline(always)]
    pub(crate) fn tiles_over_lines<I: Isa, const NV: usize>(
        &self,
        lanes: usize,
        rows: usize,
        spots: impl Iterator<Item = [Spot; NV]> + Clone,
        gap: usize,
        out: &mut [E],
    ) {
        self.all_rows::<I, _, NV, true>(lanes, rows, spots, gap, out);
    }

    /// The sums of as many times `MR` rows as `tiles` says, in tiles of that height. If rows are packed, it is a single tile.
    #[inline(always)]
    pub(crate) fn few_rows<I: Isa, const MR: usize, const NV: usize>(
        &self,
        tiles: usize,
        spots: impl Iterator<Item = [Spot; NV]>,
        out: &mut [E],
    ) {
        let run = Run {
            row: 0,
            number: 0,
            tiles,
        };
        if lanes::<E, I>() == 16 {
            self.run::<I, [E; 16], _, MR, NV, false>(run, spots, 0, out);
        } else {
            self.run::<I, [E; LANES], _, MR, NV, false>(run, spots, 0, out);
        }
    }

    #[inline(always)]
    fn all_rows<I: Isa, S, const NV: usize, const OVER: bool>(
        &self,
        lanes: usize,
        rows: usize,
        spots: S,
        gap: usize,
        out: &mut [E],
    ) where
        S: Iterator<Item = [Spot; NV]> + Clone,
    {
        match (lanes, tile_rows::<E, I>()) {
            (16, 8) => self.runs::<I, [E; 16], S, 8, NV, OVER>(rows, spots, gap, out),
            (_, 8) => self.runs::<I, [E; LANES], S, 8, NV, OVER>(rows, spots, gap, out),
            (_, 6) => self.runs::<I, [E; LANES], S, 6, NV, OVER>(rows, spots, gap, out),
            (_, 4) => self.runs::<I, [E; LANES], S, 4, NV, OVER>(rows, spots, gap, out),
            (_, 3) => self.runs::<I, [E; LANES], S, 3, NV, OVER>(rows, spots, gap, out),
            _ => self.runs::<I, [E; LANES], S, 2, NV, OVER>(rows, spots, gap, out),
        }
    }

    #[inline(always)]
    fn runs<I: Isa, V: Vector<E>, S, const MOST: usize, const NV: usize, const OVER: bool>(
        &self,
        rows: usize,
        spots: S,
        gap: usize,
        out: &mut [E],
    ) where
        S: Iterator<Item = [Spot; NV]> + Clone,
    {
        let (mut row, mut number) = (0, 0);
        while row < rows {
            let [height, tiles] = left::run(rows - row, MOST);
            let run = Run { row, number, tiles };
            let spots = spots.clone();
            match height {
                4 if MOST > 4 => self.run::<I, V, S, 4, NV, OVER>(run, spots, gap, out),
                2 if MOST > 2 => self.run::<I, V, S, 2, NV, OVER>(run, spots, gap, out),
                1 => self.run::<I, V, S, 1, NV, OVER>(run, spots, gap, out),
                _ => self.run::<I, V, S, MOST, NV, OVER>(run, spots, gap, out),
            }
            row += tiles * height;
            number += tiles;
        }
    }

    #[inline(always)]
    fn run<I: Isa, V: Vector<E>, S, const MR: usize, const NV: usize, const OVER: bool>(
        &self,
        run: Run,
        spots: S,
        gap: usize,
        out: &mut [E],
    ) where
        S: Iterator<Item = [Spot; NV]>,
    {
        I::apart(Tiles::<T, V, S, MR, NV, OVER> {
            panel: self,
            run,
            spots,
            gap,
            out,
            vectors: PhantomData,
        });
    }
}

/// Tiles of equal heights, one below the other.
#[derive(Clone, Copy)]
struct Run {
    /// The first row, and the number of the first tile.
    row: usize,
    number: usize,
    tiles: usize,
}

/// Sums in registers, `MR` rows at `NV` vectors of columns at a time.
struct Tiles<'a, T: Terms, V, S, const MR: usize, const NV: usize, const OVER: bool> {
    panel: &'a Panel<T>,
    run: Run,
    spots: S,
    gap: usize,
    out: &'a mut [T::Element],
    vectors: PhantomData<V>,
}

impl<E, T, V, S, const MR: usize, const NV: usize, const OVER: bool> Kernel
    for Tiles<'_, T, V, S, MR, NV, OVER>
where
    E: Element,
    T: Terms<Element = E>,
    V: Vector<E>,
    S: Iterator<Item = [Spot; NV]>,
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            panel,
            run,
            spots,
            gap,
            out,
            ..
        } = self;
        const {
            // What the reads and writes below take a vector for.
            assert!(size_of::<V>() == V::LANES * size_of::<E>());
            assert!(align_of::<V>() == align_of::<E>());
        }
        let [by_row, by_column] = panel.steps;
        let end = run.row + MR * run.tiles;
        // A spot has room, in the operands and in the output, if it starts before these.
        let starts = panel.terms.starts(run.row..end, V::LANES);
        let places = (out.len() + 1).saturating_sub(reach(0, end, by_row, V::LANES));
        for spots in spots {
            debug_assert!(spots.iter().all(|spot| spot.count <= V::LANES));
            let full = OVER || spots.iter().all(|spot| spot.count == V::LANES);
            let whole = by_column == 1 && full;
            assert!(!OVER || whole && panel.first);
            assert!(spots.iter().all(|spot| spot.b < starts));
            assert!(!whole || spots.iter().all(|spot| spot.out < places));
            for tile in 0..run.tiles {
                // Hidden from the compiler, which would compute all addresses of rows anew for each term.
                let row = black_box(run.row + tile * MR);
                // Results that are not whole vectors of the output come and go through others that are.
                let mut others = None;
                let (to, at, pitch) = if whole {
                    let at: [usize; NV] = from_fn(|v| spots[v].out + row * by_row);
                    (out.as_mut_ptr(), at, by_row)
                } else {
                    // Not at compile time: arms of `all_rows` that never run are compiled, too.
                    assert!(MR * NV * V::LANES <= LARGEST);
                    let others = others.insert([E::ZERO; LARGEST]);
                    if !panel.first {
                        panel.each::<V, MR, NV>(row, &spots, |at, other| others[other] = out[at]);
                    }
                    let at = from_fn(|v| v * V::LANES);
                    (others.as_mut_ptr(), at, NV * V::LANES)
                };
                let place = |r: usize, v: usize| at[v] + r * pitch;
                // Sums are named by index throughout: moved as arrays, they would be copied through memory.
                let mut acc = [[V::ZERO; NV]; MR];
                if !panel.first {
                    for r in 0..MR {
                        for v in 0..NV {
                            // SAFETY: one of the first `end` rows of a spot that the assertion has found before `places`,
                            // or of the vectors of `others`.
                            acc[r][v] = unsafe { to.add(place(r, v)).cast::<V>().read() };
                            if whole {
                                // The next tile's, most likely: rows are further apart than the processor looks ahead.
                                I::prefetch(
                                    to.wrapping_add(place(r, v))
                                        .wrapping_add(MR.wrapping_mul(pitch)),
                                );
                            }
                        }
                    }
                }
                let b = from_fn(|v| spots[v].b);
                // SAFETY: these are rows for which the assertion has found the spots before `starts`.
                unsafe {
                    let place = [row, run.number + tile];
                    panel.terms.add::<I, V, MR, NV>(place, b, &mut acc);
                }
                if OVER {
                    let orders = spots.map(|spot| V::order(spot.count, gap));
                    for r in 0..MR {
                        for v in 0..NV {
                            let sums = acc[r][v].select::<I>(orders[v]);
                            // SAFETY: as above.
                            unsafe { to.add(place(r, v)).cast::<V>().write(sums) };
                        }
                    }
                } else {
                    for r in 0..MR {
                        for v in 0..NV {
                            // SAFETY: as above. Checks for each vector would keep the sums in memory.
                            unsafe { to.add(place(r, v)).cast::<V>().write(acc[r][v]) };
                        }
                    }
                }
                if let Some(others) = &others {
                    panel.each::<V, MR, NV>(row, &spots, |at, other| out[at] = others[other]);
                }
            }
        }
    }
}

impl<E: Element, T: Terms<Element = E>> Panel<T> {
    /// Calls `pair` with the place of each result in the output, and in whole vectors, row by row.
    #[inline(always)]
    fn each<V: Vector<E>, const MR: usize, const NV: usize>(
        &self,
        row: usize,
        spots: &[Spot; NV],
        mut pair: impl FnMut(usize, usize),
    ) {
        for r in 0..MR {
            for (v, spot) in spots.iter().enumerate() {
                let at = spot.out + (row + r) * self.steps[0];
                for i in 0..spot.count {
                    pair(at + i * self.steps[1], (r * NV + v) * V::LANES + i);
                }
            }
        }
    }
}

/// How far `count` steps from `base` reach, and `more` beyond. Sums that overflow reach beyond any slice: what rests on
/// the kernels' assertions must not depend on the callers' strides being reasonable.
#[inline(always)]
pub(crate) fn reach(base: usize, count: usize, step: usize, more: usize) -> usize {
    let steps = (count - 1).checked_mul(step);
    let end = steps.and_then(|steps| base.checked_add(steps)?.checked_add(more));
    end.unwrap_or(usize::MAX)
}
