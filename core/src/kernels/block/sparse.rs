//! The backward pass of a [`block`](super) that pools by the largest element of windows that do not overlap.
//!
//! A window gives its gradient to one element, so that the gradient of the maps is 0 nearly everywhere, and what it is
//! multiplied with need not be. Per image, with `patch` the elements of the input that a place of the maps is made from:
//!
//! ```text
//! for channel o, for its places (y, x) with gradient g
//!     lanes[x mod 8] += g * patch(y, x)           the gradient of the weight of o, row by row
//!     patch'(y, x)   += g * weight[o]             the gradient of the input, last place first
//! ```
//!
//! With channels last, a patch is a few long lines, and the loops over them are vectors.
//!
//! # Why the bits are the same
//!
//! Each sum has the terms of [`crate::conv`] in their order, except those that are products with a gradient of 0; when
//! those change nothing is the subject of [`exact`](crate::kernels::exact). For the weight it makes no difference whether
//! a lane is -0, as lanes are added to +0 in the end. Where an image does not meet a condition, [`Task`] stops before it, and
//! the gradient of its maps has to be made.

use super::add::{ByInput, ByWeight};
use super::channels_last::ChannelsLast;
use super::grad::Operands;
use super::kept::Kept;
use super::patches::{Memory, Patches};
use super::places::{List, Place, Places};
use crate::block::Block;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::exact::{Smallest, finite, tiny};
use crate::kernels::panel::lanes;
use crate::kernels::strip::{Image, prefetch_line};
use crate::kernels::vector::Vector;
use crate::reduction::{BLOCK, LANES, Sum, combine};

/// The gradients of images from `first` on; gives how many of them it could do, or `None` if the weight is such that it
/// can do none at all.
pub(super) struct Task<'a, 'o, E> {
    pub(super) patches: &'a Patches,
    pub(super) operands: Operands<'a, E>,
    pub(super) block: &'a Block,
    pub(super) first: usize,
    pub(super) images: usize,
    /// Where somebody wants them: the gradients by the input, rows of sums for the bias, and for the weight one row for
    /// each image, or one for all if `together`, to which is added.
    pub(super) x: &'o mut [E],
    pub(super) sums: &'o mut [E],
    pub(super) products: &'o mut [E],
    pub(super) together: bool,
    pub(super) scratch: &'o mut [E],
}

impl<E: Element> Kernel for Task<'_, '_, E> {
    type Output = Option<usize>;
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<usize> {
        if lanes::<E, I>() == 16 {
            self.images::<I, 16>()
        } else {
            self.images::<I, 8>()
        }
    }
}

impl<E: Element> Task<'_, '_, E> {
    #[inline(always)]
    fn images<I: Isa, const N: usize>(mut self) -> Option<usize>
    where
        [E; N]: Vector<E>,
    {
        let scratch = core::mem::take(&mut self.scratch).get_mut(..self.patches.elements())?;
        let mut memory = Memory::new(self.patches, scratch);
        let mut smallest = E::INFINITY;
        if !self.x.is_empty() {
            memory.pack(self.patches, self.operands.weight);
            smallest = I::apart(Smallest(memory.weights))?;
        }
        let mut places = Places::NONE;
        for n in 0..self.images {
            if !self.image::<I, N>(n, &mut memory, smallest, &mut places) {
                return Some(n);
            }
        }
        Some(self.images)
    }

