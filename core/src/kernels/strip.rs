//! Parts of padded images in scratch memory, laid out so that every tap of a window reads contiguous elements.
//!
//! Neighbouring outputs of a window with stride `s` read elements that are `s` apart. A strip therefore keeps the
//! columns of one residue modulo `s` (a *phase*) together, and rows alike:
//!
//! ```text
//! strip[channel][row phase][column phase][line][x]   =   image[channel][start_y + line * step_y + row phase]
//!                                                              [start_x + x * step_x + column phase]
//! ```
//!
//! Elements outside of the image are +0: padding costs nothing after the copy. Positions of consecutive lines of one
//! phase are contiguous too, so a tile of outputs may run over the end of a line.

use super::Operand;
use super::workspace::{BEYOND, LINE};
use crate::element::Element;
use crate::isa::Isa;
use crate::reduction::LANES;

/// Columns go through scratch memory all at once or in multiples of this: the longest vector.
const UNIT: usize = BEYOND;

/// So many elements, 32 KiB of `f32`, are in the cache soon enough: nothing is asked for ahead of its time.
const NEAR: usize = 8192;

/// So many elements stay in the second-level cache, 1 MiB of `f32`.
const CACHED: usize = 1 << 18;

/// One image: an operand from some element on.
#[derive(Clone, Copy)]
pub(crate) struct Image<'a, E> {
    pub(crate) data: &'a [E],
    pub(crate) base: usize,
    /// Strides of channel, row and column.
    pub(crate) strides: [usize; 3],
    /// Rows and columns.
    pub(crate) size: [usize; 2],
    /// Distance to the next image; 0 if there is none, or all of them are in the cache.
    pub(crate) next: usize,
}

impl<'a, E> Image<'a, E> {
    /// Image `n` of an operand `[n, c, h, w]`.
    #[inline(always)]
    pub(crate) fn of(operand: Operand<'a, E>, n: usize) -> Self {
        let axes = |axis| (operand.layout.shape()[axis], operand.layout.strides()[axis]);
        let [
            (images, image),
            (_, channel),
            (height, row),
            (width, column),
        ] = [0, 1, 2, 3].map(axes);
        Self {
            data: operand.data,
            base: operand.layout.offset() + n * image,
            strides: [channel, row, column],
            size: [height, width],
            next: if n + 1 < images && images.saturating_mul(image) > CACHED {
                image
            } else {
                0
            },
        }
    }

    /// The elements from a channel on.
    #[inline(always)]
    pub(crate) fn channel(&self, channel: usize) -> &'a [E] {
        &self.data[self.base + channel * self.strides[0]..]
    }
}

/// How many channels, kernel rows and kernel columns go through scratch memory together. Taps are in the order
/// (channel, row, column), so there is more than one of the former only with all of the latter.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) channels: usize,
    pub(crate) taps: [usize; 2],
}

impl Taken {
    /// How many taps these are.
    pub(crate) const fn count(&self) -> usize {
        self.channels * self.taps[0] * self.taps[1]
    }
}

/// The shape of a strip.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strip {
    pub(crate) channels: usize,
    /// Distance of neighbouring outputs in the image.
    pub(crate) step: [usize; 2],
    pub(crate) phases: [usize; 2],
    /// Lines, and columns of a line.
    pub(crate) lines: [usize; 2],
}

impl Strip {
    /// The strip for `outputs` rows and columns of output under a part of a kernel.
    pub(crate) fn new(taken: Taken, step: [usize; 2], outputs: [usize; 2]) -> Self {
        Self {
            channels: taken.channels,
            step,
            phases: [0, 1].map(|axis| step[axis].min(taken.taps[axis])),
            lines: [0, 1].map(|axis| outputs[axis] + (taken.taps[axis] - 1) / step[axis]),
        }
    }

    /// Elements of one channel.
    fn plane(&self) -> usize {
        let lines = self.lines[0].saturating_mul(self.lines[1]);
        lines.saturating_mul(self.phases[0] * self.phases[1])
    }

    /// Elements of the strip.
    pub(crate) fn elements(&self) -> usize {
        self.channels.saturating_mul(self.plane())
    }

