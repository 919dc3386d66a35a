//! Limiting the size of gradients and of weights.

use super::option::demand;
use crate::autodiff::Gradients;
use crate::backend::Backend;
use crate::element::Element;
use crate::error::Result;
use crate::math::double::sqrt;
use crate::nn::{Module, Param};
use crate::ops::binary::Mul;
use crate::ops::unary::MulScalar;
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Scales the gradients of a module's parameters down so that their norm, as one long vector, is at most `max_norm`
/// (Pascanu 2013), and returns the norm that they had: PyTorch's `clip_grad_norm_`.
///
/// ```text
/// norm = sqrt(sum over the parameters, in the order of the walk, of sum(g * g))
/// g = g * (max_norm / (norm + 1e-6))             if that factor is below 1
/// ```
///
/// The sum of each parameter is the device's, in the element type; the sum over parameters is in `f64`. If a gradient
/// is infinite or not a number, so is the norm, and nothing is scaled: leave out the step.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if `max_norm` is negative or not a number; those of the device.
pub fn clip_grad_norm<B: Backend>(
    module: &dyn Module<B>,
    grads: &mut Gradients<B>,
    max_norm: f64,
) -> Result<f64> {
    let detail = "max_norm must be at least 0";
    demand("clip_grad_norm", &[(max_norm >= 0.0, detail)])?;
    let mut squares = 0.0;
    module.each_param(&mut |_, param| {
        if let Some(grad) = grads.get(param.leaf()) {
            squares += grad.try_square()?.try_sum_all()?.try_item()?.to_f64();
        }
        Ok(())
    })?;
    let norm = sqrt(squares);
    let c = max_norm / (norm + 1e-6);
    if norm.is_finite() && c < 1.0 {
        module.each_param(&mut |_, param| match grads.get_mut(param.leaf()) {
            Some(grad) => grad.try_update(MulScalar { c }, []),
            None => Ok(()),
        })?;
    }
    Ok(norm)
}

/// Scales each row of a weight (what belongs to one index of its first axis, such as one output of a linear layer) down
/// so that its norm is at most `limit` (Hinton et al. 2012): PyTorch's `renorm(2, 0, limit)`, to be called after a step.
///
/// ```text
/// norm[i] = sqrt(sum of w[i] * w[i])
/// w[i] = w[i] * (limit / (norm[i] + 1e-7))       if norm[i] is above the limit
/// ```
///
/// Rows that are within the limit keep their bits.
///
/// ```
/// use minitorch_core::nn::Param;
/// use minitorch_core::optim::max_norm;
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// let mut weight = Param::new(Tensor::from_slice(&dev, &[3.0, 4.0, 0.3, 0.4], [2, 2]))?;
/// max_norm(&mut weight, 1.0)?;
/// let [a, b, c, d] = weight.value().to_vec()[..] else { unreachable!() };
/// assert!((a - 0.6).abs() < 1e-6 && (b - 0.8).abs() < 1e-6);
/// assert_eq!([c, d], [0.3, 0.4]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if `limit` is negative or not a number; those of the device.
pub fn max_norm<B: Backend>(weight: &mut Param<B>, limit: f64) -> Result<()> {
    demand(
        "max_norm",
        &[(limit >= 0.0, "the limit must be at least 0")],
    )?;
    let value = weight.leaf().detach();
    let inner: Vec<usize> = (1..value.shape().rank()).collect();
    let norm = value.try_square()?.try_sum_keepdim(&inner)?.try_sqrt()?;
    let device = value.device();
    let [one, limit_of_all] = [1.0, limit].map(|number| Tensor::try_full(device, [], number));
    let scale = norm.try_add_scalar(1e-7)?.try_div_from(limit)?;
    let factor = norm.try_gt(&limit_of_all?)?.try_where_else(&scale, &one?)?;
    drop(value);
    weight.try_update(Mul, [&factor.try_expand(weight.shape())?])
}