    /// All gradients of image `n`, or none.
    #[inline(always)]
    fn image<I: Isa, const N: usize>(
        &mut self,
        n: usize,
        memory: &mut Memory<'_, E>,
        smallest: E,
        places: &mut Places<E>,
    ) -> bool
    where
        [E; N]: Vector<E>,
    {
        let (patches, image) = (self.patches, self.first + n);
        let Operands { x, maps, g, .. } = self.operands;
        let (Some(pool), Kept::Taps(taps)) = (&self.block.pool, maps) else {
            return false;
        };
        let (window, [conv_row, conv_column]) = (pool.window(), self.block.conv.stride);
        let steps = [
            conv_row * patches.last.line(),
            conv_column * patches.last.channels,
        ];
        if !self.products.is_empty()
            && !I::apart(Fill {
                last: patches.last,
                image: Image::of(x, image),
                strip: memory.input,
            })
        {
            return false;
        }
        let windows = window.output[0] * window.output[1];
        let g = g.elements();
        let count = patches.o * windows;
        match I::apart(Smallest(&g[image * count..][..count])) {
            Some(g) if g * smallest >= tiny() => {}
            _ => return false,
        }
        if !self.x.is_empty() {
            memory.gradient.fill(E::ZERO);
        }
        let input = Image::of(x, image);
        let size = self.block.conv.input;
        let elements = patches.last.channels * size[0] * size[1];
        for o in 0..patches.o {
            // A part of the next image, and of where its gradient goes, is asked for beside the work of each channel.
            if input.next > 0 && n + 1 < self.images {
                let part = elements.div_ceil(patches.o);
                let start = o * part;
                prefetch_line::<I, E>(&input.data[input.base..], part, input.next + start);
                if !self.x.is_empty() {
                    prefetch_line::<I, E>(&self.x[n * elements..], part, elements + start);
                }
            }
            let at = image * patches.o + o;
            let windows = at * windows..(at + 1) * windows;
            I::apart(List {
                window,
                taps: &taps[windows.clone()],
                g: &g[windows],
                places,
            });
            if let Some(sum) = self.sums.get_mut(n * patches.o + o) {
                *sum = sum_of::<I, E>(places.all(), window.input[1]);
            }
            let patch = o * patches.patch()..(o + 1) * patches.patch();
            if !self.products.is_empty() {
                I::apart(ByWeight::<E, N> {
                    patches,
                    places: places.all(),
                    steps,
                    input: memory.input,
                    lanes: memory.lanes,
                    product: &mut memory.products[patch.clone()],
                });
            }
            if !self.x.is_empty() {
                I::apart(ByInput::<E, N> {
                    patches,
                    places: places.all(),
                    steps,
                    weight: &memory.weights[patch],
                    gradient: memory.gradient,
                });
            }
        }
        if !self.x.is_empty() {
            let size = self.block.conv.input;
            let count = patches.last.channels * size[0] * size[1];
            I::apart(Read {
                last: patches.last,
                strip: memory.gradient,
                size,
                image: &mut self.x[n * count..][..count],
            });
        }
        self.add(n, memory.products);
        true
    }

    /// Adds the gradients of the weight to those of the images before, or to 0.
    #[inline(always)]
    fn add(&mut self, n: usize, products: &[E]) {
        let patches = self.patches;
        if self.products.is_empty() {
            return;
        }
        let weights = patches.weights();
        let row = if self.together {
            &mut *self.products
        } else {
            let row = &mut self.products[n * patches.o * weights..][..patches.o * weights];
            row.fill(E::ZERO);
            row
        };
        let all = products.chunks_exact(patches.patch());
        for (row, patch) in row.chunks_exact_mut(weights).zip(all) {
            patches.each(|from, to| row[to] = row[to] + patch[from]);
        }
    }
}

/// Copies an image; whether it is finite.
struct Fill<'a, 'o, E> {
    last: ChannelsLast,
    image: Image<'a, E>,
    strip: &'o mut [E],
}

impl<E: Element> Kernel for Fill<'_, '_, E> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        self.last.fill::<I, E>(&self.image, self.strip);
        finite(self.strip)
    }
}

/// Copies an image back.
struct Read<'a, 'o, E> {
    last: ChannelsLast,
    strip: &'a [E],
    size: [usize; 2],
    image: &'o mut [E],
}

impl<E: Element> Kernel for Read<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        self.last.read::<I, E>(self.strip, self.size, self.image);
    }
}

