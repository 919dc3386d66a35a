//! [`Module`]: the one walk over a model from which everything else follows.

use super::tree::tree;
use super::{Param, Path};
use crate::autodiff::Gradients;
use crate::backend::Backend;
use crate::element::Element;
use crate::error::Result;
use crate::random::Generator;
use crate::state::Fnv;
use crate::tensor::{OrRaise, Tensor};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

/// A model or a part of one: something with parameters.
///
/// An implementation shows its parts, in order, to a visitor; it does nothing else, and fails only if the visitor does.
/// The macro [`module!`](crate::module) writes it. Names, counts, training mode, saving, loading, optimiser steps and
/// the hash of all weights follow from this walk.
///
/// ```
/// use minitorch_core::nn::{Layer, Linear, Module};
/// use minitorch_core::{Backend, Cpu, Generator, Result, Tensor, module};
///
/// struct Net<B: Backend> {
///     hidden: Linear<B>,
///     out: Linear<B>,
/// }
/// module!(Net { hidden, out });
///
/// impl<B: Backend> Layer<B> for Net<B> {
///     fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
///         self.out.try_forward(&self.hidden.try_forward(x)?.try_relu()?)
///     }
/// }
///
/// let (dev, mut rng) = (Cpu::default(), Generator::new(0));
/// let mut net: Net<Cpu> = Net {
///     hidden: Linear::new(&dev, 2, 3, &mut rng)?,
///     out: Linear::new(&dev, 3, 1, &mut rng)?,
/// };
/// assert_eq!(net.parameter_count(), 13);
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]);
///
/// assert!(net.forward(&Tensor::ones(&dev, [5, 2])).is_tracked());
/// net.eval();
/// assert!(!net.forward(&Tensor::ones(&dev, [5, 2])).is_tracked());
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub trait Module<B: Backend> {
    /// Shows each part to `visitor`, always in the same order. `path` is where this module is.
    ///
    /// # Errors
    /// Those of the visitor.
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()>;

    /// As [`Module::visit`], in the same order, for visitors that change the parts.
    ///
    /// # Errors
    /// Those of the visitor.
    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()>;

    /// Calls `each` for each parameter.
    ///
    /// # Errors
    /// The first one of `each`, which ends the walk.
    fn each_param(&self, each: &mut dyn FnMut(&Path<'_>, &Param<B>) -> Result<()>) -> Result<()> {
        self.visit(&Path::ROOT, &mut Each(each))
    }

    /// Calls `each` for each parameter, to change it.
    ///
    /// # Errors
    /// The first one of `each`, which ends the walk.
    fn each_param_mut(
        &mut self,
        each: &mut dyn FnMut(&Path<'_>, &mut Param<B>) -> Result<()>,
    ) -> Result<()> {
        self.visit_mut(&Path::ROOT, &mut Each(each))
    }

    /// Starts training mode, in which a new module is: parameters that are not frozen are tracked, dropout drops.
    fn train(&mut self) {
        // This visitor does not fail.
        self.visit_mut(&Path::ROOT, &mut Mode { training: true })
            .ok();
    }

    /// Starts evaluation mode: parameters are plain tensors, nothing is recorded, dropout lets all pass.
    fn eval(&mut self) {
        self.visit_mut(&Path::ROOT, &mut Mode { training: false })
            .ok();
    }

    /// The path and value of each parameter, without history. The values share the parameters' memory: while they are
    /// held, the next update copies.
    fn named_parameters(&self) -> Vec<(String, Tensor<B>)> {
        let mut all = Vec::new();
        self.each_param(&mut |path, param| {
            all.push((path.to_string(), param.leaf().detach()));
            Ok(())
        })
        .ok();
        all
    }

    /// How many numbers the parameters have.
    fn parameter_count(&self) -> usize {
        let mut count = 0;
        self.each_param(&mut |_, param| {
            count += param.leaf().elements();
            Ok(())
        })
        .ok();
        count
    }

    /// The model as text: its parts with the number of their parameters and the steps they take besides, and the
    /// parameters with their shapes. Layers without parameters are left out.
    ///
    /// ```
    /// use minitorch_core::nn::{Conv2d, Flatten, Linear, Module, Sequential};
    /// use minitorch_core::{Cpu, Generator, Pool};
    /// let (dev, mut rng) = (Cpu::default(), Generator::new(0));
    /// let net: Sequential<Cpu> = Sequential::new()
    ///     .then(Conv2d::new(&dev, 1, 2, [3, 3], &mut rng)?.relu().pool(Pool::Max([2, 2])))
    ///     .then(Flatten)
    ///     .then(Linear::new(&dev, 8, 1, &mut rng)?);
    /// assert_eq!(net.tree(), "\
    /// model: 29 parameters
    ///   0: 20 parameters, then relu, max_pool2d [2, 2]
    ///     weight [2, 1, 3, 3]
    ///     bias [2]
    ///   2: 9 parameters
    ///     weight [1, 8]
    ///     bias [1]
    /// ");
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    fn tree(&self) -> String {
        tree(self)
    }

    /// The hash by which two runs are compared: [`Fnv::write_parameter`] of each parameter. Values of an `f64` backend
    /// are rounded to `f32` for it.
    ///
    /// # Errors
    /// Those of the device.
    fn try_weights_hash(&self) -> Result<Fnv> {
        let (mut hash, mut name) = (Fnv::new(), String::new());
        self.each_param(&mut |path, param| {
            let values = param.leaf().try_to_vec()?;
            let values = values.into_iter().map(|value| value.to_f64() as f32);
            hash.write_parameter(path.write_to(&mut name), param.shape(), values);
            Ok(())
        })?;
        Ok(hash)
    }

    /// As [`Module::try_weights_hash`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    fn weights_hash(&self) -> Fnv {
        self.try_weights_hash().or_raise()
    }

    /// Adds gradients to [`Param::grad`] of the parameters they belong to: PyTorch's and MiniTorch's way.
    ///
    /// # Errors
    /// Those of the device.
    fn try_accumulate(&mut self, mut grads: Gradients<B>) -> Result<()> {
        self.each_param_mut(&mut |_, param| match param.take_grad(&mut grads) {
            Some(grad) => param.try_accumulate(grad),
            None => Ok(()),
        })
    }

    /// As [`Module::try_accumulate`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    fn accumulate(&mut self, grads: Gradients<B>) {
        self.try_accumulate(grads).or_raise();
    }

    /// Forgets [`Param::grad`] of each parameter.
    fn zero_grad(&mut self) {
        self.each_param_mut(&mut |_, param| {
            param.zero_grad();
            Ok(())
        })
        .ok();
    }
}

