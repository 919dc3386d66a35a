//! What the forward pass keeps of maps that are pooled, for the backward pass: the less the better, as memory is what large
//! batches wait for.

use super::passed;
use super::patches::Patches;
use crate::block::{Block, Pooling};
use crate::kernels::{Operand, SMALL};

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
    /// The form for `c` input and `o` output channels. It depends on nothing else, so that the backward pass finds the same
    /// one, whichever gradients are wanted and however many threads there are.
    pub(crate) fn of(block: &Block, c: usize, o: usize) -> Self {
        let less = |form: Self| form.elements(block) < Self::Maps.elements(block);
        match block.pool {
            // There the operations go one after the other.
            _ if SMALL => Self::Maps,
            Some(Pooling::Avg(_)) if block.relu && less(Self::Words) => Self::Words,
            Some(Pooling::Max(_)) if Patches::new(block, c, o).is_some() => Self::Taps,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Window;

    #[test]
    fn no_form_is_larger_than_the_maps() {
        let window = |input, kernel, stride, output| Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            before: [0; 2],
            input: [input; 2],
            output: [output; 2],
        };
        for size in 1..40 {
            for kernel in 1..=size.min(5) {
                let pool = window(size, kernel, kernel, size / kernel);
                for pool in [Pooling::Avg(pool), Pooling::Max(pool)] {
                    let block = Block {
                        conv: window(size + 2, 3, 1, size),
                        relu: true,
                        pool: Some(pool),
                    };
                    let form = Form::of(&block, 2, 3);
                    let kept = form.elements(&block);
                    assert!(kept <= size * size, "{form:?} of {block:?}");
                    // What saves most where it counts: maps of digits.
                    if size == 28 && kernel == 4 {
                        let less = matches!(pool, Pooling::Avg(_));
                        assert_eq!(kept, if less { 56 } else { 49 });
                    }
                }
            }
        }
    }
}
