//! Folding axes, and the places of extremes.

use super::activation::hardmax;
use super::elementwise::scalar;
use super::{Operator, Outcome, T};
use crate::call::{Call, one, shape};
use minitorch_core::Result;

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("ReduceSum", |c| reduce(c, T::try_sum)),
    ("ReduceMean", |c| reduce(c, T::try_mean)),
    ("ReduceProd", |c| reduce(c, T::try_prod)),
    ("ReduceMax", |c| {
        reduce(c, |x, axes| each(x, axes, T::try_max))
    }),
    ("ReduceMin", |c| {
        reduce(c, |x, axes| each(x, axes, T::try_min))
    }),
    ("ReduceL1", |c| {
        reduce(c, |x, axes| x.try_abs()?.try_sum(axes))
    }),
    ("ReduceL2", |c| {
        reduce(c, |x, axes| x.try_square()?.try_sum(axes)?.try_sqrt())
    }),
    ("ReduceSumSquare", |c| {
        reduce(c, |x, axes| x.try_square()?.try_sum(axes))
    }),
    ("ReduceLogSum", |c| {
        reduce(c, |x, axes| x.try_sum(axes)?.try_log())
    }),
    ("ReduceLogSumExp", |c| {
        reduce(c, |x, axes| each(x, axes, T::try_logsumexp))
    }),
    ("ArgMax", |c| extreme(c, |x| Ok(x.clone()))),
    ("ArgMin", |c| extreme(c, T::try_neg)),
    ("TopK", top),
];

/// Folds one axis after the other; the last one first, so that the others keep their numbers.
pub(super) fn each(x: &T, axes: &[usize], fold: fn(&T, usize) -> Result<T>) -> Result<T> {
    let mut axes = axes.to_vec();
    axes.sort_unstable();
    let folded = |x: T, &axis: &usize| fold(&x, axis);
    axes.iter().rev().try_fold(x.clone(), folded)
}

/// The sizes with some of them 1.
fn kept(x: &T, axes: &[usize]) -> Vec<usize> {
    let mut sizes = x.shape().to_vec();
    for &axis in axes {
        sizes[axis] = 1;
    }
    sizes
}

fn reduce(c: &Call<'_>, fold: fn(&T, &[usize]) -> Result<T>) -> Outcome {
    let x = c.tensor(0)?;
    let axes = match c.axes(1, x.rank())?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes,
        None if c.flag("noop_with_empty_axes") => Vec::new(),
        None => (0..x.rank()).collect(),
    };
    let out = fold(x, &axes)?;
    if c.int("keepdims", 1) == 0 {
        return one(out);
    }
    one(out.try_reshape(shape(&kept(x, &axes))?)?)
}

/// The place of the largest element of what `of` gives: the first one, or the last.
fn extreme(c: &Call<'_>, of: fn(&T) -> Result<T>) -> Outcome {
    let x = c.tensor(0)?;
    let along = c.axis(0)?;
    let (size, last) = (x.shape()[along], c.flag("select_last_index"));
    let mut scores = of(x)?;
    if last {
        let backwards: Vec<usize> = (0..size).rev().collect();
        scores = super::gather::along(c, &scores, along, &backwards)?;
    }
    let places = scores.try_argmax(along)?.try_to_vec()?;
    let places = places.into_iter().map(|at| at as usize);
    let places: Vec<usize> = places
        .map(|at| if last { size - 1 - at } else { at })
        .collect();
    let mut sizes = kept(x, &[along]);
    if c.int("keepdims", 1) == 0 {
        sizes.remove(along);
    }
    one(c.count(&places, &sizes)?)
}

/// The largest elements along an axis in descending order, or the smallest in ascending order, and their places: one
/// after the other, each time without those that are taken.
fn top(c: &Call<'_>) -> Outcome {
    let (x, along) = (c.tensor(0)?, c.axis(-1)?);
    let largest = c.int("largest", 1) != 0;
    let mut left = if largest { x.clone() } else { x.try_neg()? };
    let (mut values, mut places) = (Vec::new(), Vec::new());
    for _ in 0..c.number(1)? as usize {
        let first = left.try_argmax(along)?;
        let value = x.try_pick(along, &first)?;
        let place: Vec<usize> = first
            .try_to_vec()?
            .into_iter()
            .map(|at| at as usize)
            .collect();
        places.push(c.count(&place, value.shape())?);
        values.push(value);
        let taken = hardmax(&left, along)?;
        left = taken.try_where_else(&scalar(x, f64::NEG_INFINITY)?, &left)?;
    }
    Ok(vec![
        T::try_stack(&values, along)?,
        T::try_stack(&places, along)?,
    ])
}
