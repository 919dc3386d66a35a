//! Convolution and its gradient by the input: both slide taps over padded images.
//!
//! The image goes through scratch memory as a [`Strip`], in which every tap of a tile of outputs reads contiguous
//! elements; the rest is [`Panel`]: rows are output channels, columns are positions, taps are (channel, row, column).
//! The gradient by the input is the same with the channels of the weight exchanged and its taps reversed. Its inputs
//! fall into `stride[0] * stride[1]` groups (phases); those of one group meet the same taps, each with the same
//! distance between input and output position, so each group is a pass of stride 1.

use super::panel::{DEPTH, Left, NR, Panel, Scratch, TASK, Taps, Target, tile_rows};
use super::split::{self, Cut};
use super::strip::{Image, Strip, Taken, plan};
use super::{Context, Operand};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;

/// How a convolution goes over its operands.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Planes of an image of the output: its channels.
    pub planes: usize,
    /// Elements of a plane of the output.
    pub plane: usize,
    /// Channels of an image of the input.
    pub channels: usize,
    /// How the output is cut: into whole images, or into planes.
    pub cut: Cut,
    /// Rows, which are planes, and columns of a tile, whose sums are in registers.
    pub tile: [usize; 2],
    window: Window,
}

/// The part of an image that goes through the stack at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConvPart {
    /// Channels of the input.
    pub channels: usize,
    /// Rows and columns of the kernel.
    pub taps: [usize; 2],
    /// Rows and columns of the output.
    pub outputs: [usize; 2],
}

impl Conv {
    /// The plan for `[b, c, h, w]` and `[o, c, kh, kw]` under the window of a convolution, of elements of type `E`;
    /// `None` if the shapes are others or the result has no elements.
    #[must_use]
    pub fn new<E: Element>(
        workers: usize,
        x: &Layout,
        weight: &Layout,
        window: &Window,
    ) -> Option<Self> {
        Self::sliding::<E>(workers, x, weight, window, false)
    }

    /// The same for the gradient by the input, which slides over the gradient of the output.
    fn sliding<E: Element>(
        workers: usize,
        from: &Layout,
        weight: &Layout,
        window: &Window,
        gradient: bool,
    ) -> Option<Self> {
        let (&[images, channels, ..], &[o, c, ..]) = (&**from.shape(), &**weight.shape()) else {
            return None;
        };
        let (planes, size) = if gradient {
            (c, window.input)
        } else {
            (o, window.output)
        };
        let plane = size[0] * size[1];
        let elements = images.saturating_mul(planes).saturating_mul(plane);
        if elements == 0 {
            return None;
        }
        // Whole images, unless there are too few of them for all threads.
        let many = images / 4 >= workers;
        let unit = plane
            * if many {
                planes
            } else {
                tile_rows::<E>().min(planes)
            };
        let depth = (channels * window.kernel[0] * window.kernel[1]).max(1);
        Some(Self {
            planes,
            plane,
            channels,
            cut: Cut::new(workers, elements, unit, TASK / depth),
            tile: [tile_rows::<E>(), NR],
            window: *window,
        })
    }

    /// What of an image goes through the stack at a time; `None` if no tap meets an output.
    #[must_use]
    pub fn part(&self) -> Option<ConvPart> {
        let Window {
            kernel,
            stride,
            output,
            ..
        } = self.window;
        if self.channels == 0 || kernel.contains(&0) {
            return None;
        }
        let (Taken { channels, taps }, outputs) =
            plan(self.channels, kernel, stride, output, DEPTH);
        Some(ConvPart {
            channels,
            taps,
            outputs,
        })
    }
}

/// `[b, c, h, w]` and `[o, c, kh, kw]` give `[b, o, oh, ow]`; the formula and the order are in [`crate::conv`].
pub(crate) fn forward<E: Element>(
    context: Context<'_>,
    x: Operand<'_, E>,
    weight: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    slide(context, x, weight, window, false, out);
}

/// `[b, o, oh, ow]` and `[o, c, kh, kw]` give `[b, c, h, w]`; the formula and the order are in [`crate::conv`].
pub(crate) fn input_grad<E: Element>(
    context: Context<'_>,
    g: Operand<'_, E>,
    weight: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    slide(context, g, weight, window, true, out);
}

fn slide<E: Element>(
    context: Context<'_>,
    from: Operand<'_, E>,
    weight: Operand<'_, E>,
    window: &Window,
    gradient: bool,
    out: &mut [E],
) {
    let workers = context.executor.workers();
    let Some(Conv { plane, cut, .. }) =
        Conv::sliding::<E>(workers, from.layout, weight.layout, window, gradient)
    else {
        return;
    };
    split::chunks(context.executor, out, cut, &|start, out| {
        context.level.run(Task {
            from,
            weight,
            window,
            gradient,
            first: start / plane,
            out,
        });
    });
}

