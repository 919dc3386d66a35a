//! Activations and reshaping as layers, for [`Sequential`](super::Sequential) and tuples.

use super::Layer;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::product;
use crate::tensor::Tensor;

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name;

        crate::module!($name);

        impl<B: Backend> Layer<B> for $name {
            fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
                x.$method()
            }
        }
    )*};
}

activations! {
    /// `0` for `x < 0`, else `x`: see [`Tensor::try_relu`].
    ///
    /// ```
    /// use minitorch_core::nn::{Layer, Relu};
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// assert_eq!(Relu.forward(&Tensor::from_slice(&dev, &[-1.0, 2.0], [2])).to_vec(), [0.0, 2.0]);
    /// ```
    Relu try_relu;
    /// `x * (1 + erf(x / sqrt(2))) / 2`: see [`Tensor::try_gelu`].
    Gelu try_gelu;
    /// The hyperbolic tangent: see [`Tensor::try_tanh`].
    Tanh try_tanh;
    /// `1 / (1 + exp(-x))`: see [`Tensor::try_sigmoid`].
    Sigmoid try_sigmoid;
}

/// All axes but the first become one: `[b, c, h, w]` gives `[b, c * h * w]`.
///
/// ```
/// use minitorch_core::nn::{Flatten, Layer};
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// assert_eq!(Flatten.forward(&Tensor::ones(&dev, [2, 3, 4])).shape(), [2, 12]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flatten;

crate::module!(Flatten);

impl<B: Backend> Layer<B> for Flatten {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        match x.shape().split_first() {
            Some((&first, rest)) => x.try_reshape([first, product(rest.iter().copied())]),
            None => Err(Error::about(ErrorKind::Rank, "flatten", x.shape())
                .advise("one axis or more is needed: [b, ..]")),
        }
    }
}
