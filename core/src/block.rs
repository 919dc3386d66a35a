//! A convolution with what follows it in most networks, as one operation: a bias, ReLU, pooling.
//!
//! ```text
//! maps[n, o, y, x] = relu(conv2d(x, weight)[n, o, y, x] + bias[o])        pooled = pool(maps)
//! ```
//!
//! Each step rounds as the operation of its own would, so the bits are those of the operations one after the other, forward
//! and backward. What one operation saves is memory traffic: a step finds what the one before wrote in a cache, and the
//! gradient of the maps need not exist as a whole.
//!
//! The functions below are the definition in the other operations of a [`Backend`]: its default methods, and what faster
//! ones are tested against.

use crate::backend::{Backend, View, Window};
use crate::error::Result;
use crate::fused::{Incoming, PerOperand};
use crate::layout::Layout;
use crate::ops::Grad;
use crate::ops::binary::Add;
use crate::ops::unary::Relu;
use crate::reduction::Sum;

/// What a convolution does, and what follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// How the kernel slides.
    pub conv: Window,
    /// Whether the sums go through ReLU.
    pub relu: bool,
    /// How the maps are pooled, if they are.
    pub pool: Option<Pooling>,
}

impl Block {
    /// The layout of the maps, `[b, o, oh, ow]`, of an input `[b, c, h, w]` and a weight `[o, c, kh, kw]`.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows.
    pub fn maps(&self, x: &Layout, weight: &Layout) -> Result<Layout> {
        let [height, width] = self.conv.output;
        Layout::contiguous([x.shape()[0], weight.shape()[0], height, width])
    }
}

/// How a window over the maps folds. Windows may lie side by side, overlap or lie apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pooling {
    /// To the mean.
    Avg(Window),
    /// To the largest element.
    Max(Window),
}

impl Pooling {
    /// The window, whose input is the output of the convolution.
    #[must_use]
    pub const fn window(&self) -> &Window {
        match self {
            Self::Avg(window) | Self::Max(window) => window,
        }
    }
}

/// The results of a [`Block`].
#[derive(Debug)]
pub struct Forward<B: Backend> {
    /// `[b, o, ph, pw]` if the maps are pooled, else the maps, `[b, o, oh, ow]`.
    pub out: B::Buffer,
    /// What the backward pass needs to know of the maps, if they are pooled and there will be one: here the maps themselves,
    /// elsewhere whatever the backend makes of them.
    pub kept: Option<B::Buffer>,
}

/// What the backward pass knows of the maps.
pub enum Saved<'a, B: Backend> {
    /// The maps, `[b, o, oh, ow]`: the result, if they are not pooled.
    Maps(View<'a, B>),
    /// What the forward pass of the same backend kept ([`Forward::kept`]).
    Kept(&'a B::Buffer),
}

impl<B: Backend> core::fmt::Debug for Saved<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Maps(maps) => write!(f, "Maps({:?})", maps.layout),
            Self::Kept(_) => f.write_str("Kept"),
        }
    }
}

/// What the backward pass of a [`Block`] starts from.
#[derive(Debug)]
pub struct Backward<'a, B: Backend> {
    /// The input, `[b, c, h, w]`.
    pub x: View<'a, B>,
    /// The weight, `[o, c, kh, kw]`.
    pub weight: View<'a, B>,
    /// The maps, or what was kept of them.
    pub saved: Saved<'a, B>,
    /// The gradient of the result.
    pub g: Incoming<'a, B>,
}

impl<'a, B: Backend> Backward<'a, B> {
    /// The maps, `[b, o, oh, ow]`, for a backend that keeps them as they are, as [`forward`] does.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of their elements overflows.
    pub fn maps(&self, block: &Block) -> Result<View<'a, B>> {
        Ok(match self.saved {
            Saved::Maps(maps) => maps,
            Saved::Kept(maps) => View::new(maps, block.maps(&self.x.layout, &self.weight.layout)?),
        })
    }
}

