//! Convolution and pooling.

use super::{Tensor, plain_forms};
use crate::backend::{Backend, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;

/// How far a convolution reaches beyond the input, which counts as zeros there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Padding {
    /// Not at all: only windows that lie inside of the input.
    #[default]
    Valid,
    /// By as many rows above as below, and columns left as right: PyTorch's `padding=(rows, columns)`.
    Symmetric([usize; 2]),
    /// The kernel is anchored at its top left, and the zeros lie at the bottom and right: MiniTorch's convolution.
    /// With stride 1 the size stays.
    MiniTorch,
    /// The kernel is anchored at its bottom right, and the zeros lie at the top and left: MiniTorch's `reverse=True`,
    /// with the kernel in the usual order (MiniTorch reads `x[i - k] * w[k]`, which is this with `w` reversed).
    MiniTorchReverse,
}

impl Padding {
    /// The window of a kernel over an input.
    pub(super) fn window(
        self,
        op: &'static str,
        input: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
    ) -> Result<Window> {
        let mut window = Window {
            kernel,
            stride,
            before: [0; 2],
            input,
            output: [0; 2],
        };
        for axis in 0..2 {
            if stride[axis] == 0 || kernel[axis] == 0 {
                return Err(Error::new(
                    ErrorKind::Argument,
                    op,
                    "kernel and stride must be at least 1",
                ));
            }
            let (before, behind) = match self {
                Self::Valid => (0, 0),
                Self::Symmetric(pad) => (pad[axis], pad[axis]),
                Self::MiniTorch => (0, kernel[axis] - 1),
                Self::MiniTorchReverse => (kernel[axis] - 1, 0),
            };
            let padded = [before, behind]
                .into_iter()
                .try_fold(input[axis], |size, padding| {
                    size.checked_add(padding)
                        .filter(|&size| padding == 0 || size <= isize::MAX as usize)
                });
            let Some(padded) = padded else {
                return Err(
                    Error::about(ErrorKind::Size, op, &[input[axis], before.max(behind)])
                        .advise("this size with its padding is more than can be counted; pad less"),
                );
            };
            let Some(room) = padded.checked_sub(kernel[axis]) else {
                return Err(Error::between(ErrorKind::Shape, op, &input, &kernel)
                    .advise("the kernel must not be larger than the padded input"));
            };
            window.before[axis] = before;
            window.output[axis] = room / stride[axis] + 1;
            // With a single output the stride says nothing.
            window.stride[axis] = stride[axis].min(room + 1);
        }
        Ok(window)
    }
}

impl<B: Backend> Tensor<B> {
    /// Two-dimensional convolution (cross-correlation, as in PyTorch): `[b, c, h, w]` with kernels `[o, c, kh, kw]`
    /// gives `[b, o, oh, ow]`. Formula and order of the sums: [`crate::conv`].
    ///
    /// ```
    /// use minitorch_core::{Cpu, Padding, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let image = Tensor::arange(&dev, 0.0, 9, 1.0).reshape([1, 1, 3, 3]);
    /// let sum = Tensor::ones(&dev, [1, 1, 2, 2]);
    /// assert_eq!(image.conv2d(&sum, [1, 1], Padding::Valid).to_vec(), [8.0, 12.0, 20.0, 24.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Rank`] if an operand does not have four axes; [`ErrorKind::Shape`] if the channels differ or the
    /// kernel does not fit; [`ErrorKind::Argument`] if a stride or a size of the kernel is 0; [`ErrorKind::Size`] if
    /// padding makes more elements than can be counted.
    pub fn try_conv2d(&self, weight: &Self, stride: [usize; 2], padding: Padding) -> Result<Self> {
        let ([b, o], window) = self.convolved(weight, stride, padding)?;
        let [oh, ow] = window.output;
        let out = Self::dense(
            self.device().conv2d(self.view(), weight.view(), &window)?,
            [b, o, oh, ow],
        )?;
        out.recorded("conv2d", [self, weight], || {
            let (x, weight) = (self.detach(), weight.detach());
            move |grad: Self, sink| {
                let device = grad.device();
                sink.add(0, || {
                    Self::dense(
                        device.conv2d_input_grad(grad.view(), weight.view(), &window)?,
                        x.shape(),
                    )
                })?;
                sink.add(1, || {
                    Self::dense(
                        device.conv2d_weight_grad(x.view(), grad.view(), &window)?,
                        weight.shape(),
                    )
                })
            }
        })
    }

    /// Images and output channels of a convolution, and its window, if the operands go together.
    pub(super) fn convolved(
        &self,
        weight: &Self,
        stride: [usize; 2],
        padding: Padding,
    ) -> Result<([usize; 2], Window)> {
        let [b, c, h, w] = self.axes("conv2d")?;
        let [o, channels, kh, kw] = weight.axes("conv2d")?;
        if c != channels {
            return Err(
                Error::between(ErrorKind::Shape, "conv2d", self.shape(), weight.shape())
                    .advise("input [b, c, h, w] and weight [o, c, kh, kw] must agree in c"),
            );
        }
        let window = padding.window("conv2d", [h, w], [kh, kw], stride)?;
        let [oh, ow] = window.output;
        // Too many elements are an error before the device is asked.
        Layout::contiguous([b, o, oh, ow])?;
        Ok(([b, o], window))
    }