/// The sum of a plane with so many columns, in the order of [`crate::reduction`].
#[inline(always)]
fn sum_of<I: Isa, E: Element>(places: &[Place<E>], columns: usize) -> E {
    // A gradient is added to its lane, and 0 times the gradient to the others: a lane in memory would have to wait for what
    // was written to it before.
    let mut one = [E::ZERO; 2 * LANES];
    one[LANES] = E::ONE;
    let (mut total, mut lanes, mut block) = (E::ZERO, [E::ZERO; LANES], 0);
    for &Place { row, column, g } in places {
        let at = row as usize * columns + column as usize;
        if at / BLOCK != block {
            total = total + combine::<Sum, E>(lanes);
            (lanes, block) = ([E::ZERO; LANES], at / BLOCK);
        }
        if let Some(&one) = one[LANES - at % LANES..].first_chunk() {
            lanes = E::fma_lanes::<I>(one, [g, g, g, g, g, g, g, g], lanes);
        }
    }
    total + combine::<Sum, E>(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Window;
    use crate::block::Pooling;
    use crate::isa::Level;
    use crate::kernels::Operand;
    use crate::kernels::workspace::CAPACITY;
    use crate::layout::Layout;
    use alloc::vec;

    /// How many of three images the pass does: 1x5x5, a kernel [2, 1, 2, 2], maps of 4x4, one window. The weights, and what
    /// is at some place of the second image's input and gradient, are given.
    fn done(weight: f32, x: f32, g: f32) -> Option<usize> {
        let window = |kernel, input, output| Window {
            kernel: [kernel; 2],
            stride: [kernel - 1; 2],
            before: [0; 2],
            input: [input; 2],
            output: [output; 2],
        };
        // Windows that are alone have this stride.
        let pool = Window {
            stride: [1; 2],
            ..window(4, 4, 1)
        };
        let block = Block {
            conv: window(2, 5, 4),
            relu: true,
            pool: Some(Pooling::Max(pool)),
        };
        let patches = Patches::new(&block, 1, 2).unwrap();
        let [mut xs, mut gs] = [75, 6].map(|count| vec![1.0_f32; count]);
        (xs[30], gs[3]) = (x, g);
        let weights = vec![weight; 8];
        let layout = |shape: [usize; 4]| Layout::contiguous(shape).unwrap();
        let layouts = [[3, 1, 5, 5], [2, 1, 2, 2], [3, 2, 1, 1]].map(layout);
        let operand = |data, n: usize| Operand {
            data,
            layout: &layouts[n],
        };
        Level::detect().run(Task {
            patches: &patches,
            operands: Operands {
                x: operand(&xs, 0),
                weight: operand(&weights, 1),
                maps: Kept::Taps(&[15.0; 6]),
                g: operand(&gs, 2),
            },
            block: &block,
            first: 0,
            images: 3,
            x: &mut [0.0; 75],
            sums: &mut [0.0; 6],
            products: &mut [0.0; 8],
            together: true,
            scratch: &mut vec![0.0; CAPACITY],
        })
    }

    #[test]
    fn sizes_that_overflow_go_the_other_way() {
        let window = |kernel, stride, input, output| Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            before: [0; 2],
            input: [input; 2],
            output: [output; 2],
        };
        for stride in [usize::MAX / 2, usize::MAX / 3, 1 << 31, 1 << 32] {
            let block = Block {
                conv: window(2, stride, 9, 4),
                relu: true,
                pool: Some(Pooling::Max(window(4, 4, 4, 1))),
            };
            assert!(Patches::new(&block, 1, 1).is_none(), "{stride}");
            assert!(Patches::new(&block, usize::MAX, 1).is_none(), "{stride}");
        }
    }

    #[test]
    fn it_stops_before_an_image_whose_sums_may_need_products_with_0() {
        assert_eq!(done(1.0, 1.0, 1.0), Some(3));
        assert_eq!(done(0.0, 1.0, 1.0), Some(3));
        assert_eq!(done(1.0, f32::INFINITY, 1.0), Some(1), "the input");
        assert_eq!(done(1.0, 1.0, f32::NAN), Some(1), "the gradient");
        let small = 2.0_f32.powi(-50);
        assert_eq!(done(small, 1.0, small), Some(3));
        assert_eq!(done(small, 1.0, small / 2.0), Some(3), "2^-101 is enough");
        assert_eq!(done(small, 1.0, small / 4.0), Some(1), "2^-102 is not");
    }

    #[test]
    fn a_weight_that_no_image_can_be_done_with_is_told_from_an_image() {
        for weight in [f32::NAN, f32::INFINITY] {
            assert_eq!(done(weight, 1.0, 1.0), None, "{weight}");
        }
    }
}
