//! Patches: the elements of an input that one element of a map is made from, with channels last.
//!
//! In the input a patch is a few lines; a line has the columns of a kernel, each with all channels. In memory lines are
//! filled up with zeros to whole vectors:
//!
//! ```text
//! patch[i][j * channels + c]   =   weight[c, i, j],   or what is added to it
//! ```

use super::channels_last::ChannelsLast;
use super::places::Places;
use crate::block::{Block, Pooling};
use crate::element::Element;
use crate::kernels::Operand;
use crate::kernels::strip::Image;
use crate::kernels::workspace::CAPACITY;
use crate::reduction::LANES;

/// Elements of a window, from which on the pass takes less time than the gradient of all of the maps.
const WORTH: usize = 8;

/// Lines of patches are filled up to a multiple of this: the longest vector.
const UNIT: usize = 16;

/// How patches lie in the input and in memory.
#[derive(Clone, Copy)]
pub(super) struct Patches {
    /// Output channels.
    pub(super) o: usize,
    /// The input and its gradient.
    pub(super) last: ChannelsLast,
    pub(super) kernel: [usize; 2],
    /// Elements of a line of a patch in the input, and in memory.
    run: usize,
    pub(super) padded: usize,
}

impl Patches {
    /// For a block with so many input and output channels; `None` if the gradient of its maps must, or had better, be made.
    pub(super) fn new(block: &Block, c: usize, o: usize) -> Option<Self> {
        let Some(Pooling::Max(pool)) = &block.pool else {
            return None;
        };
        let conv = &block.conv;
        let run = conv.kernel[1].checked_mul(c);
        let run = run.filter(|run| (1..=CAPACITY).contains(run))?;
        // Sizes that overflow are more than there is room for.
        let size = [0, 1].map(|a| {
            let last = conv.output[a].saturating_sub(1);
            last.saturating_mul(conv.stride[a])
                .saturating_add(conv.kernel[a])
        });
        let all = Self {
            o,
            last: ChannelsLast {
                channels: c,
                size,
                before: conv.before,
            },
            kernel: conv.kernel,
            run,
            padded: run.next_multiple_of(UNIT),
        };
        let worth = pool.kernel[0].saturating_mul(pool.kernel[1]) >= WORTH && conv.kernel[0] > 0;
        (worth && Places::<f32>::possible(pool) && all.elements() <= CAPACITY).then_some(all)
    }

    /// Elements of a strip, and behind it of what the last patch reads too much.
    const fn strip(&self) -> usize {
        let lines = self.last.size[0].saturating_mul(self.last.line());
        lines.saturating_add(self.padded)
    }

    /// Elements of a patch.
    pub(super) const fn patch(&self) -> usize {
        self.kernel[0].saturating_mul(self.padded)
    }

    /// Elements of memory: input and gradient, weights and their gradients, lanes.
    pub(super) const fn elements(&self) -> usize {
        let patches = self.o.saturating_mul(2).saturating_add(LANES);
        let strips = self.strip().saturating_mul(2);
        strips.saturating_add(patches.saturating_mul(self.patch()))
    }

    /// Weights of a channel.
    pub(super) const fn weights(&self) -> usize {
        self.kernel[0] * self.run
    }

    /// Where each element of a patch lies, and where in the weight of its channel.
    #[inline(always)]
    pub(super) fn each(&self, mut pair: impl FnMut(usize, usize)) {
        let [rows, columns] = self.kernel;
        let mut at = 0;
        for c in 0..self.last.channels {
            for i in 0..rows {
                for j in 0..columns {
                    pair(i * self.padded + j * self.last.channels + c, at);
                    at += 1;
                }
            }
        }
    }
}

/// What the pass has in scratch memory.
pub(super) struct Memory<'o, E> {
    /// The input and its gradient.
    pub(super) input: &'o mut [E],
    pub(super) gradient: &'o mut [E],
    /// Weights and their gradients, a patch of each channel.
    pub(super) weights: &'o mut [E],
    pub(super) products: &'o mut [E],
    /// A patch for each lane.
    pub(super) lanes: &'o mut [E],
}

impl<'o, E: Element> Memory<'o, E> {
    #[inline(always)]
    pub(super) fn new(patches: &Patches, scratch: &'o mut [E]) -> Self {
        scratch.fill(E::ZERO);
        let (input, rest) = scratch.split_at_mut(patches.strip());
        let (gradient, rest) = rest.split_at_mut(patches.strip());
        let (weights, rest) = rest.split_at_mut(patches.o * patches.patch());
        let (products, lanes) = rest.split_at_mut(patches.o * patches.patch());
        Self {
            input,
            gradient,
            weights,
            products,
            lanes,
        }
    }

    /// Packs the weights.
    #[inline(always)]
    pub(super) fn pack(&mut self, patches: &Patches, weight: Operand<'_, E>) {
        let &[_, by_channel, by_row, by_column] = weight.layout.strides() else {
            return;
        };
        let [rows, columns] = patches.kernel;
        for (o, patch) in self.weights.chunks_exact_mut(patches.patch()).enumerate() {
            let from = Image::of(weight, o).channel(0);
            patches.each(|to, at| {
                let (c, i, j) = (at / (rows * columns), at / columns % rows, at % columns);
                patch[to] = from[c * by_channel + i * by_row + j * by_column];
            });
        }
    }
}
