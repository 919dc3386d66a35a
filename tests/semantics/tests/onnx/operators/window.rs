//! Where the windows of a convolution or pool lie.

use super::movement::padded;
use super::{Outcome, T};
use crate::call::{Call, sizes};
use minitorch_core::Result;

/// The windows along one axis.
pub(super) struct Window {
    /// How many elements a window has.
    pub(super) kernel: usize,
    /// From one window to the next.
    pub(super) stride: usize,
    /// From one element of a window to the next.
    pub(super) dilation: usize,
    /// What is added before and after the axis.
    pub(super) pads: [i64; 2],
    /// What is added behind that, so that the last window ends within.
    pub(super) beyond: i64,
}

impl Window {
    /// From the first to the last element.
    pub(super) fn reach(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// From the attributes of a node: one for each axis behind batch and channels.
    pub(super) fn all(c: &Call<'_>, x: &T, kernel: &[usize]) -> Outcome<Vec<Self>> {
        let spatial = x.shape().get(2..).ok_or("batch and channels are needed")?;
        let rank = spatial.len();
        let each = |name: &str| match c.ints(name) {
            Some(numbers) => sizes(numbers),
            None => Ok(vec![1; rank]),
        };
        let (strides, dilations) = (each("strides")?, each("dilations")?);
        let zeros = vec![0; 2 * rank];
        let pads = c.ints("pads").unwrap_or(&zeros);
        let windows = spatial.iter().enumerate().map(|(axis, &size)| {
            let mut window = Self {
                kernel: kernel[axis],
                stride: strides[axis],
                dilation: dilations[axis],
                pads: [pads[axis], pads[rank + axis]],
                beyond: 0,
            };
            let size = i64::try_from(size)?;
            let (stride, reach) = (
                i64::try_from(window.stride)?,
                i64::try_from(window.reach())?,
            );
            let auto = c.text("auto_pad", "NOTSET");
            if auto.starts_with("SAME") {
                let count = (size + stride - 1) / stride;
                let total = ((count - 1) * stride + reach - size).max(0);
                window.pads = halves(total, auto == "SAME_UPPER");
            }
            let [before, after] = window.pads;
            let room = size + before + after - reach;
            if c.flag("ceil_mode") && room % stride != 0 {
                let start = (room / stride + 1) * stride;
                // No window starts behind the tensor.
                if start < size + before {
                    window.beyond = start - room;
                }
            }
            Ok(window)
        });
        windows.collect()
    }

    /// What the windows show, in a new axis behind all others.
    pub(super) fn shown(&self, x: &T, axis: usize) -> Result<T> {
        let whole = x.try_window(axis, self.reach(), self.stride)?;
        whole.try_slice(x.rank(), 0, self.kernel, self.dilation)
    }

    /// The tensor with all that is added to it: `outer` where no element counts, `inner` where they do.
    pub(super) fn padded(windows: &[Self], x: &T, inner: f64, outer: f64) -> Outcome<T> {
        let mut out = x.clone();
        for (window, axis) in windows.iter().zip(2..) {
            let [before, after] = window.pads;
            out = padded(&out, axis, before, after, inner)?;
        }
        for (window, axis) in windows.iter().zip(2..) {
            out = padded(&out, axis, 0, window.beyond, outer)?;
        }
        Ok(out)
    }
}

/// A number as the sum of two, of which the second one is not smaller (`upper`) or not larger.
pub(super) fn halves(total: i64, upper: bool) -> [i64; 2] {
    let half = total / 2;
    match upper {
        true => [half, total - half],
        false => [total - half, half],
    }
}
