//! Gradients of output channels, packed for a convolution's weight gradient.
//!
//! A vector has four columns, a quad, of as many output channels as fill it:
//!
//! ```text
//! packed[vector of channels][line][quad of columns][channel][column of the quad]
//! ```

use super::SMALL;
use super::panel::lanes;
use super::strip::{Image, prefetch_line};
use crate::element::Element;
use crate::isa::Isa;

/// Columns, and lanes, that a vector has of each of its output channels.
pub(crate) const QUAD: usize = 4;

/// Numbers of a vector.
pub(super) const fn width<E, I: Isa>() -> usize {
    if SMALL { QUAD } else { lanes::<E, I>() }
}

/// Output channels in a vector.
pub(crate) const fn per_vector<E, I: Isa>() -> usize {
    width::<E, I>() / QUAD
}

/// The gradients of some lines of output channels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gradients {
    pub(crate) rows: usize,
    pub(crate) lines: usize,
    pub(crate) columns: usize,
}

impl Gradients {
    /// Quads of columns in a line.
    pub(crate) const fn quads(&self) -> usize {
        self.columns.div_ceil(QUAD)
    }

    /// Elements of the vectors of as many output channels as a vector has.
    pub(super) const fn group<E, I: Isa>(&self) -> usize {
        self.lines * self.quads() * width::<E, I>()
    }

    /// Elements that [`Gradients::pack`] writes.
    pub(crate) const fn elements<E, I: Isa>(&self) -> usize {
        self.rows.div_ceil(per_vector::<E, I>()) * self.group::<E, I>()
    }

    /// Copies the gradients of the channels `row..` from line and column `at` of an image on. Columns that there are not are
    /// +0, channels that there are not the last one again. With `ahead` the channels that come next are asked for.
    #[inline(always)]
    pub(crate) fn pack<I: Isa, E: Element>(
        &self,
        image: &Image<'_, E>,
        row: usize,
        at: [usize; 2],
        ahead: bool,
        to: &mut [E],
    ) {
        let [channel, line, column] = image.strides;
        let per = per_vector::<E, I>();
        let vectors = to.chunks_exact_mut(self.group::<E, I>());
        for (first, to) in (0..self.rows).step_by(per).zip(vectors) {
            let lines = to.chunks_exact_mut(self.quads() * width::<E, I>());
            for (y, to) in lines.enumerate() {
                let (quads, _) = to.as_chunks_mut::<QUAD>();
                let source = |r: usize| {
                    let row = row + (first + r).min(self.rows - 1);
                    let from = image.base + row * channel + (at[0] + y) * line + at[1] * column;
                    &image.data[from..][..(self.columns - 1) * column + 1]
                };
                let mut done = 0;
                if column == 1 {
                    let mut sources = [[].as_slice(); MOST];
                    for (r, from) in sources[..per].iter_mut().enumerate() {
                        if ahead {
                            prefetch_line::<I, E>(source(r), self.columns, per * channel);
                        }
                        *from = source(r).as_chunks().0;
                    }
                    interleave(quads, &sources[..per]);
                    done = self.columns / QUAD;
                }
                let quads = &mut quads[done * per..];
                if quads.is_empty() {
                    continue;
                }
                for r in 0..per {
                    let from = &source(r)[done * QUAD * column..];
                    let columns = self.columns - done * QUAD;
                    spread(quads.iter_mut().skip(r).step_by(per), from, column, columns);
                }
            }
        }
    }
}

/// The most output channels of a vector.
const MOST: usize = 16 / QUAD;

/// Copies quads of all sources, one of each in turn.
#[inline(always)]
fn interleave<E: Element>(to: &mut [[E; QUAD]], sources: &[&[[E; QUAD]]]) {
    let count = sources[0].len();
    for (n, to) in to.chunks_exact_mut(sources.len()).take(count).enumerate() {
        for (to, from) in to.iter_mut().zip(sources) {
            *to = from[n];
        }
    }
}

/// Copies `columns` elements, `step` apart, four to each of `quads`, and fills up with +0.
#[inline(always)]
fn spread<'q, E: Element>(
    quads: impl Iterator<Item = &'q mut [E; QUAD]>,
    from: &[E],
    step: usize,
    columns: usize,
) {
    for (n, to) in quads.enumerate() {
        let at = n * QUAD;
        let count = QUAD.min(columns - at);
        if step == 0 && count == QUAD {
            // The gradient of a sum is one number for all of its terms.
            *to = [from[0]; QUAD];
        } else {
            *to = [E::ZERO; QUAD];
            for (l, to) in to[..count].iter_mut().enumerate() {
                *to = from[(at + l) * step];
            }
        }
    }
}
