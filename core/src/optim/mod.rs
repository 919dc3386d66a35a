//! Optimisers: how parameters follow their gradients. And learning-rate schedules, and limits on gradients and
//! weights.
//!
//! An [`Optimizer`] takes the gradients of one backward pass and moves each parameter that has one. What it remembers
//! between steps is kept under the parameter's path ([`Memory`]), so it can be saved beside the weights.
//!
//! ```
//! use minitorch_core::nn::{Layer, Linear, mse};
//! use minitorch_core::optim::{Adam, Optimizer, Schedule, clip_grad_norm};
//! use minitorch_core::{Cpu, Generator, Tensor};
//!
//! let dev: Cpu = Cpu::default();
//! let mut net = Linear::new(&dev, 1, 1, &mut Generator::new(0))?;
//! let x = Tensor::arange(&dev, -1.0, 5, 0.5).reshape([5, 1]);
//! let y = &x * 3.0 + 1.0;
//!
//! let mut adam = Adam::new(0.1);
//! let schedule = Schedule::OneCycle { peak: 0.3, steps: 200 };
//! for step in 0..200 {
//!     let mut grads = mse(&net.forward(&x), &y).backward();
//!     clip_grad_norm(&net, &mut grads, 1.0)?;
//!     adam.set_rate(schedule.rate(step));
//!     adam.step(&mut net, grads);
//! }
//! assert!((net.weight.value().item() - 3.0).abs() < 0.01);
//! # Ok::<(), minitorch_core::Error>(())
//! ```

mod adadelta;
mod adam;
mod clip;
mod memory;
mod option;
mod schedule;
mod sgd;

pub use adadelta::Adadelta;
pub use adam::{Adam, AdamW};
pub use clip::{clip_grad_norm, max_norm};
pub use memory::{Memory, Record};
pub use schedule::Schedule;
pub use sgd::Sgd;

use crate::autodiff::Gradients;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Module, Param, Path};
use crate::tensor::{OrRaise, Tensor};

/// A rule by which parameters follow their gradients.
///
/// A step that ends with an error may have moved some parameters and not others, or have moved on what is remembered of
/// one and not the parameter. No value is lost or unreadable, but to train on, load the state of the step before.
pub trait Optimizer<B: Backend> {
    /// Moves one parameter, given its gradient. `path` is where it is in the model, its name from step to step.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if an option of the optimiser, such as the learning rate, is out of its range; then nothing
    /// has moved. [`ErrorKind::Shape`] if the gradient or what is remembered has another shape; [`ErrorKind::Memory`].
    fn try_update(&mut self, path: &Path<'_>, param: &mut Param<B>, grad: Tensor<B>) -> Result<()>;

    /// The learning rate.
    fn rate(&self) -> f64;

    /// Changes the learning rate, as a [`Schedule`] wants it. With 0 a step only moves on what is remembered.
    fn set_rate(&mut self, rate: f64);

    /// What is remembered between steps.
    fn memory(&self) -> &Memory<B>;

    /// The same, for loading it.
    fn memory_mut(&mut self) -> &mut Memory<B>;

    /// Moves each parameter of `module` that has a gradient in `grads`. Parameters without one stay as they are, and
    /// so does what is remembered of them.
    ///
    /// Nothing is allocated once the optimiser has its memory, unless a graph or a value of a parameter is still held:
    /// then that parameter is copied.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if no gradient belongs to the module; those of [`Optimizer::try_update`].
    fn try_step(&mut self, module: &mut dyn Module<B>, mut grads: Gradients<B>) -> Result<()> {
        let optimizer = self;
        let moved = walk(
            module,
            &mut |path, param| match param.take_grad(&mut grads) {
                Some(grad) => optimizer.try_update(path, param, grad).map(|()| true),
                None => Ok(false),
            },
        )?;
        moved.then_some(()).ok_or(NOTHING_TO_DO)
    }

    /// [`Tensor::try_backward`] and [`Optimizer::try_step`] in one, to the same bits in less memory: each parameter moves
    /// as soon as its gradient is complete, so that the gradients are never all held at the same time.
    ///
    /// Where gradients are looked at together before they are used, as for [`clip_grad_norm`], it takes the two. Each
    /// gradient's parameter is found by a walk over the model, so with `n` parameters this compares `n^2` identities.
    ///
    /// # Errors
    /// Those of both. Parameters whose gradients were complete have moved by then.
    fn try_step_backward(&mut self, module: &mut dyn Module<B>, loss: Tensor<B>) -> Result<()> {
        let optimizer = self;
        let mut moved = false;
        let seed = loss.backward_seed()?;
        loss.try_backward_into(seed, &mut |leaf, grad| {
            let mut grad = Some(grad);
            moved |= walk(module, &mut |path, param| match grad
                .take_if(|_| param.leaf().leaf_id() == Some(leaf))
            {
                Some(grad) => optimizer.try_update(path, param, grad).map(|()| true),
                None => Ok(false),
            })?;
            Ok(())
        })?;
        moved.then_some(()).ok_or(NOTHING_TO_DO)
    }

    /// As [`Optimizer::try_step`], with the gradients that [`Module::try_accumulate`] collected in the parameters.
    /// They stay there until [`Module::zero_grad`].
    ///
    /// # Errors
    /// As there.
    fn try_step_accumulated(&mut self, module: &mut dyn Module<B>) -> Result<()> {
        let optimizer = self;
        let moved = walk(module, &mut |path, param| match param.grad().cloned() {
            Some(grad) => optimizer.try_update(path, param, grad).map(|()| true),
            None => Ok(false),
        })?;
        moved.then_some(()).ok_or(NOTHING_TO_DO)
    }

    /// As [`Optimizer::try_step`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    fn step(&mut self, module: &mut dyn Module<B>, grads: Gradients<B>) {
        self.try_step(module, grads).or_raise();
    }

    /// As [`Optimizer::try_step_backward`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    fn step_backward(&mut self, module: &mut dyn Module<B>, loss: Tensor<B>) {
        self.try_step_backward(module, loss).or_raise();
    }

    /// As [`Optimizer::try_step_accumulated`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    fn step_accumulated(&mut self, module: &mut dyn Module<B>) {
        self.try_step_accumulated(module).or_raise();
    }
}

const NOTHING_TO_DO: Error = Error::new(
    ErrorKind::Argument,
    "step",
    "no gradient belongs to a parameter of this module; was the loss computed with it, in training mode?",
);

/// Calls `each` for each parameter that is not frozen, and says whether one of the calls said true.
fn walk<B: Backend>(
    module: &mut dyn Module<B>,
    each: &mut dyn FnMut(&Path<'_>, &mut Param<B>) -> Result<bool>,
) -> Result<bool> {
    let mut any = false;
    module.each_param_mut(&mut |path, param| {
        any |= param.is_trainable() && each(path, param)?;
        Ok(())
    })?;
    Ok(any)
}
