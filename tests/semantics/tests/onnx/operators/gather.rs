//! Reading and writing at positions that are operands. Writing reads, too: each element of the result comes from the
//! old tensor or from the updates.

use super::{Operator, Outcome, T};
use crate::call::{Call, integers, one, shape, wrapped};
use minitorch_core::Result;
use minitorch_tests::oracle::{indices, place};

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Gather", gather),
    ("GatherElements", gather_elements),
    ("GatherND", gather_nd),
    ("Scatter", scatter_elements),
    ("ScatterElements", scatter_elements),
    ("ScatterND", scatter_nd),
    ("TensorScatter", tensor_scatter),
    ("OneHot", one_hot),
    ("Compress", compress),
    ("ReverseSequence", reverse_sequence),
];

/// The elements of `x` at these positions of one axis.
pub(super) fn along(c: &Call<'_>, x: &T, axis: usize, places: &[usize]) -> Outcome<T> {
    let front = x.try_transpose(0, axis)?;
    let mut sizes = front.shape().to_vec();
    let rest = sizes[1..].iter().product::<usize>();
    let rows = front.try_reshape([sizes[0], rest])?;
    sizes[0] = places.len();
    let rows = rows.try_rows(&c.index(places)?)?;
    Ok(rows.try_reshape(shape(&sizes)?)?.try_transpose(0, axis)?)
}

/// The elements of `x` at these positions of its row-major order.
fn flat(c: &Call<'_>, x: &T, places: &[usize], sizes: &[usize]) -> Outcome<T> {
    let table = x.try_reshape([x.elements(), 1])?;
    let rows = table.try_rows(&c.index(places)?)?;
    Ok(rows.try_reshape(shape(sizes)?)?)
}

/// `x` with element `from` of `updates` at each position `to` of their row-major orders.
fn written(c: &Call<'_>, x: &T, updates: &T, moves: &[(usize, usize)]) -> Outcome<T> {
    let count = x.elements();
    let ends = [
        x.try_reshape(count)?,
        updates.try_reshape(updates.elements())?,
    ];
    let mut places: Vec<usize> = (0..count).collect();
    for &(to, from) in moves {
        places[to] = count + from;
    }
    flat(c, &T::try_cat(&ends, 0)?, &places, x.shape())
}

fn gather(c: &Call<'_>) -> Outcome {
    let (x, axis) = (c.tensor(0)?, c.axis(0)?);
    let places = positions(&c.integers(1)?, x.shape()[axis])?;
    let mut sizes = x.shape().to_vec();
    sizes.splice(axis..=axis, c.tensor(1)?.shape().iter().copied());
    one(along(c, x, axis, &places)?.try_reshape(shape(&sizes)?)?)
}

fn positions(numbers: &[i64], size: usize) -> Outcome<Vec<usize>> {
    let positions = numbers.iter().map(|&number| wrapped(number, size));
    positions.collect()
}

/// Where in `x` each element of operand 1 points, which has the position along `axis`; the others are its own.
fn pointed(c: &Call<'_>, axis: usize) -> Outcome<Vec<usize>> {
    let (x, index) = (c.tensor(0)?, c.tensor(1)?);
    let along = positions(&integers(index)?, x.shape()[axis])?;
    let each = indices(index.shape()).zip(along);
    Ok(each
        .map(|(mut at, along)| {
            at[axis] = along;
            place(&at, x.shape())
        })
        .collect())
}

fn gather_elements(c: &Call<'_>) -> Outcome {
    let places = pointed(c, c.axis(0)?)?;
    one(flat(c, c.tensor(0)?, &places, c.tensor(1)?.shape())?)
}

fn scatter_elements(c: &Call<'_>) -> Outcome {
    scattered(c, &pointed(c, c.axis(0)?)?)
}

/// Each element of operand 2 in its place of operand 0, alone or joined with what is there.
fn scattered(c: &Call<'_>, places: &[usize]) -> Outcome {
    let join: fn(&T, &T) -> Result<T> = match c.text("reduction", "none") {
        "none" => |_, new| Ok(new.clone()),
        "add" => T::try_add,
        "mul" => T::try_mul,
        "max" => T::try_maximum,
        "min" => T::try_minimum,
        other => return Err(format!("scattering with {other}").into()),
    };
    let (mut out, updates) = (c.tensor(0)?.clone(), c.tensor(2)?);
    // A place that occurs several times is written once in each of several rounds.
    let mut rounds: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut seen = vec![0; out.elements()];
    for (&to, from) in places.iter().zip(0..) {
        if seen[to] == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[seen[to]].push((to, from));
        seen[to] += 1;
    }
    for round in rounds {
        let (to, from): (Vec<_>, Vec<_>) = round.into_iter().unzip();
        let count = [to.len()];
        let new = join(
            &flat(c, &out, &to, &count)?,
            &flat(c, updates, &from, &count)?,
        )?;
        let moves: Vec<_> = to.into_iter().zip(0..).collect();
        out = written(c, &out, &new, &moves)?;
    }
    one(out)
}

