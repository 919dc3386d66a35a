//! The gradient of a convolution by its weight.
//!
//! Each weight is a sum over all positions of an image, in eight lanes (R4 of the canonical arithmetic). A block of pairs
//! of output channel and tap keeps its lanes while [`Lines`] walks over the positions; their totals go to the output image
//! by image.

use super::correlate::{Gradients, Lanes, Lines, Totals, together};
use super::panel::{TASK, lanes};
use super::split::{self, Cut};
use super::strip::{Image, Strip, Taken, plan};
use super::workspace::{BEYOND, Workspace};
use super::{Context, Operand, SMALL};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// The most pairs of output channel and tap whose lanes are kept at a time.
const PAIRS: usize = if SMALL { 16 } else { 1024 };

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
        let (&[images, channels, ..], &[x_image, xc, xy, xx]) =
            (&**x.layout.shape(), x.layout.strides())
        else {
            return;
        };
        let &[g_image, gc, gy, gx] = g.layout.strides() else {
            return;
        };
        let area = window.kernel[0] * window.kernel[1];
        let end = first + pairs;
        let mut buffer = Buffer::new(scratch);
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
    /// A strip of the image.
    x: &'a mut [E],
    /// The gradients under it.
    g: &'a mut [E],
    lanes: &'a mut [Lanes<E>],
    taps: [usize; PAIRS],
    /// The strip in `x`, and where it starts: what its edges depend on.
    edges: Option<(Strip, [isize; 2])>,
}

impl<'a, E: Element> Buffer<'a, E> {
    fn new(scratch: &'a mut [E]) -> Self {
        // A quarter for lanes, if there is not more than enough.
        let pairs = PAIRS.min(scratch.len() / (4 * LANES));
        let (lanes, rest) = scratch.split_at_mut(pairs * LANES);
        let (x, g) = rest.split_at_mut(rest.len() / 2);
        Self {
            x,
            g,
            lanes: lanes.as_chunks_mut().0,
            taps: [0; PAIRS],
            edges: None,
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
    taken: Taken,
    rows: usize,
    /// Lines and columns of the gradient that are in scratch memory at a time.
    size: [usize; 2],
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
        for channel in (0..channels[1]).step_by(blocks.taken.channels) {
            for row in (0..rows[1]).step_by(blocks.rows) {
                let count = blocks.rows.min(rows[1] - row);
                for i in (0..kernel[0]).step_by(blocks.taken.taps[0]) {
                    for j in (0..kernel[1]).step_by(blocks.taken.taps[1]) {
                        let part = Taken {
                            channels: blocks.taken.channels.min(channels[1] - channel),
                            taps: [
                                blocks.taken.taps[0].min(kernel[0] - i),
                                blocks.taken.taps[1].min(kernel[1] - j),
                            ],
                        };
                        let at = [channels[0] + channel, i, j];
                        self.part::<I>([rows[0] + row, count], part, at, blocks.size, buffer);
                        // Taps of a part follow each other: it has several channels or rows only with all of what is below.
                        let taps = part.channels * part.taps[0] * part.taps[1];
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
        let pairs = buffer.lanes.len();
        let capacity = buffer.x.len() - BEYOND;
        let most = (pairs / rows.min(16)).max(1);
        let fits = |rows, lines, width| {
            Gradients::new(rows, lines, width).elements::<E, I>() <= buffer.g.len()
        };
        let (mut taken, mut size) = plan(channels, kernel, stride, output, most, capacity);
        if !fits(1, 1, size[1]) {
            // Lines so long that a vector of output channels has no room for one.
            let capacity = buffer.g.len() * LANES / lanes::<E, I>() - LANES;
            (taken, size) = plan(channels, kernel, stride, output, most, capacity);
        }
        let [height, width] = size;
        let taps = taken.channels * taken.taps[0] * taken.taps[1];
        let mut group = (pairs / taps).min(rows);
        if group > best {
            group = group / best * best;
        }
        // Lines must all come before the next column block of none: less than whole lines go one at a time.
        let height = if width < output[1] { 1 } else { height };
        // Gradients must fit, too: first fewer lines, then fewer channels.
        let mut lines = height;
        while lines > 1 && !fits(group, lines, width) {
            lines = lines.div_ceil(2);
        }
        while group > 1 && !fits(group, lines, width) {
            group = group.div_ceil(2);
        }
        Blocks {
            taken,
            rows: group,
            size: [lines, width],
        }
    }

    /// The lanes of `rows[1]` output channels by the taps from `[channel, i, j]` on.
    #[inline(always)]
    fn part<I: Isa>(
        &self,
        rows: [usize; 2],
        part: Taken,
        [channel, i, j]: [usize; 3],
        size: [usize; 2],
        buffer: &mut Buffer<'_, E>,
    ) {
        let Window {
            stride,
            before,
            output,
            ..
        } = *self.window;
        let taps = part.channels * part.taps[0] * part.taps[1];
        let lanes = &mut buffer.lanes[..rows[1] * taps];
        lanes.fill([E::ZERO; LANES]);
        for y in (0..output[0]).step_by(size[0]) {
            for x in (0..output[1]).step_by(size[1]) {
                let outputs = [size[0].min(output[0] - y), size[1].min(output[1] - x)];
                let strip = Strip::new(part, stride, outputs);
                let start = [[y, i], [x, j]];
                let start = [0, 1].map(|axis| {
                    let [at, tap] = start[axis];
                    (at * stride[axis] + tap) as isize - before[axis] as isize
                });
                let edges = Some((strip, start));
                strip.fill(&self.x, channel, start, buffer.edges != edges, buffer.x);
                buffer.edges = edges;
                let gradients = Gradients::new(rows[1], outputs[0], outputs[1]);
                gradients.pack::<I, E>(&self.g, rows[0], [y, x], outputs[1], buffer.g);
                let mut places = buffer.taps.iter_mut();
                for c in 0..part.channels {
                    for i in 0..part.taps[0] {
                        for (j, place) in (0..part.taps[1]).zip(&mut places) {
                            *place = strip.tap(c, [i, j]);
                        }
                    }
                }
                // What lies behind is read, too, and may be left over from something else.
                buffer.x[strip.elements()..][..LANES].fill(E::ZERO);
                let finite = finite(&buffer.x[..strip.elements() + LANES]);
                let lines = Lines {
                    x: buffer.x,
                    x_line: strip.lines[1],
                    g: buffer.g,
                    gradients,
                    closed: if finite {
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

/// Whether no element is infinite or not a number: those minus themselves are not 0.
#[inline(always)]
#[expect(clippy::eq_op, reason = "infinity and NaN minus themselves are not 0")]
fn finite<E: Element>(elements: &[E]) -> bool {
    let (whole, rest) = elements.as_chunks::<{ 4 * LANES }>();
    let mut sums = [E::ZERO; 4 * LANES];
    for chunk in whole {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum = *sum + (x - x);
        }
    }
    let rest = rest.iter().fold(E::ZERO, |sum, &x| sum + (x - x));
    sums.iter().fold(rest, |sum, &x| sum + x) == E::ZERO
}
