//! Lines of images multiplied element by element: the kernel under a convolution's weight gradient.
//!
//! A pair of an output channel and a tap has eight sums, its lanes, in which the columns of all lines are added in turn
//! (R4 of the canonical arithmetic). Several pairs are worked on together, their lanes in registers. A vector has four
//! lanes, a quad, of neighbouring output channels, whose [gradients](super::gradients) are packed side by side, while four
//! elements of the image are repeated; so a line of 28 columns leaves nothing unused, as eight lanes of fewer channels would:
//!
//! ```text
//! for line, for quad of columns
//!     for g in 0..G, for t in 0..T
//!         acc[g][quad % 2][t] = fma(gradient[g][line][quad], x[tap[t] + line and quad], acc[g][quad % 2][t])
//! ```
#![allow(unsafe_code)]

use super::SMALL;
use super::gradients::{Gradients, QUAD, per_vector, width};
use super::panel::reach;
use super::vector::Vector;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;
use core::array::from_fn;

/// Vectors that the lanes of a pair are in: the lanes of some output channels are in memory as
/// `[vector of output channels][tap][half]`.
const HALVES: usize = LANES / QUAD;

/// Output channels that are best worked on together: less than so many use the machine badly.
pub(crate) const fn together<E, I: Isa>() -> usize {
    if SMALL { 1 } else { 4 * per_vector::<E, I>() }
}

/// Numbers that the lanes of so many output channels and taps are in memory.
pub(crate) const fn held<E, I: Isa>(rows: usize, taps: usize) -> usize {
    rows.next_multiple_of(per_vector::<E, I>()) * taps * LANES
}

/// What lanes are added up from: a strip of an image, and the packed gradients under it.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, E> {
    pub(crate) x: &'a [E],
    /// Distance of two lines of `x`.
    pub(crate) x_line: usize,
    pub(crate) g: &'a [E],
    pub(crate) gradients: Gradients,
    /// Whether lanes of the last quad of each line that lie beyond the line need not be left out: there `g` is 0, so they
    /// change no sum if `x`, which goes on there, is finite. (A lane that is -0 may become +0; the total, which starts at
    /// +0, is the same.)
    pub(crate) finite: bool,
}

