//! The register-blocked kernel under matrix products and convolutions.
//!
//! All of them are sums `out[r, c] = sum over k of a[r, k] * b[k, c]`. What differs is where `a` and `b` lie. So the
//! kernel finds them through a table with two offsets for each `k` ([`Taps`]):
//!
//! ```text
//! for k in 0..taps                       one table row: (ka, kb)
//!     for r in 0..MR                     MR x NV accumulators, vectors in registers
//!         for v in 0..NV
//!             acc[r][v] = fma(a[base + r * row + ka], b[spot[v] + kb ..], acc[r][v])
//! ```
//!
//! The vectors of a tile need not be neighbours: each has its own spot in `b` and in the output, so the ends of two short
//! lines of an image make one tile. Taps ascend and each accumulator takes them one by one (R3 of the canonical
//! arithmetic); a sum that is longer than the table goes on from the values already in `out`.
#![allow(unsafe_code)]

use super::SMALL;
use super::left::{Left, SIDE, height};
use super::vector::Vector;
use crate::element::Element;
use crate::isa::{Isa, Kernel, Level};
use crate::reduction::LANES;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

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
    struct Ask<E>(PhantomData<E>);
    impl<E: Element> Kernel for Ask<E> {
        type Output = [usize; 2];
        const DENSE: bool = true;

        #[inline(always)]
        fn run<I: Isa>(self) -> [usize; 2] {
            [tile_rows::<E, I>(), VECTORS * lanes::<E, I>()]
        }
    }
    level.run(Ask(PhantomData::<E>))
}

/// Elements of the largest tile: eight rows of two vectors of sixteen, or a wide row.
const LARGEST: usize = if SMALL { WIDE * LANES } else { 256 };

/// The most taps of a table.
pub(crate) const DEPTH: usize = if SMALL { 32 } else { 1024 };

/// How many multiplications make a task worth handing to another thread (about 10 microseconds).
pub(crate) const TASK: usize = 1 << 18;

/// For each `k` in order: the offsets of `a[.., k]` and of `b[k, ..]` from the places where a tile starts.
pub(crate) struct Taps {
    // The first `len` are there; to write all of them first would take longer than a small product.
    offsets: [MaybeUninit<[usize; 2]>; DEPTH],
    len: usize,
    // The largest offsets. `tile` trusts them, so nothing but `extend` and `clear` changes these fields.
    reach: [usize; 2],
}

impl Taps {
    pub(crate) const fn new() -> Self {
        Self {
            offsets: [MaybeUninit::uninit(); DEPTH],
            len: 0,
            reach: [0; 2],
        }
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
        self.reach = [0; 2];
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn offsets(&self) -> &[[usize; 2]] {
        let all = &self.offsets[..self.len];
        // SAFETY: `extend` has written to as many as it has counted, and the two types have one layout.
        unsafe { core::slice::from_raw_parts(all.as_ptr().cast(), all.len()) }
    }

    /// The offset of `a[.., k]`.
    #[inline(always)]
    pub(crate) fn left(&self, k: usize) -> usize {
        self.offsets()[k][0]
    }

    /// Adds the offsets of the next `k`.
    ///
    /// # Panics
    /// If there are more than [`DEPTH`] then.
    #[inline(always)]
    pub(crate) fn extend(&mut self, offsets: impl ExactSizeIterator<Item = [usize; 2]>) {
        // In registers, as each `k` would have to wait for what the one before it has written to the fields.
        let (mut len, mut reach) = (self.len, self.reach);
        let free = &mut self.offsets[len..][..offsets.len()];
        for (place, [a, b]) in free.iter_mut().zip(offsets) {
            place.write([a, b]);
            len += 1;
            reach = [reach[0].max(a), reach[1].max(b)];
        }
        (self.len, self.reach) = (len, reach);
    }
}

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

/// A block of work: the operands, the taps that are to be added, and how results lie.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a, E> {
    pub(crate) left: Left<'a, E>,
    pub(crate) b: &'a [E],
    pub(crate) taps: &'a Taps,
    /// Distances of two rows and of two columns in the output.
    pub(crate) steps: [usize; 2],
    /// How many columns lie between two lines, for [`Panel::tiles_over_lines`].
    pub(crate) gap: usize,
    /// Whether sums start at +0; else they go on from what is in the output.
    pub(crate) first: bool,
}

