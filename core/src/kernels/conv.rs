//! Convolution and its gradient by the input: both slide taps over padded images.
//!
//! The image goes through scratch memory as a [`Strip`], in which every tap of a tile of outputs reads contiguous
//! elements; the rest is [`Panel`]: rows are output channels, columns are positions, taps are (channel, row, column).
//! The gradient by the input is the same with the channels of the weight exchanged and its taps reversed. Its inputs
//! fall into at most `stride[0] * stride[1]` groups (phases); those of one group meet the same taps, each with the same
//! distance between input and output position, so each group is a pass of stride 1.

use super::panel::{TASK, conv_tile, tile};
use super::slide::{Task, reserved};
use super::split::{self, Cut};
use super::strip::{Taken, plan};
use super::terms::DEPTH;
use super::workspace::{CAPACITY, Workspace};
use super::{Context, Operand};
use crate::backend::Window;
use crate::element::Element;
use crate::isa::Level;
use crate::layout::Layout;
use crate::shape::product;

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
    /// The most rows of a tile.
    most: usize,
    window: Window,
}

/// The part of an image that goes through scratch memory at a time.
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
        level: Level,
        x: &Layout,
        weight: &Layout,
        window: &Window,
    ) -> Option<Self> {
        Self::sliding::<E>(workers, level, x, weight, window, false)
    }

    /// The same for the gradient by the input, which slides over the gradient of the output.
    fn sliding<E: Element>(
        workers: usize,
        level: Level,
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
        let elements = product([images, planes, size[0], size[1]]);
        if elements == 0 {
            return None;
        }
        let plane = product(size);
        let [most, _] = tile::<E>(level);
        // Whole images, unless there are too few of them for all threads.
        let many = images / 4 >= workers;
        let unit = plane * if many { planes } else { most.min(planes) };
        let depth = product([channels, window.kernel[0], window.kernel[1]]).max(1);
        Some(Self {
            planes,
            plane,
            channels,
            cut: Cut::new(workers, elements, unit, TASK / depth),
            tile: conv_tile::<E>(level, planes),
            most,
            window: *window,
        })
    }

    /// What of an image goes through scratch memory at a time; `None` if no tap meets an output.
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
        let taps = product([self.channels, kernel[0], kernel[1]]);
        let capacity = CAPACITY - reserved(self.planes, taps, self.most, CAPACITY);
        let (Taken { channels, taps }, outputs) =
            plan(self.channels, kernel, stride, output, DEPTH, capacity);
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
    workspace: Workspace<'_, E>,
    x: Operand<'_, E>,
    weight: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    slide(context, workspace, x, weight, window, false, out);
}

/// `[b, o, oh, ow]` and `[o, c, kh, kw]` give `[b, c, h, w]`; the formula and the order are in [`crate::conv`].
pub(crate) fn input_grad<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    g: Operand<'_, E>,
    weight: Operand<'_, E>,
    window: &Window,
    out: &mut [E],
) {
    slide(context, workspace, g, weight, window, true, out);
}

fn slide<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    from: Operand<'_, E>,
    weight: Operand<'_, E>,
    window: &Window,
    gradient: bool,
    out: &mut [E],
) {
    let workers = context.executor.workers();
    let Some(Conv { plane, cut, .. }) = Conv::sliding::<E>(
        workers,
        context.level,
        from.layout,
        weight.layout,
        window,
        gradient,
    ) else {
        return;
    };
    split::chunks(context.executor, out, cut, &|start, out| {
        workspace.with(|scratch| {
            context.level.run(Task {
                from,
                weight,
                window,
                gradient,
                first: start / plane,
                out,
                scratch,
            });
        });
    });
}
