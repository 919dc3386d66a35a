//! A convolution with what follows it, some images at a time: each step finds what the one before wrote in a cache.
//!
//! Steps and their order are those of [`crate::block`]: a task convolves a few images, then adds the bias to their maps,
//! then pools them. The backward pass is the subject of [`grad`].

mod add;
mod channels_last;
pub(crate) mod grad;
pub(crate) mod kept;
mod maps_grad;
mod passed;
mod patches;
mod places;
mod sparse;
mod taps;

use self::kept::Form;
use super::conv::Conv;
use super::pool::Fold;
use super::slide::Task;
use super::split;
use super::workspace::Workspace;
use super::{Context, Operand};
use crate::block::{Block, Pooling};
use crate::element::Element;
use crate::isa::{Isa, Kernel, Level};
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

/// What the forward pass writes.
pub struct Results<'o, E> {
    /// What is kept of the maps, if anything, and in which form.
    pub(crate) kept: &'o mut [E],
    pub(crate) form: Option<Form>,
    /// Room for the maps that are pooled next, as much as the [`Plan`] says, unless all maps are kept.
    pub(crate) near: &'o mut [E],
    /// What pooling makes of the maps, if they are pooled.
    pub(crate) pooled: &'o mut [E],
}

/// How the forward pass goes through its images.
#[derive(Clone, Copy)]
pub struct Plan {
    conv: Conv,
    /// Elements of the maps that a task goes through at a time: of whole images, or all of its own if those are planes of
    /// images that are too few for all threads.
    step: usize,
}

impl Plan {
    /// For `[b, c, h, w]` and `[o, c, kh, kw]`; `None` if there are no maps.
    pub(crate) fn new<E: Element>(
        context: Context<'_>,
        [x, weight]: [&Layout; 2],
        block: &Block,
    ) -> Option<Self> {
        let workers = context.executor.workers();
        let conv = Conv::new::<E>(workers, context.level, x, weight, &block.conv)?;
        let (image, size) = (conv.planes * conv.plane, conv.cut.size);
        let step = if size.is_multiple_of(image) {
            size.min((TOGETHER / (image * size_of::<E>())).max(1) * image)
        } else {
            size
        };
        Some(Self { conv, step })
    }

    /// Elements of the maps that tasks have in memory at a time.
    pub(crate) const fn near(&self) -> usize {
        self.conv.cut.tasks * self.step
    }
}

/// `[b, c, h, w]` and `[o, c, kh, kw]` give `[b, o, oh, ow]`, and `[b, o, ph, pw]` if `block` pools.
pub(crate) fn forward<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    plan: &Plan,
    operands: Operands<'_, E>,
    block: &Block,
    results: Results<'_, E>,
) {
    let Plan {
        conv: Conv { plane, cut, .. },
        step,
    } = *plan;
    let folded = block.pool.map_or(0, |pool| area(pool.window().output));
    let Results {
        mut kept,
        form,
        mut near,
        mut pooled,
    } = results;
    let per_plane = kept_of_plane(form, block);
    debug_assert_eq!(
        kept.len(),
        operands.x.layout.shape()[0] * plan.conv.planes * per_plane
    );
    let total = operands.x.layout.shape()[0] * plan.conv.planes;
    let parts = (0..cut.tasks).map(|index| {
        let first = index * cut.size / plane;
        let planes = (cut.size / plane).min(total - first);
        Part {
            block,
            plane,
            planes: [first, planes],
            step: step / plane,
            kept: take(&mut kept, planes * per_plane),
            form,
            near: take(&mut near, step),
            pooled: take(&mut pooled, planes * folded),
        }
    });
    split::parts(context.executor, parts, cut.tasks, &|_, part| {
        workspace.with(|scratch| part.run(context.level, operands, scratch));
    });
}

fn kept_of_plane(form: Option<Form>, block: &Block) -> usize {
    form.map_or(0, |form| form.elements(block))
}

/// Some planes of the results.
struct Part<'a, 'o, E> {
    block: &'a Block,
    /// Elements of a plane of the maps.
    plane: usize,
    /// The first plane, how many there are, and how many go together.
    planes: [usize; 2],
    step: usize,
    kept: &'o mut [E],
    form: Option<Form>,
    near: &'o mut [E],
    pooled: &'o mut [E],
}

impl<E: Element> Part<'_, '_, E> {
    fn run(self, level: Level, operands: Operands<'_, E>, scratch: &mut [E]) {
        let Self {
            block,
            plane,
            planes: [start, count],
            step,
            mut kept,
            form,
            near,
            mut pooled,
        } = self;
        let Operands { x, weight, bias } = operands;
        for first in (start..start + count).step_by(step) {
            let rows = step.min(start + count - first);
            let kept = take(&mut kept, rows * kept_of_plane(form, block));
            let (maps, marks) = match form {
                Some(Form::Maps) => (kept, &mut [][..]),
                _ => (&mut near[..rows * plane], kept),
            };
            level.run(Task {
                from: x,
                weight,
                window: &block.conv,
                gradient: false,
                first,
                out: &mut *maps,
                scratch: &mut *scratch,
            });
            if bias.is_some() || block.relu {
                level.run(BiasRelu {
                    bias,
                    relu: block.relu,
                    first,
                    plane,
                    maps: &mut *maps,
                });
            }
            let Some(pool) = &block.pool else { continue };
            let maps = &*maps;
            let pooled = take(&mut pooled, rows * area(pool.window().output));
            let [height, width] = block.conv.output;
            level.run(Fold {
                x: Operand {
                    data: maps,
                    layout: &Layout::row_major([1, rows, height, width].into()),
                },
                window: pool.window(),
                largest: matches!(pool, Pooling::Max(_)),
                first: 0,
                out: &mut *pooled,
            });
            match form {
                Some(Form::Words) => level.run(passed::Pack {
                    plane,
                    maps,
                    words: marks,
                }),
                Some(Form::Taps) => level.run(taps::Find {
                    window: pool.window(),
                    relu: block.relu,
                    maps,
                    pooled,
                    taps: marks,
                }),
                Some(Form::Maps) | None => {}
            }
        }
    }
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
    // What nobody wants is empty, and the last task may have less than the others.
    let count = count.min(rest.len());
    let (first, others) = core::mem::take(rest).split_at_mut(count);
    *rest = others;
    first
}

const fn area([height, width]: [usize; 2]) -> usize {
    height * width
}
