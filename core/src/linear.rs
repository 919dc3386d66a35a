//! A fully connected layer with what follows it in most networks, as one operation: a product, a bias, ReLU.
//!
//! ```text
//! y[r, o] = relu(sum over i of x[r, i] * weight[o, i] + bias[o])
//! ```
//!
//! Each step rounds as the operation of its own would (R3), so the bits are those of the operations one after the other,
//! forward and backward. What one operation saves is memory traffic, and launches on a device where each has a price.
//!
//! The functions below are the definition in the other operations of a [`Backend`]: its default methods, and what faster
//! ones are tested against.

use crate::backend::{Backend, View};
use crate::error::Result;
use crate::fused::{Incoming, PerOperand};
use crate::layout::Layout;
use crate::ops::binary::Add;
use crate::ops::unary::Relu;
use crate::reduction::Sum;

/// What the backward pass of a linear layer starts from.
#[derive(Debug)]
pub struct Backward<'a, B: Backend> {
    /// The input, `[rows, inputs]`.
    pub x: View<'a, B>,
    /// The weight, `[outputs, inputs]`.
    pub weight: View<'a, B>,
    /// The result of the forward pass, `[rows, outputs]`, if it went through ReLU.
    pub y: Option<View<'a, B>>,
    /// The gradient of the result, `[rows, outputs]`.
    pub g: Incoming<'a, B>,
}

/// `[rows, inputs]`, `[outputs, inputs]` and `[outputs]` give `[rows, outputs]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn forward<B: Backend>(
    backend: &B,
    x: View<'_, B>,
    weight: View<'_, B>,
    bias: Option<View<'_, B>>,
    relu: bool,
) -> Result<B::Buffer> {
    let turned = View::new(weight.buffer, weight.layout.transpose(0, 1)?);
    let mut y = backend.matmul(x, turned)?;
    let layout = Layout::contiguous([x.shape()[0], weight.shape()[0]])?;
    if let Some(bias) = bias {
        let bias = View::new(bias.buffer, bias.layout.expand(*layout.shape())?);
        backend.update(Add, &mut y, &layout, [bias])?;
    }
    if relu {
        backend.update(Relu, &mut y, &layout, [])?;
    }
    Ok(y)
}

/// The gradients by those operands that `wanted` marks: `[rows, inputs]`, `[outputs, inputs]` and `[outputs]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn backward<B: Backend>(
    backend: &B,
    given: Backward<'_, B>,
    wanted: PerOperand<bool>,
) -> Result<PerOperand<Option<B::Buffer>>> {
    let Backward {
        x,
        weight,
        y,
        mut g,
    } = given;
    let own = match y {
        Some(y) => g.through_relu(backend, y)?,
        None => None,
    };
    let layout = Layout::contiguous([x.shape()[0], weight.shape()[0]])?;
    let g = own.as_ref().map_or(g.view(), |own| View::new(own, layout));
    let turned = View::new(g.buffer, g.layout.transpose(0, 1)?);
    let [by_x, by_weight, by_bias] = wanted;
    let grad = |wanted: bool, grad: &dyn Fn() -> Result<B::Buffer>| wanted.then(grad).transpose();
    Ok([
        grad(by_x, &|| backend.matmul(g, weight))?,
        grad(by_weight, &|| backend.matmul(turned, x))?,
        grad(by_bias, &|| backend.reduce(Sum, g, &[true, false]))?,
    ])
}
