//! [`Layer`]: a module that turns one tensor into another.

use super::Module;
use crate::backend::Backend;
use crate::error::Result;
use crate::tensor::{OrRaise, Tensor};

/// A module that turns one tensor into another.
///
/// A module that says nothing of how cannot be called:
///
/// ```compile_fail,E0599
/// use minitorch_core::{Cpu, Tensor, module};
/// struct Silent;
/// module!(Silent);
/// let out = Silent.forward(&Tensor::ones(&Cpu::default(), [1]));
/// ```
pub trait Layer<B: Backend>: Module<B> {
    /// The result for `x`, recorded for the backward pass if the parameters or `x` are tracked.
    ///
    /// # Errors
    /// If the shape of `x` does not fit, or the device fails.
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>>;

    /// As [`Layer::try_forward`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    fn forward(&self, x: &Tensor<B>) -> Tensor<B> {
        self.try_forward(x).or_raise()
    }
}