/// What a walk shows the parts of a model to. Parts that a visitor has no method for are passed over.
pub trait Visitor<B: Backend> {
    /// A tensor that is trained.
    ///
    /// # Errors
    /// Any, which ends the walk.
    fn param(&mut self, _path: &Path<'_>, _param: &Param<B>) -> Result<()> {
        Ok(())
    }

    /// A source of random numbers: saved, not trained.
    ///
    /// # Errors
    /// Any, which ends the walk.
    fn generator(&mut self, _path: &Path<'_>, _generator: &Generator) -> Result<()> {
        Ok(())
    }

    /// What the layer at this path does besides using its parameters, in words; empty if that is nothing.
    ///
    /// # Errors
    /// Any, which ends the walk.
    fn steps(&mut self, _path: &Path<'_>, _steps: &dyn Display) -> Result<()> {
        Ok(())
    }
}

/// As [`Visitor`], for changes.
pub trait VisitorMut<B: Backend> {
    /// A tensor that is trained.
    ///
    /// # Errors
    /// Any, which ends the walk.
    fn param(&mut self, _path: &Path<'_>, _param: &mut Param<B>) -> Result<()> {
        Ok(())
    }

    /// A source of random numbers: saved, not trained.
    ///
    /// # Errors
    /// Any, which ends the walk.
    fn generator(&mut self, _path: &Path<'_>, _generator: &mut Generator) -> Result<()> {
        Ok(())
    }

