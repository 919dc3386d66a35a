//! Operators on numbers, and functions of lists made from them: MiniTorch's `operators`, under its names.
//!
//! Everything here is a plain function of `f64`. The operators are those of the tables in [`crate::ops`], so a number, a
//! [`Scalar`](crate::Scalar) and a tensor agree to the bit; `lt`, `eq`, `max` and their like give 1 and 0. Two things differ
//! from MiniTorch: [`log`] has no epsilon inside, and nothing raises: the logarithm of a negative number is not a
//! number, and `exp(1000)` is infinite.
//!
//! ```
//! use minitorch_core::operators::{add, map, mul, reduce, sigmoid, zip_with};
//!
//! assert_eq!(map(sigmoid)(&[0.0]), [0.5]);
//! let dot = |a: &[f64], b: &[f64]| reduce(add, 0.0)(&zip_with(mul)(a, b));
//! assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
//! ```

use crate::isa::Portable;
use crate::ops::{Op, Saves, Unary, binary, unary};
use alloc::vec::Vec;

macro_rules! one {
    ($($(#[$doc:meta])* $name:ident = $op:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(x: f64) -> f64 {
            unary::$op.eval::<Portable, f64>([x])
        }
    )*};
}

macro_rules! two {
    ($($(#[$doc:meta])* $name:ident = $op:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(x: f64, y: f64) -> f64 {
            binary::$op.eval::<Portable, f64>([x, y])
        }
    )*};
}

macro_rules! back {
    ($($(#[$doc:meta])* $name:ident = $op:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(x: f64, d: f64) -> f64 {
            derivative(unary::$op, x, d)
        }
    )*};
}

one! {
    /// `x`.
    id = Identity;
    /// `-x`.
    neg = Neg;
    /// `1 / x`.
    inv = Inv;
    /// `1 / (1 + exp(-x))`.
    sigmoid = Sigmoid;
    /// `0` for `x < 0`, else `x`.
    relu = Relu;
    /// The natural logarithm.
    log = Log;
    /// `e` to the power of `x`.
    exp = Exp;
}

two! {
    /// `x + y`.
    add = Add;
    /// `x * y`.
    mul = Mul;
    /// 1 if `x < y`, else 0.
    lt = Less;
    /// 1 if `x == y`, else 0.
    eq = Equal;
    /// The larger number.
    max = Maximum;
    /// 1 if the numbers differ by less than 0.01, else 0.
    is_close = IsClose;
}

back! {
    /// The derivative of [`log`] at `x`, times `d`.
    log_back = Log;
    /// The derivative of [`inv`] at `x`, times `d`.
    inv_back = Inv;
    /// The derivative of [`relu`] at `x`, times `d`; 0 at 0.
    relu_back = Relu;
}

fn derivative<O: Unary>(op: O, x: f64, d: f64) -> f64 {
    let saved = match O::SAVES {
        Saves::Input => x,
        Saves::Output => op.eval::<Portable, f64>([x]),
    };
    op.grad::<Portable, f64>(saved, d)
}

/// The function of lists that applies `f` to each element.
pub fn map(f: impl Fn(f64) -> f64) -> impl Fn(&[f64]) -> Vec<f64> {
    move |list| list.iter().map(|&x| f(x)).collect()
}

/// The function of two lists that applies `f` to their elements in pairs, as many as the shorter one has.
pub fn zip_with(f: impl Fn(f64, f64) -> f64) -> impl Fn(&[f64], &[f64]) -> Vec<f64> {
    move |a, b| a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect()
}

/// The function of lists that folds them from `start` on: `f(x2, f(x1, f(x0, start)))`.
pub fn reduce(f: impl Fn(f64, f64) -> f64, start: f64) -> impl Fn(&[f64]) -> f64 {
    move |list| list.iter().fold(start, |total, &x| f(x, total))
}

/// Each element negated.
#[must_use]
pub fn neg_list(list: &[f64]) -> Vec<f64> {
    map(neg)(list)
}

/// The sums of the elements in pairs.
#[must_use]
pub fn add_lists(a: &[f64], b: &[f64]) -> Vec<f64> {
    zip_with(add)(a, b)
}

/// The sum of the elements, 0 if there are none.
#[must_use]
pub fn sum(list: &[f64]) -> f64 {
    reduce(add, 0.0)(list)
}

/// The product of the elements, 1 if there are none.
#[must_use]
pub fn prod(list: &[f64]) -> f64 {
    reduce(mul, 1.0)(list)
}
