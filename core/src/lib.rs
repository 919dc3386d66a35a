//! Tensors, automatic differentiation and neural networks that train anywhere Rust runs: no `std`, no global state, the
//! same bits everywhere.
//!
//! ```
//! use minitorch_core::nn::{Layer, Linear, Module, bce_with_logits};
//! use minitorch_core::optim::{Optimizer, Sgd};
//! use minitorch_core::{Backend, Cpu, Generator, Result, Tensor, module};
//!
//! struct Net<B: Backend> {
//!     hidden: Linear<B>,
//!     out: Linear<B>,
//! }
//! module!(Net { hidden, out });
//!
//! impl<B: Backend> Layer<B> for Net<B> {
//!     fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
//!         self.out.try_forward(&self.hidden.try_forward(x)?.try_tanh()?)
//!     }
//! }
//!
//! let dev: Cpu = Cpu::default();
//! let mut rng = Generator::new(0);
//! let mut net = Net { hidden: Linear::new(&dev, 2, 8, &mut rng)?, out: Linear::new(&dev, 8, 1, &mut rng)? };
//! let mut optimizer = Sgd::new(0.5);
//!
//! // XOR: four points, learnt by heart.
//! let x = Tensor::from_slice(&dev, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], [4, 2]);
//! let y = Tensor::from_slice(&dev, &[0.0, 1.0, 1.0, 0.0], [4, 1]);
//! for _ in 0..1000 {
//!     let loss = bce_with_logits(&net.forward(&x), &y);
//!     optimizer.step(&mut net, loss.backward());
//! }
//! net.eval();
//! assert_eq!(net.forward(&x).sigmoid().gt(&Tensor::full(&dev, [1], 0.5)).to_vec(), y.to_vec());
//! # Ok::<(), minitorch_core::Error>(())
//! ```
//!
//! # Where to look
//!
//! | to | see |
//! | --- | --- |
//! | compute | [`Tensor`] |
//! | see the ideas on single numbers first | [`operators`], [`scalar`] |
//! | differentiate | [`autodiff`], and [`autodiff::Function`] for gradients of your own |
//! | build and train networks | [`nn`], [`optim`] |
//! | save, load and hash weights | [`state`] |
//! | add an elementwise operation | [`ops`] |
//! | bring threads | [`executor::Executor`] |
//! | bring a device | [`Backend`] |
//! | know why results are equal to the bit | [`arithmetic`] |
//! | find what you know from MiniTorch | [`minitorch`] |
//! | see how a kernel goes over its operands | [`plan`] |
//!
//! # How it is built
//!
//! A [`Tensor`] is a buffer, a [`Layout`] and perhaps a node of history. `a + b` goes from the operator to
//! [`Tensor::try_zip`], which broadcasts, asks the [`Backend`] to map [`ops::binary::Add`] over both operands, and records
//! the rule of its gradient. On the [`Cpu`] that is one loop over the joint [`nest`] of the operands, compiled for each
//! [instruction set](isa) and cut into parts for the [executor](executor::Executor).
#![no_std]
#![deny(missing_debug_implementations)]
// Library code never panics on purpose; what its unit tests do is their business.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

extern crate alloc;

pub mod arithmetic;
pub mod autodiff;
pub mod backend;
pub mod block;
pub mod conv;
pub mod cpu;
pub mod element;
pub mod error;
pub mod executor;
pub mod fused;
mod host;
pub mod indexing;
pub mod isa;
// Bounds of public traits name its types; nobody outside has one to print.
#[allow(missing_debug_implementations)]
mod kernels;
pub mod layout;
pub mod linear;
pub mod math;
pub mod minitorch;
pub mod nest;
pub mod nn;
pub mod operators;
pub mod ops;
pub mod optim;
pub mod plan;
pub mod pool;
pub mod random;
pub mod reduction;
pub mod scalar;
pub mod shape;
pub mod shared;
pub mod softmax;
pub mod state;
pub mod tensor;

pub use backend::Backend;
pub use cpu::Cpu;
pub use element::Element;
pub use error::{Error, ErrorKind, Result};
pub use layout::Layout;
pub use random::Generator;
pub use scalar::Scalar;
pub use shape::Shape;
pub use tensor::{ConvBlock, Index, Padding, Pool, Tensor};
