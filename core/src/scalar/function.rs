//! Functions of numbers with a derivative of their own: MiniTorch's `ScalarFunction`.

use super::Scalar;
use crate::error::Result;
use alloc::vec::Vec;

/// What the forward pass keeps for the backward pass.
#[derive(Clone, Debug, Default)]
pub struct Context {
    saved: Vec<f64>,
}

impl Context {
    /// Keeps `values`.
    pub fn save(&mut self, values: &[f64]) {
        self.saved.extend_from_slice(values);
    }

    /// What was kept, in order.
    #[must_use]
    pub fn saved(&self) -> &[f64] {
        &self.saved
    }
}

/// A function of `N` numbers with its derivatives.
///
/// ```
/// use minitorch_core::Scalar;
/// use minitorch_core::scalar::{Context, ScalarFunction, apply};
///
/// /// The product of two numbers.
/// struct Product;
/// impl ScalarFunction<2> for Product {
///     fn name(&self) -> &'static str {
///         "product"
///     }
///     fn forward(&self, context: &mut Context, [a, b]: [f64; 2]) -> f64 {
///         context.save(&[a, b]);
///         a * b
///     }
///     fn backward(&self, context: &Context, derivative: f64) -> [f64; 2] {
///         let (a, b) = (context.saved()[0], context.saved()[1]);
///         [b * derivative, a * derivative]
///     }
/// }
///
/// let (a, b) = (Scalar::tracked(2.0), Scalar::tracked(3.0));
/// let derivatives = apply(Product, [&a, &b])?.backward();
/// assert_eq!((derivatives.get(&a), derivatives.get(&b)), (Some(3.0), Some(2.0)));
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub trait ScalarFunction<const N: usize>: Send + Sync + 'static {
    /// The name in graphs.
    fn name(&self) -> &'static str;

    /// The value; what the derivatives need goes to `context`.
    fn forward(&self, context: &mut Context, operands: [f64; N]) -> f64;

    /// The derivative by each operand, times `derivative`, that of the result.
    fn backward(&self, context: &Context, derivative: f64) -> [f64; N];
}

/// Applies a [`ScalarFunction`] and records it if an operand is tracked.
///
/// # Errors
/// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
pub fn apply<F: ScalarFunction<N>, const N: usize>(
    function: F,
    operands: [&Scalar; N],
) -> Result<Scalar> {
    let mut context = Context::default();
    let value = function.forward(&mut context, operands.map(Scalar::data));
    let name = function.name();
    Scalar::new(value).recorded(name, operands, move |derivative, sink| {
        let derivatives = function.backward(&context, derivative);
        for (index, derivative) in derivatives.into_iter().enumerate() {
            sink.add(index, || Ok(derivative))?;
        }
        Ok(())
    })
}
