//! The fully connected layer.

use super::{Fans, Init, Layer, Param};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::random::Generator;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `y = x W^T + b`: each output is a weighted sum of all inputs.
///
/// `x` is `[.., inputs]`, `W` is `[outputs, inputs]` (as PyTorch stores it), `b` is `[outputs]`, `y` is
/// `[.., outputs]`.
///
/// ```
/// use minitorch_core::nn::{Init, Layer, Linear};
/// use minitorch_core::{Cpu, Generator, Tensor};
/// let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
/// let layer = Linear::with_init(&dev, 3, 2, Init::Constant(0.5), &mut rng)?;
/// let x = Tensor::from_slice(&dev, &[1.0, 2.0, 3.0], [1, 3]);
/// assert_eq!(layer.forward(&x).to_vec(), [3.5, 3.5]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Linear<B: Backend> {
    /// `[outputs, inputs]`.
    pub weight: Param<B>,
    /// `[outputs]`, or none.
    pub bias: Option<Param<B>>,
}

crate::module!(Linear { weight, bias });

impl<B: Backend> Linear<B> {
    /// A layer that starts as PyTorch's does ([`Init::FanIn`]).
    ///
    /// # Errors
    /// [`ErrorKind::Memory`].
    pub fn new(device: &B, inputs: usize, outputs: usize, rng: &mut Generator) -> Result<Self> {
        Self::with_init(device, inputs, outputs, Init::FanIn, rng)
    }

    /// A layer that starts as `init` says.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`].
    pub fn with_init(
        device: &B,
        inputs: usize,
        outputs: usize,
        init: Init,
        rng: &mut Generator,
    ) -> Result<Self> {
        let fans = Fans {
            fan_in: inputs,
            fan_out: outputs,
        };
        let (weight, bias) = init.weight_and_bias(device, [outputs, inputs].into(), fans, rng)?;
        Ok(Self { weight, bias })
    }

    /// The layer without its bias.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl<B: Backend> Layer<B> for Linear<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let weight = self.weight.value();
        let (&[outputs, inputs], Some((&last, lead))) =
            (&weight.shape()[..], x.shape().split_last())
        else {
            return Err(mismatch(x, &weight));
        };
        if last != inputs {
            return Err(mismatch(x, &weight));
        }
        // Leading axes become rows of one matrix: one large product, whose weight gradient sums over all rows.
        let rows: usize = lead.iter().product();
        let matrix = if lead.len() == 1 {
            x.clone()
        } else {
            x.try_reshape([rows, inputs])?
        };
        let mut y = matrix.try_matmul(&weight.try_transpose(0, 1)?)?;
        if let Some(bias) = &self.bias {
            y = y.try_add(&bias.value())?;
        }
        if lead.len() == 1 {
            return Ok(y);
        }
        let mut shape: Shape = *x.shape();
        if let Some(last) = shape.sizes_mut().last_mut() {
            *last = outputs;
        }
        y.try_reshape(shape)
    }
}

fn mismatch<B: Backend>(x: &Tensor<B>, weight: &Tensor<B>) -> Error {
    Error::between(ErrorKind::Shape, "linear", x.shape(), weight.shape())
        .advise("an input [.., inputs] and a weight [outputs, inputs] must agree in inputs")
}
