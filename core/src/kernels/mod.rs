//! The loops of the CPU backend, compiled in this crate for `f32` and `f64` and for each instruction set.
//!
//! A kernel reads operands as (slice, layout), writes one dense output, splits it among the executor's tasks, and
//! allocates nothing once the pool holds a workspace for each thread: what it packs or pads lies in 224 KiB that each
//! task has from the backend's pool for the time of its work (or in 16 KB on the stack, if there is no memory), and up
//! to 24 KB on the stack; twice that for `f64`. On small machines ([`SMALL`]), where tiles are smaller, all of it lies
//! on the stack and is less than 4 KB, 6 KB for `f64`. The size of a tile has no influence on any result. Two need more
//! from the same pool: [`large`] products up to 4 MiB (8 for `f64`) for packed columns, if there is so much, and the
//! passes of a [`block`] 128 KiB or an image in each task, for maps that are pooled and for the gradient of maps, and backward
//! a row of sums for each image.

pub(crate) mod arg_max;
pub(crate) mod block;
pub(crate) mod conv;
pub(crate) mod conv_weight;
pub(crate) mod correlate;
pub(crate) mod epilogue;
pub(crate) mod exact;
pub(crate) mod few;
pub(crate) mod fold;
pub(crate) mod gather;
pub(crate) mod index;
pub(crate) mod large;
pub(crate) mod left;
pub(crate) mod map;
pub(crate) mod matmul;
pub(crate) mod outputs;
#[cfg(test)]
mod over_lines;
pub(crate) mod panel;
pub(crate) mod placed;
pub(crate) mod pool;
pub(crate) mod product;
#[cfg(test)]
mod random;
pub(crate) mod reduce;
pub(crate) mod slide;
#[cfg(test)]
mod small;
pub(crate) mod split;
pub(crate) mod strip;
pub(crate) mod terms;
#[cfg(test)]
mod turned;
pub(crate) mod vector;
#[cfg(test)]
mod without_memory;
pub(crate) mod workspace;

pub(crate) use epilogue::Epilogue;
pub(crate) use workspace::Workspace;

use crate::backend::Window;
use crate::block::Block;
use crate::executor::Executor;
use crate::isa::Level;
use crate::layout::Layout;

/// Whether this is a small machine, in the words of [`Cpu`](crate::Cpu): it has little stack and few registers.
/// Blocking never changes a bit.
pub(crate) const SMALL: bool = cfg!(any(
    target_os = "none",
    target_pointer_width = "16",
    target_pointer_width = "32"
));

/// What every kernel needs to know of the machine.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) level: Level,
}

/// An operand of a kernel.
#[derive(Clone, Copy)]
pub struct Operand<'a, E> {
    pub(crate) data: &'a [E],
    pub(crate) layout: &'a Layout,
}

impl<'a, E> Operand<'a, E> {
    /// The elements from the first one on.
    pub(crate) fn elements(&self) -> &'a [E] {
        &self.data[self.layout.offset()..]
    }
}

/// The entry points of the kernels, so that [`Element`](crate::Element) types carry compiled code: a generic function
/// would be compiled, at that crate's optimisation level, in every crate that uses this one.
#[doc(hidden)]
pub trait Kernels: Sized {
    fn matmul(
        context: Context<'_>,
        workspace: Workspace<'_, Self>,
        a: Operand<'_, Self>,
        b: Operand<'_, Self>,
        epilogue: Epilogue<'_, Self>,
        out: &mut [Self],
    );
    fn place_matmul(
        context: Context<'_>,
        g: Operand<'_, Self>,
        index: &[u32],
        n: usize,
        rows: Operand<'_, Self>,
        out: &mut [Self],
    ) -> bool;
    fn conv2d(
        context: Context<'_>,
        workspace: Workspace<'_, Self>,
        x: Operand<'_, Self>,
        weight: Operand<'_, Self>,
        window: &Window,
        out: &mut [Self],
    );
    fn conv2d_input_grad(
        context: Context<'_>,
        workspace: Workspace<'_, Self>,
        g: Operand<'_, Self>,
        weight: Operand<'_, Self>,
        window: &Window,
        out: &mut [Self],
    );
    fn conv2d_weight_grad(
        context: Context<'_>,
        workspace: Workspace<'_, Self>,
        x: Operand<'_, Self>,
        g: Operand<'_, Self>,
        window: &Window,
        out: &mut [Self],
    );
    fn conv_block(
        context: Context<'_>,
        workspace: Workspace<'_, Self>,
        plan: &block::Plan,
        operands: block::Operands<'_, Self>,
        block: &Block,
        results: block::Results<'_, Self>,
    );
    fn conv_block_maps_grad(
        context: Context<'_>,
        operands: block::grad::Operands<'_, Self>,
        block: &Block,
        out: &mut [Self],
    );
    fn conv_block_grad(
        context: Context<'_>,
        workspace: Workspace<'_, Self>,
        plan: &block::grad::Plan,
        operands: block::grad::Operands<'_, Self>,
        block: &Block,
        scratch: &mut [Self],
        grads: block::grad::Grads<'_, Self>,
    );
    fn avg_pool2d(context: Context<'_>, x: Operand<'_, Self>, window: &Window, out: &mut [Self]);
    fn avg_pool2d_grad(
        context: Context<'_>,
        g: Operand<'_, Self>,
        window: &Window,
        out: &mut [Self],
    );
    fn max_pool2d(context: Context<'_>, x: Operand<'_, Self>, window: &Window, out: &mut [Self]);
    fn max_pool2d_grad(
        context: Context<'_>,
        x: Operand<'_, Self>,
        g: Operand<'_, Self>,
        window: &Window,
        out: &mut [Self],
    );
}

