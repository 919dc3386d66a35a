//! [`Param`]: a tensor that is trained.

use super::{Module, Path, Visitor, VisitorMut};
use crate::autodiff::Gradients;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::Op;
use crate::ops::binary::Add;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A tensor that is trained: MiniTorch's and PyTorch's `Parameter`.
///
/// While training, [`Param::value`] is tracked, so gradients reach it; in evaluation, and if it is frozen
/// ([`Param::set_trainable`]), it is a plain tensor, and nothing is recorded. Its identity as a leaf is its own from
/// beginning to end: updates, and changes between training and evaluation, keep it.
///
/// ```
/// use minitorch_core::nn::Param;
/// use minitorch_core::ops::special::AddScaled;
/// use minitorch_core::{Cpu, Tensor};
///
/// let dev: Cpu = Cpu::default();
/// let mut weight = Param::new(Tensor::from_slice(&dev, &[3.0], [1]))?;
/// let loss = weight.value().square().sum_all();
/// let grads = loss.backward();
/// let grad = grads.get(weight.leaf()).unwrap();
/// weight.try_update(AddScaled { factor: -0.5 }, [grad])?; // one step of gradient descent
/// assert_eq!(weight.value().to_vec(), [0.0]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub struct Param<B: Backend> {
    leaf: Tensor<B>,
    training: bool,
    trainable: bool,
    grad: Option<Tensor<B>>,
}

impl<B: Backend> Param<B> {
    /// A parameter in training mode that starts at `value`.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`].
    pub fn new(value: Tensor<B>) -> Result<Self> {
        Ok(Self {
            leaf: value.try_tracked()?,
            training: true,
            trainable: true,
            grad: None,
        })
    }

    /// What to compute with: tracked while training unless frozen, else plain. It shares the memory.
    ///
    /// Drop it before the next update, which would otherwise copy.
    #[must_use]
    pub fn value(&self) -> Tensor<B> {
        if self.training && self.trainable {
            self.leaf.clone()
        } else {
            self.leaf.detach()
        }
    }

    /// The leaf of graphs that this parameter is, in training and evaluation: what [`Gradients::get`] wants.
    #[must_use]
    pub const fn leaf(&self) -> &Tensor<B> {
        &self.leaf
    }

    /// The sizes of the axes.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        self.leaf.shape()
    }

    /// Whether this parameter is in training mode, as a new one is.
    #[must_use]
    pub const fn is_training(&self) -> bool {
        self.training
    }

    /// Starts training mode or evaluation; [`Module::train`] and [`Module::eval`] do so for a whole model.
    pub const fn set_training(&mut self, training: bool) {
        self.training = training;
    }

    /// Whether gradients reach this parameter in training mode: not if it is frozen.
    #[must_use]
    pub const fn is_trainable(&self) -> bool {
        self.trainable
    }

    /// Freezes this parameter, so that no gradient reaches it and no step of an optimiser moves it, or lets it be trained
    /// again. No change of mode changes that. It is not saved.
    #[doc(alias = "requires_grad_")]
    pub const fn set_trainable(&mut self, trainable: bool) {
        self.trainable = trainable;
    }

    /// Changes the value to that of another tensor, whose memory it shares from then on.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the shapes differ.
    pub fn try_set(&mut self, value: &Tensor<B>) -> Result<()> {
        if value.shape() != self.shape() {
            return Err(
                Error::between(ErrorKind::Shape, "set", value.shape(), self.shape())
                    .advise("a parameter keeps its shape"),
            );
        }
        self.leaf.replace(value.detach());
        Ok(())
    }

    /// Changes the value in place, as [`Tensor::try_update`] does: without allocating unless the memory is shared.
    ///
    /// # Errors
    /// As there.
    pub fn try_update<const N: usize, const M: usize, O: Op<M>>(
        &mut self,
        op: O,
        operands: [&Tensor<B>; N],
    ) -> Result<()> {
        self.leaf.try_update(op, operands)
    }

    /// The sum of the gradients that [`Param::try_accumulate`] got since [`Param::zero_grad`]: PyTorch's `.grad`.
    ///
    /// Training loops that hand [`Gradients`] to an optimiser do not need it.
    #[must_use]
    pub const fn grad(&self) -> Option<&Tensor<B>> {
        self.grad.as_ref()
    }

    /// Adds a gradient to [`Param::grad`].
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the shapes differ.
    pub fn try_accumulate(&mut self, grad: Tensor<B>) -> Result<()> {
        if grad.shape() != self.shape() {
            return Err(
                Error::between(ErrorKind::Shape, "accumulate", grad.shape(), self.shape())
                    .advise("a gradient has the shape of its parameter"),
            );
        }
        match &mut self.grad {
            Some(sum) => sum.try_update(Add, [&grad])?,
            none => *none = Some(grad.detach()),
        }
        Ok(())
    }

    /// Forgets [`Param::grad`].
    pub fn zero_grad(&mut self) {
        self.grad = None;
    }

    /// Takes this parameter's gradient out of those of a backward pass.
    pub fn take_grad(&self, grads: &mut Gradients<B>) -> Option<Tensor<B>> {
        grads.take(&self.leaf)
    }
}

/// A parameter of its own, a leaf with another identity: it shares the memory until one of them changes. Panics if
/// memory is out, as [`Tensor::tracked`].
impl<B: Backend> Clone for Param<B> {
    fn clone(&self) -> Self {
        Self {
            leaf: self.leaf.tracked(),
            grad: self.grad.clone(),
            ..*self
        }
    }
}

/// A parameter is the smallest module.
impl<B: Backend> Module<B> for Param<B> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        visitor.param(path, self)
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        visitor.param(path, self)
    }
}

impl<B: Backend> core::fmt::Debug for Param<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Param{}", self.shape())
    }
}
