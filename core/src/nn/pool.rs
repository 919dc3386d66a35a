//! The pooling layers.

use super::Layer;
use crate::backend::Backend;
use crate::error::Result;
use crate::tensor::Tensor;

macro_rules! pools {
    ($($(#[$doc:meta])* $name:ident: $size:ty, $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            kernel: $size,
            stride: $size,
        }

        impl $name {
            /// Windows of this size, side by side.
            #[must_use]
            pub const fn new(kernel: $size) -> Self {
                Self { kernel, stride: kernel }
            }

            /// The layer with another distance between windows.
            #[must_use]
            pub const fn stride(self, stride: $size) -> Self {
                Self { stride, ..self }
            }
        }

        crate::module!($name);

        impl<B: Backend> Layer<B> for $name {
            fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
                x.$method(self.kernel, self.stride)
            }
        }
    )*};
}

pools! {
    /// The largest element of each window: `[b, c, h, w]` gives `[b, c, oh, ow]`. The first of equal ones gets the
    /// gradient. Windows that do not fit are left out.
    ///
    /// ```
    /// use minitorch_core::nn::{Layer, MaxPool2d};
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::arange(&dev, 0.0, 16, 1.0).reshape([1, 1, 4, 4]);
    /// assert_eq!(MaxPool2d::new([2, 2]).forward(&x).to_vec(), [5.0, 7.0, 13.0, 15.0]);
    /// ```
    MaxPool2d: [usize; 2], try_max_pool2d;
    /// The mean of each window: `[b, c, h, w]` gives `[b, c, oh, ow]`. Windows that do not fit are left out.
    ///
    /// ```
    /// use minitorch_core::nn::{AvgPool2d, Layer};
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::arange(&dev, 0.0, 16, 1.0).reshape([1, 1, 4, 4]);
    /// assert_eq!(AvgPool2d::new([2, 2]).forward(&x).to_vec(), [2.5, 4.5, 10.5, 12.5]);
    /// ```
    AvgPool2d: [usize; 2], try_avg_pool2d;
    /// The largest element of each window: `[b, c, l]` gives `[b, c, ol]`. Otherwise as [`MaxPool2d`].
    MaxPool1d: usize, try_max_pool1d;
    /// The mean of each window: `[b, c, l]` gives `[b, c, ol]`. Otherwise as [`AvgPool2d`].
    AvgPool1d: usize, try_avg_pool1d;
}
