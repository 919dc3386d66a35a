//! Lines of images multiplied element by element: the kernel under a convolution's weight gradient.
//!
//! A pair of an output channel and a tap has eight sums, its lanes, in which the columns of all lines are added in turn
//! (R4 of the canonical arithmetic). Several pairs are worked on together, their lanes in registers:
//!
//! ```text
//! for line, for column block of 8
//!     for g in 0..G, for t in 0..T
//!         acc[g][t] = fma(gradient[g][line][block], x[tap[t] + line and block], acc[g][t])
//! ```
//!
//! Where a vector is longer than eight lanes, it has those of neighbouring output channels, whose gradients are packed
//! side by side, while eight elements of the image are repeated.
#![allow(unsafe_code)]

use super::SMALL;
use super::panel::{lanes, reach};
use super::strip::Image;
use super::vector::Vector;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::{LANES, Sum, combine};
use core::marker::PhantomData;

/// The sums of a pair of an output channel and a tap.
pub(crate) type Lanes<E> = [E; LANES];

/// Output channels in a vector.
pub(crate) const fn channels<E, I: Isa>() -> usize {
    lanes::<E, I>() / LANES
}

/// Output channels that are best worked on together: less than so many use the machine badly.
pub(crate) const fn together<E, I: Isa>() -> usize {
    if SMALL { 1 } else { 4 * channels::<E, I>() }
}

/// The gradients of some lines of output channels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gradients {
    pub(crate) rows: usize,
    pub(crate) lines: usize,
    /// Blocks of eight columns in a line.
    pub(crate) blocks: usize,
}

impl Gradients {
    /// For so many output channels, lines and columns.
    pub(crate) const fn new(rows: usize, lines: usize, columns: usize) -> Self {
        Self {
            rows,
            lines,
            blocks: columns.div_ceil(LANES),
        }
    }

    /// Elements that [`Gradients::pack`] writes.
    pub(crate) const fn elements<E, I: Isa>(&self) -> usize {
        let per = channels::<E, I>();
        self.rows.div_ceil(per) * per * self.lines * self.blocks * LANES
    }

    /// Where line `line` of a channel begins; its blocks are [`lanes()`] apart.
    #[inline(always)]
    const fn line<E, I: Isa>(&self, row: usize, line: usize) -> usize {
        let per = channels::<E, I>();
        let vector = (row / per * self.lines + line) * self.blocks;
        (vector * per + row % per) * LANES
    }

    /// Copies the gradients of the channels `row..` from line and column `at` of an image on, `columns` of each line, in
    /// the order that [`Lines`] reads. Other elements of the vectors are +0.
    #[inline(always)]
    pub(crate) fn pack<I: Isa, E: Element>(
        &self,
        image: &Image<'_, E>,
        row: usize,
        at: [usize; 2],
        columns: usize,
        to: &mut [E],
    ) {
        let [channel, line, column] = image.strides;
        let whole = if column <= 1 { columns / LANES } else { 0 };
        for r in 0..self.rows.next_multiple_of(channels::<E, I>()) {
            for y in 0..self.lines {
                let start = self.line::<E, I>(r, y);
                let apart = lanes::<E, I>();
                let to = &mut to[start..][..(self.blocks - 1) * apart + LANES];
                if r >= self.rows {
                    to.chunks_mut(apart)
                        .for_each(|block| block[..LANES].fill(E::ZERO));
                    continue;
                }
                let from = image.base + (row + r) * channel + (at[0] + y) * line + at[1] * column;
                let from = &image.data[from..][..(columns - 1) * column + 1];
                let blocks = to.chunks_mut(apart).take(whole);
                if column == 0 {
                    // The gradient of a sum is one number for all of its terms.
                    blocks.for_each(|to| to[..LANES].fill(from[0]));
                } else {
                    for (to, from) in blocks.zip(from.as_chunks::<LANES>().0) {
                        to[..LANES].copy_from_slice(from);
                    }
                }
                for (block, to) in to.chunks_mut(apart).enumerate().skip(whole) {
                    let first = block * LANES;
                    let count = LANES.min(columns - first);
                    part_of_block(&mut to[..LANES], count, &from[first * column..], column);
                }
            }
        }
    }
}

