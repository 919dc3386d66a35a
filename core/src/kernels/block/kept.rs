//! What the forward pass keeps of maps that are pooled, for the backward pass: the less the better, as memory is what large
//! batches wait for.

use super::grad::Plan;
use super::passed;
use crate::block::{Block, Pooling};
use crate::kernels::Operand;
use crate::layout::Layout;

/// In which form maps are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// All elements.
    Maps,
    /// Which elements [`passed`]: of maps that are pooled to their mean, behind ReLU.
    Words,
    /// Which ones pooling took; see [`taps`](super::taps).
    Taps,
}

impl Form {
    /// The form for input, weight and maps of these layouts. Another one than [`Form::Maps`] is what only the [`Plan`]
    /// reads, so it is for shapes that have a plan whatever is wanted, and the backward pass finds the same form.
    pub(crate) fn of<E>(workers: usize, layouts: [&Layout; 3], block: &Block) -> Self {
        let Some(plan) = Plan::new::<E>(workers, layouts, layouts[2], block, [true; 3]) else {
            return Self::Maps;
        };
        match block.pool {
            Some(Pooling::Avg(_)) if block.relu => Self::Words,
            Some(Pooling::Max(_)) if plan.is_sparse() => Self::Taps,
            _ => Self::Maps,
        }
    }

    /// Elements that are kept of a plane.
    pub(crate) const fn elements(self, block: &Block) -> usize {
        let plane = block.conv.output[0] * block.conv.output[1];
        match (self, &block.pool) {
            (Self::Words, _) => passed::words(plane),
            (Self::Taps, Some(pool)) => pool.window().output[0] * pool.window().output[1],
            _ => plane,
        }
    }
}

/// What the backward pass knows of the maps, `[b, o, oh, ow]`; see [`Form`].
#[derive(Clone, Copy)]
pub(crate) enum Kept<'a, E> {
    Maps(Operand<'a, E>),
    Words(&'a [E]),
    Taps(&'a [E]),
}
