//! Elementwise operations: small `Copy` types, each with its body in Rust, the same body in C, and its derivative.
//!
//! An operation takes `N` numbers and gives one. [`Backend::map`](crate::backend::Backend::map) applies it to whole
//! tensors: with one operand that is MiniTorch's `map`, with two its `zip`. The built-in ones stand in two tables,
//! [`unary`] and [`binary`]; a row of a table is all there is to an operation: the tensor method, every backend, the
//! conformance tests and the gradient checks follow from it.
//!
//! Your own operation is a type that implements [`Op`] (and [`Unary`] for a gradient):
//!
//! ```
//! use minitorch_core::{Cpu, Element, Tensor};
//! use minitorch_core::isa::Isa;
//! use minitorch_core::ops::{Op, Saves, Unary};
//!
//! /// x * sigmoid(x).
//! #[derive(Clone, Copy)]
//! struct Silu;
//! impl Op<1> for Silu {
//!     const NAME: &'static str = "silu";
//!     const C: &'static str = "x0 * mt_sigmoid(x0)";
//!     fn eval<I: Isa, E: Element>(self, [x]: [E; 1]) -> E {
//!         x * x.sigmoid::<I>()
//!     }
//! }
//! impl Unary for Silu {
//!     const SAVES: Saves = Saves::Input;
//!     const GRAD_C: &'static str = "x1 * (mt_sigmoid(x0) * (1 + x0 * (1 - mt_sigmoid(x0))))";
//!     fn grad<I: Isa, E: Element>(self, x: E, g: E) -> E {
//!         let s = x.sigmoid::<I>();
//!         g * (s * (E::ONE + x * (E::ONE - s)))
//!     }
//! }
//!
//! let dev: Cpu = Cpu::default();
//! let x = Tensor::from_slice(&dev, &[0.0, 1.0], [2]).tracked();
//! let grads = x.map(Silu).sum_all().backward();
//! assert_eq!(grads.get(&x).unwrap().to_vec()[0], 0.5);
//! ```

pub mod binary;
pub mod catalog;
pub mod special;
pub mod unary;

use crate::element::Element;
use crate::isa::Isa;

/// An elementwise operation on `N` operands.
pub trait Op<const N: usize>: Copy + Send + Sync + 'static {
    /// The name in error messages and kernels, such as `"relu"`.
    const NAME: &'static str;
    /// The body in C, for devices: one expression, without statements, of `x0`, `x1`, .. (the operands), `p0` to `p2` (see
    /// [`Op::params`]), the type `real`, and the functions `mt_fma`, `mt_exp` and so on.
    const C: &'static str;
    /// Which operand is the old value where the operation replaces elements in place, as
    /// [`Backend::update`](crate::backend::Backend::update) does.
    const IN_PLACE: usize = 0;

    /// The parameters `p0`, `p1` and `p2` of [`Op::C`].
    fn params(&self) -> [f64; 3] {
        [0.0; 3]
    }

    /// The body. Mark it `#[inline(always)]`, so that it is compiled for the instruction set of the kernel around it.
    fn eval<I: Isa, E: Element>(self, x: [E; N]) -> E;
}

/// What the derivative of a [`Unary`] operation is computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saves {
    /// The operand.
    Input,
    /// The result.
    Output,
}

/// An operation on one operand with its derivative.
pub trait Unary: Op<1> {
    /// Whether [`Unary::grad`] gets the operand or the result.
    const SAVES: Saves;
    /// [`Unary::grad`] in C: an expression of `x0` (the saved value), `x1` (the gradient) and the parameters.
    const GRAD_C: &'static str;

    /// The gradient of the operand, given what was saved and the gradient `g` of the result.
    fn grad<I: Isa, E: Element>(self, saved: E, g: E) -> E;
}

/// The backward pass of a [`Unary`] operation, as an operation on what was saved and the gradient.
#[derive(Clone, Copy, Debug)]
pub struct Grad<O>(pub O);

impl<O: Unary> Op<2> for Grad<O> {
    const NAME: &'static str = O::NAME;
    const C: &'static str = O::GRAD_C;
    /// The gradient, which nobody needs afterwards.
    const IN_PLACE: usize = 1;

    fn params(&self) -> [f64; 3] {
        self.0.params()
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [saved, g]: [E; 2]) -> E {
        self.0.grad::<I, E>(saved, g)
    }
}

/// How the result of a [`Binary`] operation changes with one of its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slope {
    /// Not at all, as for comparisons.
    Zero,
    /// As the operand does: the gradient is passed on.
    One,
    /// Against the operand: the gradient is negated.
    MinusOne,
    /// As [`Binary::grads`] says.
    Depends,
}

/// An operation on two operands with its derivatives.
pub trait Binary: Op<2> {
    /// The kind of derivative by each operand.
    const SLOPES: [Slope; 2];
    /// The gradients in C: expressions of `x0`, `x1` (the operands) and `x2` (the gradient of the result).
    const GRADS_C: [&'static str; 2];

    /// The gradients of the operands `a` and `b`, given the gradient `g` of the result.
    fn grads<I: Isa, E: Element>(self, a: E, b: E, g: E) -> [E; 2];
}

/// The gradient of a [`Binary`] operation by its left operand, as an operation on both operands and the gradient.
#[derive(Clone, Copy, Debug)]
pub struct GradLeft<O>(pub O);

/// The gradient of a [`Binary`] operation by its right operand, as an operation on both operands and the gradient.
#[derive(Clone, Copy, Debug)]
pub struct GradRight<O>(pub O);

impl<O: Binary> Op<3> for GradLeft<O> {
    const NAME: &'static str = O::NAME;
    const C: &'static str = O::GRADS_C[0];

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [a, b, g]: [E; 3]) -> E {
        self.0.grads::<I, E>(a, b, g)[0]
    }
}

impl<O: Binary> Op<3> for GradRight<O> {
    const NAME: &'static str = O::NAME;
    const C: &'static str = O::GRADS_C[1];

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [a, b, g]: [E; 3]) -> E {
        self.0.grads::<I, E>(a, b, g)[1]
    }
}
