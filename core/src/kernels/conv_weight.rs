//! The gradient of a convolution by its weight.
//!
//! Each weight is a sum over all positions of an image, in eight lanes (R4 of the canonical arithmetic). A block of pairs
//! of output channel and tap keeps its lanes while [`Lines`] walks over the positions; their totals go to the output image
//! by image.

use super::correlate::{Gradients, Lanes, Lines, Totals, together};
use super::exact::finite;
use super::panel::{TASK, lanes};
use super::split::{self, Cut};
use super::strip::{Image, Strip, Taken, plan};
use super::workspace::{BEYOND, CAPACITY, Workspace};
use super::{Context, Operand, SMALL};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// The most pairs of output channel and tap whose lanes are kept at a time.
const PAIRS: usize = if SMALL { 16 } else { CAPACITY / (4 * LANES) };

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
        out.fill(E::ZERO);
        workspace.with(|scratch| {
            context.level.run(Task {
                x,
                g,
                window,
                first: start / area,
                pairs: out.len() / area,
                apart: false,
                out,
                scratch,
            });
        });
    });
}

/// Adds the gradients of the pairs of output and input channel `first..` to what is in `out`.
pub(crate) struct Task<'a, 'o, E> {
    pub(crate) x: Operand<'a, E>,
    pub(crate) g: Operand<'a, E>,
    pub(crate) window: &'a Window,
    pub(crate) first: usize,
    pub(crate) pairs: usize,
    /// Whether each image adds to a row of its own.
    pub(crate) apart: bool,
    pub(crate) out: &'o mut [E],
    pub(crate) scratch: &'o mut [E],
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
            pairs,
            apart,
            out,
            scratch,
        } = self;
        let &[images, channels, ..] = &**x.layout.shape() else {
            return;
        };
        let area = window.kernel[0] * window.kernel[1];
        let end = first + pairs;
        let mut buffer = Buffer::new(scratch);
        for image in 0..images {
            let (x, g) = (Image::of(x, image), Image::of(g, image));
            let row = if apart { image * pairs * area } else { 0 };
            let out = &mut out[row..][..pairs * area];
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

/// What a task works with.
struct Buffer<'a, E> {
    lanes: &'a mut [Lanes<E>],
    /// A strip of the image, and from `split` on the gradients under it.
    memory: &'a mut [E],
    split: usize,
    taps: [usize; PAIRS],
    /// Of which strip the elements outside of the image are there.
    edges: Option<(Strip, [isize; 2])>,
    /// Which strip and which gradients are there: image, channel and what else they depend on.
    strip: Option<[usize; 6]>,
    gradients: Option<([usize; 5], Gradients)>,
    /// Whether all elements of the strip are finite.
    finite: bool,
}

impl<'a, E: Element> Buffer<'a, E> {
    fn new(scratch: &'a mut [E]) -> Self {
        // A quarter for lanes, or less.
        let pairs = PAIRS.min(scratch.len() / (4 * LANES));
        let (lanes, memory) = scratch.split_at_mut(pairs * LANES);
        Self {
            lanes: lanes.as_chunks_mut().0,
            memory,
            split: 0,
            taps: [0; PAIRS],
            edges: None,
            strip: None,
            gradients: None,
            finite: false,
        }
    }

    /// Makes room for a strip of so many elements.
    fn split(&mut self, at: usize) {
        if self.split != at {
            (self.edges, self.strip, self.gradients) = (None, None, None);
            self.split = at;
        }
    }
}

/// An image and the gradient of its outputs.
struct Pair<'a, E> {
    x: Image<'a, E>,
    g: Image<'a, E>,
    window: &'a Window,
}