    /// Where the element lies that output `[0, 0]` reads through the tap `(channel, i, j)`.
    #[inline(always)]
    pub(crate) fn tap(&self, channel: usize, [i, j]: [usize; 2]) -> usize {
        let phase =
            (channel * self.phases[0] + i % self.step[0]) * self.phases[1] + j % self.step[1];
        (phase * self.lines[0] + i / self.step[0]) * self.lines[1] + j / self.step[1]
    }

    /// Copies the strip that starts at row `start[0]` and column `start[1]` of channel `channel`; both may lie outside.
    /// Elements outside of the image are set only if `edges` says so. The strip below starts `next` rows further down; 0 if
    /// there is none, but perhaps another image. At stride 1 its lines are asked for, if their elements are adjacent: they
    /// are too short and too far apart for the processor to look ahead.
    #[inline(always)]
    pub(crate) fn fill<I: Isa, E: Element>(
        &self,
        image: &Image<'_, E>,
        channel: usize,
        start: [isize; 2],
        edges: bool,
        next: usize,
        strip: &mut [E],
    ) {
        let mut lines = strip.chunks_exact_mut(self.lines[1]);
        // With such a step that this overflows, a line has one element of the image.
        let columns = image.strides[2].saturating_mul(self.step[1]);
        let adjacent = self.step == [1, 1] && columns == 1;
        // How far from each line the one lies that is asked for, and in how many lines of the image there is one. Lines before
        // `new` have the line that lies `next` below them in this strip.
        let (ahead, new, end) = if !adjacent || self.elements() <= NEAR && image.next == 0 {
            (0, 0, 0)
        } else if next > 0 {
            let new = self.lines[0].saturating_sub(next);
            let end = image.size[0].saturating_sub(next);
            (next.wrapping_mul(image.strides[1]), new, end)
        } else {
            let above = start[0].max(0) as usize;
            let back = above.wrapping_mul(image.strides[1]);
            let end = if image.next > 0 { image.size[0] } else { 0 };
            (image.next.wrapping_sub(back), 0, end)
        };
        for channel in channel..channel + self.channels {
            for row_phase in 0..self.phases[0] {
                for column_phase in 0..self.phases[1] {
                    let x = start[1] + column_phase as isize;
                    let inside = inside(x, self.step[1], self.lines[1], image.size[1]);
                    for y_in_strip in 0..self.lines[0] {
                        let Some(line) = lines.next() else { return };
                        let y = start[0] + (row_phase + y_in_strip * self.step[0]) as isize;
                        if y < 0 || y as usize >= image.size[0] || inside.is_empty() {
                            if edges {
                                line.fill(E::ZERO);
                            }
                            continue;
                        }
                        if edges {
                            line[..inside.start].fill(E::ZERO);
                            line[inside.end..].fill(E::ZERO);
                        }
                        let first = (x + (inside.start * self.step[1]) as isize) as usize;
                        let from =
                            image.base + channel * image.strides[0] + y as usize * image.strides[1];
                        let source = &image.data[from + first * image.strides[2]..];
                        if y_in_strip >= new && (y as usize) < end {
                            prefetch_line::<I, E>(source, inside.len(), ahead);
                        }
                        let line = &mut line[inside.clone()];
                        if columns == 1 {
                            copy(line, &source[..line.len()]);
                        } else if columns == 0 {
                            line.fill(source[0]);
                        } else {
                            line.iter_mut()
                                .zip(source.iter().step_by(columns))
                                .for_each(|(to, &from)| *to = from);
                        }
                    }
                }
            }
        }
    }
}

/// Asks for so many elements that lie `ahead` of a line, wherever that is.
#[inline(always)]
pub(crate) fn prefetch_line<I: Isa, E>(line: &[E], count: usize, ahead: usize) {
    let there = line.as_ptr().wrapping_add(ahead);
    for at in (0..count).step_by(LINE / size_of::<E>()) {
        I::prefetch(there.wrapping_add(at));
    }
}

/// Copies a line. Lines are short: calling `memcpy` would take longer than the copy.
#[inline(always)]
fn copy<E: Element>(to: &mut [E], from: &[E]) {
    if to.len() >= UNIT {
        vectors::<UNIT, E>(to, from);
    } else if to.len() >= LANES {
        vectors::<LANES, E>(to, from);
    } else {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    }
}

