//! The work of a convolution that slides taps over padded images; [`conv`](super::conv) says how.

use super::left::{self, Left, Rows};
use super::outputs::Outputs;
use super::panel::{Panel, tile_rows};
use super::strip::{Image, Strip, Taken, plan};
use super::terms::{DEPTH, Listed, Taps};
use super::workspace::BEYOND;
use super::{Operand, SMALL};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::shape::product;

/// The planes `first..` of the output, as many as `out` has.
pub(crate) struct Task<'a, 'o, E> {
    pub(crate) from: Operand<'a, E>,
    pub(crate) weight: Operand<'a, E>,
    pub(crate) window: &'a Window,
    pub(crate) gradient: bool,
    pub(crate) first: usize,
    pub(crate) out: &'o mut [E],
    pub(crate) scratch: &'o mut [E],
}

impl<E: Element> Kernel for Task<'_, '_, E> {
    type Output = ();
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            from,
            weight,
            window,
            gradient,
            first,
            out,
            scratch,
        } = self;
        let &[_, channels, ..] = &**from.layout.shape() else {
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
        if channels == 0 {
            return out.fill(E::ZERO);
        }
        // Distances of the outputs and of the taps of a pass: the stride, as far as there are so many. Each output up to
        // the first distance is the first one of a pass.
        let [steps, skips] = if gradient {
            [size, window.kernel].map(|most| [0, 1].map(|axis| window.stride[axis].min(most[axis])))
        } else {
            [[1; 2]; 2]
        };
        let taps = product([channels, window.kernel[0], window.kernel[1]]);
        let reserved = reserved(planes, taps, tile_rows::<E, I>(), scratch.len() - BEYOND);
        let (packed, strip) = scratch.split_at_mut(reserved);
        let mut buffer = Buffer {
            taps: Taps::new(),
            strip,
            packed,
            held: None,
            ready: None,
        };
        let end = first + out.len() / plane;
        for pass in 0..steps[0] * steps[1] {
            let start = [pass / steps[1], pass % steps[1]];
            let axes = [0, 1].map(|axis| {
                if gradient {
                    Axis::gradient(window, axis, start[axis])
                } else {
                    Axis::forward(window, axis)
                }
            });
            let parts = Parts::new(channels, axes, buffer.strip.len() - BEYOND);
            let mut at = first;
            while at < end {
                let top = at % planes;
                let rows = (planes - top).min(end - at);
                let base = (at - first) * plane;
                let mut image = Image::of(from, at / planes);
                if at / planes == (end - 1) / planes {
                    // Other tasks read the next one, if any.
                    image.next = 0;
                }
                let pass = Pass {
                    left: Rows {
                        data: weight.data,
                        base: weight.layout.offset()
                            + top * row
                            + axes[0].tap * per_i
                            + axes[1].tap * per_j,
                        row,
                    },
                    depth: [depth, per_i * skips[0], per_j * skips[1]],
                    rows,
                    image,
                    channels,
                    axes,
                    reversed: gradient,
                    base: base + axes[0].first * size[1] + axes[1].first,
                    plane,
                    steps: [steps[0] * size[1], steps[1]],
                };
                pass.run::<I>(&parts, &mut buffer, out);
                at += rows;
            }
        }
    }
}

/// Elements of scratch memory for packed weights; none if they would leave too little of it for a strip.
pub(crate) const fn reserved(planes: usize, taps: usize, most: usize, scratch: usize) -> usize {
    let terms = if taps < DEPTH { taps } else { DEPTH };
    let elements = left::packed(planes, terms, most).next_multiple_of(BEYOND);
    // Measured: with 52 % for weights, packing pays, with 56 % it does not.
    if SMALL || elements > scratch / 9 * 5 {
        0
    } else {
        elements
    }
}

/// One axis of a pass.
#[derive(Clone, Copy)]
struct Axis {
    /// The first tap that meets the outputs of this pass, and how many do.
    tap: usize,
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
            tap: 0,
            taps: window.kernel[axis],
            first: 0,
            outputs: window.output[axis],
            step: window.stride[axis],
            start: -(window.before[axis] as isize),
        }
    }

    /// The inputs `first, first + stride, ..`; the taps are `phase, phase + stride, ..` with
    /// `phase = (first + before) % stride`.
    fn gradient(window: &Window, axis: usize, first: usize) -> Self {
        let (stride, before, size) = (window.stride[axis], window.before[axis], window.input[axis]);
        let kernel = window.kernel[axis];
        let tap = ((first + before) % stride).min(kernel);
        Self {
            tap,
            taps: (kernel - tap).div_ceil(stride),
            first,
            outputs: (size - first).div_ceil(stride),
            step: 1,
            start: ((first + before) / stride) as isize,
        }
    }
}

/// How the outputs of a pass are cut into parts.
enum Parts {
    /// There are no outputs.
    None,
    /// No tap meets them.
    Zeros,
    /// Channels and taps, and rows and columns of the output, that go through scratch memory at a time.
    Some(Taken, [usize; 2]),
}