impl<E: Element> Lines<'_, E> {
    /// Adds to the lanes of all pairs of an output channel and one of the taps, which start at these places of `x`.
    #[inline(always)]
    pub(crate) fn add<I: Isa>(&self, taps: &[usize], lanes: &mut [E]) {
        if !self.finite && !self.gradients.columns.is_multiple_of(QUAD) {
            self.careful::<I>(taps, lanes);
        } else if SMALL {
            // More accumulators than registers would only lie on the stack.
            self.vectors::<I, [E; QUAD], 1, 1>(0, taps, lanes.as_chunks_mut().0);
        } else if width::<E, I>() == 16 {
            let (lanes, _) = lanes.as_chunks_mut();
            let first = self.vectors::<I, [E; 16], 4, 3>(0, taps, lanes);
            self.vectors::<I, [E; 16], 1, 9>(first, taps, lanes);
        } else {
            let (lanes, _) = lanes.as_chunks_mut();
            let first = self.vectors::<I, [E; 8], 2, 3>(0, taps, lanes);
            self.vectors::<I, [E; 8], 1, 3>(first, taps, lanes);
        }
    }

    /// As many vectors of output channels from `first` on as there are, `G` at a time, with all taps, `T` at a time; gives
    /// how many that were.
    #[inline(always)]
    fn vectors<I: Isa, V: Vector<E>, const G: usize, const T: usize>(
        &self,
        first: usize,
        taps: &[usize],
        lanes: &mut [V],
    ) -> usize {
        let vectors = self.gradients.rows.div_ceil(V::LANES / QUAD);
        let vectors = (vectors - first) / G * G;
        let (blocks, rest) = taps.as_chunks::<T>();
        let (threes, ones) = rest.as_chunks::<3>();
        for vector in (first..first + vectors).step_by(G) {
            let mut tap = 0;
            for &block in blocks {
                self.tile::<I, V, G, T>(vector, block, [tap, taps.len()], lanes);
                tap += T;
            }
            for &three in threes {
                self.tile::<I, V, G, 3>(vector, three, [tap, taps.len()], lanes);
                tap += 3;
            }
            for &one in ones {
                self.tile::<I, V, G, 1>(vector, [one], [tap, taps.len()], lanes);
                tap += 1;
            }
        }
        vectors
    }

    #[inline(always)]
    fn tile<I: Isa, V: Vector<E>, const G: usize, const T: usize>(
        &self,
        vector: usize,
        taps: [usize; T],
        place: [usize; 2],
        lanes: &mut [V],
    ) {
        I::apart(Tile::<E, V, G, T> {
            lines: self,
            vector,
            taps,
            place,
            lanes,
        });
    }

    /// [`Lines::add`] without the lanes beyond the line: 0 times infinity is not 0. Almost never needed.
    fn careful<I: Isa>(&self, taps: &[usize], lanes: &mut [E]) {
        let (per, width) = (per_vector::<E, I>(), width::<E, I>());
        let Gradients {
            rows,
            lines,
            columns,
        } = self.gradients;
        for row in 0..rows {
            let (vector, within) = (row / per, row % per * QUAD);
            let g = &self.g[vector * self.gradients.group::<E, I>() + within..];
            for (t, &tap) in taps.iter().enumerate() {
                let lanes = &mut lanes[(vector * taps.len() + t) * HALVES * width + within..];
                for y in 0..lines {
                    let g = &g[y * self.gradients.quads() * width..];
                    let x = &self.x[tap + y * self.x_line..];
                    for at in 0..columns {
                        let lane = &mut lanes[at % LANES / QUAD * width + at % QUAD];
                        let g = g[at / QUAD * width + at % QUAD];
                        *lane = E::fma::<I>(g, x[at], *lane);
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
    /// Taps of an output channel before these, and all of them.
    place: [usize; 2],
    lanes: &'a mut [V],
}

impl<E: Element, V: Vector<E>, const G: usize, const T: usize> Kernel for Tile<'_, E, V, G, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            lines,
            vector,
            taps,
            place: [tap, count],
            lanes,
        } = self;
        let mut sums = [[[V::ZERO; T]; G]; HALVES];
        for n in 0..G {
            let lanes = &lanes[((vector + n) * count + tap) * HALVES..][..T * HALVES];
            for t in 0..T {
                for half in 0..HALVES {
                    sums[half][n][t] = lanes[t * HALVES + half];
                }
            }
        }
        sums = lines.correlate::<I, V, G, T>(vector, taps, sums);
        for n in 0..G {
            let lanes = &mut lanes[((vector + n) * count + tap) * HALVES..][..T * HALVES];
            for t in 0..T {
                for half in 0..HALVES {
                    lanes[t * HALVES + half] = sums[half][n][t];
                }
            }
        }
    }
}

/// The sums of `G` vectors of output channels and `T` taps.
type Sums<V, const G: usize, const T: usize> = [[[V; T]; G]; HALVES];

impl<E: Element> Lines<'_, E> {
    /// The loop at the head of this file.
    #[inline(always)]
    fn correlate<I: Isa, V: Vector<E>, const G: usize, const T: usize>(
        &self,
        vector: usize,
        taps: [usize; T],
        [mut low, mut high]: Sums<V, G, T>,
    ) -> Sums<V, G, T> {
        const {
            // What is read for a vector.
            assert!(size_of::<V>() == V::LANES * size_of::<E>());
            assert!(align_of::<V>() == align_of::<E>());
        }
        let (lines, quads) = (self.gradients.lines, self.gradients.quads());
        if lines == 0 || quads == 0 {
            return [low, high];
        }
        let (x, g, x_line) = (self.x, self.g, self.x_line);
        // Products that overflow reach beyond any slice, too: what rests on the assertions must not depend on the callers.
        let apart = lines.saturating_mul(quads).saturating_mul(V::LANES);
        let start = vector.saturating_mul(apart);
        assert!(reach(start, G, apart, apart) <= g.len());
        for tap in taps {
            assert!(reach(tap, lines, x_line, quads.saturating_mul(QUAD)) <= x.len());
        }
        // The pairs have a loop of their own: with a condition in it, sums would be in memory.
        for y in 0..lines {
            let add = |quad: usize, sums: &mut [[V; T]; G]| {
                let gs: [V; G] = from_fn(|n| {
                    let at = start + n * apart + (y * quads + quad) * V::LANES;
                    // SAFETY: vector `y * quads + quad` of the `lines * quads` that `apart` counts; the assertion has all of
                    // the `G` times as many lie in `g`.
                    unsafe { g.as_ptr().add(at).cast::<V>().read() }
                });
                for t in 0..T {
                    let at = taps[t] + y * x_line + quad * QUAD;
                    // SAFETY: a tap, at most `lines - 1` lines and `quads - 1` quads further: the assertion leaves room for
                    // a quad.
                    let x = unsafe { x.as_ptr().add(at).cast::<[E; QUAD]>().read() };
                    for n in 0..G {
                        sums[n][t] = gs[n].times_quad::<I>(x, sums[n][t]);
                    }
                }
            };
            for pair in 0..quads / HALVES {
                add(pair * HALVES, &mut low);
                add(pair * HALVES + 1, &mut high);
            }
            if !quads.is_multiple_of(HALVES) {
                add(quads - 1, &mut low);
            }
        }
        [low, high]
    }
}