impl<E: Element> Panel<'_, E> {
    /// The sums of `rows` rows at `NV` vectors of columns, as many in each as [`lanes()`] says, or eight.
    #[inline(always)]
    pub(crate) fn tiles<I: Isa, const NV: usize>(
        &self,
        lanes: usize,
        rows: usize,
        spots: &[Spot; NV],
        out: &mut [E],
    ) {
        self.all_rows::<I, NV, false>(lanes, rows, spots, out);
    }

    /// The same at vectors over the ends of lines. Where a spot has fewer columns than a vector, [`Panel::gap`] follow that
    /// do not exist, and then others that do: in the output they come next. As many elements behind them are overwritten,
    /// which are left to later spots. Outputs must be adjacent, lines no shorter than a vector, and sums start at +0.
    #[inline(always)]
    pub(crate) fn tiles_over_lines<I: Isa, const NV: usize>(
        &self,
        lanes: usize,
        rows: usize,
        spots: &[Spot; NV],
        out: &mut [E],
    ) {
        self.all_rows::<I, NV, true>(lanes, rows, spots, out);
    }

    #[inline(always)]
    fn all_rows<I: Isa, const NV: usize, const OVER: bool>(
        &self,
        lanes: usize,
        rows: usize,
        spots: &[Spot; NV],
        out: &mut [E],
    ) {
        match (lanes, tile_rows::<E, I>()) {
            (16, 8) => self.rows::<I, [E; 16], 8, NV, OVER>(rows, spots, out),
            (_, 8) => self.rows::<I, [E; LANES], 8, NV, OVER>(rows, spots, out),
            (_, 6) => self.rows::<I, [E; LANES], 6, NV, OVER>(rows, spots, out),
            (_, 4) => self.rows::<I, [E; LANES], 4, NV, OVER>(rows, spots, out),
            (_, 3) => self.rows::<I, [E; LANES], 3, NV, OVER>(rows, spots, out),
            _ => self.rows::<I, [E; LANES], 2, NV, OVER>(rows, spots, out),
        }
    }

    /// The sums of one row, which is not packed, at `NV` vectors of columns.
    #[inline(always)]
    pub(crate) fn row<I: Isa, const NV: usize>(
        &self,
        row: usize,
        spots: &[Spot; NV],
        out: &mut [E],
    ) {
        if lanes::<E, I>() == 16 {
            self.tile::<I, [E; 16], 1, NV, false>([row, row], spots, out);
        } else {
            self.tile::<I, [E; LANES], 1, NV, false>([row, row], spots, out);
        }
    }

    #[inline(always)]
    fn rows<I: Isa, V: Vector<E>, const MOST: usize, const NV: usize, const OVER: bool>(
        &self,
        rows: usize,
        spots: &[Spot; NV],
        out: &mut [E],
    ) {
        let (mut row, mut number) = (0, 0);
        while row < rows {
            let height = height(rows - row, MOST);
            match height {
                4 if MOST > 4 => self.tile::<I, V, 4, NV, OVER>([row, number], spots, out),
                2 if MOST > 2 => self.tile::<I, V, 2, NV, OVER>([row, number], spots, out),
                1 => self.tile::<I, V, 1, NV, OVER>([row, number], spots, out),
                _ => self.tile::<I, V, MOST, NV, OVER>([row, number], spots, out),
            }
            row += height;
            number += 1;
        }
    }

    /// `MR` rows at `NV` vectors of columns; `place` is the first row and the number of the tile.
    #[inline(always)]
    fn tile<I: Isa, V: Vector<E>, const MR: usize, const NV: usize, const OVER: bool>(
        &self,
        place: [usize; 2],
        spots: &[Spot; NV],
        out: &mut [E],
    ) {
        I::apart(Tile::<E, V, MR, NV, OVER> {
            panel: self,
            place,
            spots,
            out,
            vectors: PhantomData,
        });
    }
}

/// Sums in registers: `MR` rows at `NV` vectors of columns.
struct Tile<'a, E, V, const MR: usize, const NV: usize, const OVER: bool> {
    panel: &'a Panel<'a, E>,
    /// The first row, and the number of the tile.
    place: [usize; 2],
    /// By reference: copied, they would be read before they have reached memory.
    spots: &'a [Spot; NV],
    out: &'a mut [E],
    vectors: PhantomData<V>,
}