/// The blocks of `x` that the rows of operand 1 point at: where each starts, and how long they are.
fn blocks(c: &Call<'_>) -> Outcome<(Vec<usize>, usize)> {
    let (x, index) = (c.tensor(0)?, c.tensor(1)?);
    let depth = *index.shape().last().ok_or("an index has an axis")?;
    let (led, rest) = x
        .shape()
        .split_at_checked(depth)
        .ok_or("an index too long")?;
    let length = rest.iter().product::<usize>();
    let numbers = integers(index)?;
    let starts = numbers.chunks(depth.max(1)).map(|row| {
        let at = row
            .iter()
            .zip(led)
            .map(|(&number, &size)| wrapped(number, size));
        Ok(place(&at.collect::<Outcome<Vec<_>>>()?, led) * length)
    });
    Ok((starts.collect::<Outcome<_>>()?, length))
}

fn gather_nd(c: &Call<'_>) -> Outcome {
    if c.flag("batch_dims") {
        return Err("an index for each member of a batch".into());
    }
    let (x, index) = (c.tensor(0)?, c.tensor(1)?);
    let (starts, length) = blocks(c)?;
    let places: Vec<usize> = starts.iter().flat_map(|&at| at..at + length).collect();
    let (depth, lead) = index.shape().split_last().ok_or("an index has an axis")?;
    let sizes = [lead, &x.shape()[*depth..]].concat();
    one(flat(c, x, &places, &sizes)?)
}

fn scatter_nd(c: &Call<'_>) -> Outcome {
    let (starts, length) = blocks(c)?;
    let places = starts.iter().flat_map(|&at| at..at + length);
    scattered(c, &places.collect::<Vec<_>>())
}

/// Operand 1 in a cache: from a position of its own in each entry of the batch.
fn tensor_scatter(c: &Call<'_>) -> Outcome {
    let (x, updates) = (c.tensor(0)?, c.tensor(1)?);
    let axis = wrapped(c.int("axis", -2), x.rank())?;
    let starts = match c.optional(2) {
        Some(_) => c.sizes(2)?,
        None => vec![0; x.shape()[0]],
    };
    let moves = indices(updates.shape()).map(|mut at| {
        at[axis] += starts[at[0]];
        if c.text("mode", "linear") == "circular" {
            at[axis] %= x.shape()[axis];
        }
        place(&at, x.shape())
    });
    let moves: Vec<_> = moves.zip(0..).collect();
    one(written(c, x, updates, &moves)?)
}

/// Both values, in a new axis of `depth` behind or within those of the labels.
fn one_hot(c: &Call<'_>) -> Outcome {
    let labels = c.tensor(0)?;
    let depth = c.number(1)? as usize;
    let places = positions(&c.integers(0)?, depth)?;
    let hot = T::try_one_hot(c.device, &c.index(&places)?, depth)?;
    let rank = labels.rank();
    let hot = hot.try_reshape(shape(&[labels.shape(), &[depth][..]].concat())?)?;
    let mut order: Vec<usize> = (0..rank).collect();
    order.insert(wrapped(c.int("axis", -1), rank + 1)?, rank);
    let values = c.tensor(2)?;
    let [off, on] = [values.try_narrow(0, 0, 1)?, values.try_narrow(0, 1, 1)?];
    one(hot.try_permute(&order)?.try_where_else(&on, &off)?)
}

/// What the condition marks, along an axis or of all elements in row-major order.
fn compress(c: &Call<'_>) -> Outcome {
    let marks = c.integers(1)?;
    let marked = marks.iter().enumerate().filter(|(_, mark)| **mark != 0);
    let places: Vec<usize> = marked.map(|(at, _)| at).collect();
    let x = c.tensor(0)?;
    match c.ints("axis").is_some() {
        true => one(along(c, x, c.axis(0)?, &places)?),
        false => one(flat(c, x, &places, &[places.len()])?),
    }
}

/// The start of each sequence of a batch, backwards; how long it is says operand 1.
fn reverse_sequence(c: &Call<'_>) -> Outcome {
    let (x, lengths) = (c.tensor(0)?, c.integers(1)?);
    let time = wrapped(c.int("time_axis", 0), x.rank())?;
    let batch = wrapped(c.int("batch_axis", 1), x.rank())?;
    let places = indices(x.shape()).map(|mut at| {
        let length = usize::try_from(lengths[at[batch]])?;
        if at[time] < length {
            at[time] = length - 1 - at[time];
        }
        Ok(place(&at, x.shape()))
    });
    one(flat(
        c,
        x,
        &places.collect::<Outcome<Vec<_>>>()?,
        x.shape(),
    )?)
}
