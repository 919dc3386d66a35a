//! The convolution layers.

use super::{Fans, Init, Layer, Module, Param, Path, Visitor, VisitorMut};
use crate::backend::Backend;
use crate::error::Result;
use crate::random::Generator;
use crate::tensor::{ConvBlock, Padding, Pool, Tensor};

/// Two-dimensional convolution: each output channel is a bias and the sum of kernels slid over all input channels.
///
/// `x` is `[b, inputs, h, w]`, the weight `[outputs, inputs, kh, kw]`, the bias `[outputs]`, the result
/// `[b, outputs, oh, ow]`; formula and order of the sums: [`crate::conv`]. The stride is 1 and there is no padding
/// unless set. ReLU and pooling may be part of the layer ([`Conv2d::relu`], [`Conv2d::pool`], in any order): the bits of
/// layers of their own in less time ([`crate::block`]). Pooling makes the result `[b, outputs, ph, pw]`.
///
/// ```
/// use minitorch_core::nn::{Conv2d, Layer};
/// use minitorch_core::{Cpu, Generator, Padding, Tensor};
/// let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
/// let layer = Conv2d::new(&dev, 1, 4, [3, 3], &mut rng)?.padding(Padding::Symmetric([1, 1])).stride([2, 2]);
/// let x = Tensor::ones(&dev, [16, 1, 28, 28]);
/// assert_eq!(layer.forward(&x).shape(), [16, 4, 14, 14]);
/// let layer = layer.relu().pool(minitorch_core::Pool::Max([2, 2]));
/// assert_eq!(layer.forward(&x).shape(), [16, 4, 7, 7]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2d<B: Backend> {
    /// `[outputs, inputs, kh, kw]`.
    pub weight: Param<B>,
    /// `[outputs]`, or none.
    pub bias: Option<Param<B>>,
    block: ConvBlock,
}

impl<B: Backend> Module<B> for Conv2d<B> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        visitor.steps(path, &self.block)?;
        self.weight.visit(&path.child("weight"), visitor)?;
        self.bias.visit(&path.child("bias"), visitor)
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        self.weight.visit_mut(&path.child("weight"), visitor)?;
        self.bias.visit_mut(&path.child("bias"), visitor)
    }
}

impl<B: Backend> Conv2d<B> {
    /// A layer that starts as PyTorch's does ([`Init::FanIn`]).
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn new(
        device: &B,
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        rng: &mut Generator,
    ) -> Result<Self> {
        Self::with_init(device, inputs, outputs, kernel, Init::FanIn, rng)
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
        kernel: [usize; 2],
        init: Init,
        rng: &mut Generator,
    ) -> Result<Self> {
        let [height, width] = kernel;
        let shape = [outputs, inputs, height, width].into();
        let fans = fans(inputs, outputs, height.saturating_mul(width));
        let (weight, bias) = init.weight_and_bias(device, shape, fans, rng)?;
        Ok(Self::from_params(weight, bias))
    }

    /// A layer of a weight `[outputs, inputs, kh, kw]` and a bias `[outputs]`, if any.
    #[must_use]
    pub fn from_params(weight: Param<B>, bias: Option<Param<B>>) -> Self {
        Self {
            weight,
            bias,
            block: ConvBlock::default(),
        }
    }

