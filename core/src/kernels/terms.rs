//! Where the terms of a panel's sums lie: at even distances, or where a table says.
//!
//! Products have theirs at even distances. Those of a convolution are at no simple ones, so [`Taps`] lists two offsets for
//! each: into the left operand, and into the right one.
#![allow(unsafe_code)]

use super::SMALL;
use super::left::{Left, SIDE};
use super::panel::{reach, tile_rows};
use super::vector::Vector;
use crate::element::Element;
use crate::isa::Isa;
use core::array::from_fn;
use core::mem::MaybeUninit;
use core::ops::Range;

/// The terms of the sums of a panel, in their order.
pub(crate) trait Terms: Copy {
    type Element: Element;

    /// The place of the right operand before which a vector of so many columns starts if all of it is there, for all terms.
    ///
    /// # Panics
    /// If a term of these rows, where they are not packed, lies outside of the left operand.
    fn starts(&self, rows: Range<usize>, lanes: usize) -> usize;

    /// Adds them to sums in registers: `MR` rows from `place[0]` on, if they are packed the tile with the number
    /// `place[1]`, at vectors of columns that start at `spots` in the right operand.
    ///
    /// # Safety
    /// The spots are before what [`Terms::starts`] gives for vectors of these lanes, and rows that include these.
    unsafe fn add<I: Isa, V: Vector<Self::Element>, const MR: usize, const NV: usize>(
        self,
        place: [usize; 2],
        spots: [usize; NV],
        sums: &mut [[V; NV]; MR],
    );
}

/// Adds one term, whose rows of the left operand `x` gives.
#[inline(always)]
fn term<I: Isa, E: Element, V: Vector<E>, const MR: usize, const NV: usize>(
    x: impl Fn(usize) -> E,
    columns: [V; NV],
    sums: &mut [[V; NV]; MR],
) {
    for r in 0..MR {
        let x = x(r);
        for v in 0..NV {
            sums[r][v] = columns[v].times::<I>(x, sums[r][v]);
        }
    }
}

/// Terms at even distances.
#[derive(Clone, Copy)]
pub(crate) struct Even<'a, E> {
    pub(crate) left: Left<'a, E>,
    pub(crate) right: &'a [E],
    pub(crate) count: usize,
    /// Distance of two terms in the left operand, unless it is packed, and in the right one.
    pub(crate) steps: [usize; 2],
}

/// How many terms of packed operands go through the kernel between two jumps.
const UNROLLED: usize = 4;

impl<E: Element> Terms for Even<'_, E> {
    type Element = E;

    #[inline(always)]
    fn starts(&self, rows: Range<usize>, lanes: usize) -> usize {
        let Self {
            count,
            steps: [by_left, by_right],
            ..
        } = *self;
        if count == 0 || rows.is_empty() {
            return usize::MAX;
        }
        if let Left::Lying(a) = self.left {
            let last = (count - 1).saturating_mul(by_left);
            assert!(reach(a.base, rows.end, a.row, last) < a.data.len());
        }
        (self.right.len() + 1).saturating_sub(reach(0, count, by_right, lanes))
    }

    #[inline(always)]
    unsafe fn add<I: Isa, V: Vector<E>, const MR: usize, const NV: usize>(
        self,
        [row, number]: [usize; 2],
        spots: [usize; NV],
        sums: &mut [[V; NV]; MR],
    ) {
        let Self {
            left,
            right,
            count,
            steps: [by_left, by_right],
        } = self;
        if count == 0 {
            return;
        }
        // SAFETY: the spots are before `starts`, which lie in the operand.
        let spots = spots.map(|spot| unsafe { right.as_ptr().add(spot) });
        // SAFETY: `at` is at most `count - 1` steps, and from each of the spots there is room for a vector as far as there.
        let columns = |at| spots.map(|spot| unsafe { spot.add(at).cast::<V>().read() });
        match left {
            Left::Lying(a) => {
                // SAFETY: rows for which `starts` has found that the operand has all terms.
                let rows: [_; MR] =
                    from_fn(|r| unsafe { a.data.as_ptr().add(a.base + (row + r) * a.row) });
                let (mut at, mut column) = (0, 0);
                for _ in 0..count {
                    // SAFETY: at most `count - 1` terms further.
                    term::<I, _, V, MR, NV>(|r| unsafe { *rows[r].add(at) }, columns(column), sums);
                    at += by_left;
                    column += by_right;
                }
            }
            Left::Packed(tiles) => {
                let tile = &tiles[number * count * SIDE..][..count * SIDE];
                let (mut terms, _) = tile.as_chunks::<SIDE>();
                let mut column = 0;
                // Where a tile's columns are packed, too, all distances are known: nothing is left to compute but sums.
                // Not everywhere, as it is much to compile.
                let worth = MR > 4 && MR == tile_rows::<E, I>();
                if worth && by_right == NV * V::LANES {
                    let (blocks, rest) = terms.as_chunks::<UNROLLED>();
                    for block in blocks {
                        for k in 0..UNROLLED {
                            let columns = columns(column + k * NV * V::LANES);
                            term::<I, _, V, MR, NV>(|r| block[k][r], columns, sums);
                        }
                        column += UNROLLED * by_right;
                    }
                    terms = rest;
                }
                for x in terms {
                    term::<I, _, V, MR, NV>(|r| x[r], columns(column), sums);
                    column += by_right;
                }
            }
        }
    }
}

