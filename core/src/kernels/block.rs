//! A convolution with what follows it, some images at a time: each step finds what the one before wrote in a cache.
//!
//! Steps and their order are those of [`crate::block`]. Forward, a task convolves a few images, then adds the bias to their
//! maps, then pools them. Backward, the images are gone through in stretches. Of each stretch the gradient of the maps is
//! made in scratch memory, summed for the bias, and slid over for the input; then it is multiplied with the input for the
//! weight, whose sums go on from those of the images before, as R4 of the canonical arithmetic has them.

use super::conv::Conv;
use super::conv_weight::add_weight_grad;
use super::panel::TASK;
use super::pool::{Fold, Spread};
use super::reduce::fold_lanes;
use super::slide::Task;
use super::split::{self, Cut};
use super::workspace::Workspace;
use super::{Context, Operand};
use crate::block::{Block, Pooling};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::layout::Layout;
use crate::ops::unary::Relu;
use crate::ops::{Op, Unary};
use crate::reduction::{BLOCK, LANES, Sum, combine};

/// Elements of maps that a thread goes through at a time: they stay in the second-level cache.
const NEAR: usize = 1 << 16;

/// What the forward pass reads.
#[derive(Clone, Copy)]
pub struct Operands<'a, E> {
    pub(crate) x: Operand<'a, E>,
    pub(crate) weight: Operand<'a, E>,
    pub(crate) bias: Option<Operand<'a, E>>,
}

/// What the backward pass reads. The maps are contiguous, and so is `g` if they are not pooled.
#[derive(Clone, Copy)]
pub struct Given<'a, E> {
    pub(crate) x: Operand<'a, E>,
    pub(crate) weight: Operand<'a, E>,
    pub(crate) maps: Operand<'a, E>,
    pub(crate) g: Operand<'a, E>,
}

/// What the backward pass writes: nothing into an empty slice.
pub struct Grads<'o, E> {
    pub(crate) x: &'o mut [E],
    pub(crate) weight: &'o mut [E],
    pub(crate) bias: &'o mut [E],
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
        (NEAR / image).max(1) * image
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
                        context.level.run(Finish {
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
struct Finish<'a, 'o, E> {
    bias: Option<Operand<'a, E>>,
    relu: bool,
    first: usize,
    plane: usize,
    maps: &'o mut [E],
}

impl<E: Element> Kernel for Finish<'_, '_, E> {
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

/// How many images the backward pass goes through at a time, or `None` if it had better take one step after the other.
pub(crate) fn stretch(workers: usize, maps: &Layout) -> Option<usize> {
    let &[images, planes, height, width] = &**maps.shape() else {
        return None;
    };
    let (image, workers) = (planes * height * width, split::threads(workers));
    // Sums over fewer axes have another order, and too few images leave threads without work.
    if super::SMALL || image == 0 || height * width == 1 || images < (4 * workers).max(2) {
        return None;
    }
    let most = NEAR * workers / image;
    (most >= 2 * workers || workers == 1).then(|| {
        let stretches = images.div_ceil(most.max(1));
        images.div_ceil(stretches)
    })
}

/// Elements of scratch memory for the backward pass of so many images at a time.
pub(crate) fn scratch(images: usize, maps: &Layout) -> usize {
    let shape = maps.shape();
    images * shape[1] * (shape[2] * shape[3] + 1)
}

/// The gradients by the operands, where somebody wants them, of a block with ReLU or pooling; `near` is as long as
/// [`scratch`] says.
pub(crate) fn backward<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    given: Given<'_, E>,
    block: &Block,
    near: &mut [E],
    Grads {
        x: mut by_x,
        weight: by_weight,
        bias: by_bias,
    }: Grads<'_, E>,
) {
    let (&[images, o, height, width], &[_, c, ..]) =
        (&**given.maps.layout.shape(), &**given.x.layout.shape())
    else {
        return;
    };
    let (plane, image) = (height * width, o * height * width);
    let together = near.len() / (image + o);
    let input = if by_x.is_empty() {
        0
    } else {
        c * area(block.conv.input)
    };
    let (near, sums) = near.split_at_mut(together * image);
    by_weight.fill(E::ZERO);
    by_bias.fill(E::ZERO);
    let summed = !by_bias.is_empty();
    let depth = (o * area(block.conv.kernel)).max(1);
    for from in (0..images).step_by(together) {
        let count = together.min(images - from);
        let (near, sums) = (&mut near[..count * image], &mut sums[..count * o]);
        let cut = Cut::new(context.executor.workers(), near.len(), image, TASK / depth);
        let by_x = take(&mut by_x, count * input);
        let parts = near
            .chunks_mut(cut.size)
            .zip(sums.chunks_mut(cut.size / plane))
            .zip(Chunks {
                rest: by_x,
                size: cut.size / image * input,
            });
        split::parts(context.executor, parts, cut.tasks, &|index,
                                                           (
            (near, sums),
            by_x,
        )| {
            context.level.run(Pull {
                given,
                block,
                first: from * o + index * cut.size / plane,
                plane,
                near: &mut *near,
                sums: if summed { sums } else { &mut [] },
            });
            if by_x.is_empty() {
                return;
            }
            let images = near.len() / image;
            workspace.with(|scratch| {
                context.level.run(Task {
                    from: Operand {
                        data: near,
                        layout: &Layout::row_major([images, o, height, width].into()),
                    },
                    weight: given.weight,
                    window: &block.conv,
                    gradient: true,
                    first: 0,
                    out: by_x,
                    scratch,
                });
            });
        });
        if !by_weight.is_empty() {
            let (all, mut sizes) = (given.x.layout, *given.x.layout.shape());
            sizes.sizes_mut()[0] = count;
            let x = Operand {
                data: given.x.data,
                layout: &all.with_sizes(sizes, all.offset() + from * all.strides()[0]),
            };
            let g = Operand {
                data: near,
                layout: &Layout::row_major([count, o, height, width].into()),
            };
            add_weight_grad(context, workspace, x, g, &block.conv, by_weight);
        }
        for sums in sums.chunks_exact(o).take(if summed { count } else { 0 }) {
            for (total, &sum) in by_bias.iter_mut().zip(sums) {
                *total = *total + sum;
            }
        }
    }
}

/// The gradient of the maps from plane `first` on, before ReLU, and its sum over each plane.
struct Pull<'a, 'o, E> {
    given: Given<'a, E>,
    block: &'a Block,
    first: usize,
    plane: usize,
    near: &'o mut [E],
    sums: &'o mut [E],
}

impl<E: Element> Kernel for Pull<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            given,
            block,
            first,
            plane,
            near,
            sums,
        } = self;
        let Given { maps, g, .. } = given;
        let from = first * plane;
        let maps = &maps.data[maps.layout.offset() + from..][..near.len()];
        let g = match &block.pool {
            Some(pool) => {
                I::apart(Spread {
                    x: matches!(pool, Pooling::Max(_)).then_some(given.maps),
                    g,
                    window: pool.window(),
                    first,
                    out: &mut *near,
                });
                None
            }
            None => Some(&g.data[g.layout.offset() + from..][..near.len()]),
        };
        for (n, near) in near.chunks_exact_mut(plane).enumerate() {
            let plane = n * plane..(n + 1) * plane;
            let sum = sums.get_mut(n);
            I::apart(Masked {
                maps: block.relu.then_some(&maps[plane.clone()]),
                g: g.map(|g| &g[plane]),
                near,
                sum,
            });
        }
    }
}