/// Copies `count` elements, `step` apart, and fills up with +0.
#[inline(always)]
fn part_of_block<E: Element>(to: &mut [E], count: usize, from: &[E], step: usize) {
    to.fill(E::ZERO);
    if step == 1
        && let (Some(first), Some(last)) = (from.first_chunk::<4>(), from.last_chunk::<4>())
    {
        // Four and four, some of them twice.
        to[..4].copy_from_slice(first);
        to[count - 4..count].copy_from_slice(last);
    } else {
        for (n, to) in to[..count].iter_mut().enumerate() {
            *to = from[n * step];
        }
    }
}

/// What lanes are added up from: a strip of an image, and the packed gradients under it.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, E> {
    pub(crate) x: &'a [E],
    /// Distance of two lines of `x`.
    pub(crate) x_line: usize,
    pub(crate) g: &'a [E],
    pub(crate) gradients: Gradients,
    /// How many lanes of the last block of each line must be left out because they lie beyond the line. There `g` is 0, so
    /// they change no sum if `x`, which goes on there, is finite: none then. (A lane that is -0 may become +0; the total,
    /// which starts at +0, is the same.)
    pub(crate) closed: usize,
}

impl<E: Element> Lines<'_, E> {
    /// Adds to the lanes of all pairs of an output channel and one of the taps, which start at these places of `x`.
    #[inline(always)]
    pub(crate) fn add<I: Isa>(&self, taps: &[usize], lanes: &mut [Lanes<E>]) {
        if self.closed > 0 {
            self.careful::<I>(taps, lanes);
        } else if SMALL {
            // More accumulators than registers would only lie on the stack.
            self.vectors::<I, [E; 8], 1, 1>(0, taps, lanes);
        } else if channels::<E, I>() == 2 {
            self.all::<I, [E; 16]>(taps, lanes);
        } else {
            self.all::<I, [E; 8]>(taps, lanes);
        }
    }

    #[inline(always)]
    fn all<I: Isa, V: Vector<E>>(&self, taps: &[usize], lanes: &mut [Lanes<E>]) {
        let vectors = self.gradients.rows.div_ceil(V::LANES / LANES);
        let mut vector = self.vectors::<I, V, 4, 3>(0, taps, lanes);
        if vectors - vector >= 2 {
            vector += if V::LANES > LANES {
                self.vectors::<I, V, 2, 9>(vector, taps, lanes)
            } else {
                self.vectors::<I, V, 2, 3>(vector, taps, lanes)
            };
        }
        if vectors > vector {
            self.vectors::<I, V, 1, 9>(vector, taps, lanes);
        }
    }

    /// As many vectors of output channels from `vector` on as there are, `G` at a time, with all taps, `T` at a time; gives
    /// how many that were.
    #[inline(always)]
    fn vectors<I: Isa, V: Vector<E>, const G: usize, const T: usize>(
        &self,
        first: usize,
        taps: &[usize],
        lanes: &mut [Lanes<E>],
    ) -> usize {
        let per = V::LANES / LANES;
        let vectors = (self.gradients.rows.div_ceil(per) - first) / G * G;
        let (blocks, rest) = taps.as_chunks::<T>();
        for vector in (first..first + vectors).step_by(G) {
            for (at, &taps_of_block) in blocks.iter().enumerate() {
                self.tile::<I, V, G, T>(vector, taps_of_block, at * T, taps.len(), lanes);
            }
            for (at, &tap) in rest.iter().enumerate() {
                let at = blocks.len() * T + at;
                self.tile::<I, V, G, 1>(vector, [tap], at, taps.len(), lanes);
            }
        }
        vectors
    }

    #[inline(always)]
    fn tile<I: Isa, V: Vector<E>, const G: usize, const T: usize>(
        &self,
        vector: usize,
        taps: [usize; T],
        tap: usize,
        per_row: usize,
        lanes: &mut [Lanes<E>],
    ) {
        I::apart(Tile::<E, V, G, T> {
            lines: self,
            vector,
            taps,
            place: [per_row, tap],
            lanes,
            vectors: PhantomData,
        });
    }

    /// [`Lines::add`] without the lanes beyond the line: 0 times infinity is not 0. Almost never needed.
    fn careful<I: Isa>(&self, taps: &[usize], lanes: &mut [Lanes<E>]) {
        let Gradients {
            rows,
            lines,
            blocks,
        } = self.gradients;
        for row in 0..rows {
            for (&tap, lanes) in taps.iter().zip(&mut lanes[row * taps.len()..]) {
                for y in 0..lines {
                    let g = &self.g[self.gradients.line::<E, I>(row, y)..];
                    let x = &self.x[tap + y * self.x_line..];
                    for at in 0..blocks * LANES - self.closed {
                        let (block, lane) = (at / LANES, at % LANES);
                        let g = g[block * super::panel::lanes::<E, I>() + lane];
                        lanes[lane] = E::fma::<I>(g, x[at], lanes[lane]);
                    }
                }
            }
        }
    }
}