/// How a rectangle of pairs is cut into blocks.
struct Blocks {
    /// Channels and taps of a strip, and of the pairs whose lanes are kept at a time: fewer, or the same.
    strip: Taken,
    taken: Taken,
    rows: usize,
    /// Lines and columns of the gradient that are in scratch memory at a time.
    size: [usize; 2],
    /// Elements for the strip.
    split: usize,
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
        let kernel = self.window.kernel;
        if self.window.output.contains(&0) {
            return;
        }
        let per_row = channels[1] * kernel[0] * kernel[1];
        let blocks = self.blocks::<I>(rows[1], channels[1], buffer);
        buffer.split(blocks.split);
        for row in (0..rows[1]).step_by(blocks.rows) {
            let count = blocks.rows.min(rows[1] - row);
            for channel in (0..channels[1]).step_by(blocks.taken.channels) {
                for i in (0..kernel[0]).step_by(blocks.taken.taps[0]) {
                    for j in (0..kernel[1]).step_by(blocks.taken.taps[1]) {
                        let part = Taken {
                            channels: blocks.taken.channels.min(channels[1] - channel),
                            taps: [
                                blocks.taken.taps[0].min(kernel[0] - i),
                                blocks.taken.taps[1].min(kernel[1] - j),
                            ],
                        };
                        let whole = blocks.strip.channels > blocks.taken.channels
                            || blocks.strip.taps != blocks.taken.taps;
                        let (strip, from, within) = if whole {
                            (blocks.strip, [channels[0], 0, 0], [channel, i, j])
                        } else {
                            (part, [channels[0] + channel, i, j], [0; 3])
                        };
                        let part = Part {
                            rows: [rows[0] + row, count],
                            strip,
                            from,
                            pairs: part,
                            within,
                            size: blocks.size,
                        };
                        self.part::<I>(&part, buffer);
                        // Taps of a part follow each other: it has several channels or rows only with all of what is below.
                        let taps = part.pairs.count();
                        let first = (channel * kernel[0] + i) * kernel[1] + j;
                        for (n, lanes) in
                            buffer.lanes[..count * taps].chunks_exact(taps).enumerate()
                        {
                            let totals = &mut out[(row + n) * per_row + first..][..taps];
                            I::apart(Totals { lanes, totals });
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn blocks<I: Isa>(&self, rows: usize, channels: usize, buffer: &Buffer<'_, E>) -> Blocks {
        let Window {
            kernel,
            stride,
            output,
            ..
        } = *self.window;
        let best = together::<E, I>();
        let (pairs, memory) = (buffer.lanes.len(), buffer.memory.len());
        let most = (pairs / rows.min(16)).max(1);
        let fits = |memory, rows, lines, width| {
            Gradients::new(rows, lines, width).elements::<E, I>() <= memory
        };
        // The whole image, if there is room for it and the gradients of some output channels: copied only once.
        let all = Taken {
            channels,
            taps: kernel,
        };
        let image = Strip::new(all, stride, output).elements();
        let image = (image / BEYOND).saturating_add(2).saturating_mul(BEYOND);
        let least = rows.min(best);
        let whole = image < memory && fits(memory - image, least, output[0], output[1]);
        let split = if whole {
            image
        } else {
            memory / 2 / BEYOND * BEYOND
        };
        let memory = memory - split;
        let (mut taken, mut size) = plan(channels, kernel, stride, output, most, split - BEYOND);
        if whole {
            size = output;
        } else if !fits(memory, 1, 1, size[1]) {
            // Lines so long that a vector of output channels has no room for one.
            let capacity = (memory * LANES / lanes::<E, I>() - LANES).min(split - BEYOND);
            (taken, size) = plan(channels, kernel, stride, output, most, capacity);
        }
        let [height, width] = size;
        let mut group = (pairs / taken.count()).min(rows);
        if group > best {
            group = group / best * best;
        }
        // Lines must all come before the next column block of none: less than whole lines go one at a time.
        let height = if width < output[1] { 1 } else { height };
        // Gradients must fit, too: of a whole image first fewer channels, else first fewer lines.
        let mut lines = height;
        while whole && group > best && !fits(memory, group, lines, width) {
            group -= best;
        }
        while !whole && lines > 1 && !fits(memory, group, lines, width) {
            lines = lines.div_ceil(2);
        }
        while group > 1 && !fits(memory, group, lines, width) {
            group = group.div_ceil(2);
        }
        Blocks {
            strip: if whole { all } else { taken },
            taken,
            rows: group,
            size: [lines, width],
            split,
        }
    }

    /// The lanes of some pairs.
    #[inline(always)]
    fn part<I: Isa>(&self, part: &Part, buffer: &mut Buffer<'_, E>) {
        let Window {
            stride,
            before,
            output,
            ..
        } = *self.window;
        let Part { rows, size, .. } = *part;
        let [channel, i, j] = part.from;
        let taps = part.pairs.count();
        let lanes = &mut buffer.lanes[..rows[1] * taps];
        lanes.fill([E::ZERO; LANES]);
        let (strip_memory, packed) = buffer.memory.split_at_mut(buffer.split);
        for y in (0..output[0]).step_by(size[0]) {
            for x in (0..output[1]).step_by(size[1]) {
                let outputs = [size[0].min(output[0] - y), size[1].min(output[1] - x)];
                let strip = Strip::new(part.strip, stride, outputs);
                let start = [[y, i], [x, j]];
                let start = [0, 1].map(|axis| {
                    let [at, tap] = start[axis];
                    (at * stride[axis] + tap) as isize - before[axis] as isize
                });
                let edges = Some((strip, start));
                let key = Some([self.x.base, channel, i, j, y, x]);
                if buffer.strip != key || buffer.edges != edges {
                    let next = if y + size[0] < output[0] { size[0] } else { 0 };
                    strip.fill::<I, E>(
                        &self.x,
                        channel,
                        start,
                        buffer.edges != edges,
                        next,
                        strip_memory,
                    );
                    // What lies behind is read, too, and may be left over from something else.
                    strip_memory[strip.elements()..][..LANES].fill(E::ZERO);
                    (buffer.strip, buffer.edges) = (key, edges);
                    buffer.finite = finite(&strip_memory[..strip.elements() + LANES]);
                }
                let gradients = Gradients::new(rows[1], outputs[0], outputs[1]);
                let key = Some(([self.g.base, rows[0], rows[1], y, x], gradients));
                if buffer.gradients != key {
                    gradients.pack::<I, E>(&self.g, rows[0], [y, x], outputs[1], packed);
                    buffer.gradients = key;
                }
                let mut places = buffer.taps.iter_mut();
                let [channel, i, j] = part.within;
                for c in channel..channel + part.pairs.channels {
                    for i in i..i + part.pairs.taps[0] {
                        for (j, place) in (j..j + part.pairs.taps[1]).zip(&mut places) {
                            *place = strip.tap(c, [i, j]);
                        }
                    }
                }
                let lines = Lines {
                    x: strip_memory,
                    x_line: strip.lines[1],
                    g: packed,
                    gradients,
                    closed: if buffer.finite {
                        0
                    } else {
                        gradients.blocks * LANES - outputs[1]
                    },
                };
                lines.add::<I>(&buffer.taps[..taps], lanes);
            }
        }
    }
}

/// Pairs whose lanes are kept at a time.
struct Part {
    /// The first output channel, and how many.
    rows: [usize; 2],
    /// What of the image is in scratch memory, and its channel, tap row and tap column.
    strip: Taken,
    from: [usize; 3],
    /// The input channels and taps of the pairs, and where they start in the strip.
    pairs: Taken,
    within: [usize; 3],
    /// Lines and columns of the gradient that are in scratch memory at a time.
    size: [usize; 2],
}