impl Parts {
    fn new(channels: usize, axes: [Axis; 2], capacity: usize) -> Self {
        let taps = axes.map(|axis| axis.taps);
        let outputs = axes.map(|axis| axis.outputs);
        if outputs.contains(&0) {
            Self::None
        } else if taps.contains(&0) {
            Self::Zeros
        } else {
            let step = axes.map(|axis| axis.step);
            let (taken, size) = plan(channels, taps, step, outputs, DEPTH, capacity);
            Self::Some(taken, size)
        }
    }
}

struct Buffer<'a, E> {
    taps: Taps,
    strip: &'a mut [E],
    /// Packed weights, and which ones: the place of the first, and how many rows, channels and taps.
    packed: &'a mut [E],
    held: Option<[usize; 5]>,
    /// What the table and the zeros around the image are there for.
    ready: Option<Ready>,
}

/// What the table of a part depends on, and which of its elements lie outside of the image.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ready {
    strip: Strip,
    taps: [usize; 2],
    start: [isize; 2],
}

/// Taps slid over one image.
struct Pass<'a, E> {
    /// The weight, from the first row and tap on.
    left: Rows<'a, E>,
    /// Strides of the weight by channel of the image, tap row and tap column.
    depth: [usize; 3],
    rows: usize,
    image: Image<'a, E>,
    channels: usize,
    axes: [Axis; 2],
    /// Whether later taps read earlier elements.
    reversed: bool,
    /// The first output.
    base: usize,
    /// Elements of a plane of the output.
    plane: usize,
    /// Distances of two output lines and of two outputs of a line.
    steps: [usize; 2],
}

impl<E: Element> Pass<'_, E> {
    #[inline(always)]
    fn run<I: Isa>(&self, parts: &Parts, buffer: &mut Buffer<'_, E>, out: &mut [E]) {
        let (taken, [height, width]) = match parts {
            Parts::None => return,
            Parts::Zeros => return self.clear(out),
            Parts::Some(taken, size) => (taken, *size),
        };
        let taps = self.axes.map(|axis| axis.taps);
        let outputs = self.axes.map(|axis| axis.outputs);
        let step = self.axes.map(|axis| axis.step);
        for y in (0..outputs[0]).step_by(height) {
            for x in (0..outputs[1]).step_by(width) {
                let outputs = [height.min(outputs[0] - y), width.min(outputs[1] - x)];
                for channel in (0..self.channels).step_by(taken.channels) {
                    for i in (0..taps[0]).step_by(taken.taps[0]) {
                        for j in (0..taps[1]).step_by(taken.taps[1]) {
                            let mut part = *taken;
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
        let [height, width] = self.axes.map(|axis| axis.outputs);
        for r in 0..self.rows {
            for y in 0..height {
                let line = &mut out[self.base + r * self.plane + y * self.steps[0]..];
                line.iter_mut()
                    .step_by(self.steps[1])
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
        buffer: &mut Buffer<'_, E>,
        out: &mut [E],
    ) {
        let Buffer {
            taps,
            strip: scratch,
            packed,
            held,
            ready,
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
        // The parts of one image after the other are often alike.
        let now = Ready {
            strip: *strip,
            taps: count,
            start,
        };
        let alike = *ready == Some(now);
        let next = if at[0] + outputs[0] < self.axes[0].outputs {
            outputs[0]
        } else {
            0
        };
        strip.fill::<I, E>(&self.image, channel, start, !alike, next, scratch);
        if !alike {
            self.table(strip, count, taps);
            *ready = Some(now);
        }
        let offset = channel * self.depth[0] + i * self.depth[1] + j * self.depth[2];
        let lying = Rows {
            base: self.left.base + offset,
            ..self.left
        };
        let key = [lying.base, self.rows, strip.channels, count[0], count[1]];
        let left = if SMALL || packed.is_empty() {
            Left::Lying(lying)
        } else if *held == Some(key) {
            Left::Packed(packed)
        } else {
            *held = Some(key);
            left::pack::<E, I>(lying, self.rows, taps.len(), |k| taps.left(k), packed)
        };
        let panel = Panel {
            terms: Listed {
                left,
                right: scratch,
                taps,
            },
            steps: [self.plane, self.steps[1]],
            first: channel == 0 && i == 0 && j == 0,
        };
        let outputs = Outputs {
            size: outputs,
            pitch: strip.lines[1],
            rows: self.rows,
            base: self.base + at[0] * self.steps[0] + at[1] * self.steps[1],
            line: self.steps[0],
            whole,
        };
        outputs.sums::<E, I>(panel, out);
    }

    /// Where each tap of a part finds its weights and its elements of the strip.
    fn table(&self, strip: &Strip, count: [usize; 2], taps: &mut Taps) {
        taps.clear();
        for c in 0..strip.channels {
            for i in 0..count[0] {
                taps.extend((0..count[1]).map(|j| {
                    let near = if self.reversed {
                        [count[0] - 1 - i, count[1] - 1 - j]
                    } else {
                        [i, j]
                    };
                    let weight = c * self.depth[0] + i * self.depth[1] + j * self.depth[2];
                    [weight, strip.tap(c, near)]
                }));
            }
        }
    }
}