impl<E: Element, V: Vector<E>, const MR: usize, const NV: usize, const OVER: bool> Kernel
    for Tile<'_, E, V, MR, NV, OVER>
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            panel,
            place: [row, number],
            spots,
            out,
            ..
        } = self;
        let [by_row, by_column] = panel.steps;
        const {
            // What the reads and writes below take a vector for.
            assert!(size_of::<V>() == V::LANES * size_of::<E>());
            assert!(align_of::<V>() == align_of::<E>());
        }
        debug_assert!(spots.iter().all(|spot| spot.count <= V::LANES));
        let full = OVER || spots.iter().all(|spot| spot.count == V::LANES);
        let whole = by_column == 1 && full;
        assert!(!OVER || whole && panel.first);
        // Results that are not whole vectors of the output come and go through others that are.
        let mut others = None;
        let (to, starts, pitch) = if whole {
            let starts: [usize; NV] = core::array::from_fn(|v| spots[v].out + row * by_row);
            (&mut *out, starts, by_row)
        } else {
            let others = others.insert([E::ZERO; LARGEST]);
            if !panel.first {
                panel.each::<V, MR, NV>(row, spots, |at, other| others[other] = out[at]);
            }
            let starts = core::array::from_fn(|v| v * V::LANES);
            (&mut others[..], starts, NV * V::LANES)
        };
        for start in starts {
            assert!(reach(start, MR, pitch, V::LANES) <= to.len());
        }
        let place = |r: usize, v: usize| starts[v] + r * pitch;
        // Sums are named by index throughout: moved as arrays, they would be copied through memory.
        let mut acc = [[V::ZERO; NV]; MR];
        if !panel.first {
            for r in 0..MR {
                for v in 0..NV {
                    // SAFETY: a start, at most `MR - 1` rows further: the assertion leaves room for a vector.
                    acc[r][v] = unsafe { to.as_ptr().add(place(r, v)).cast::<V>().read() };
                }
            }
        }
        let b = core::array::from_fn(|v| spots[v].b);
        panel.accumulate::<I, V, MR, NV>([row, number], b, &mut acc);
        let to = to.as_mut_ptr();
        if OVER {
            let orders = spots.map(|spot| V::order(spot.count, panel.gap));
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
            panel.each::<V, MR, NV>(row, spots, |at, other| out[at] = others[other]);
        }
    }
}

impl<E: Element> Panel<'_, E> {
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

    /// The loop at the head of this file, over all taps.
    #[inline(always)]
    fn accumulate<I: Isa, V: Vector<E>, const MR: usize, const NV: usize>(
        &self,
        [row, number]: [usize; 2],
        spots: [usize; NV],
        acc: &mut [[V; NV]; MR],
    ) {
        let Self { left, b, taps, .. } = *self;
        let offsets = taps.offsets();
        if offsets.is_empty() {
            return;
        }
        for spot in spots {
            assert!(reach(spot, 1, 0, taps.reach[1]).saturating_add(V::LANES) <= b.len());
        }
        let columns = |kb: usize| -> [V; NV] {
            // SAFETY: `kb` is at most `taps.reach[1]`, and the assertion has that leave room for a vector.
            spots.map(|spot| unsafe { b.as_ptr().add(spot + kb).cast::<V>().read() })
        };
        match left {
            Left::Lying(a) => {
                let base = a.base + row * a.row;
                assert!(reach(base, MR, a.row, taps.reach[0]) < a.data.len());
                for &[ka, kb] in offsets {
                    let columns = columns(kb);
                    for r in 0..MR {
                        // SAFETY: `ka` is at most `taps.reach[0]` and `r` at most `MR - 1`: the assertion covers the sum.
                        let x = unsafe { *a.data.get_unchecked(base + r * a.row + ka) };
                        for v in 0..NV {
                            acc[r][v] = columns[v].times::<I>(x, acc[r][v]);
                        }
                    }
                }
            }
            Left::Packed(tiles) => {
                let tile = &tiles[number * offsets.len() * SIDE..][..offsets.len() * SIDE];
                for (x, &[_, kb]) in tile.as_chunks::<SIDE>().0.iter().zip(offsets) {
                    let columns = columns(kb);
                    for r in 0..MR {
                        for v in 0..NV {
                            acc[r][v] = columns[v].times::<I>(x[r], acc[r][v]);
                        }
                    }
                }
            }
        }
    }
}

/// How far `count` steps from `base` reach, and `more` beyond. Sums that overflow reach beyond any slice: what rests on
/// the assertions below must not depend on the callers' strides being reasonable.
#[inline(always)]
pub(crate) fn reach(base: usize, count: usize, step: usize, more: usize) -> usize {
    let steps = (count - 1).checked_mul(step);
    let end = steps.and_then(|steps| base.checked_add(steps)?.checked_add(more));
    end.unwrap_or(usize::MAX)
}