    /// The layer with rows and columns between two outputs.
    #[must_use]
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.block.stride = stride;
        self
    }

    /// The layer with zeros around its input.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.block.padding = padding;
        self
    }

    /// The layer with ReLU after it, in the same operation: the same bits as a [`Relu`](super::Relu) behind it, in less
    /// time.
    #[must_use]
    pub fn relu(mut self) -> Self {
        self.block.relu = true;
        self
    }

    /// The layer with its maps pooled, after ReLU if it has that: the same bits as a pooling layer behind it, in less
    /// time. Windows lie side by side, and rows and columns that are left over take part in none; one window that does
    /// not fit is an error of the forward pass. For windows that overlap or lie apart, a pooling layer behind this one
    /// has a [`stride`](super::MaxPool2d::stride):
    ///
    /// ```
    /// use minitorch_core::nn::{Conv2d, Layer, MaxPool2d};
    /// use minitorch_core::{Cpu, Generator, Pool, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let conv = || Conv2d::new(&dev, 1, 2, [1, 1], &mut Generator::new(0)).map(Conv2d::relu);
    /// let x = Tensor::ones(&dev, [1, 1, 7, 7]);
    /// let side_by_side = conv()?.pool(Pool::Max([3, 3])).forward(&x);
    /// assert_eq!(side_by_side.shape(), [1, 2, 2, 2]);
    /// let overlapping = (conv()?, MaxPool2d::new([3, 3]).stride([2, 2])).forward(&x);
    /// assert_eq!(overlapping.shape(), [1, 2, 3, 3]);
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    #[must_use]
    pub fn pool(mut self, pool: Pool) -> Self {
        self.block.pool = Some(pool);
        self
    }

    /// The layer without its bias.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// What is pooled: the result, with ReLU if the layer has it, without pooling. It is what pictures of feature maps
    /// show.
    ///
    /// # Errors
    /// As [`Layer::try_forward`].
    pub fn try_maps(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let pool = None;
        self.apply(x, &ConvBlock { pool, ..self.block })
    }

    fn apply(&self, x: &Tensor<B>, block: &ConvBlock) -> Result<Tensor<B>> {
        let bias = self.bias.as_ref().map(Param::value);
        x.try_conv_block(&self.weight.value(), bias.as_ref(), block)
    }
}

impl<B: Backend> Layer<B> for Conv2d<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        self.apply(x, &self.block)
    }
}

/// One-dimensional convolution, over time or words: as [`Conv2d`] with one axis less. ReLU and pooling are layers or
/// operations of their own.
///
/// `x` is `[b, inputs, l]`, the weight `[outputs, inputs, k]`, the bias `[outputs]`, the result `[b, outputs, ol]`. Of
/// [`Padding::Symmetric`] the columns count.
///
/// ```
/// use minitorch_core::nn::{Conv1d, Layer};
/// use minitorch_core::{Cpu, Generator, Tensor};
/// let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
/// let layer = Conv1d::new(&dev, 50, 100, 3, &mut rng)?;
/// let sentences = Tensor::ones(&dev, [10, 50, 20]);
/// assert_eq!(layer.forward(&sentences).shape(), [10, 100, 18]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv1d<B: Backend> {
    /// `[outputs, inputs, k]`.
    pub weight: Param<B>,
    /// `[outputs]`, or none.
    pub bias: Option<Param<B>>,
    stride: usize,
    padding: Padding,
}

crate::module!(Conv1d { weight, bias });

impl<B: Backend> Conv1d<B> {
    /// A layer that starts as PyTorch's does ([`Init::FanIn`]).
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn new(
        device: &B,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        rng: &mut Generator,
    ) -> Result<Self> {
        Self::with_init(device, inputs, outputs, kernel, Init::FanIn, rng)
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
        kernel: usize,
        init: Init,
        rng: &mut Generator,
    ) -> Result<Self> {
        let shape = [outputs, inputs, kernel].into();
        let fans = fans(inputs, outputs, kernel);
        let (weight, bias) = init.weight_and_bias(device, shape, fans, rng)?;
        Ok(Self::from_params(weight, bias))
    }

    /// A layer of a weight `[outputs, inputs, k]` and a bias `[outputs]`, if any.
    #[must_use]
    pub const fn from_params(weight: Param<B>, bias: Option<Param<B>>) -> Self {
        Self {
            weight,
            bias,
            stride: 1,
            padding: Padding::Valid,
        }
    }

    /// The layer with positions between two outputs.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The layer with zeros around its input.
    #[must_use]
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// The layer without its bias.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }
}

impl<B: Backend> Layer<B> for Conv1d<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let y = x.try_conv1d(&self.weight.value(), self.stride, self.padding)?;
        match &self.bias {
            Some(bias) => y.try_add(&bias.value().try_reshape([bias.shape()[0], 1])?),
            None => Ok(y),
        }
    }
}

const fn fans(inputs: usize, outputs: usize, taps: usize) -> Fans {
    Fans {
        fan_in: inputs.saturating_mul(taps),
        fan_out: outputs.saturating_mul(taps),
    }
}
