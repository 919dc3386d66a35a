//! Element by element, with broadcasting.

use super::{Operator, Outcome, T};
use crate::call::{Call, one};
use minitorch_core::Result;

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Abs", |c| c.map(T::try_abs)),
    ("Neg", |c| c.map(T::try_neg)),
    ("Exp", |c| c.map(T::try_exp)),
    ("Log", |c| c.map(T::try_log)),
    ("Sqrt", |c| c.map(T::try_sqrt)),
    ("Reciprocal", |c| c.map(T::try_inv)),
    ("Erf", |c| c.map(T::try_erf)),
    ("Sin", |c| c.map(T::try_sin)),
    ("Cos", |c| c.map(T::try_cos)),
    ("Tan", |c| c.map(|x| x.try_sin()?.try_div(&x.try_cos()?))),
    ("Sinh", |c| c.map(|x| halves(x, T::try_sub))),
    ("Cosh", |c| c.map(|x| halves(x, T::try_add))),
    ("Asinh", |c| c.map(asinh)),
    ("Acosh", |c| c.map(acosh)),
    ("Atanh", |c| c.map(atanh)),
    ("Sign", |c| c.map(sign)),
    ("Round", |c| c.map(round)),
    ("Floor", |c| c.map(floor)),
    ("Ceil", |c| c.map(|x| floor(&x.try_neg()?)?.try_neg())),
    ("IsNaN", |c| c.map(|x| x.try_ne(x))),
    ("IsInf", is_inf),
    ("Add", |c| c.zip(T::try_add)),
    ("Sub", |c| c.zip(T::try_sub)),
    ("Mul", |c| c.zip(T::try_mul)),
    ("Div", |c| c.zip(T::try_div)),
    ("Pow", |c| c.zip(T::try_pow)),
    ("Mod", remainder),
    ("Less", |c| c.zip(T::try_lt)),
    ("LessOrEqual", |c| c.zip(T::try_le)),
    ("Greater", |c| c.zip(T::try_gt)),
    ("GreaterOrEqual", |c| c.zip(T::try_ge)),
    ("Equal", |c| c.zip(T::try_eq)),
    ("Max", |c| one(fold(c, T::try_maximum)?)),
    ("Min", |c| one(fold(c, T::try_minimum)?)),
    ("Sum", |c| one(fold(c, T::try_add)?)),
    ("Mean", |c| {
        one(fold(c, T::try_add)?.try_div_scalar(c.operands() as f64)?)
    }),
    ("Where", |c| {
        one(c.tensor(0)?.try_where_else(c.tensor(1)?, c.tensor(2)?)?)
    }),
    ("Clip", clip),
    ("Dropout", dropout),
];

/// `x` as a tensor that every shape broadcasts with.
pub(super) fn scalar(like: &T, x: f64) -> Result<T> {
    T::try_full(like.device(), [], x)
}

/// `a` where `x > 0`, else `b`.
pub(super) fn if_positive(x: &T, a: &T, b: &T) -> Result<T> {
    x.try_gt(&scalar(x, 0.0)?)?.try_where_else(a, b)
}

/// The hyperbolic sine and cosine: `(exp(x) - exp(-x)) / 2`, with the sign that `join` has.
fn halves(x: &T, join: fn(&T, &T) -> Result<T>) -> Result<T> {
    join(&x.try_exp()?, &x.try_neg()?.try_exp()?)?.try_mul_scalar(0.5)
}

fn asinh(x: &T) -> Result<T> {
    // Of the size, so that nothing cancels.
    let size = x.try_abs()?;
    let root = size.try_square()?.try_add_scalar(1.0)?.try_sqrt()?;
    size.try_add(&root)?.try_log()?.try_mul(&sign(x)?)
}

fn acosh(x: &T) -> Result<T> {
    let root = x.try_square()?.try_add_scalar(-1.0)?.try_sqrt()?;
    x.try_add(&root)?.try_log()
}

fn atanh(x: &T) -> Result<T> {
    let quotient = x.try_add_scalar(1.0)?.try_div(&x.try_sub_from(1.0)?)?;
    quotient.try_log()?.try_mul_scalar(0.5)
}

fn sign(x: &T) -> Result<T> {
    let zero = scalar(x, 0.0)?;
    x.try_gt(&zero)?.try_sub(&x.try_lt(&zero)?)
}

/// To the nearest integer, to the even one of two: from 2^23 on an `f32` has no places after the point.
fn round(x: &T) -> Result<T> {
    const WHOLE: f64 = 8_388_608.0;
    let size = x.try_abs()?;
    let near = size.try_add_scalar(WHOLE)?.try_add_scalar(-WHOLE)?;
    let small = size.try_lt(&scalar(x, WHOLE)?)?;
    small.try_where_else(&near.try_mul(&sign(x)?)?, x)
}

fn floor(x: &T) -> Result<T> {
    let near = round(x)?;
    near.try_sub(&near.try_gt(x)?)
}

fn is_inf(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let found = |infinity: f64, wanted: &str| {
        let wanted = c.int(wanted, 1) as f64;
        x.try_eq(&scalar(x, infinity)?)?.try_mul_scalar(wanted)
    };
    let above = found(f64::INFINITY, "detect_positive")?;
    one(above.try_add(&found(f64::NEG_INFINITY, "detect_negative")?)?)
}

/// The remainder of a division that rounds to 0 (`fmod`), with the sign of the dividend.
fn remainder(c: &Call<'_>) -> Outcome {
    let (a, b) = (c.tensor(0)?, c.tensor(1)?);
    if !c.flag("fmod") {
        return Err("the remainder of integers".into());
    }
    let whole = floor(&a.try_div(b)?.try_abs()?)?;
    let size = a.try_abs()?.try_sub(&whole.try_mul(&b.try_abs()?)?)?;
    one(size.try_mul(&sign(a)?)?)
}

fn fold(c: &Call<'_>, join: fn(&T, &T) -> Result<T>) -> Outcome<T> {
    let mut operands = c.tensors()?.into_iter();
    let first = operands.next().ok_or("at least one operand is needed")?;
    Ok(operands.try_fold(first, |all, next| join(&all, &next))?)
}

/// Where the lower limit is larger, the upper one wins.
fn clip(c: &Call<'_>) -> Outcome {
    let low = c.number_or(1, f64::NEG_INFINITY)?;
    let high = c.number_or(2, f64::INFINITY)?;
    c.map(|x| x.try_clamp(low.min(high), high))
}

/// In evaluation, or with nothing dropped, everything stays.
fn dropout(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let (ratio, training) = (c.number_or(1, 0.5)?, c.number_or(2, 0.0)? != 0.0);
    if training && ratio > 0.0 {
        return Err("the random numbers are of another generator".into());
    }
    Ok(vec![x.clone(), T::try_ones(x.device(), *x.shape())?])
}
