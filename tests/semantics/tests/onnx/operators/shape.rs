//! Tensors without operands, shapes, and other shapes of the same elements.

use super::{Operator, Outcome, T};
use crate::call::{Call, Operand, one, shape, sizes};

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Constant", constant),
    ("ConstantOfShape", constant_of_shape),
    ("Range", range),
    ("Identity", |c| c.map(|x| Ok(x.clone()))),
    ("Shape", sizes_of),
    ("Size", |c| one(c.count(&[c.tensor(0)?.elements()], &[])?)),
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
    ("Transpose", transpose),
    ("Expand", expand),
];

fn constant(c: &Call<'_>) -> Outcome {
    let array = c.array("value").ok_or("a tensor is needed")?;
    one(Operand::new(c.device, array)?.tensor)
}

fn constant_of_shape(c: &Call<'_>) -> Outcome {
    let value = match c.array("value") {
        Some(array) => Operand::new(c.device, array)?.tensor.try_item()?,
        None => 0.0,
    };
    one(T::try_full(c.device, shape(&c.sizes(0)?)?, value.into())?)
}

fn range(c: &Call<'_>) -> Outcome {
    let (start, end, step) = (c.number(0)?, c.number(1)?, c.number(2)?);
    let count = ((end - start) / step).ceil().max(0.0) as usize;
    one(T::try_arange(c.device, start, count, step)?)
}

fn sizes_of(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let rank = i64::try_from(x.rank())?;
    let bound = |number: i64| {
        let number = if number < 0 { number + rank } else { number };
        number.clamp(0, rank) as usize
    };
    let (start, end) = (bound(c.int("start", 0)), bound(c.int("end", rank)));
    let some = x.shape().get(start..end).unwrap_or_default();
    one(c.count(some, &[some.len()])?)
}

/// 0 keeps a size, unless `allowzero` says that it is one, and -1 stands for what is left.
fn reshape(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let asked = c.integers(1)?;
    let mut sizes = Vec::new();
    for (at, &number) in asked.iter().enumerate() {
        sizes.push(match number {
            -1 => 1,
            0 if !c.flag("allowzero") => *x.shape().get(at).ok_or("no size to keep")?,
            number => usize::try_from(number)?,
        });
    }
    if let Some(at) = asked.iter().position(|&number| number == -1) {
        sizes[at] = x.elements() / sizes.iter().product::<usize>().max(1);
    }
    one(x.try_reshape(shape(&sizes)?)?)
}

fn flatten(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let rank = x.rank();
    // The axis may be the rank itself, with nothing behind it.
    let at = match usize::try_from(c.int("axis", 1)) {
        Ok(at) if at == rank => at,
        _ => c.axis(1)?,
    };
    let (before, behind) = x.shape().split_at(at);
    one(x.try_reshape([before.iter().product(), behind.iter().product()])?)
}

fn squeeze(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let ones = || (0..x.rank()).filter(|&axis| x.shape()[axis] == 1);
    let axes = c.axes(1, x.rank())?.unwrap_or_else(|| ones().collect());
    one(super::reduce::each(x, &axes, T::try_squeeze)?)
}

fn unsqueeze(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let rank = x.rank() + c.tensor(1)?.elements();
    let mut axes = c.axes(1, rank)?.unwrap_or_default();
    axes.sort_unstable();
    let added = |x: T, &axis: &usize| x.try_unsqueeze(axis);
    one(axes.iter().try_fold(x.clone(), added)?)
}

fn transpose(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let order: Vec<usize> = match c.ints("perm") {
        Some(order) => sizes(order)?,
        None => (0..x.rank()).rev().collect(),
    };
    one(x.try_permute(&order)?)
}

/// As broadcasting does: a size of the tensor may also be the larger one.
fn expand(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let wanted = c.sizes(1)?;
    let common = minitorch_core::shape::shape_broadcast(x.shape(), &wanted)?;
    one(x.try_expand(common)?)
}
