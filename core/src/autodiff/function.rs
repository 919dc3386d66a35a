//! Functions with a gradient of their own: MiniTorch's `Function` and `Context`.

use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// What the forward pass keeps for the backward pass.
#[derive(Debug)]
pub struct Context<B: Backend> {
    saved: Vec<Tensor<B>>,
}

impl<B: Backend> Context<B> {
    /// Keeps `tensor`, without its history.
    pub fn save(&mut self, tensor: &Tensor<B>) {
        self.saved.push(tensor.detach());
    }

    /// What was kept, in order.
    #[must_use]
    pub fn saved(&self) -> &[Tensor<B>] {
        &self.saved
    }
}

/// An operation on `N` tensors, made of other operations, with a gradient of its own.
///
/// ```
/// use minitorch_core::autodiff::{Context, Function, apply};
/// use minitorch_core::{Backend, Cpu, Result, Tensor};
///
/// /// The identity, whose gradient is limited to -1..=1.
/// struct ClipGradient;
/// impl<B: Backend> Function<B, 1> for ClipGradient {
///     fn name(&self) -> &'static str {
///         "clip_gradient"
///     }
///     fn forward(&self, _: &mut Context<B>, [x]: [&Tensor<B>; 1]) -> Result<Tensor<B>> {
///         Ok(x.clone())
///     }
///     fn backward(&self, _: &Context<B>, grad: &Tensor<B>) -> Result<[Tensor<B>; 1]> {
///         Ok([grad.try_clamp(-1.0, 1.0)?])
///     }
/// }
///
/// let dev: Cpu = Cpu::default();
/// let x = Tensor::from_slice(&dev, &[0.1, 10.0], [2]).tracked();
/// let grads = apply(ClipGradient, [&x])?.square().sum_all().backward();
/// assert_eq!(grads.get(&x).unwrap().to_vec(), [0.2, 1.0]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub trait Function<B: Backend, const N: usize>: Send + Sync + 'static {
    /// The name in graphs and error messages.
    fn name(&self) -> &'static str;

    /// The result, from operands without history; what the gradient needs goes to `context`.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    fn forward(&self, context: &mut Context<B>, operands: [&Tensor<B>; N]) -> Result<Tensor<B>>;

    /// The gradients of the operands, each of its operand's shape or one that it was broadcast to.
    ///
    /// # Errors
    /// Those of the operations it is made of.
    fn backward(&self, context: &Context<B>, grad: &Tensor<B>) -> Result<[Tensor<B>; N]>;
}

/// Applies a [`Function`] and records it if an operand is tracked.
///
/// # Errors
/// Those of [`Function::forward`]; in the backward pass, [`ErrorKind::Shape`] if a gradient does not broadcast from its
/// operand's shape.
pub fn apply<B: Backend, F: Function<B, N>, const N: usize>(
    function: F,
    operands: [&Tensor<B>; N],
) -> Result<Tensor<B>> {
    let mut context = Context { saved: Vec::new() };
    let plain = operands.map(Tensor::detach);
    let out = function.forward(&mut context, plain.each_ref())?.detach();
    let shapes = operands.map(|operand| *operand.shape());
    out.recorded(function.name(), operands, || {
        move |grad, sink| {
            let grads = function.backward(&context, &grad)?;
            for (index, grad) in grads.into_iter().enumerate() {
                let fits = crate::shape::shape_broadcast(&shapes[index], grad.shape())
                    .is_ok_and(|both| both == *grad.shape());
                if !fits {
                    return Err(Error::between(
                        ErrorKind::Shape,
                        function.name(),
                        grad.shape(),
                        &shapes[index],
                    )
                    .advise("backward must return a gradient of each operand's shape"));
                }
                sink.add(index, || Ok(grad.detach()))?;
            }
            Ok(())
        }
    })
}
