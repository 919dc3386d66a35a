//! The logarithm of softmax, and the negative log-likelihood of labels, with their gradients.
//!
//! ```text
//! log_softmax(x)[i] = (x[i] - m) - log(sum_j(exp(x[j] - m)))        m = max_j(x[j])
//! its gradient[i]   = g[i] - exp(y[i]) * sum_j(g[j])                y = log_softmax(x)
//! nll(y, labels)    = -(sum_b(y[b, labels[b]]) / count)
//! its gradient      = -g / count at the labels, +0 elsewhere
//! ```
//!
//! Sums are those of [`crate::reduction`]. Each step rounds as the operation of its own would; a device may do all of them in
//! one kernel.
//!
//! The functions below are the definition in the other operations of a [`Backend`]: its default methods, and what faster
//! ones are tested against.

use crate::backend::{Backend, View};
use crate::error::Result;
use crate::layout::Layout;
use crate::ops::binary::{Mul, Sub};
use crate::ops::unary::{DivScalar, Exp, Log, Neg};
use crate::reduction::{Max, Sum};
use crate::shape::Shape;

/// Along axis 1 of `[outer, n, inner]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn log_softmax<B: Backend>(backend: &B, x: View<'_, B>) -> Result<B::Buffer> {
    let [all, along] = layouts(x.shape())?;
    let maximum = backend.reduce(Max, x, &AXIS)?;
    let mut out = backend.map(Sub, [x, View::new(&maximum, along)])?;
    let exp = backend.map(Exp, [View::new(&out, all)])?;
    let mut sum = backend.reduce(Sum, View::new(&exp, all), &AXIS)?;
    let sums = Layout::contiguous([x.shape()[0], x.shape()[2]])?;
    backend.update(Log, &mut sum, &sums, [])?;
    backend.update(Sub, &mut out, &all, [View::new(&sum, along)])?;
    Ok(out)
}

/// The gradient of [`log_softmax`], given its result and the gradient of that, both `[outer, n, inner]`.
///
/// # Errors
/// Those of the backend's operations.
pub fn log_softmax_grad<B: Backend>(
    backend: &B,
    y: View<'_, B>,
    g: View<'_, B>,
) -> Result<B::Buffer> {
    let [all, along] = layouts(y.shape())?;
    let sum = backend.reduce(Sum, g, &AXIS)?;
    let mut share = backend.map(Exp, [y])?;
    backend.update(Mul, &mut share, &all, [View::new(&sum, along)])?;
    backend.map(Sub, [g, View::new(&share, all)])
}

/// `[b, n]` and `b` labels below `n` give one number.
///
/// # Errors
/// Those of the backend's operations.
pub fn nll<B: Backend>(backend: &B, log_p: View<'_, B>, labels: &B::Index) -> Result<B::Buffer> {
    let count = log_p.shape()[0];
    let columns = View::new(log_p.buffer, log_p.layout.unsqueeze(2)?);
    let picked = backend.pick(columns, labels)?;
    let picked = View::new(&picked, Layout::contiguous([count])?);
    let mut loss = backend.reduce(Sum, picked, &[true])?;
    let one = Layout::contiguous([])?;
    backend.update(DivScalar { c: count as f64 }, &mut loss, &one, [])?;
    backend.update(Neg, &mut loss, &one, [])?;
    Ok(loss)
}

/// The gradient `[b, n]` of [`nll`], given that of its result.
///
/// # Errors
/// Those of the backend's operations.
pub fn nll_grad<B: Backend>(
    backend: &B,
    g: View<'_, B>,
    labels: &B::Index,
    [count, n]: [usize; 2],
) -> Result<B::Buffer> {
    let mut each = backend.map(Neg, [g])?;
    let one = Layout::contiguous([])?;
    backend.update(DivScalar { c: count as f64 }, &mut each, &one, [])?;
    backend.place(View::new(&each, one.expand([count, 1])?), labels, n)
}

/// Folds the axis in the middle.
const AXIS: [bool; 3] = [false, true, false];

/// `[outer, n, inner]` in row-major order, and `[outer, inner]` stretched to it.
fn layouts(shape: &Shape) -> Result<[Layout; 2]> {
    let all = Layout::contiguous(*shape)?;
    let along = Layout::contiguous([shape[0], 1, shape[2]])?;
    Ok([all, along.expand(*shape)?])
}
