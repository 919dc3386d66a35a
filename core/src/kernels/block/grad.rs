//! The backward pass of a [`block`](super): each task takes some images through all of its steps.
//!
//! A few images at a time, it makes the gradient of their maps in scratch memory, sums it for the bias, slides over it for
//! the input, and multiplies it with the input for the weight. Sums over images are what tasks have in common, so each
//! image has a row of its own for what it adds to bias and weight. In the end rows are added in order: R4 and R5 of the
//! canonical arithmetic have the same sum for each image, and the same order.

use super::{TOGETHER, take};
use crate::block::{Block, PerOperand, Pooling};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::panel::TASK;
use crate::kernels::pool::Spread;
use crate::kernels::reduce::fold_lanes;
use crate::kernels::split::{self, Cut};
use crate::kernels::workspace::Workspace;
use crate::kernels::{Context, Operand, SMALL, conv_weight, slide};
use crate::layout::Layout;
use crate::ops::Unary;
use crate::ops::unary::Relu;
use crate::reduction::{BLOCK, LANES, Sum, combine};

/// How the backward pass goes through its images.
#[derive(Clone, Copy)]
pub struct Plan {
    images: usize,
    /// Channels, lines and columns of the maps.
    maps: [usize; 3],
    /// Elements of an image of the input, and of the weight.
    input: usize,
    weights: usize,
    wanted: PerOperand<bool>,
    /// How images are dealt out.
    cut: Cut,
    /// How many of them a task goes through at a time.
    together: usize,
}

impl Plan {
    /// For input, weight and maps of these layouts, and those gradients that are wanted; `None` if the operations had
    /// better be run one after the other.
    pub(crate) fn new<E>(
        workers: usize,
        [x, weight, maps]: [&Layout; 3],
        wanted: PerOperand<bool>,
    ) -> Option<Self> {
        let &[images, o, height, width] = &**maps.shape() else {
            return None;
        };
        let (plane, weights) = (height * width, weight.elements());
        let image = o * plane;
        // Sums over fewer axes have another order, and too few images leave threads without work.
        if SMALL
            || image == 0
            || plane == 1
            || images < 2
            || images / 4 < split::threads(workers) - 1
        {
            return None;
        }
        let depth = (2 * image).saturating_mul(weights / o).max(1);
        let cut = Cut::new(workers, images, 1, TASK / depth);
        // Rows that take longer to add than the gradient of the maps takes to read are not worth their while.
        if cut.tasks > 1 && wanted[1] && weights > image / 4 {
            return None;
        }
        Some(Self {
            images,
            maps: [o, height, width],
            input: x.elements() / images,
            weights,
            wanted,
            cut,
            together: (TOGETHER / (image * size_of::<E>())).clamp(1, cut.size),
        })
    }

    /// Elements of scratch memory that [`backward`] needs.
    pub(crate) fn scratch(&self) -> usize {
        let [near, sums, products] = self.parts();
        near + sums + products
    }

    /// Elements of the gradient of maps, of rows for the bias, and of rows for the weight.
    fn parts(&self) -> [usize; 3] {
        let [o, height, width] = self.maps;
        let near = self.cut.tasks * self.together * o * height * width;
        let [_, weight, bias] = self.wanted;
        let products = if self.apart() && weight {
            self.weights
        } else {
            0
        };
        let sums = if bias { o } else { 0 };
        [near, self.images * sums, self.images * products]
    }

    /// Whether each image has a row for the weight; a single task adds to the sums of the images before.
    const fn apart(&self) -> bool {
        self.cut.tasks > 1
    }
}

/// What the backward pass reads. The maps are contiguous, and so is `g` if they are not pooled.
#[derive(Clone, Copy)]
pub struct Operands<'a, E> {
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

/// The gradients by the operands, where somebody wants them, of a block with ReLU or pooling; `scratch` is as long as
/// the plan says.
pub(crate) fn backward<E: Element>(
    context: Context<'_>,
    workspace: Workspace<'_, E>,
    plan: &Plan,
    operands: Operands<'_, E>,
    block: &Block,
    scratch: &mut [E],
    grads: Grads<'_, E>,
) {
    let [near, sums, _] = plan.parts();
    let (mut near, rows) = scratch.split_at_mut(near);
    let (sums, products) = rows.split_at_mut(sums);
    let Grads {
        mut x,
        weight,
        bias,
    } = grads;
    weight.fill(E::ZERO);
    let (own, size) = (near.len() / plan.cut.tasks, plan.cut.size);
    {
        let mut sums = &mut *sums;
        let mut products = match (weight.is_empty(), plan.apart()) {
            (true, _) => &mut [][..],
            (false, true) => &mut *products,
            (false, false) => &mut *weight,
        };
        let parts = (0..plan.cut.tasks).map(|_| Images {
            near: take(&mut near, own),
            x: take(&mut x, size * plan.input),
            sums: take(&mut sums, size * plan.maps[0]),
            products: take(&mut products, size * plan.weights),
        });
        split::parts(context.executor, parts, plan.cut.tasks, &|index, images| {
            images.run(context, workspace, plan, operands, block, index * size);
        });
    }
    context.level.run(AddRows {
        rows: sums,
        out: bias,
    });
    if plan.apart() {
        context.level.run(AddRows {
            rows: products,
            out: weight,
        });
    }
}