/// The gradient of a plane before ReLU, and its sum if somebody wants it.
struct Masked<'a, 'o, E> {
    /// What ReLU gave, if there is one.
    maps: Option<&'a [E]>,
    /// The gradient behind ReLU, unless it is in `near`.
    g: Option<&'a [E]>,
    near: &'o mut [E],
    sum: Option<&'o mut E>,
}

impl<E: Element> Kernel for Masked<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let pick = |y: E, g: E| Relu.grad::<I, E>(y, g);
        let mut total = E::ZERO;
        for (n, near) in self.near.chunks_mut(BLOCK).enumerate() {
            let here = n * BLOCK..n * BLOCK + near.len();
            // Two plain loops, which become vectors; the second finds what the first wrote.
            match (
                self.maps.map(|maps| &maps[here.clone()]),
                self.g.map(|g| &g[here]),
            ) {
                (Some(maps), Some(g)) => near
                    .iter_mut()
                    .zip(maps.iter().zip(g))
                    .for_each(|(to, (&y, &g))| *to = pick(y, g)),
                (Some(maps), None) => near
                    .iter_mut()
                    .zip(maps)
                    .for_each(|(to, &y)| *to = pick(y, *to)),
                // Pooled and without ReLU: the gradient is there.
                (None, _) => {}
            }
            if self.sum.is_none() {
                continue;
            }
            let mut lanes = [E::ZERO; LANES];
            fold_lanes::<E, Sum>(&mut lanes, near);
            total = total + combine::<Sum, E>(lanes);
        }
        if let Some(sum) = self.sum {
            *sum = total;
        }
    }
}

/// The next `size` elements of `rest` each time, of which there may be none.
struct Chunks<'o, E> {
    rest: &'o mut [E],
    size: usize,
}

impl<'o, E> Iterator for Chunks<'o, E> {
    type Item = &'o mut [E];

    fn next(&mut self) -> Option<Self::Item> {
        Some(take(&mut self.rest, self.size))
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
