//! Normalizations: elements less their mean, divided by how far they lie from it.

use super::movement::padded;
use super::{Operator, Outcome, T};
use crate::call::{Call, one, shape};
use minitorch_core::Result;

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("BatchNormalization", batch),
    ("InstanceNormalization", instance),
    ("GroupNormalization", group),
    ("LayerNormalization", layer),
    ("RMSNormalization", root_mean_square),
    ("MeanVarianceNormalization", mean_variance),
    ("LpNormalization", norm),
    ("LRN", local_response),
];

/// One number for each channel, as a tensor that `[b, c, ..]` of `rank` axes broadcasts with.
pub(super) fn channels(x: &T, rank: usize) -> Outcome<T> {
    let mut sizes = vec![1; rank - 1];
    sizes[0] = x.elements();
    Ok(x.try_reshape(shape(&sizes)?)?)
}

/// The mean of axes and the inverse of their standard deviation, with axes of size 1.
fn moments(x: &T, axes: &[usize], epsilon: f64) -> Result<[T; 2]> {
    let mean = x.try_mean_keepdim(axes)?;
    let variance = x.try_var(axes, 0)?.try_reshape(*mean.shape())?;
    Ok([mean, inverse_root(&variance, epsilon)?])
}

fn inverse_root(variance: &T, epsilon: f64) -> Result<T> {
    variance.try_add_scalar(epsilon)?.try_sqrt()?.try_inv()
}

fn normalized(x: &T, axes: &[usize], epsilon: f64) -> Result<T> {
    let [mean, inverse] = moments(x, axes, epsilon)?;
    x.try_sub(&mean)?.try_mul(&inverse)
}

/// The mean and variance of each channel: operands or, in training, those of the batch, which then also move the
/// operands.
fn batch(c: &Call<'_>) -> Outcome {
    let (x, epsilon) = (c.tensor(0)?, c.float("epsilon", 1e-5));
    let affine = |at: usize| channels(c.tensor(at)?, x.rank());
    let (scale, shift) = (affine(1)?, affine(2)?);
    let running = [c.tensor(3)?, c.tensor(4)?];
    if !c.flag("training_mode") {
        let inverse = inverse_root(&affine(4)?, epsilon)?;
        let out = x.try_sub(&affine(3)?)?.try_mul(&inverse)?;
        return one(out.try_mul(&scale)?.try_add(&shift)?);
    }
    let axes: Vec<usize> = (0..x.rank()).filter(|&axis| axis != 1).collect();
    let out = normalized(x, &axes, epsilon)?.try_mul(&scale)?;
    let keep = c.float("momentum", 0.9);
    let moved = |old: &T, new: T| -> Result<T> {
        let new = new.try_mul_scalar(1.0 - keep)?;
        old.try_mul_scalar(keep)?.try_add(&new)
    };
    Ok(vec![
        out.try_add(&shift)?,
        moved(running[0], x.try_mean(&axes)?)?,
        moved(running[1], x.try_var(&axes, 0)?)?,
    ])
}

fn instance(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let axes: Vec<usize> = (2..x.rank()).collect();
    let out = normalized(x, &axes, c.float("epsilon", 1e-5))?;
    let out = out.try_mul(&channels(c.tensor(1)?, x.rank())?)?;
    one(out.try_add(&channels(c.tensor(2)?, x.rank())?)?)
}

fn group(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let groups = c.size("num_groups", 1)?;
    let together = x.elements() / x.shape()[0] / groups;
    let grouped = x.try_reshape([x.shape()[0], groups, together])?;
    let out = normalized(&grouped, &[2], c.float("epsilon", 1e-5))?;
    let out = out.try_reshape(*x.shape())?;
    let out = out.try_mul(&channels(c.tensor(1)?, x.rank())?)?;
    one(out.try_add(&channels(c.tensor(2)?, x.rank())?)?)
}

/// The axes from the one that is named to the last one.
fn trailing(c: &Call<'_>) -> Outcome<Vec<usize>> {
    Ok((c.axis(-1)?..c.tensor(0)?.rank()).collect())
}

fn layer(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let [mean, inverse] = moments(x, &trailing(c)?, c.float("epsilon", 1e-5))?;
    let out = x.try_sub(&mean)?.try_mul(&inverse)?.try_mul(c.tensor(1)?)?;
    let out = match c.optional(2) {
        Some(shift) => out.try_add(shift)?,
        None => out,
    };
    Ok(vec![out, mean, inverse])
}

fn root_mean_square(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let square = x.try_square()?.try_mean_keepdim(&trailing(c)?)?;
    let inverse = inverse_root(&square, c.float("epsilon", 1e-5))?;
    one(x.try_mul(&inverse)?.try_mul(c.tensor(1)?)?)
}

fn mean_variance(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let axes = c.axes(1, x.rank())?.unwrap_or_else(|| vec![0, 2, 3]);
    one(normalized(x, &axes, 1e-9)?)
}

/// Divided by the sum of the sizes or by the root of the sum of squares; zeros stay.
fn norm(c: &Call<'_>) -> Outcome {
    let (x, axis) = (c.tensor(0)?, c.axis(-1)?);
    let norm = match c.int("p", 2) {
        1 => x.try_abs()?.try_sum_keepdim(&[axis])?,
        2 => x.try_square()?.try_sum_keepdim(&[axis])?.try_sqrt()?,
        other => return Err(format!("no norm {other}").into()),
    };
    let zeros = T::try_zeros(c.device, *x.shape())?;
    one(norm.try_where_else(&x.try_div(&norm)?, &zeros)?)
}

/// Divided by a power of the mean of squares in neighbouring channels.
fn local_response(c: &Call<'_>) -> Outcome {
    let (x, size) = (c.tensor(0)?, c.int("size", 1));
    let squares = padded(&x.try_square()?, 1, (size - 1) / 2, size / 2, 0.0)?;
    let near = squares.try_window(1, size.try_into()?, 1)?;
    let mean = near.try_mean(&[near.rank() - 1])?;
    let scaled = mean.try_mul_scalar(c.float("alpha", 1e-4))?;
    let base = scaled.try_add_scalar(c.float("bias", 1.0))?;
    one(x.try_div(&base.try_powf(c.float("beta", 0.75))?)?)
}
