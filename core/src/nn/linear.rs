//! The fully connected layer.

use super::{Fans, Init, Layer, Module, Param, Path, Visitor, VisitorMut};
use crate::backend::Backend;
use crate::error::Result;
use crate::random::Generator;
use crate::tensor::Tensor;

/// `y = x W^T + b`: each output is a weighted sum of all inputs.
///
/// `x` is `[.., inputs]`, `W` is `[outputs, inputs]` (as PyTorch stores it), `b` is `[outputs]`, `y` is
/// `[.., outputs]`. ReLU may be part of the layer ([`Linear::relu`]): the bits of a layer of its own in less time
/// ([`crate::linear`]).
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
#[derive(Clone, Debug)]
pub struct Linear<B: Backend> {
    /// `[outputs, inputs]`.
    pub weight: Param<B>,
    /// `[outputs]`, or none.
    pub bias: Option<Param<B>>,
    /// Whether ReLU follows, in the same operation.
    relu: bool,
}

impl<B: Backend> Module<B> for Linear<B> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        visitor.steps(path, &if self.relu { "relu" } else { "" })?;
        self.weight.visit(&path.child("weight"), visitor)?;
        self.bias.visit(&path.child("bias"), visitor)
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        self.weight.visit_mut(&path.child("weight"), visitor)?;
        self.bias.visit_mut(&path.child("bias"), visitor)
    }
}

impl<B: Backend> Linear<B> {
    /// A layer that starts as PyTorch's does ([`Init::FanIn`]).
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn new(device: &B, inputs: usize, outputs: usize, rng: &mut Generator) -> Result<Self> {
        Self::with_init(device, inputs, outputs, Init::FanIn, rng)
    }

    /// A layer that starts as `init` says.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
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
        Ok(Self::from_params(weight, bias))
    }

    /// A layer of a weight `[outputs, inputs]` and a bias `[outputs]`, if any.
    #[must_use]
    pub const fn from_params(weight: Param<B>, bias: Option<Param<B>>) -> Self {
        Self {
            weight,
            bias,
            relu: false,
        }
    }

    /// The layer with ReLU after it, in the same operation: the same bits as a [`Relu`](super::Relu) behind it, in less
    /// time.
    #[must_use]
    pub fn relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// The layer without its bias.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl<B: Backend> Layer<B> for Linear<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let bias = self.bias.as_ref().map(Param::value);
        x.try_linear(&self.weight.value(), bias.as_ref(), self.relu)
    }
}
