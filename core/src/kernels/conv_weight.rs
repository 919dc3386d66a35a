//! The gradient of a convolution by its weight.
//!
//! Each weight is a sum over all positions of an image, in eight lanes (R4 of the canonical arithmetic). A block of pairs
//! of output channel and tap keeps its lanes while [`Lines`] walks over the positions; their totals go to the output image
//! by image.

use super::correlate::{Lines, Totals, held};
use super::exact::finite;
use super::gradients::{Gradients, QUAD};
use super::panel::{TASK, VECTORS, tile};
use super::split::{self, Cut};
use super::strip::{Image, NEAR, Strip, Taken};
use super::weight_blocks::Blocks;
use super::workspace::{CAPACITY, Workspace};
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
    // A task copies the images that it reads, so one for each thread is best, with as many output channels as fill vectors.
    let workers = context.executor.workers().max(1);
    let vector = tile::<E>(context.level)[1] / (VECTORS * QUAD);
    let unit = match o / workers {
        0 => area,
        few if few < vector => area * c,
        _ => area * c * vector,
    };
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
    lanes: &'a mut [E],
    /// A strip of the image, and from `split` on the gradients under it.
    memory: &'a mut [E],
    split: usize,
    /// How the last rectangle was cut, and its rows and channels: most likely those of the next one.
    blocks: Option<([usize; 2], Blocks)>,
    /// Where taps start in the strip.
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
            lanes,
            memory,
            split: 0,
            blocks: None,
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
        let size = [rows[1], channels[1]];
        let blocks = match buffer.blocks {
            Some((of, blocks)) if of == size => blocks,
            _ => {
                let room = [buffer.lanes.len() / LANES, buffer.memory.len()];
                Blocks::new::<E, I>(self.window, size, room)
            }
        };
        buffer.blocks = Some((size, blocks));
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
                            first: [channels[0], 0, 0],
                            pairs: part,
                            within,
                            size: blocks.size,
                        };
                        self.part::<I>(&part, buffer);
                        // Taps of a part follow each other: it has several channels or rows only with all of what is below.
                        let taps = part.pairs.count();
                        let first = (channel * kernel[0] + i) * kernel[1] + j;
                        I::apart(Totals {
                            lanes: buffer.lanes,
                            rows: count,
                            taps,
                            totals: &mut out[row * per_row + first..],
                            pitch: per_row,
                        });
                    }
                }
            }
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
        let lanes = &mut buffer.lanes[..held::<E, I>(rows[1], taps)];
        lanes.fill(E::ZERO);
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
                let gradients = Gradients {
                    rows: rows[1],
                    lines: outputs[0],
                    columns: outputs[1],
                };
                let key = Some(([self.g.base, rows[0], rows[1], y, x], gradients));
                if buffer.gradients != key {
                    // Further input channels find them in the cache.
                    let ahead = part.from == part.first && gradients.elements::<E, I>() > NEAR;
                    gradients.pack::<I, E>(&self.g, rows[0], [y, x], ahead, packed);
                    buffer.gradients = key;
                }
                part.list(&strip, &mut buffer.taps[..taps]);
                let lines = Lines {
                    x: strip_memory,
                    x_line: strip.lines[1],
                    g: packed,
                    gradients,
                    finite: buffer.finite,
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
    /// The ones that all of the pairs' output channels begin with.
    first: [usize; 3],
    /// The input channels and taps of the pairs, and where they start in the strip.
    pairs: Taken,
    within: [usize; 3],
    /// Lines and columns of the gradient that are in scratch memory at a time.
    size: [usize; 2],
}

impl Part {
    /// Where the taps of the pairs start in a strip.
    #[inline(always)]
    fn list(&self, strip: &Strip, places: &mut [usize]) {
        let [channel, i, j] = self.within;
        let [rows, columns] = self.pairs.taps;
        let mut places = places.chunks_exact_mut(rows * columns);
        let Some(first) = places.next() else { return };
        let taps = (i..i + rows).flat_map(|i| (j..j + columns).map(move |j| [i, j]));
        for (place, tap) in first.iter_mut().zip(taps) {
            *place = strip.tap(channel, tap);
        }
        for (n, others) in places.enumerate() {
            for (place, first) in others.iter_mut().zip(&*first) {
                *place = first + (n + 1) * strip.plane();
            }
        }
    }
}