/// Copies at least `N` elements. The last vector overlaps the one before unless the length is a multiple of it.
#[inline(always)]
fn vectors<const N: usize, E: Element>(to: &mut [E], from: &[E]) {
    for (to, from) in to.as_chunks_mut::<N>().0.iter_mut().zip(from.as_chunks().0) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}

/// Which of `count` positions `x, x + step, ..` lie in `0..size`.
fn inside(x: isize, step: usize, count: usize, size: usize) -> core::ops::Range<usize> {
    let start = if x < 0 {
        x.unsigned_abs().div_ceil(step)
    } else {
        0
    };
    let end = if x < size as isize {
        (size as isize - x) as usize
    } else {
        0
    };
    let end = end.div_ceil(step).min(count);
    start.min(end)..end
}

/// Chooses how many channels and taps, at most `most` together, and how many rows and columns of `outputs` go through
/// scratch memory of so many elements at a time. Columns are all of them or a multiple of `UNIT`.
pub(crate) fn plan(
    channels: usize,
    taps: [usize; 2],
    step: [usize; 2],
    outputs: [usize; 2],
    most: usize,
    capacity: usize,
) -> (Taken, [usize; 2]) {
    let area = taps[0] * taps[1];
    let mut taken = if area <= most {
        Taken {
            channels: (most / area).min(channels),
            taps,
        }
    } else if taps[1] <= most {
        Taken {
            channels: 1,
            taps: [most / taps[1], taps[1]],
        }
    } else {
        Taken {
            channels: 1,
            taps: [1, most],
        }
    };
    // Equal parts rather than full ones and a rest.
    taken.channels = channels.div_ceil(channels.div_ceil(taken.channels));
    let narrow = outputs[1].min(UNIT);
    while Strip::new(taken, step, [1, narrow]).elements() > capacity {
        let Taken {
            channels,
            taps: [rows, columns],
        } = &mut taken;
        let largest = if *channels > 1 {
            channels
        } else if *rows > 1 {
            rows
        } else {
            columns
        };
        *largest = largest.div_ceil(2);
    }
    let one = Strip::new(taken, step, [1, outputs[1]]);
    let others = one.elements() / one.lines[1];
    let extra = one.lines[1] - outputs[1];
    let width = capacity / others - extra;
    let width = if width >= outputs[1] {
        outputs[1]
    } else {
        width / UNIT * UNIT
    };
    let one = Strip::new(taken, step, [1, width]);
    let extra = one.lines[0] - 1;
    let height = capacity / (one.elements() / one.lines[0]) - extra;
    (taken, [height.clamp(1, outputs[0]), width])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan's strip fits into scratch memory, and takes channels, rows and columns in the order of the taps.
    #[test]
    fn plans_fit() {
        let sizes = [
            1, 2, 3, 7, 8, 9, 15, 16, 17, 40, 65, 100, 255, 256, 257, 4000, 4096, 9000,
        ];
        let small = &sizes[..15];
        for (most, capacity) in [(1, 256), (32, 256), (64, 4096), (256, 4096), (1024, 57344)] {
            for (&channels, &rows) in small.iter().flat_map(|a| small.iter().map(move |b| (a, b))) {
                for (&columns, &width) in
                    small.iter().flat_map(|a| sizes.iter().map(move |b| (a, b)))
                {
                    for (step, height) in [([1, 1], 1), ([1, 1], 40), ([2, 3], 40), ([300, 20], 3)]
                    {
                        let (taps, outputs) = ([rows, columns], [height, width]);
                        let (taken, size) = plan(channels, taps, step, outputs, most, capacity);
                        let what = (most, channels, taps, step, outputs, capacity);
                        assert!(
                            Strip::new(taken, step, size).elements() <= capacity,
                            "{what:?}"
                        );
                        let count = taken.channels * taken.taps[0] * taken.taps[1];
                        assert!((1..=most).contains(&count), "{what:?}");
                        assert!(taken.channels == 1 || taken.taps == taps, "{what:?}");
                        assert!(taken.taps[0] == 1 || taken.taps[1] == columns, "{what:?}");
                        assert!((1..=height).contains(&size[0]), "{what:?}");
                        let whole = size[1] == width;
                        assert!(whole || (size[1] > 0 && size[1] % UNIT == 0), "{what:?}");
                        assert!(size[1] <= width, "{what:?}");
                    }
                }
            }
        }
    }
}
