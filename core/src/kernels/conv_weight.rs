//! The gradient of a convolution by its weight.
//!
//! Each weight is a sum over all positions of an image, in eight lanes (R4 of the canonical arithmetic). A block of
//! output channels and taps keeps its lanes in registers while it walks over the rows:
//!
//! ```text
//! for row, for column block of 8
//!     lanes[o][tap][..8] = fma(g[o][row][block][..8], x[row and column under tap][..8], lanes[o][tap][..8])
//! ```

use super::panel::{Lines, TASK};
use super::split::{self, Cut};
use super::strip::{Image, Strip, Taken, plan};
use super::workspace::{BEYOND, Workspace};
use super::{Context, Operand, SMALL};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::{LANES, Sum, combine};

/// Pairs of output channel and tap whose lanes are kept at a time.
const PAIRS: usize = if SMALL { 16 } else { 256 };

/// Output channels that are taken together where there are enough: with three taps that is twelve accumulators, of the
/// sixteen registers.
const ROWS: usize = 4;

type Lanes<E> = [E; LANES];

/// `[b, c, h, w]` and `[b, o, oh, ow]` give `[o, c, kh, kw]`; the formula and the order are in [`crate::conv`].
pub(crate) fn weight_grad<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    x: Operand<'_, E>,
    g: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    if out.is_empty() {
        return;
    }
    let (&[images, o, oh, ow], &[_, c, ..]) = (&**g.layout.shape(), &**x.layout.shape()) else {
        return;
    };
    let area = window.kernel[0] * window.kernel[1];
    // A task copies the images that it reads, so one for each thread is best.
    let workers = context.executor.workers().max(1);
    let unit = area * if o >= workers { c } else { 1 };
    let grain = (TASK / (images * oh * ow).max(1)).max(out.len().div_ceil(workers));
    let cut = Cut::new(workers, out.len(), unit, grain);
    split::chunks(context.executor, out, cut, &|start, out| {
        workspace.with(|scratch| {
            context.level.run(Task {
                x,
                g,
                window,
                first: start / area,
                out,
                scratch,
            });
        });
    });
}

/// The pairs of output and input channel `first..`, as many as `out` has.
struct Task<'a, 'o, E> {
    x: Operand<'a, E>,
    g: Operand<'a, E>,
    window: &'a Window,
    first: usize,
    out: &'o mut [E],
    scratch: &'o mut [E],
}

impl<E: Element> Kernel for Task<'_, '_, E> {
    type Output = ();
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            x,
            g,
            window,
            first,
            out,
            scratch,
        } = self;
        let (&[images, channels, ..], &[x_image, xc, xy, xx]) =
            (&**x.layout.shape(), x.layout.strides())
        else {
            return;
        };
        let &[g_image, gc, gy, gx] = g.layout.strides() else {
            return;
        };
        let area = window.kernel[0] * window.kernel[1];
        let end = first + out.len() / area;
        let (x_scratch, g_scratch) = scratch.split_at_mut(scratch.len() / 2);
        let mut buffer = Buffer {
            x: x_scratch,
            g: g_scratch,
            lanes: [[E::ZERO; LANES]; PAIRS],
            taps: [0; PAIRS],
        };
        out.fill(E::ZERO);
        for image in 0..images {
            let x = Image {
                data: x.data,
                base: x.layout.offset() + image * x_image,
                strides: [xc, xy, xx],
                size: window.input,
            };
            let g = Image {
                data: g.data,
                base: g.layout.offset() + image * g_image,
                strides: [gc, gy, gx],
                size: window.output,
            };
            let mut at = first;
            while at < end {
                // The largest rectangle of pairs that starts here.
                let (row, channel) = (at / channels, at % channels);
                let whole = if channel == 0 {
                    (end - at) / channels
                } else {
                    0
                };
                let (rows, count) = if whole > 0 {
                    (whole, channels)
                } else {
                    (1, (channels - channel).min(end - at))
                };
                let image = Pair { x, g, window };
                image.add::<I>(
                    [row, rows],
                    [channel, count],
                    &mut buffer,
                    &mut out[(at - first) * area..],
                );
                at += rows * count;
            }
        }
    }
}

struct Buffer<'a, E> {
    x: &'a mut [E],
    g: &'a mut [E],
    lanes: [Lanes<E>; PAIRS],
    taps: [usize; PAIRS],
}

/// An image and the gradient of its outputs.
struct Pair<'a, E> {
    x: Image<'a, E>,
    g: Image<'a, E>,
    window: &'a Window,
}