/// The planes `first..` of the output, as many as `out` has.
struct Task<'a, 'o, E> {
    from: Operand<'a, E>,
    weight: Operand<'a, E>,
    window: &'a Window,
    gradient: bool,
    first: usize,
    out: &'o mut [E],
}

impl<E: Element> Kernel for Task<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            from,
            weight,
            window,
            gradient,
            first,
            out,
        } = self;
        let (&[_, channels, height, width], &[image, channel, y, x]) =
            (&**from.layout.shape(), from.layout.strides())
        else {
            return;
        };
        let (&[o, c, ..], &[per_o, per_c, per_i, per_j]) =
            (&**weight.layout.shape(), weight.layout.strides())
        else {
            return;
        };
        let (planes, size) = if gradient {
            (c, window.input)
        } else {
            (o, window.output)
        };
        let plane = size[0] * size[1];
        let [row, depth] = if gradient {
            [per_c, per_o]
        } else {
            [per_o, per_c]
        };
        // Every third of a phase: first tap, number of taps, first output, number of outputs, first image row.
        let phases = if gradient { window.stride } else { [1, 1] };
        let mut buffer = Buffer {
            taps: Taps::new(),
            strip: [[E::ZERO; NR]; _],
        };
        let end = first + out.len() / plane;
        let mut at = first;
        while at < end {
            let top = at % planes;
            let rows = (planes - top).min(end - at);
            let base = (at - first) * plane;
            let image = Image {
                data: from.data,
                base: from.layout.offset() + at / planes * image,
                strides: [channel, y, x],
                size: [height, width],
            };
            for phase in 0..phases[0] * phases[1] {
                let phase = [phase / phases[1], phase % phases[1]];
                let axes = [0, 1].map(|axis| {
                    if gradient {
                        Axis::gradient(window, axis, phase[axis])
                    } else {
                        Axis::forward(window, axis)
                    }
                });
                let pass = Pass {
                    left: Left {
                        data: weight.data,
                        base: weight.layout.offset()
                            + top * row
                            + phase[0] * per_i
                            + phase[1] * per_j,
                        row,
                    },
                    depth: [depth, per_i * phases[0], per_j * phases[1]],
                    rows,
                    image,
                    channels,
                    axes,
                    reversed: gradient,
                    target: Target {
                        base: base + axes[0].first * size[1] + axes[1].first,
                        row: plane,
                        line: 0,
                        width: axes[1].outputs,
                        height: axes[0].outputs,
                        step: [phases[0] * size[1], phases[1]],
                    },
                };
                pass.run::<I>(&mut buffer, out);
            }
            at += rows;
        }
    }
}

/// One axis of a pass.
#[derive(Clone, Copy)]
struct Axis {
    /// Taps that meet the outputs of this pass.
    taps: usize,
    /// The first output position.
    first: usize,
    /// How many output positions.
    outputs: usize,
    /// Distance of two outputs in the image that is read.
    step: usize,
    /// What the first output reads through the first tap; may lie outside of the image.
    start: isize,
}

impl Axis {
    fn forward(window: &Window, axis: usize) -> Self {
        Self {
            taps: window.kernel[axis],
            first: 0,
            outputs: window.output[axis],
            step: window.stride[axis],
            start: -(window.before[axis] as isize),
        }
    }

    /// The inputs `y` with `(y + before) % stride == phase`; the taps are `phase, phase + stride, ..`.
    fn gradient(window: &Window, axis: usize, phase: usize) -> Self {
        let (stride, before, size) = (window.stride[axis], window.before[axis], window.input[axis]);
        let first = (phase + stride - before % stride) % stride;
        Self {
            taps: window.kernel[axis].saturating_sub(phase).div_ceil(stride),
            first,
            outputs: size.saturating_sub(first).div_ceil(stride),
            step: 1,
            start: ((first + before) / stride) as isize,
        }
    }
}

struct Buffer<E> {
    taps: Taps,
    strip: Scratch<E>,
}

/// Taps slid over one image.
struct Pass<'a, E> {
    /// The weight, from the first row and tap on.
    left: Left<'a, E>,
    /// Strides of the weight by channel of the image, tap row and tap column.
    depth: [usize; 3],
    rows: usize,
    image: Image<'a, E>,
    channels: usize,
    axes: [Axis; 2],
    /// Whether later taps read earlier elements.
    reversed: bool,
    /// All outputs of the pass; the length of a line is that of a strip.
    target: Target,
}

