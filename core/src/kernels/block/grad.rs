//! The backward pass of a [`block`](super): each task takes some images through all of its steps.
//!
//! A few images at a time, it makes the gradient of their maps in scratch memory, sums it for the bias, slides over it for
//! the input, and multiplies it with the input for the weight. Sums over images are what tasks have in common, so each
//! image has a row of its own for what it adds to bias and weight. In the end rows are added in order: R4 and R5 of the
//! canonical arithmetic have the same sum for each image, and the same order.
//!
//! Where pooling leaves almost no gradient in the maps, the [`sparse`] pass goes through the images instead, as far as it
//! can.

use super::kept::Kept;
use super::maps_grad::{AddRows, MapsGrad};
use super::patches::Patches;
use super::sparse;
use super::{TOGETHER, take};
use crate::block::Block;
use crate::element::Element;
use crate::fused::PerOperand;
use crate::kernels::panel::TASK;
use crate::kernels::split::{self, Cut};
use crate::kernels::workspace::Workspace;
use crate::kernels::{Context, Operand, SMALL, conv_weight, slide};
use crate::layout::Layout;

/// Elements of maps whose gradient is worth a task.
const PLANES: usize = 1 << 15;

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
    /// What the sparse pass needs to know, if it is worth while.
    sparse: Option<Patches>,
}

impl Plan {
    /// For input, weight and maps and a gradient of these layouts, and those gradients that are wanted; `None` if the
    /// operations had better be run one after the other.
    pub(crate) fn new<E>(
        workers: usize,
        [x, weight, maps]: [&Layout; 3],
        g: &Layout,
        block: &Block,
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
        let sparse = Patches::new(block, x.shape()[1], o).filter(|_| g.is_contiguous());
        Some(Self {
            images,
            maps: [o, height, width],
            input: x.elements() / images,
            weights,
            wanted,
            cut,
            together: match sparse {
                Some(_) => 1,
                None => (TOGETHER / (image * size_of::<E>())).clamp(1, cut.size),
            },
            sparse,
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

/// What the backward pass reads. All maps are contiguous, and so is `g` if they are not pooled.
#[derive(Clone, Copy)]
pub struct Operands<'a, E> {
    pub(crate) x: Operand<'a, E>,
    pub(crate) weight: Operand<'a, E>,
    pub(crate) maps: Kept<'a, E>,
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

/// The gradient of all maps before ReLU, `[b, o, oh, ow]`, from that of what pooling made of them: for shapes without a plan.
pub(crate) fn maps_grad<E: Element>(
    context: Context<'_>,
    Operands { maps, g, .. }: Operands<'_, E>,
    block: &Block,
    out: &mut [E],
) {
    let plane = block.conv.output[0] * block.conv.output[1];
    if out.is_empty() {
        return;
    }
    let cut = Cut::new(context.executor.workers(), out.len(), plane, PLANES);
    split::chunks(context.executor, out, cut, &|start, near| {
        context.level.run(MapsGrad {
            maps,
            g,
            block,
            first: start / plane,
            near,
            sums: &mut [],
        });
    });
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
        mut self,
        context: Context<'_>,
        workspace: Workspace<'_, E>,
        plan: &Plan,
        operands: Operands<'_, E>,
        block: &Block,
        first: usize,
    ) {
        let end = plan.images.min(first + plan.cut.size);
        workspace.with(|scratch| {
            let taps = matches!(operands.maps, Kept::Taps(_));
            let (mut at, mut sparse) = (first, plan.sparse.as_ref().filter(|_| taps));
            while at < end {
                if let Some(patches) = sparse {
                    let left = self.part(plan, at - first, end - at);
                    let done = context.level.run(sparse::Task {
                        patches,
                        operands,
                        block,
                        first: at,
                        images: end - at,
                        x: left.x,
                        sums: left.sums,
                        products: left.products,
                        together: !plan.apart(),
                        scratch: &mut *scratch,
                    });
                    // The weight is the same for all images: it is not packed again for the next one.
                    match done {
                        Some(done) => at += done,
                        None => sparse = None,
                    }
                }
                let count = plan.together.min(end - at);
                if count > 0 {
                    let part = self.part(plan, at - first, count);
                    part.dense(context, scratch, plan, operands, block, [at, count]);
                    at += count;
                }
            }
        });
    }

    /// What belongs to `count` of the images, the first one of which is number `at`.
    fn part(&mut self, plan: &Plan, at: usize, count: usize) -> Images<'_, E> {
        fn rows<E>(rows: &mut [E], size: usize, at: usize, count: usize) -> &mut [E] {
            if rows.is_empty() {
                return rows;
            }
            &mut rows[at * size..(at + count) * size]
        }
        let [o, height, width] = plan.maps;
        let image = o * height * width;
        let near = self.near.len().min(count * image);
        Images {
            near: &mut self.near[..near],
            x: rows(self.x, plan.input, at, count),
            sums: rows(self.sums, o, at, count),
            products: if plan.apart() {
                rows(self.products, plan.weights, at, count)
            } else {
                &mut *self.products
            },
        }
    }

    /// `count` images from `from` on, by the gradient of their maps.
    fn dense(
        self,
        context: Context<'_>,
        scratch: &mut [E],
        plan: &Plan,
        operands: Operands<'_, E>,
        block: &Block,
        [from, count]: [usize; 2],
    ) {
        let Self {
            near,
            x,
            sums,
            products,
        } = self;
        let [o, height, width] = plan.maps;
        context.level.run(MapsGrad {
            maps: operands.maps,
            g: operands.g,
            block,
            first: from * o,
            near: &mut *near,
            sums,
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
                out: x,
                scratch: &mut *scratch,
            });
        }
        if !products.is_empty() {
            let (all, mut sizes) = (operands.x.layout, *operands.x.layout.shape());
            sizes.sizes_mut()[0] = count;
            let layout = all.with_sizes(sizes, all.offset() + from * all.strides()[0]);
            if plan.apart() {
                products.fill(E::ZERO);
            }
            context.level.run(conv_weight::Task {
                x: Operand {
                    data: operands.x.data,
                    layout: &layout,
                },
                g,
                window: &block.conv,
                first: 0,
                pairs: plan.weights / (block.conv.kernel[0] * block.conv.kernel[1]),
                apart: plan.apart(),
                out: products,
                scratch,
            });
        }
    }
}