    /// Whether a part that behaves differently while training does so now.
    fn training(&mut self, _training: &mut bool) {}
}

/// A visitor of parameters only.
struct Each<F>(F);

impl<B: Backend, F: FnMut(&Path<'_>, &Param<B>) -> Result<()>> Visitor<B> for Each<F> {
    fn param(&mut self, path: &Path<'_>, param: &Param<B>) -> Result<()> {
        (self.0)(path, param)
    }
}

impl<B: Backend, F: FnMut(&Path<'_>, &mut Param<B>) -> Result<()>> VisitorMut<B> for Each<F> {
    fn param(&mut self, path: &Path<'_>, param: &mut Param<B>) -> Result<()> {
        (self.0)(path, param)
    }
}

/// Sets training mode.
struct Mode {
    training: bool,
}

impl<B: Backend> VisitorMut<B> for Mode {
    fn param(&mut self, _: &Path<'_>, param: &mut Param<B>) -> Result<()> {
        param.set_training(self.training);
        Ok(())
    }

    fn training(&mut self, training: &mut bool) {
        *training = self.training;
    }
}

/// Implements [`Module`](crate::nn::Module) for a struct by naming the fields to visit, in the order of the walk.
///
/// Other fields are left out; they are settings. Three forms:
///
/// ```
/// use minitorch_core::nn::{Layer, Linear, Param};
/// use minitorch_core::{Backend, module};
///
/// // A struct that is generic over the backend alone.
/// struct Net<B: Backend> {
///     layers: Vec<Linear<B>>,
///     scale: Option<Param<B>>,
///     depth: usize,
/// }
/// module!(Net { layers, scale });
///
/// // More parameters; the backend comes first.
/// struct Residual<B: Backend, L: Layer<B>> {
///     inner: L,
///     gate: Param<B>,
/// }
/// module!(Residual<B, L: Layer<B>> { inner, gate });
///
/// // No parameters, for every backend.
/// struct Softplus;
/// module!(Softplus);
/// ```
#[macro_export]
macro_rules! module {
    ($name:ident) => {
        impl<B: $crate::Backend> $crate::nn::Module<B> for $name {
            $crate::module!(@walk B {});
        }
    };
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl<B: $crate::Backend> $crate::nn::Module<B> for $name<B> {
            $crate::module!(@walk B { $($field)* });
        }
    };
    ($name:ident<$b:ident $(, $param:ident $(: $bound:path)?)*> { $($field:ident),* $(,)? }) => {
        impl<$b: $crate::Backend $(, $param $(: $bound)?)*> $crate::nn::Module<$b> for $name<$b $(, $param)*> {
            $crate::module!(@walk $b { $($field)* });
        }
    };
    (@walk $b:ident { $($field:ident)* }) => {
        #[allow(unused_variables)]
        fn visit(
            &self,
            path: &$crate::nn::Path<'_>,
            visitor: &mut dyn $crate::nn::Visitor<$b>,
        ) -> $crate::Result<()> {
            $($crate::nn::Module::visit(&self.$field, &path.child(stringify!($field)), visitor)?;)*
            Ok(())
        }

        #[allow(unused_variables)]
        fn visit_mut(
            &mut self,
            path: &$crate::nn::Path<'_>,
            visitor: &mut dyn $crate::nn::VisitorMut<$b>,
        ) -> $crate::Result<()> {
            $($crate::nn::Module::visit_mut(&mut self.$field, &path.child(stringify!($field)), visitor)?;)*
            Ok(())
        }
    };
}
