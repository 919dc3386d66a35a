//! Derivatives checked against central differences.

use super::Scalar;
use crate::autodiff::check::Worst;
use crate::error::Result;

/// `(f(x + epsilon) - f(x - epsilon)) / (2 epsilon)` by the argument `argument` of `f`; MiniTorch's epsilon is 1e-6.
///
/// ```
/// use minitorch_core::scalar::central_difference;
/// let slope = central_difference(|[x, y]| x * y * y, [2.0, 3.0], 1, 1e-6);
/// assert!((slope - 12.0).abs() < 1e-8);
/// ```
///
/// # Panics
/// If `f` has no such argument.
pub fn central_difference<const N: usize>(
    f: impl Fn([f64; N]) -> f64,
    at: [f64; N],
    argument: usize,
    epsilon: f64,
) -> f64 {
    let moved = |by: f64| {
        let mut at = at;
        at[argument] += by;
        f(at)
    };
    (moved(epsilon) - moved(-epsilon)) / (2.0 * epsilon)
}

/// Compares the derivatives of `f` by all of its arguments with central differences (`epsilon` 1e-6) and returns the
/// worst one. For smooth functions of values near 1 its error is about 1e-9; 1e-5 is a bug.
///
/// ```
/// use minitorch_core::scalar::derivative_check;
/// let worst = derivative_check(|[x, y]| x.exp() / y, [0.5, 1.5])?;
/// assert!(worst.error < 1e-8, "{worst:?}");
/// # Ok::<(), minitorch_core::Error>(())
/// ```
///
/// # Errors
/// Those of the backward pass.
pub fn derivative_check<const N: usize>(
    f: impl Fn([&Scalar; N]) -> Scalar,
    at: [f64; N],
) -> Result<Worst> {
    let mut variables = at.map(Scalar::new);
    for variable in &mut variables {
        *variable = Scalar::try_tracked(variable.data())?;
    }
    let result = f(variables.each_ref());
    // A result that depends on no variable has derivative 0.
    let derivatives = match result.is_tracked() {
        true => Some(result.try_backward()?),
        false => None,
    };
    let value = |at: [f64; N]| f(at.map(Scalar::new).each_ref()).data();
    let mut worst = Worst::default();
    for (operand, variable) in variables.iter().enumerate() {
        let analytic = derivatives.as_ref().and_then(|all| all.get(variable));
        let numeric = central_difference(value, at, operand, 1e-6);
        worst.consider(operand, 0, analytic.unwrap_or(0.0), numeric);
    }
    Ok(worst)
}
