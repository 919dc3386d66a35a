//! Neural networks: modules, layers, initial values and losses.
//!
//! A [`Module`] is anything with parameters; a [`Layer`] is one that turns a tensor into another. A model is a struct
//! of layers, and [`module!`](crate::module) names the fields:
//!
//! ```
//! use minitorch_core::nn::{Init, Layer, Linear, Module, cross_entropy};
//! use minitorch_core::optim::{Optimizer, Sgd};
//! use minitorch_core::{Backend, Cpu, Generator, Index, Result, Tensor, module};
//!
//! struct Classifier<B: Backend> {
//!     hidden: Linear<B>,
//!     out: Linear<B>,
//! }
//! module!(Classifier { hidden, out });
//!
//! impl<B: Backend> Layer<B> for Classifier<B> {
//!     fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
//!         self.out.try_forward(&self.hidden.try_forward(x)?.try_tanh()?)
//!     }
//! }
//!
//! let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
//! let mut net = Classifier {
//!     hidden: Linear::new(&dev, 2, 8, &mut rng)?,
//!     out: Linear::new(&dev, 8, 2, &mut rng)?,
//! };
//! // Exclusive or.
//! let x = Tensor::from_slice(&dev, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], [4, 2]);
//! let labels = Index::new(&dev, &[0, 1, 1, 0])?;
//! let mut sgd = Sgd::new(0.5);
//! for _ in 0..500 {
//!     let loss = cross_entropy(&net.forward(&x), &labels);
//!     sgd.step(&mut net, loss.backward());
//! }
//! net.eval();
//! assert_eq!(net.forward(&x).argmax(1).to_vec(), [0, 1, 1, 0]);
//! # Ok::<(), minitorch_core::Error>(())
//! ```
//!
//! There is no global state: mode is a property of the modules ([`Module::train`], [`Module::eval`]), random numbers
//! come from the [`Generator`](crate::Generator) that a constructor is given.

mod activation;
mod container;
mod conv;
mod dropout;
mod embedding;
mod init;
mod layer;
mod linear;
mod loss;
mod module;
mod param;
mod path;
mod pool;
mod sequential;
mod tree;

pub use activation::{Flatten, Gelu, Relu, Sigmoid, Tanh};
pub use conv::{Conv1d, Conv2d};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use init::{Fans, Init};
pub use layer::Layer;
pub use linear::Linear;
pub use loss::{
    Bce, BceWithLogits, bce, bce_with_logits, cross_entropy, mse, nll, try_bce,
    try_bce_with_logits, try_cross_entropy, try_mse, try_nll,
};
pub use module::{Module, Visitor, VisitorMut};
pub use param::Param;
pub use path::Path;
pub use pool::{AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d};
pub use sequential::Sequential;
