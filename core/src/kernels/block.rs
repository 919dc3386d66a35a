//! A convolution with what follows it, some images at a time: each step finds what the one before wrote in a cache.
//!
//! Steps and their order are those of [`crate::block`]: a task convolves a few images, then adds the bias to their maps,
//! then pools them. The backward pass is the subject of [`grad`].

mod add;
mod channels_last;
pub(crate) mod grad;
mod maps_grad;
mod patches;
mod places;
mod sparse;

use super::conv::Conv;
use super::pool::Fold;
use super::slide::Task;
use super::split;
use super::workspace::Workspace;
use super::{Context, Operand};
use crate::block::{Block, Pooling};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use crate::ops::Op;
use crate::ops::unary::Relu;

/// Bytes of maps that a task goes through at a time: with all that it reads they stay in the second-level cache.
const TOGETHER: usize = 128 << 10;

/// What the forward pass reads.
#[derive(Clone, Copy)]
pub struct Operands<'a, E> {
    pub(crate) x: Operand<'a, E>,
    pub(crate) weight: Operand<'a, E>,
    pub(crate) bias: Option<Operand<'a, E>>,
}

/// `[b, c, h, w]` and `[o, c, kh, kw]` give `[b, o, oh, ow]`, and `[b, o, ph, pw]` if `block` pools.
pub(crate) fn forward<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    Operands { x, weight, bias }: Operands<'_, E>,
    block: &Block,
    maps: &mut [E],
    pooled: &mut [E],
) {
    let workers = context.executor.workers();
    let plan = Conv::new::<E>(workers, context.level, x.layout, weight.layout, &block.conv);
    let Some(Conv {
        planes, plane, cut, ..
    }) = plan
    else {
        return;
    };
    // A part of the maps is whole images, taken a few at a time, or some planes of one.
    let image = planes * plane;
    let step = if cut.size.is_multiple_of(image) {
        (TOGETHER / (image * size_of::<E>())).max(1) * image
    } else {
        cut.size
    };
    let folded = block.pool.map_or(0, |pool| area(pool.window().output));
    let mut pooled = pooled;
    let parts = maps.chunks_mut(cut.size).map(|maps| {
        let count = maps.len() / plane * folded;
        (maps, take(&mut pooled, count))
    });
    split::parts(
        context.executor,
        parts,
        cut.tasks,
        &|index, (maps, pooled)| {
            workspace.with(|scratch| {
                let mut first = index * cut.size / plane;
                let mut pooled = pooled;
                for maps in maps.chunks_mut(step) {
                    context.level.run(Task {
                        from: x,
                        weight,
                        window: &block.conv,
                        gradient: false,
                        first,
                        out: &mut *maps,
                        scratch: &mut *scratch,
                    });
                    let rows = maps.len() / plane;
                    if bias.is_some() || block.relu {
                        context.level.run(BiasRelu {
                            bias,
                            relu: block.relu,
                            first,
                            plane,
                            maps: &mut *maps,
                        });
                    }
                    if let Some(pool) = &block.pool {
                        let [height, width] = block.conv.output;
                        context.level.run(Fold {
                            x: Operand {
                                data: maps,
                                layout: &Layout::row_major([1, rows, height, width].into()),
                            },
                            window: pool.window(),
                            largest: matches!(pool, Pooling::Max(_)),
                            first: 0,
                            out: take(&mut pooled, rows * folded),
                        });
                    }
                    first += rows;
                }
            });
        },
    );
}

/// The maps from plane `first` on: the bias is added, and they go through ReLU.
struct BiasRelu<'a, 'o, E> {
    bias: Option<Operand<'a, E>>,
    relu: bool,
    first: usize,
    plane: usize,
    maps: &'o mut [E],
}

impl<E: Element> Kernel for BiasRelu<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let relu = |x: E| Relu.eval::<I, E>([x]);
        for (n, plane) in self.maps.chunks_exact_mut(self.plane).enumerate() {
            let bias = self.bias.map(|bias| {
                let (count, step) = (bias.layout.shape()[0], bias.layout.strides()[0]);
                bias.data[bias.layout.offset() + (self.first + n) % count * step]
            });
            match (bias, self.relu) {
                (Some(bias), true) => plane.iter_mut().for_each(|x| *x = relu(*x + bias)),
                (Some(bias), false) => plane.iter_mut().for_each(|x| *x = *x + bias),
                (None, true) => plane.iter_mut().for_each(|x| *x = relu(*x)),
                (None, false) => {}
            }
        }
    }
}

/// The first `count` elements, or all, which `rest` then no longer has.
fn take<'o, E>(rest: &mut &'o mut [E], count: usize) -> &'o mut [E] {
    let count = count.min(rest.len());
    let (first, others) = core::mem::take(rest).split_at_mut(count);
    *rest = others;
    first
}

const fn area([height, width]: [usize; 2]) -> usize {
    height * width
}
