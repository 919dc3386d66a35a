//! Pools: windows of which each becomes one element.

use super::window::Window;
use super::{Operator, Outcome, T};
use crate::call::{Call, one, shape, sizes};
use minitorch_core::Result;

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("MaxPool", max_pool),
    ("AveragePool", average_pool),
    ("LpPool", lp_pool),
    ("GlobalMaxPool", |c| global(c, T::try_max)),
    ("GlobalAveragePool", |c| {
        global(c, |x, axis| x.try_mean(&[axis]))
    }),
];

fn windows(c: &Call<'_>) -> Outcome<Vec<Window>> {
    let kernel = c.ints("kernel_shape").ok_or("a kernel is needed")?;
    Window::all(c, c.tensor(0)?, &sizes(kernel)?)
}

fn max_pool(c: &Call<'_>) -> Outcome {
    if c.results() > 1 {
        return Err("pools do not say where the maxima were".into());
    }
    let (windows, lowest) = (windows(c)?, f64::NEG_INFINITY);
    let x = Window::padded(&windows, c.tensor(0)?, lowest, lowest)?;
    one(match simple(&windows)[..] {
        [(kernel, stride)] => x.try_max_pool1d(kernel, stride)?,
        [(h, down), (w, right)] => x.try_max_pool2d([h, w], [down, right])?,
        _ => folded(x, &windows, T::try_max)?,
    })
}

/// The mean of what lies in each window, with or without what was added to the tensor.
fn average_pool(c: &Call<'_>) -> Outcome {
    let (x, windows) = (c.tensor(0)?, windows(c)?);
    let added = f64::from(u8::from(c.flag("count_include_pad")));
    let ones = T::try_ones(c.device, *x.shape())?;
    let sum = mean(Window::padded(&windows, x, 0.0, 0.0)?, &windows)?;
    let count = mean(Window::padded(&windows, &ones, added, 0.0)?, &windows)?;
    one(sum.try_div(&count)?)
}

/// The norm of each window: the root of the sum of powers.
fn lp_pool(c: &Call<'_>) -> Outcome {
    let (windows, p) = (windows(c)?, c.int("p", 2) as f64);
    let x = Window::padded(&windows, c.tensor(0)?, 0.0, 0.0)?;
    let mean = mean(x.try_abs()?.try_powf(p)?, &windows)?;
    let count = windows
        .iter()
        .map(|window| window.kernel)
        .product::<usize>();
    one(mean.try_mul_scalar(count as f64)?.try_powf(1.0 / p)?)
}

fn mean(x: T, windows: &[Window]) -> Outcome<T> {
    Ok(match simple(windows)[..] {
        [(kernel, stride)] => x.try_avg_pool1d(kernel, stride)?,
        [(h, down), (w, right)] => x.try_avg_pool2d([h, w], [down, right])?,
        _ => folded(x, windows, |x, axis| x.try_mean(&[axis]))?,
    })
}

/// Kernels and strides, if those are all that there is to the windows.
fn simple(windows: &[Window]) -> Vec<(usize, usize)> {
    match windows.iter().all(|window| window.dilation == 1) {
        true => windows
            .iter()
            .map(|window| (window.kernel, window.stride))
            .collect(),
        false => Vec::new(),
    }
}

/// Any number of axes and any dilation: a fold of the windows of one axis after the other.
fn folded(x: T, windows: &[Window], fold: fn(&T, usize) -> Result<T>) -> Outcome<T> {
    let mut out = x;
    for (window, axis) in windows.iter().zip(2..) {
        let shown = window.shown(&out, axis)?;
        out = fold(&shown, shown.rank() - 1)?;
    }
    Ok(out)
}

/// Over everything behind the channels.
fn global(c: &Call<'_>, fold: fn(&T, usize) -> Result<T>) -> Outcome {
    let x = c.tensor(0)?;
    let mut sizes = x.shape().to_vec();
    let rest: usize = sizes.drain(2..).product();
    let all = x.try_reshape([sizes[0], sizes[1], rest])?;
    sizes.resize(x.rank(), 1);
    one(fold(&all, 2)?.try_reshape(shape(&sizes)?)?)
}
