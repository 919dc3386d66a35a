//! Limiting the size of gradients.

use crate::autodiff::Gradients;
use crate::backend::Backend;
use crate::element::Element;
use crate::error::Result;
use crate::math::double::sqrt;
use crate::nn::Module;
use crate::ops::unary::MulScalar;

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
/// Those of the device.
pub fn clip_grad_norm<B: Backend>(
    module: &dyn Module<B>,
    grads: &mut Gradients<B>,
    max_norm: f64,
) -> Result<f64> {
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