/// `[b, c, h, w]`, `[o, c, kh, kw]` and `[o, 1, 1]` give the maps `[b, o, oh, ow]`, or what pooling makes of them; `keep`
/// says whether there will be a backward pass.
///
/// # Errors
/// Those of the backend's operations.
pub fn forward<B: Backend>(
    backend: &B,
    x: View<'_, B>,
    weight: View<'_, B>,
    bias: Option<View<'_, B>>,
    block: &Block,
    keep: bool,
) -> Result<Forward<B>> {
    let mut maps = backend.conv2d(x, weight, &block.conv)?;
    let layout = block.maps(&x.layout, &weight.layout)?;
    if let Some(bias) = bias {
        let bias = View::new(bias.buffer, bias.layout.expand(*layout.shape())?);
        backend.update(Add, &mut maps, &layout, [bias])?;
    }
    if block.relu {
        backend.update(Relu, &mut maps, &layout, [])?;
    }
    pooled(backend, maps, layout, block, keep)
}

/// The results, from maps of this layout: they are pooled, if `block` does, and kept, if `keep` says so.
///
/// # Errors
/// Those of the backend's pooling.
pub fn pooled<B: Backend>(
    backend: &B,
    maps: B::Buffer,
    layout: Layout,
    block: &Block,
    keep: bool,
) -> Result<Forward<B>> {
    let all = View::new(&maps, layout);
    let out = match &block.pool {
        None => {
            return Ok(Forward {
                out: maps,
                kept: None,
            });
        }
        Some(Pooling::Avg(window)) => backend.avg_pool2d(all, window)?,
        Some(Pooling::Max(window)) => backend.max_pool2d(all, window)?,
    };
    Ok(Forward {
        out,
        kept: keep.then_some(maps),
    })
}

/// The gradients by those operands that `wanted` marks: `[b, c, h, w]`, `[o, c, kh, kw]` and `[o]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn backward<B: Backend>(
    backend: &B,
    given: Backward<'_, B>,
    block: &Block,
    wanted: PerOperand<bool>,
) -> Result<PerOperand<Option<B::Buffer>>> {
    let maps = given.maps(block)?;
    let Backward {
        x, weight, mut g, ..
    } = given;
    let layout = Layout::contiguous(*maps.shape())?;
    let spread = match &block.pool {
        None => None,
        Some(Pooling::Avg(window)) => Some(backend.avg_pool2d_grad(g.view(), window)?),
        Some(Pooling::Max(window)) => Some(backend.max_pool2d_grad(maps, g.view(), window)?),
    };
    let own = match (spread, block.relu) {
        (Some(mut spread), true) => {
            backend.update(Grad(Relu), &mut spread, &layout, [maps])?;
            Some(spread)
        }
        (None, true) => g.through_relu(backend, maps)?,
        (spread, false) => spread,
    };
    let g = own.as_ref().map_or(g.view(), |own| View::new(own, layout));
    gradients(backend, [x, weight, g], block, wanted)
}

/// The gradients from that of the sums, `[b, o, oh, ow]`: what is left to do behind ReLU and pooling.
pub(crate) fn gradients<B: Backend>(
    backend: &B,
    [x, weight, g]: [View<'_, B>; 3],
    block: &Block,
    [by_x, by_weight, by_bias]: PerOperand<bool>,
) -> Result<PerOperand<Option<B::Buffer>>> {
    let grad = |wanted: bool, grad: &dyn Fn() -> Result<B::Buffer>| wanted.then(grad).transpose();
    Ok([
        grad(by_x, &|| backend.conv2d_input_grad(g, weight, &block.conv))?,
        grad(by_weight, &|| backend.conv2d_weight_grad(x, g, &block.conv))?,
        grad(by_bias, &|| {
            backend.reduce(Sum, g, &[true, false, true, true])
        })?,
    ])
}