impl<E: Element> Pair<'_, E> {
    /// Adds the gradient of `rows[1]` output channels from `rows[0]` on, by as many input channels as `channels` says.
    #[inline(always)]
    fn add<I: Isa>(
        &self,
        rows: [usize; 2],
        channels: [usize; 2],
        buffer: &mut Buffer<'_, E>,
        out: &mut [E],
    ) {
        let Window {
            kernel,
            stride,
            output,
            ..
        } = *self.window;
        if output.contains(&0) {
            return;
        }
        let per_row = channels[1] * kernel[0] * kernel[1];
        let capacity = buffer.x.len() - BEYOND;
        let (taken, [height, width]) = plan(
            channels[1],
            kernel,
            stride,
            output,
            PAIRS / (2 * ROWS),
            capacity,
        );
        // Rows must all come before the next column block of none: less than whole lines go one at a time.
        let height = if width < output[1] { 1 } else { height };
        let padded = width.next_multiple_of(LANES);
        let height = height.min(capacity / padded).max(1);
        let group = (capacity / (height * padded))
            .min(PAIRS / (taken.channels * taken.taps[0] * taken.taps[1]));
        let group = group.max(1);
        for row in (0..rows[1]).step_by(group) {
            let group = group.min(rows[1] - row);
            for channel in (0..channels[1]).step_by(taken.channels) {
                for i in (0..kernel[0]).step_by(taken.taps[0]) {
                    for j in (0..kernel[1]).step_by(taken.taps[1]) {
                        let part = Taken {
                            channels: taken.channels.min(channels[1] - channel),
                            taps: [
                                taken.taps[0].min(kernel[0] - i),
                                taken.taps[1].min(kernel[1] - j),
                            ],
                        };
                        let at = [channels[0] + channel, i, j];
                        let loaded = channel + i + j > 0;
                        self.part::<I>(
                            [rows[0] + row, group],
                            part,
                            at,
                            [height, width],
                            loaded,
                            buffer,
                        );
                        let mut lanes = buffer.lanes.iter();
                        for row in row..row + group {
                            for channel in channel..channel + part.channels {
                                for i in i..i + part.taps[0] {
                                    let at =
                                        row * per_row + (channel * kernel[0] + i) * kernel[1] + j;
                                    for (out, &lanes) in
                                        out[at..at + part.taps[1]].iter_mut().zip(&mut lanes)
                                    {
                                        *out = *out + combine::<Sum, E>(lanes);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The lanes of `rows[1]` output channels by the taps from `[channel, i, j]` on; `loaded` says that the call before
    /// was for the same channels, so that their gradient, if it fits at once, is in place.
    #[inline(always)]
    fn part<I: Isa>(
        &self,
        rows: [usize; 2],
        part: Taken,
        [channel, i, j]: [usize; 3],
        size: [usize; 2],
        loaded: bool,
        buffer: &mut Buffer<'_, E>,
    ) {
        let Window {
            stride,
            before,
            output,
            ..
        } = *self.window;
        let taps = part.channels * part.taps[0] * part.taps[1];
        let Buffer {
            x: x_scratch,
            g: g_scratch,
            lanes,
            taps: table,
        } = buffer;
        lanes[..rows[1] * taps].fill([E::ZERO; LANES]);
        for y in (0..output[0]).step_by(size[0]) {
            for x in (0..output[1]).step_by(size[1]) {
                let outputs = [size[0].min(output[0] - y), size[1].min(output[1] - x)];
                let strip = Strip::new(part, stride, outputs);
                let start = [[y, i], [x, j]];
                let start = [0, 1].map(|axis| {
                    let [at, tap] = start[axis];
                    (at * stride[axis] + tap) as isize - before[axis] as isize
                });
                strip.fill(&self.x, channel, start, true, x_scratch);
                let padded = outputs[1].next_multiple_of(LANES);
                let gradients = Strip {
                    channels: rows[1],
                    step: [1, 1],
                    phases: [1, 1],
                    lines: [outputs[0], padded],
                };
                if !(loaded && outputs == output) {
                    gradients.fill(&self.g, rows[0], [y as isize, x as isize], true, g_scratch);
                }
                let mut places = table.iter_mut();
                for c in 0..part.channels {
                    for i in 0..part.taps[0] {
                        for (j, place) in (0..part.taps[1]).zip(&mut places) {
                            *place = strip.tap(c, [i, j]);
                        }
                    }
                }
                // What lies behind is read, too, and may be left over from something else.
                x_scratch[strip.elements()..][..LANES].fill(E::ZERO);
                let used = &x_scratch[..strip.elements() + LANES];
                #[expect(clippy::eq_op, reason = "infinity and NaN minus themselves are not 0")]
                let finite = used.iter().fold(true, |all, &x| all & (x - x == E::ZERO));
                let walk = Walk {
                    lines: Lines {
                        x: x_scratch,
                        x_line: strip.lines[1],
                        g: g_scratch,
                        g_line: padded,
                        height: outputs[0],
                        blocks: padded / LANES,
                    },
                    closed: if finite { 0 } else { padded - outputs[1] },
                };
                walk.all::<I>(rows[1], &table[..taps], lanes);
            }
        }
    }
}

/// Strips of the image and of the gradient under it.
#[derive(Clone, Copy)]
struct Walk<'a, E> {
    lines: Lines<'a, E>,
    /// How many lanes of the last vector of each line must be left out because they lie beyond the line. There `g` is
    /// 0, so they change no sum if `x`, which goes on there, is finite: none then. (A lane that is -0 may become +0;
    /// the total, which starts at +0, is the same.)
    closed: usize,
}

impl<E: Element> Walk<'_, E> {
    /// All pairs of `rows` output channels and the taps that start at `taps`.
    #[inline(always)]
    fn all<I: Isa>(&self, rows: usize, taps: &[usize], lanes: &mut [Lanes<E>]) {
        if self.closed > 0 {
            return self.careful::<I>(rows, taps, lanes);
        }
        if SMALL {
            // More accumulators than registers would only lie on the stack.
            for row in 0..rows {
                self.channels::<I, 1, 1>(row, taps, &mut lanes[row * taps.len()..]);
            }
            return;
        }
        let mut row = 0;
        while row < rows {
            let lanes = &mut lanes[row * taps.len()..];
            row += match rows - row {
                4.. => self.channels::<I, 4, 3>(row, taps, lanes),
                2.. => self.channels::<I, 2, 3>(row, taps, lanes),
                _ => self.channels::<I, 1, 9>(row, taps, lanes),
            };
        }
    }

    /// The pairs of `O` output channels from `row` on with all taps, `T` at a time; gives `O`.
    #[inline(always)]
    fn channels<I: Isa, const O: usize, const T: usize>(
        &self,
        row: usize,
        taps: &[usize],
        lanes: &mut [Lanes<E>],
    ) -> usize {
        let (blocks, rest) = taps.as_chunks::<T>();
        for (at, &block) in blocks.iter().enumerate() {
            self.block::<I, O, T>(row, block, taps.len(), &mut lanes[at * T..]);
        }
        for (at, &tap) in rest.iter().enumerate() {
            let lanes = &mut lanes[blocks.len() * T + at..];
            self.block::<I, O, 1>(row, [tap], taps.len(), lanes);
        }
        O
    }

    /// The pairs of `O` output channels from `row` on and `T` taps; their lanes are `per_row` apart.
    #[inline(always)]
    fn block<I: Isa, const O: usize, const T: usize>(
        &self,
        row: usize,
        taps: [usize; T],
        per_row: usize,
        lanes: &mut [Lanes<E>],
    ) {
        let mut acc = [[[E::ZERO; LANES]; T]; O];
        for (o, acc) in acc.iter_mut().enumerate() {
            acc.copy_from_slice(&lanes[o * per_row..][..T]);
        }
        let g_at = core::array::from_fn(|o| (row + o) * self.lines.height * self.lines.g_line);
        let acc = self.lines.correlate::<I, O, T>(g_at, taps, acc);
        for (o, acc) in acc.iter().enumerate() {
            lanes[o * per_row..][..T].copy_from_slice(acc);
        }
    }

    /// [`Walk::all`] without the lanes beyond the line: 0 times infinity is not 0. Almost never needed.
    fn careful<I: Isa>(&self, rows: usize, taps: &[usize], lanes: &mut [Lanes<E>]) {
        let Lines {
            x,
            x_line,
            g,
            g_line,
            height,
            blocks,
        } = self.lines;
        for row in 0..rows {
            for (&tap, lanes) in taps.iter().zip(&mut lanes[row * taps.len()..]) {
                for y in 0..height {
                    let g = &g[(row * height + y) * g_line..];
                    let x = &x[tap + y * x_line..];
                    for at in 0..blocks * LANES - self.closed {
                        let lane = &mut lanes[at % LANES];
                        *lane = E::fma::<I>(g[at], x[at], *lane);
                    }
                }
            }
        }
    }
}