/// `G` vectors of output channels from `vector` on and `T` taps, whose lanes are held in registers.
struct Tile<'a, E, V, const G: usize, const T: usize> {
    lines: &'a Lines<'a, E>,
    vector: usize,
    taps: [usize; T],
    /// Lanes of an output channel, and those of it that come before.
    place: [usize; 2],
    lanes: &'a mut [Lanes<E>],
    vectors: PhantomData<V>,
}

impl<E: Element, V: Vector<E>, const G: usize, const T: usize> Kernel for Tile<'_, E, V, G, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            lines,
            vector,
            taps,
            place: [per_row, tap],
            lanes,
            ..
        } = self;
        let per = V::LANES / LANES;
        const {
            // What the reads below, and those of `correlate`, take a vector for.
            assert!(size_of::<V>() == V::LANES * size_of::<E>());
            assert!(align_of::<V>() == align_of::<E>());
        }
        // Output channels that there are not have lanes that nobody looks at.
        let mut held = [[V::ZERO; T]; G];
        for row in 0..G * per {
            if let Some(lanes) = lanes
                .get((vector * per + row) * per_row + tap..)
                .and_then(<[_]>::first_chunk::<T>)
            {
                for (t, lanes) in lanes.iter().enumerate() {
                    eights(&mut held)[(row / per * T + t) * per + row % per] = *lanes;
                }
            }
        }
        held = lines.correlate::<I, V, G, T>(vector, taps, held);
        for row in 0..G * per {
            if let Some(lanes) = lanes
                .get_mut((vector * per + row) * per_row + tap..)
                .and_then(<[_]>::first_chunk_mut::<T>)
            {
                for (t, lanes) in lanes.iter_mut().enumerate() {
                    *lanes = eights(&mut held)[(row / per * T + t) * per + row % per];
                }
            }
        }
    }
}

/// The lanes that vectors consist of.
#[inline(always)]
fn eights<E: Element, V: Vector<E>, const G: usize, const T: usize>(
    vectors: &mut [[V; T]; G],
) -> &mut [Lanes<E>] {
    const {
        assert!(size_of::<V>() == V::LANES * size_of::<E>());
        assert!(align_of::<V>() == align_of::<E>());
    }
    let count = G * T * (V::LANES / LANES);
    // SAFETY: a vector is an array of numbers, of which any bits are valid; the assertions say how many.
    unsafe { core::slice::from_raw_parts_mut(vectors.as_mut_ptr().cast(), count) }
}