/// Combines the lanes of each pair, and adds them to the pair's total.
pub(crate) struct Totals<'a, E> {
    pub(crate) lanes: &'a [E],
    /// Output channels and taps.
    pub(crate) rows: usize,
    pub(crate) taps: usize,
    /// The totals of the first output channel, and the distance to those of the next one.
    pub(crate) totals: &'a mut [E],
    pub(crate) pitch: usize,
}

impl<E: Element> Kernel for Totals<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        if SMALL {
            self.vectors::<I, QUAD>();
        } else if width::<E, I>() == 16 {
            self.vectors::<I, 16>();
        } else {
            self.vectors::<I, 8>();
        }
    }
}

impl<E: Element> Totals<'_, E> {
    #[inline(always)]
    fn vectors<I: Isa, const W: usize>(self)
    where
        [E; W]: Vector<E>,
    {
        let Self {
            lanes,
            rows,
            taps,
            totals,
            pitch,
        } = self;
        let (lanes, _) = lanes.as_chunks::<W>();
        let (lanes, _) = lanes.as_chunks::<HALVES>();
        for (row, lanes) in (0..rows).step_by(W / QUAD).zip(lanes.chunks_exact(taps)) {
            for (n, lanes) in lanes.chunks(QUAD).enumerate() {
                // A number of each output channel in each lane of its quad, and of four taps one lane each.
                let mut sums = [[E::ZERO; W]; QUAD];
                for (sums, [low, high]) in sums.iter_mut().zip(lanes) {
                    *sums = from_fn(|l| low[l] + high[l]).fold_quads::<I>();
                }
                let sums: [E; W] = from_fn(|l| sums[l % QUAD][l]);
                for (r, sums) in sums.as_chunks::<QUAD>().0.iter().enumerate() {
                    if row + r == rows {
                        break;
                    }
                    let totals = &mut totals[(row + r) * pitch + n * QUAD..][..lanes.len()];
                    if let Some(totals) = totals.first_chunk_mut::<QUAD>() {
                        *totals = from_fn(|t| totals[t] + sums[t]);
                    } else {
                        for (total, &x) in totals.iter_mut().zip(sums) {
                            *total = *total + x;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Portable;
    use crate::reduction::{Sum, combine};

    #[test]
    fn lanes_combine_as_those_of_a_sum() {
        // Rounding makes another order visible.
        let lanes: [f32; LANES] = from_fn(|l| (l as f32).sin() * 3e4 + 1e-3);
        let sums: [f32; QUAD] = from_fn(|l| lanes[l] + lanes[l + QUAD]);
        assert_eq!(
            sums.fold_quads::<Portable>(),
            [combine::<Sum, f32>(lanes); QUAD]
        );
    }
}