/// What a task writes.
struct Images<'o, E> {
    /// The gradient of a few maps.
    near: &'o mut [E],
    x: &'o mut [E],
    /// A row for the bias from each image.
    sums: &'o mut [E],
    /// A row for the weight from each image, or one from all.
    products: &'o mut [E],
}

impl<E: Element> Images<'_, E> {
    /// Goes through the images from `first` on.
    fn run(
        self,
        context: Context<'_>,
        workspace: Workspace<'_, E>,
        plan: &Plan,
        operands: Operands<'_, E>,
        block: &Block,
        first: usize,
    ) {
        let Self {
            near,
            mut x,
            mut sums,
            mut products,
        } = self;
        let [o, height, width] = plan.maps;
        let (image, end) = (o * height * width, plan.images.min(first + plan.cut.size));
        workspace.with(|scratch| {
            for from in (first..end).step_by(plan.together) {
                let count = plan.together.min(end - from);
                let near = &mut near[..count * image];
                context.level.run(MapsGrad {
                    operands,
                    block,
                    first: from * o,
                    near,
                    sums: take(&mut sums, count * o),
                });
                let layout = Layout::row_major([count, o, height, width].into());
                let g = Operand {
                    data: near,
                    layout: &layout,
                };
                if !x.is_empty() {
                    context.level.run(slide::Task {
                        from: g,
                        weight: operands.weight,
                        window: &block.conv,
                        gradient: true,
                        first: 0,
                        out: take(&mut x, count * plan.input),
                        scratch,
                    });
                }
                if !products.is_empty() {
                    let (all, mut sizes) = (operands.x.layout, *operands.x.layout.shape());
                    sizes.sizes_mut()[0] = count;
                    let layout = all.with_sizes(sizes, all.offset() + from * all.strides()[0]);
                    let apart = plan.apart();
                    let out = if apart {
                        let out = take(&mut products, count * plan.weights);
                        out.fill(E::ZERO);
                        out
                    } else {
                        &mut *products
                    };
                    context.level.run(conv_weight::Task {
                        x: Operand {
                            data: operands.x.data,
                            layout: &layout,
                        },
                        g,
                        window: &block.conv,
                        first: 0,
                        pairs: plan.weights / (block.conv.kernel[0] * block.conv.kernel[1]),
                        apart,
                        out,
                        scratch,
                    });
                }
            }
        });
    }
}

/// The gradient of the maps from plane `first` on, before ReLU, and its sum over each plane.
struct MapsGrad<'a, 'o, E> {
    operands: Operands<'a, E>,
    block: &'a Block,
    first: usize,
    near: &'o mut [E],
    sums: &'o mut [E],
}

impl<E: Element> Kernel for MapsGrad<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            operands,
            block,
            first,
            near,
            sums,
        } = self;
        let Operands { maps, g, .. } = operands;
        let plane = block.conv.output[0] * block.conv.output[1];
        let from = first * plane;
        let elements = &maps.data[maps.layout.offset() + from..][..near.len()];
        let g = match &block.pool {
            Some(pool) => {
                I::apart(Spread {
                    x: matches!(pool, Pooling::Max(_)).then_some(maps),
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
            I::apart(PlaneGrad {
                maps: block.relu.then_some(&elements[plane.clone()]),
                g: g.map(|g| &g[plane]),
                near,
                sum: sums.get_mut(n),
            });
        }
    }
}

/// The gradient of a plane before ReLU, and its sum if somebody wants it.
struct PlaneGrad<'a, 'o, E> {
    /// What ReLU gave, if there is one.
    maps: Option<&'a [E]>,
    /// The gradient behind ReLU, unless it is in `near`.
    g: Option<&'a [E]>,
    near: &'o mut [E],
    sum: Option<&'o mut E>,
}

impl<E: Element> Kernel for PlaneGrad<'_, '_, E> {
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

/// The sum of rows, from +0 in order: on one thread, as rows are much shorter than what they are made from.
struct AddRows<'a, 'o, E> {
    rows: &'a [E],
    out: &'o mut [E],
}

impl<E: Element> Kernel for AddRows<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { rows, out } = self;
        if out.is_empty() {
            return;
        }
        out.fill(E::ZERO);
        for row in rows.chunks_exact(out.len()) {
            for (total, &x) in out.iter_mut().zip(row) {
                *total = *total + x;
            }
        }
    }
}