impl<E: Element> Lines<'_, E> {
    /// The loop at the head of this file.
    #[inline(always)]
    fn correlate<I: Isa, V: Vector<E>, const G: usize, const T: usize>(
        &self,
        vector: usize,
        taps: [usize; T],
        mut acc: [[V; T]; G],
    ) -> [[V; T]; G] {
        let Gradients { lines, blocks, .. } = self.gradients;
        if lines == 0 || blocks == 0 {
            return acc;
        }
        let (x, g, x_line) = (self.x, self.g, self.x_line);
        // Products that overflow reach beyond any slice, too: what rests on the assertions must not depend on the callers.
        let apart = lines.saturating_mul(blocks).saturating_mul(V::LANES);
        let start = vector.saturating_mul(apart);
        assert!(reach(start, G, apart, apart) <= g.len());
        for tap in taps {
            assert!(reach(tap, lines, x_line, blocks.saturating_mul(LANES)) <= x.len());
        }
        for y in 0..lines {
            for block in 0..blocks {
                let xs = taps.map(|tap| {
                    let at = tap + y * x_line + block * LANES;
                    // SAFETY: a tap, at most `lines - 1` lines and `blocks - 1` blocks further: the assertion leaves room
                    // for a block.
                    unsafe { x.as_ptr().add(at).cast::<[E; LANES]>().read() }
                });
                for (n, acc) in acc.iter_mut().enumerate() {
                    let at = start + n * apart + (y * blocks + block) * V::LANES;
                    // SAFETY: vector `y * blocks + block` of the `lines * blocks` that `apart` counts; the assertion has all of
                    // the `G` times as many lie in `g`.
                    let g = unsafe { g.as_ptr().add(at).cast::<V>().read() };
                    for (acc, &x) in acc.iter_mut().zip(&xs) {
                        *acc = g.times_eight::<I>(x, *acc);
                    }
                }
            }
        }
        acc
    }
}

/// Combines the lanes of each pair, and adds them to the pair's total.
pub(crate) struct Totals<'a, E> {
    pub(crate) lanes: &'a [Lanes<E>],
    pub(crate) totals: &'a mut [E],
}

impl<E: Element> Kernel for Totals<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (lanes, rest) = self.lanes.as_chunks::<LANES>();
        let mut totals = self.totals.chunks_exact_mut(LANES);
        for (totals, lanes) in totals.by_ref().zip(lanes) {
            let combined = combine_eight(lanes);
            for (total, x) in totals.iter_mut().zip(combined) {
                *total = *total + x;
            }
        }
        for (total, &lanes) in totals.into_remainder().iter_mut().zip(rest) {
            *total = *total + combine::<Sum, E>(lanes);
        }
    }
}

/// [`combine`] of eight pairs at once: each step is an addition of two vectors, in which what is added to each other has
/// been moved to the same place.
#[inline(always)]
fn combine_eight<E: Element>(lanes: &[Lanes<E>; LANES]) -> [E; LANES] {
    use core::array::from_fn;
    // (0+4), (1+5), (2+6), (3+7) of the pairs n and n + 4.
    let fours: [Lanes<E>; 4] = from_fn(|n| {
        from_fn(|i| {
            let lanes = &lanes[if i < 4 { n } else { n + 4 }];
            lanes[i % 4] + lanes[i % 4 + 4]
        })
    });
    // (0+4)+(2+6) and (1+5)+(3+7) of the pairs 2n, 2n + 1, 2n + 4, 2n + 5.
    let twos: [Lanes<E>; 2] = from_fn(|n| {
        from_fn(|i| {
            let (fours, at) = (&fours[2 * n + i / 2 % 2], i / 4 * 4 + i % 2);
            fours[at] + fours[at + 2]
        })
    });
    from_fn(|i| {
        let (twos, at) = (&twos[i / 2 % 2], i / 4 * 4 + i % 2 * 2);
        twos[at] + twos[at + 1]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_at_once_combine_as_each_alone() {
        // Rounding makes another order visible.
        let lanes: [Lanes<f32>; LANES] = core::array::from_fn(|n| {
            core::array::from_fn(|l| ((n * 8 + l) as f32).sin() * 3e4 + 1e-3)
        });
        assert_eq!(combine_eight(&lanes), lanes.map(combine::<Sum, f32>));
    }
}
