//! How a weight gradient goes over its pairs of output and input channel: what is in scratch memory at a time.

use super::correlate::together;
use super::gradients::{Gradients, QUAD, per_vector};
use super::strip::{Strip, Taken, plan};
use super::workspace::BEYOND;
use crate::backend::Window;
use crate::isa::Isa;

/// How a rectangle of pairs is cut into blocks.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    /// Channels and taps of a strip, and of the pairs whose lanes are kept at a time: fewer, or the same.
    pub(crate) strip: Taken,
    pub(crate) taken: Taken,
    /// Output channels.
    pub(crate) rows: usize,
    /// Lines and columns of the gradient that are in scratch memory at a time.
    pub(crate) size: [usize; 2],
    /// Elements for the strip; those behind it are for the gradients.
    pub(crate) split: usize,
}

impl Blocks {
    /// For so many output and input channels, with room for the lanes of `pairs` and for so many elements. There must be
    /// outputs.
    #[inline(always)]
    pub(crate) fn new<E, I: Isa>(
        window: &Window,
        [rows, channels]: [usize; 2],
        [pairs, memory]: [usize; 2],
    ) -> Self {
        let Window {
            kernel,
            stride,
            output,
            ..
        } = *window;
        let (best, per) = (together::<E, I>(), per_vector::<E, I>());
        let most = (pairs / rows.min(16).next_multiple_of(per)).max(1);
        let fits = |memory, rows, lines, columns| {
            let gradients = Gradients {
                rows,
                lines,
                columns,
            };
            gradients.elements::<E, I>() <= memory
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
            let capacity = (memory / per - QUAD).min(split - BEYOND);
            (taken, size) = plan(channels, kernel, stride, output, most, capacity);
        }
        let [height, width] = size;
        let mut group = (pairs / taken.count() / per * per).min(rows);
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
        Self {
            strip: if whole { all } else { taken },
            taken,
            rows: group,
            size: [lines, width],
            split,
        }
    }
}
