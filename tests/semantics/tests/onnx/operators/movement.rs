//! Pieces, joins and rearrangements.

use super::gather::along;
use super::{Operator, Outcome, T};
use crate::call::{Call, integers, one, shape, sizes};

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Concat", |c| one(T::try_cat(&c.tensors()?, c.axis(0)?)?)),
    ("Split", split),
    ("Slice", slice),
    ("Tile", tile),
    ("Pad", pad),
    ("CenterCropPad", center_crop_pad),
    ("DepthToSpace", depth_to_space),
    ("SpaceToDepth", space_to_depth),
];

fn tile(c: &Call<'_>) -> Outcome {
    let mut out = c.tensor(0)?.clone();
    for (axis, times) in c.sizes(1)?.into_iter().enumerate() {
        out = T::try_cat(&vec![out; times], axis)?;
    }
    one(out)
}

/// Into parts of given sizes, or as many parts as are asked for, of which the last one may be smaller.
fn split(c: &Call<'_>) -> Outcome {
    let (x, along) = (c.tensor(0)?, c.axis(0)?);
    let size = x.shape()[along];
    let parts = match (c.optional(1), c.ints("split")) {
        (Some(parts), _) => sizes(&integers(parts)?)?,
        (None, Some(parts)) => sizes(parts)?,
        (None, None) => {
            let each = size.div_ceil(c.results());
            let start = |part: usize| (part * each).min(size);
            let parts = 0..c.results();
            parts.map(|part| start(part + 1) - start(part)).collect()
        }
    };
    let mut start = 0;
    let part = |size: usize| {
        let part = x.try_narrow(along, start, size)?;
        start += size;
        Ok(part)
    };
    parts.into_iter().map(part).collect()
}

fn slice(c: &Call<'_>) -> Outcome {
    let mut out = c.tensor(0)?.clone();
    let (starts, ends) = (c.integers(1)?, c.integers(2)?);
    let axes = c.axes(3, out.rank())?;
    let axes = axes.unwrap_or_else(|| (0..starts.len()).collect());
    let steps = c.optional(4).map(integers).transpose()?;
    for (at, &axis) in axes.iter().enumerate() {
        let step = steps.as_ref().map_or(1, |steps| steps[at]);
        let size = i64::try_from(out.shape()[axis])?;
        // A slice backwards may start at the last element and end before the first one.
        let (low, high) = if step < 0 { (-1, size - 1) } else { (0, size) };
        let bound = |number: i64| {
            let number = if number < 0 {
                number.saturating_add(size)
            } else {
                number
            };
            number.clamp(low, high)
        };
        let (start, end) = (bound(starts[at]), bound(ends[at]));
        let places: Vec<usize> = if step > 0 {
            (start..end)
                .step_by(usize::try_from(step)?)
                .map(|at| at as usize)
                .collect()
        } else {
            let back = usize::try_from(step.unsigned_abs())?;
            (end + 1..=start)
                .rev()
                .step_by(back)
                .map(|at| at as usize)
                .collect()
        };
        out = match places[..] {
            [first, ..] if step > 0 => out.try_slice(axis, first, places.len(), step as usize)?,
            _ => along(c, &out, axis, &places)?,
        };
    }
    one(out)
}

/// `before` and `after` new elements along an axis; less than none takes some away.
pub(super) fn padded(x: &T, axis: usize, before: i64, after: i64, fill: f64) -> Outcome<T> {
    let size = i64::try_from(x.shape()[axis])?;
    let (skip, cut) = ((-before).max(0), (-after).max(0));
    let kept = usize::try_from(size - skip - cut)?;
    let kept = x.try_narrow(axis, usize::try_from(skip)?, kept)?;
    let block = |count: i64| {
        let mut sizes = kept.shape().to_vec();
        sizes[axis] = usize::try_from(count.max(0))?;
        Outcome::Ok(T::try_full(x.device(), shape(&sizes)?, fill)?)
    };
    if before <= 0 && after <= 0 {
        return Ok(kept);
    }
    let parts = [block(before)?, kept.clone(), block(after)?];
    Ok(T::try_cat(&parts, axis)?)
}

fn pad(c: &Call<'_>) -> Outcome {
    if c.text("mode", "constant") != "constant" {
        return Err("only constants are added".into());
    }
    let mut out = c.tensor(0)?.clone();
    let pads = c.integers(1)?;
    let fill = c.number_or(2, 0.0)?;
    let axes = c.axes(3, out.rank())?;
    let axes = axes.unwrap_or_else(|| (0..pads.len() / 2).collect());
    for (at, &axis) in axes.iter().enumerate() {
        out = padded(&out, axis, pads[at], pads[at + axes.len()], fill)?;
    }
    one(out)
}

/// The middle of an axis, or the axis in the middle of zeros; an odd one is more at the end.
fn center_crop_pad(c: &Call<'_>) -> Outcome {
    let mut out = c.tensor(0)?.clone();
    let wanted = c.integers(1)?;
    let axes = c.axes(2, out.rank())?;
    let axes = axes.unwrap_or_else(|| (0..out.rank()).collect());
    for (&axis, wanted) in axes.iter().zip(wanted) {
        let more = wanted - i64::try_from(out.shape()[axis])?;
        out = padded(&out, axis, more / 2, more - more / 2, 0.0)?;
    }
    one(out)
}

/// Channels become blocks of pixels: the block is before the channel (`DCR`) or behind it (`CRD`).
fn depth_to_space(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let block = usize::try_from(c.int("blocksize", 1))?;
    let [b, depth, h, w] = x.shape()[..] else {
        return Err("four axes are needed".into());
    };
    let depth = depth / (block * block);
    let (sizes, order) = match c.text("mode", "DCR") {
        "DCR" => ([b, block, block, depth, h, w], [0, 3, 4, 1, 5, 2]),
        _ => ([b, depth, block, block, h, w], [0, 1, 4, 2, 5, 3]),
    };
    let blocks = x.try_reshape(sizes)?.try_permute(&order)?;
    one(blocks.try_reshape([b, depth, h * block, w * block])?)
}

fn space_to_depth(c: &Call<'_>) -> Outcome {
    let x = c.tensor(0)?;
    let block = usize::try_from(c.int("blocksize", 1))?;
    let [b, depth, h, w] = x.shape()[..] else {
        return Err("four axes are needed".into());
    };
    let (h, w) = (h / block, w / block);
    let blocks = x.try_reshape([b, depth, h, block, w, block])?;
    let blocks = blocks.try_permute(&[0, 3, 5, 1, 2, 4])?;
    one(blocks.try_reshape([b, depth * block * block, h, w])?)
}