impl<E: Element> Pass<'_, E> {
    #[inline(always)]
    fn run<I: Isa>(&self, buffer: &mut Buffer<E>, out: &mut [E]) {
        let taps = self.axes.map(|axis| axis.taps);
        let outputs = self.axes.map(|axis| axis.outputs);
        if outputs.contains(&0) {
            return;
        }
        if self.channels == 0 || taps.contains(&0) {
            return self.clear(out);
        }
        let step = self.axes.map(|axis| axis.step);
        let (taken, [height, width]) = plan(self.channels, taps, step, outputs, DEPTH);
        for y in (0..outputs[0]).step_by(height) {
            for x in (0..outputs[1]).step_by(width) {
                let outputs = [height.min(outputs[0] - y), width.min(outputs[1] - x)];
                for channel in (0..self.channels).step_by(taken.channels) {
                    for i in (0..taps[0]).step_by(taken.taps[0]) {
                        for j in (0..taps[1]).step_by(taken.taps[1]) {
                            let mut part = taken;
                            part.channels = part.channels.min(self.channels - channel);
                            part.taps =
                                [part.taps[0].min(taps[0] - i), part.taps[1].min(taps[1] - j)];
                            let strip = Strip::new(part, step, outputs);
                            let whole = part.channels == self.channels && part.taps == taps;
                            self.part::<I>(
                                &strip,
                                part.taps,
                                [channel, i, j],
                                [y, x],
                                outputs,
                                whole,
                                buffer,
                                out,
                            );
                        }
                    }
                }
            }
        }
    }

    /// Outputs that no tap meets.
    fn clear(&self, out: &mut [E]) {
        let Target {
            base,
            row,
            width,
            height,
            step,
            ..
        } = self.target;
        for r in 0..self.rows {
            for y in 0..height {
                let line = &mut out[base + r * row + y * step[0]..];
                line.iter_mut()
                    .step_by(step[1])
                    .take(width)
                    .for_each(|out| *out = E::ZERO);
            }
        }
    }

    /// The taps from `tap` on, as many as the strip is for, into the outputs from `at` on.
    #[inline(always)]
    #[expect(
        clippy::too_many_arguments,
        reason = "the loop variables of its only caller"
    )]
    fn part<I: Isa>(
        &self,
        strip: &Strip,
        count: [usize; 2],
        [channel, i, j]: [usize; 3],
        at: [usize; 2],
        outputs: [usize; 2],
        whole: bool,
        buffer: &mut Buffer<E>,
        out: &mut [E],
    ) {
        let Buffer {
            taps,
            strip: scratch,
        } = buffer;
        let start = [0, 1].map(|axis| {
            let Axis { step, start, .. } = self.axes[axis];
            let tap = [i, j][axis] as isize;
            let tap = if self.reversed {
                1 - tap - count[axis] as isize
            } else {
                tap
            };
            start + (at[axis] * step) as isize + tap
        });
        strip.fill(&self.image, channel, start, scratch.as_flattened_mut());
        taps.clear();
        for c in 0..strip.channels {
            for tap_i in 0..count[0] {
                for tap_j in 0..count[1] {
                    let a = c * self.depth[0] + tap_i * self.depth[1] + tap_j * self.depth[2];
                    let near = if self.reversed {
                        [count[0] - 1 - tap_i, count[1] - 1 - tap_j]
                    } else {
                        [tap_i, tap_j]
                    };
                    taps.push(a, strip.tap(c, near));
                }
            }
        }
        let offset = channel * self.depth[0] + i * self.depth[1] + j * self.depth[2];
        let panel = Panel {
            left: Left {
                base: self.left.base + offset,
                ..self.left
            },
            b: scratch.as_flattened(),
            taps,
            target: Target {
                base: self.target.base + at[0] * self.target.step[0] + at[1] * self.target.step[1],
                line: strip.lines[1],
                width: outputs[1],
                height: outputs[0],
                ..self.target
            },
            first: channel == 0 && i == 0 && j == 0,
        };
        if whole && outputs[1] >= NR {
            // The last tile of a line ends with the line: a few columns are computed twice, none is cut.
            for y in 0..outputs[0] {
                for x in (0..outputs[1]).step_by(NR) {
                    panel.column::<I>(self.rows, [y, x.min(outputs[1] - NR)], out);
                }
            }
        } else {
            // Lines are short, or sums continue: tiles run over the ends of lines. Each starts at an output: one that
            // started between two lines could lie beyond the scratch memory.
            let (mut y, mut x) = (0, 0);
            while y < outputs[0] {
                panel.column::<I>(self.rows, [y, x], out);
                x += NR;
                while x >= panel.target.line {
                    x -= panel.target.line;
                    y += 1;
                }
                if x >= outputs[1] {
                    (y, x) = (y + 1, 0);
                }
            }
        }
    }
}