/// Terms where a table says.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a, E> {
    pub(crate) left: Left<'a, E>,
    pub(crate) right: &'a [E],
    pub(crate) taps: &'a Taps,
}

impl<E: Element> Terms for Listed<'_, E> {
    type Element = E;

    #[inline(always)]
    fn starts(&self, rows: Range<usize>, lanes: usize) -> usize {
        if self.taps.len() == 0 || rows.is_empty() {
            return usize::MAX;
        }
        let [left, right] = self.taps.reach;
        if let Left::Lying(a) = self.left {
            assert!(reach(a.base, rows.end, a.row, left) < a.data.len());
        }
        (self.right.len() + 1).saturating_sub(right.saturating_add(lanes))
    }

    #[inline(always)]
    unsafe fn add<I: Isa, V: Vector<E>, const MR: usize, const NV: usize>(
        self,
        [row, number]: [usize; 2],
        spots: [usize; NV],
        sums: &mut [[V; NV]; MR],
    ) {
        let Self { left, right, taps } = self;
        let offsets = taps.offsets();
        if offsets.is_empty() {
            return;
        }
        // SAFETY: the spots are before `starts`, which lie in the operand.
        let spots = spots.map(|spot| unsafe { right.as_ptr().add(spot) });
        // SAFETY: `at` is at most `taps.reach[1]`, and from each of the spots there is room for a vector as far as there.
        let columns = |at| spots.map(|spot| unsafe { spot.add(at).cast::<V>().read() });
        match left {
            Left::Lying(a) => {
                // SAFETY: rows for which `starts` has found that the operand has all taps.
                let rows: [_; MR] =
                    from_fn(|r| unsafe { a.data.as_ptr().add(a.base + (row + r) * a.row) });
                for &[at, column] in offsets {
                    // SAFETY: `at` is at most `taps.reach[0]`.
                    term::<I, _, V, MR, NV>(|r| unsafe { *rows[r].add(at) }, columns(column), sums);
                }
            }
            Left::Packed(tiles) => {
                let tile = &tiles[number * offsets.len() * SIDE..][..offsets.len() * SIDE];
                for (x, &[_, column]) in tile.as_chunks::<SIDE>().0.iter().zip(offsets) {
                    term::<I, _, V, MR, NV>(|r| x[r], columns(column), sums);
                }
            }
        }
    }
}

/// The most taps of a table.
pub(crate) const DEPTH: usize = if SMALL { 32 } else { 1024 };

/// For each term in order: its offsets in the left and in the right operand, from the places where a tile starts.
pub(crate) struct Taps {
    // The first `len` are there; to write all of them first would take longer than a small product.
    offsets: [MaybeUninit<[usize; 2]>; DEPTH],
    len: usize,
    // The largest offsets. `starts` and `add` trust them, so nothing but `extend` and `clear` changes these fields.
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

    /// The offset of a term in the left operand.
    #[inline(always)]
    pub(crate) fn left(&self, k: usize) -> usize {
        self.offsets()[k][0]
    }

    /// Adds the offsets of the next terms.
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