    /// One-dimensional convolution: `[b, c, l]` with kernels `[o, c, k]` gives `[b, o, ol]`.
    ///
    /// # Errors
    /// As [`Tensor::try_conv2d`], with three axes.
    pub fn try_conv1d(&self, weight: &Self, stride: usize, padding: Padding) -> Result<Self> {
        let padding = match padding {
            Padding::Symmetric([_, columns]) => Padding::Symmetric([0, columns]),
            other => other,
        };
        let row = |tensor: &Self| match tensor.rank() {
            3 => tensor.try_unsqueeze(2),
            _ => Err(Error::about(ErrorKind::Rank, "conv1d", tensor.shape())
                .advise("three axes are needed: [b, c, l]")),
        };
        let out = row(self)?
            .try_conv2d(&row(weight)?, [1, stride], padding)
            .map_err(|error| error.in_op("conv1d"))?;
        out.try_squeeze(2)
    }

    /// The mean of each window of `[b, c, h, w]`; windows that do not fit are left out, as in PyTorch.
    ///
    /// # Errors
    /// [`ErrorKind::Rank`] without four axes; [`ErrorKind::Shape`] if the kernel is larger than the input;
    /// [`ErrorKind::Argument`] if a size or stride is 0.
    pub fn try_avg_pool2d(&self, kernel: [usize; 2], stride: [usize; 2]) -> Result<Self> {
        let [b, c, h, w] = self.axes("avg_pool2d")?;
        let window = Padding::Valid.window("avg_pool2d", [h, w], kernel, stride)?;
        let [oh, ow] = window.output;
        let out = Self::dense(
            self.device().avg_pool2d(self.view(), &window)?,
            [b, c, oh, ow],
        )?;
        out.recorded("avg_pool2d", [self], || {
            move |grad: Self, sink| {
                sink.add(0, || {
                    Self::dense(
                        grad.device().avg_pool2d_grad(grad.view(), &window)?,
                        [b, c, h, w],
                    )
                })
            }
        })
    }

    /// The largest element of each window of `[b, c, h, w]`; the first of equal ones gets the gradient.
    ///
    /// # Errors
    /// As [`Tensor::try_avg_pool2d`].
    pub fn try_max_pool2d(&self, kernel: [usize; 2], stride: [usize; 2]) -> Result<Self> {
        let [b, c, h, w] = self.axes("max_pool2d")?;
        let window = Padding::Valid.window("max_pool2d", [h, w], kernel, stride)?;
        let [oh, ow] = window.output;
        let out = Self::dense(
            self.device().max_pool2d(self.view(), &window)?,
            [b, c, oh, ow],
        )?;
        out.recorded("max_pool2d", [self], || {
            let x = self.detach();
            move |grad: Self, sink| {
                sink.add(0, || {
                    Self::dense(
                        grad.device()
                            .max_pool2d_grad(x.view(), grad.view(), &window)?,
                        [b, c, h, w],
                    )
                })
            }
        })
    }

    /// The mean of each window of `[b, c, l]`.
    ///
    /// # Errors
    /// As [`Tensor::try_avg_pool2d`], with three axes.
    pub fn try_avg_pool1d(&self, kernel: usize, stride: usize) -> Result<Self> {
        self.pool_row("avg_pool1d", |x| x.try_avg_pool2d([1, kernel], [1, stride]))
    }

    /// The largest element of each window of `[b, c, l]`.
    ///
    /// # Errors
    /// As [`Tensor::try_max_pool2d`], with three axes.
    pub fn try_max_pool1d(&self, kernel: usize, stride: usize) -> Result<Self> {
        self.pool_row("max_pool1d", |x| x.try_max_pool2d([1, kernel], [1, stride]))
    }

    fn pool_row(&self, op: &'static str, pool: impl FnOnce(Self) -> Result<Self>) -> Result<Self> {
        if self.rank() != 3 {
            return Err(Error::about(ErrorKind::Rank, op, self.shape())
                .advise("three axes are needed: [b, c, l]"));
        }
        pool(self.try_unsqueeze(2)?)
            .map_err(|error| error.in_op(op))?
            .try_squeeze(2)
    }

    fn axes(&self, op: &'static str) -> Result<[usize; 4]> {
        <[usize; 4]>::try_from(&**self.shape()).map_err(|_| {
            Error::about(ErrorKind::Rank, op, self.shape())
                .advise("four axes are needed: [b, c, h, w]")
        })
    }
}

plain_forms! {
    fn conv2d = try_conv2d(weight: &Self, stride: [usize; 2], padding: Padding) -> Self;
    fn conv1d = try_conv1d(weight: &Self, stride: usize, padding: Padding) -> Self;
    fn avg_pool2d = try_avg_pool2d(kernel: [usize; 2], stride: [usize; 2]) -> Self;
    fn max_pool2d = try_max_pool2d(kernel: [usize; 2], stride: [usize; 2]) -> Self;
    fn avg_pool1d = try_avg_pool1d(kernel: usize, stride: usize) -> Self;
    fn max_pool1d = try_max_pool1d(kernel: usize, stride: usize) -> Self;
}