macro_rules! compile {
    ($($element:ty),*) => {$(
        impl Kernels for $element {
            fn matmul(
                context: Context<'_>,
                workspace: Workspace<'_, Self>,
                a: Operand<'_, Self>,
                b: Operand<'_, Self>,
                epilogue: Epilogue<'_, Self>,
                out: &mut [Self],
            ) {
                matmul::matmul(context, workspace, a, b, epilogue, out);
            }
            fn place_matmul(
                context: Context<'_>,
                g: Operand<'_, Self>,
                index: &[u32],
                n: usize,
                rows: Operand<'_, Self>,
                out: &mut [Self],
            ) -> bool {
                placed::place_matmul(context, g, index, n, rows, out)
            }
            fn conv2d(
                context: Context<'_>,
                workspace: Workspace<'_, Self>,
                x: Operand<'_, Self>,
                weight: Operand<'_, Self>,
                window: &Window,
                out: &mut [Self],
            ) {
                conv::forward(context, workspace, x, weight, window, out);
            }
            fn conv2d_input_grad(
                context: Context<'_>,
                workspace: Workspace<'_, Self>,
                g: Operand<'_, Self>,
                weight: Operand<'_, Self>,
                window: &Window,
                out: &mut [Self],
            ) {
                conv::input_grad(context, workspace, g, weight, window, out);
            }
            fn conv2d_weight_grad(
                context: Context<'_>,
                workspace: Workspace<'_, Self>,
                x: Operand<'_, Self>,
                g: Operand<'_, Self>,
                window: &Window,
                out: &mut [Self],
            ) {
                conv_weight::weight_grad(context, workspace, x, g, window, out);
            }
            fn conv_block(
                context: Context<'_>,
                workspace: Workspace<'_, Self>,
                plan: &block::Plan,
                operands: block::Operands<'_, Self>,
                block: &Block,
                results: block::Results<'_, Self>,
            ) {
                block::forward(context, workspace, plan, operands, block, results);
            }
            fn conv_block_maps_grad(
                context: Context<'_>,
                operands: block::grad::Operands<'_, Self>,
                block: &Block,
                out: &mut [Self],
            ) {
                block::grad::maps_grad(context, operands, block, out);
            }
            fn conv_block_grad(
                context: Context<'_>,
                workspace: Workspace<'_, Self>,
                plan: &block::grad::Plan,
                operands: block::grad::Operands<'_, Self>,
                block: &Block,
                scratch: &mut [Self],
                grads: block::grad::Grads<'_, Self>,
            ) {
                block::grad::backward(context, workspace, plan, operands, block, scratch, grads);
            }
            fn avg_pool2d(context: Context<'_>, x: Operand<'_, Self>, window: &Window, out: &mut [Self]) {
                pool::avg(context, x, window, out);
            }
            fn avg_pool2d_grad(context: Context<'_>, g: Operand<'_, Self>, window: &Window, out: &mut [Self]) {
                pool::avg_grad(context, g, window, out);
            }
            fn max_pool2d(context: Context<'_>, x: Operand<'_, Self>, window: &Window, out: &mut [Self]) {
                pool::max(context, x, window, out);
            }
            fn max_pool2d_grad(
                context: Context<'_>,
                x: Operand<'_, Self>,
                g: Operand<'_, Self>,
                window: &Window,
                out: &mut [Self],
            ) {
                pool::max_grad(context, x, g, window, out);
            }
        }
    )*};
}
compile!(f32, f64);
