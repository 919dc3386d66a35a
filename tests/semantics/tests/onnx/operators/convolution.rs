//! Convolutions and their transposes.

use super::movement::padded;
use super::window::{Window, halves};
use super::{Operator, Outcome, T};
use crate::call::{Call, one, shape};
use minitorch_core::{Padding, Result};

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Conv", conv),
    ("ConvTranspose", conv_transpose),
    ("Col2Im", image),
];

fn conv(c: &Call<'_>) -> Outcome {
    let (x, weight) = (c.tensor(0)?, c.tensor(1)?);
    let windows = Window::all(c, x, &weight.shape()[2..])?;
    let weight = dilated(weight, &windows)?;
    let groups = c.size("group", 1)?;
    let symmetric = windows
        .iter()
        .all(|window| window.pads[0] == window.pads[1]);
    let (x, pads) = match windows[..] {
        // What core pads itself.
        [ref down, ref right] if symmetric => {
            let pads = [down.pads[0].try_into()?, right.pads[0].try_into()?];
            (x.clone(), Padding::Symmetric(pads))
        }
        _ => (Window::padded(&windows, x, 0.0, 0.0)?, Padding::Valid),
    };
    let parts = |whole: &T, axis: usize| parts(whole, axis, groups);
    let mut out = Vec::new();
    for (x, weight) in parts(&x, 1)?.iter().zip(&parts(&weight, 0)?) {
        out.push(cross(x, weight, &windows, pads)?);
    }
    let out = T::try_cat(&out, 1)?;
    one(with_bias(c, out)?)
}

/// The gradient of a convolution by its input: what core computes for learning.
fn conv_transpose(c: &Call<'_>) -> Outcome {
    let (x, weight) = (c.tensor(0)?, c.tensor(1)?);
    let windows = Window::all(c, x, &weight.shape()[2..])?;
    let weight = dilated(weight, &windows)?;
    let groups = c.size("group", 1)?;
    let mut out = Vec::new();
    for (x, weight) in parts(x, 1, groups)?.iter().zip(&parts(&weight, 0, groups)?) {
        let mut sizes = x.shape().to_vec();
        sizes[1] = weight.shape()[1];
        for (window, size) in windows.iter().zip(&mut sizes[2..]) {
            *size = (*size - 1) * window.stride + window.reach();
        }
        let input = T::try_zeros(c.device, shape(&sizes)?)?.try_tracked()?;
        let forward = cross(&input, weight, &windows, Padding::Valid)?;
        let mut gradients = forward.try_backward_with(x.clone())?;
        out.push(gradients.take(&input).ok_or("the input has no gradient")?);
    }
    let mut out = T::try_cat(&out, 1)?;
    for (at, window) in windows.iter().enumerate() {
        let full = i64::try_from(out.shape()[at + 2])?;
        let more = c.ints("output_padding").map_or(0, |more| more[at]);
        let auto = c.text("auto_pad", "NOTSET");
        let wanted = match c.ints("output_shape") {
            Some(sizes) => Some(sizes[at]),
            None if auto == "NOTSET" => None,
            None => Some(i64::try_from(x.shape()[at + 2] * window.stride)?),
        };
        let [before, size] = match wanted {
            Some(size) => {
                let cut = (full + more - size).max(0);
                [halves(cut, auto == "SAME_UPPER")[0], size]
            }
            None => {
                let [before, after] = window.pads;
                [before, full + more - before - after]
            }
        };
        out = padded(&out, at + 2, -before, size + before - full, 0.0)?;
    }
    one(with_bias(c, out)?)
}

/// The sum of patches `[b, c * kernel, count]` that overlap in an image: the gradient of looking at it through windows.
fn image(c: &Call<'_>) -> Outcome {
    let (patches, sizes, kernel) = (c.tensor(0)?, c.sizes(1)?, c.sizes(2)?);
    let [b, depth, _] = patches.shape()[..] else {
        return Err("three axes are needed".into());
    };
    let depth = depth / kernel.iter().product::<usize>();
    let sizes = [&[b, depth], &sizes[..]].concat();
    let image = T::try_zeros(c.device, shape(&sizes)?)?.try_tracked()?;
    let windows = Window::all(c, &image, &kernel)?;
    let mut shown = Window::padded(&windows, &image, 0.0, 0.0)?;
    for (window, axis) in windows.iter().zip(2..) {
        shown = window.shown(&shown, axis)?;
    }
    let spatial = windows.len();
    let kernels_first = (0..2)
        .chain(2 + spatial..2 + 2 * spatial)
        .chain(2..2 + spatial);
    let shown = shown.try_permute(&kernels_first.collect::<Vec<_>>())?;
    let shown = shown.try_reshape(*patches.shape())?;
    let mut gradients = shown.try_backward_with(patches.clone())?;
    one(gradients.take(&image).ok_or("the image has no gradient")?)
}

/// One axis or two, as core has them.
fn cross(x: &T, weight: &T, windows: &[Window], pads: Padding) -> Outcome<T> {
    match windows {
        [along] => Ok(x.try_conv1d(weight, along.stride, pads)?),
        [down, right] => Ok(x.try_conv2d(weight, [down.stride, right.stride], pads)?),
        more => Err(format!("a convolution along {} axes", more.len()).into()),
    }
}

/// A kernel with zeros between its elements.
fn dilated(weight: &T, windows: &[Window]) -> Outcome<T> {
    let mut out = weight.clone();
    for (window, axis) in windows
        .iter()
        .zip(2..)
        .filter(|(window, _)| window.dilation > 1)
    {
        let mut sizes = out.shape().to_vec();
        sizes[axis] *= window.dilation;
        let gaps = i64::try_from(window.dilation - 1)?;
        let apart = padded(&out.try_unsqueeze(axis + 1)?, axis + 1, 0, gaps, 0.0)?;
        let joined = apart.try_reshape(shape(&sizes)?)?;
        out = joined.try_narrow(axis, 0, window.reach())?;
    }
    Ok(out)
}

/// As many equal parts of an axis.
fn parts(whole: &T, axis: usize, count: usize) -> Result<Vec<T>> {
    let size = whole.shape()[axis] / count;
    let part = |at| whole.try_narrow(axis, at * size, size);
    (0..count).map(part).collect()
}

fn with_bias(c: &Call<'_>, out: T) -> Outcome<T> {
    match c.optional(2) {
        Some(bias) => Ok(out.try_add(&super::normalization::channels(bias, out.rank())?)?),
        None => Ok(out),
    }
}
