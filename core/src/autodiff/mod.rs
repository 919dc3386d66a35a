//! Reverse-mode automatic differentiation.
//!
//! A tensor that is tracked, or computed from one, holds a *node*: which nodes its operands came from, and a rule that
//! turns the gradient of the result into those of the operands. There is no tape and no global state; a graph is what
//! the tensors at hand refer to, and it goes when they do. An operation on untracked tensors pays for one check.
//!
//! [`Tensor::backward`](crate::Tensor::backward) walks the graph once, each node after all that use it, and returns the
//! [`Gradients`] of the leaves.
//!
//! ```
//! use minitorch_core::{Cpu, Tensor};
//! let dev: Cpu = Cpu::default();
//! let x = Tensor::from_slice(&dev, &[2.0, 3.0], [2]).tracked();
//! let y = &x * &x + &x;
//! let grads = y.sum_all().backward();
//! assert_eq!(grads.get(&x).unwrap().to_vec(), [5.0, 7.0]); // 2x + 1
//! ```

mod address;
pub mod check;
mod engine;
mod function;
mod gradients;
mod node;

pub use engine::LeafId;
pub use function::{Context, Function, apply};
pub use gradients::{Gradients, topological_sort};
pub use node::NodeInfo;

pub(crate) use address::AddressMap;
pub(crate) use engine::{Gradient, Sink, backward, chain_rule};
pub(crate) use node::{Handle, Record, sort};
