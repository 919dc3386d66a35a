//! Gradients checked against central differences, in double precision.

use crate::cpu::Cpu;
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// A tensor in double precision.
pub type Double = Tensor<Cpu<f64>>;

/// `(f(x + epsilon) - f(x - epsilon)) / (2 epsilon)` by element `at` of operand `operand`: MiniTorch's
/// `grad_central_difference`. The result of `f` is summed if it has several elements.
///
/// # Errors
/// Those of `f`; [`ErrorKind::Index`] if there is no such element.
pub fn central_difference<const N: usize>(
    f: &dyn Fn([&Double; N]) -> Result<Double>,
    operands: [&Double; N],
    operand: usize,
    at: usize,
    epsilon: f64,
) -> Result<f64> {
    let moved = |by: f64| {
        let changed: &Double = operands.get(operand).ok_or_else(|| missing(operand, N))?;
        let mut values = changed.try_to_vec()?;
        let count = values.len();
        *values.get_mut(at).ok_or_else(|| missing(at, count))? += by;
        let changed = Tensor::try_from_slice(changed.device(), &values, *changed.shape())?;
        let operands = core::array::from_fn(|i| if i == operand { &changed } else { operands[i] });
        f(operands)?.try_sum_all()?.try_item()
    };
    Ok((moved(epsilon)? - moved(-epsilon)?) / (2.0 * epsilon))
}

fn missing(at: usize, count: usize) -> Error {
    Error::between(ErrorKind::Index, "central_difference", &[at], &[count])
}

/// The largest difference that [`gradients`] found.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Worst {
    /// Which operand.
    pub operand: usize,
    /// Which element of it, counted in row-major order.
    pub element: usize,
    /// The gradient of the backward pass.
    pub analytic: f64,
    /// The central difference.
    pub numeric: f64,
    /// Their distance over `1 + |numeric|`.
    pub error: f64,
}

impl Worst {
    /// Takes the place of this one if it is worse.
    pub(crate) fn consider(&mut self, operand: usize, element: usize, analytic: f64, numeric: f64) {
        let error = (analytic - numeric).abs() / (1.0 + numeric.abs());
        // A NaN counts as worse than anything.
        if error.is_nan() || error > self.error {
            *self = Self {
                operand,
                element,
                analytic,
                numeric,
                error,
            };
        }
    }
}

/// Compares the gradient of `f` by every element of every operand with central differences (`epsilon` 1e-6) and returns
/// the worst one. For smooth functions of values near 1 its error is about 1e-9; 1e-5 is a bug.
///
/// The result of `f` is weighted with fixed, uneven numbers before it is summed, so that gradients which merely
/// arrive at the wrong place do not cancel.
///
/// ```
/// use minitorch_core::autodiff::check;
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu<f64> = Cpu::default();
/// let x = Tensor::from_slice(&dev, &[0.5, 1.5, 2.5], [3]);
/// let worst = check::gradients(&|[x]| x.try_exp()?.try_mul(x), [&x])?;
/// assert!(worst.error < 1e-8, "{worst:?}");
/// # Ok::<(), minitorch_core::Error>(())
/// ```
///
/// # Errors
/// Those of `f` and of its backward pass.
pub fn gradients<const N: usize>(
    f: &dyn Fn([&Double; N]) -> Result<Double>,
    operands: [&Double; N],
) -> Result<Worst> {
    let weighted = |operands: [&Double; N]| {
        let out = f(operands)?;
        let mut weights: Vec<f64> = host::reserved("check", out.elements())?;
        weights.extend((0..out.elements()).map(|i| 0.5 + ((i * 7 + 3) % 11) as f64 * 0.1));
        out.try_mul(&Tensor::try_from_slice(
            out.device(),
            &weights,
            *out.shape(),
        )?)
    };
    let mut tracked = operands.map(Tensor::detach);
    for operand in &mut tracked {
        *operand = operand.try_tracked()?;
    }
    let out = weighted(tracked.each_ref())?.try_sum_all()?;
    let grads = out.try_backward()?;
    let mut worst = Worst::default();
    for (operand, leaf) in tracked.iter().enumerate() {
        let count = leaf.layout().elements();
        let analytic = match grads.get(leaf) {
            Some(grad) => grad.try_to_vec()?,
            None => host::filled("check", count, 0.0)?,
        };
        for (element, &analytic) in analytic.iter().enumerate() {
            let numeric = central_difference(&weighted, operands, operand, element, 1e-6)?;
            worst.consider(operand, element, analytic, numeric);
        }
    }
    Ok(worst)
}
