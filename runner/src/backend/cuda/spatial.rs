//! Convolution and pooling, with their gradients.
#![allow(unsafe_code)]

mod block;

pub(super) use block::PoolingKind;

use minitorch_core::backend::{View, Window as Sliding};
use minitorch_core::shape::product;
use minitorch_core::{Error, ErrorKind, Result};

use super::plain::plain;
use super::{Cuda, CudaBuffer, Epilogue, GROUP, address, strides, word};

plain! {
    /// What `kernels/window.cuh` calls `Window`.
    struct Window {
        kernel: [u32; 2],
        stride: [u32; 2],
        before: [u32; 2],
        input: [u32; 2],
        output: [u32; 2],
    }
}

impl Window {
    /// The window, if kernels can count to the ends of the padding.
    fn new(op: &'static str, window: &Sliding) -> Result<Self> {
        const MOST: usize = 1 << 30;
        let Sliding {
            kernel,
            stride,
            before,
            input,
            output,
        } = *window;
        for pair in [kernel, stride, before, input, output] {
            if pair.iter().any(|&number| number > MOST) {
                let error = Error::about(ErrorKind::Size, op, &pair);
                return Err(error.advise("a CUDA device takes windows and strides up to 2^30"));
            }
        }
        Ok(Self {
            kernel: kernel.map(word),
            stride: stride.map(word),
            before: before.map(word),
            input: input.map(word),
            output: output.map(word),
        })
    }
}

plain! {
    /// What `kernels/conv.cu` calls `Conv`.
    struct Conv {
        out: u64,
        x: u64,
        w: u64,
        bias: u64,
        count: u32,
        channels: [u32; 2],
        window: Window,
        x_stride: [u32; 4],
        w_stride: [u32; 4],
        bias_stride: u32,
        relu: u32,
        unused: u32,
    }
}
const _: () = assert!(size_of::<Conv>() == 128);

plain! {
    /// What `kernels/conv.cu` calls `ConvGrads`.
    struct ConvGrads {
        by_x: Conv,
        by_weight: Conv,
    }
}
const _: () = assert!(size_of::<ConvGrads>() == 256);

plain! {
    /// What `kernels/conv.cu` calls `AddImages`.
    struct AddImages {
        /// Of each operand where its sum is to be, and where its numbers are.
        operands: [[u64; 2]; 2],
        counts: [u32; 2],
        images: u32,
        unused: u32,
    }
}
const _: () = assert!(size_of::<AddImages>() == 48);

plain! {
    /// What `kernels/pool.cu` calls `Pool`.
    struct Pool {
        out: u64,
        x: u64,
        g: u64,
        count: u32,
        channels: u32,
        window: Window,
        x_stride: [u32; 4],
        g_stride: [u32; 4],
    }
}
const _: () = assert!(size_of::<Pool>() == 104);

impl Conv {
    /// For an output, or a gradient, whose kernel goes through all of `out`.
    fn new(
        out: &CudaBuffer,
        [x, w]: [View<'_, Cuda>; 2],
        channels: [usize; 2],
        window: &Sliding,
    ) -> Result<Self> {
        Ok(Self {
            out: out.address(),
            x: address(&x),
            w: address(&w),
            bias: 0,
            count: word(out.count()),
            channels: channels.map(word),
            window: Window::new("conv", window)?,
            x_stride: strides(&x.layout),
            w_stride: strides(&w.layout),
            bias_stride: 0,
            relu: 0,
            unused: 0,
        })
    }
}

/// The threads that work on one weight of one image: the lanes of its sum.
const LANES: usize = 8;

/// A gradient of each image, `[images, count]`, and where their sum is to be, `[count]`.
struct PerImage {
    images: CudaBuffer,
    sum: CudaBuffer,
}

impl Cuda {
    /// `x` `[b, c, h, w]` and `w` `[o, c, kh, kw]` give `[b, o, oh, ow]`, and what follows.
    pub(super) fn convolved(
        &self,
        x: View<'_, Self>,
        w: View<'_, Self>,
        window: &Sliding,
        Epilogue { bias, relu }: Epilogue<'_>,
    ) -> Result<CudaBuffer> {
        let [height, width] = window.output;
        let (c, o) = (x.shape()[1], w.shape()[0]);
        if let Some(bias) = &bias {
            assert_eq!(bias.shape()[0], o, "a bias for each output channel");
        }
        let out = CudaBuffer::any(self, product([x.shape()[0], o, height, width]))?;
        let arguments = Conv {
            bias: bias.as_ref().map_or(0, address),
            bias_stride: bias.map_or(0, |bias| word(bias.layout.strides()[0])),
            relu: relu.into(),
            ..Conv::new(&out, [x, w], [c, o], window)?
        };
        // SAFETY: these are the arguments of `conv_forward`; the views end in their buffers, and `out` has a number for each
        // output.
        unsafe { self.run("conv_forward", out.count(), &arguments) }?;
        Ok(out)
    }

    /// `g` `[b, o, oh, ow]` and `w` `[o, c, kh, kw]` give `[b, c, h, w]`.
    pub(super) fn convolved_input_grad(
        &self,
        g: View<'_, Self>,
        w: View<'_, Self>,
        window: &Sliding,
    ) -> Result<CudaBuffer> {
        let (out, arguments) = self.input_grad(g, w, window)?;
        // SAFETY: these are the arguments of `conv_input_grad`; the views end in their buffers, and `out` has a number for
        // each input.
        unsafe { self.run("conv_input_grad", out.count(), &arguments) }?;
        Ok(out)
    }

    /// `x` `[b, c, h, w]` and `g` `[b, o, oh, ow]` give `[o, c, kh, kw]`.
    pub(super) fn convolved_weight_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Sliding,
    ) -> Result<CudaBuffer> {
        let grads = self.weight_grads(x, g, window)?;
        self.add_images([Some(&grads), None], x.shape()[0])?;
        Ok(grads.sum)
    }

    /// The same of each image, not added up.
    fn weight_grads(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Sliding,
    ) -> Result<PerImage> {
        let (out, arguments) = self.weight_grad(x, g, window)?;
        let threads = out.images.count() * LANES;
        // SAFETY: these are the arguments of `conv_weight_grad`, which has a thread for each lane; the views end in their
        // buffers, and `out` has a number for each weight of each image.
        unsafe { self.run("conv_weight_grad", threads, &arguments) }?;
        Ok(out)
    }

    /// Both gradients, of which none needs the other, by one kernel; that of the weight is not added up.
    fn both_grads(
        &self,
        [x, w, g]: [View<'_, Self>; 3],
        window: &Sliding,
    ) -> Result<(CudaBuffer, PerImage)> {
        let (grad, by_x) = self.input_grad(g, w, window)?;
        let (grads, by_weight) = self.weight_grad(x, g, window)?;
        let group = GROUP as usize;
        let groups = grad.count().div_ceil(group) + (grads.images.count() * LANES).div_ceil(group);
        let arguments = ConvGrads { by_x, by_weight };
        // SAFETY: these are the arguments of `conv_grads`, and otherwise as of the kernels of each.
        unsafe { self.run("conv_grads", groups * group, &arguments) }?;
        Ok((grad, grads))
    }

    /// Where the gradient of the input goes, and what its kernel takes.
    fn input_grad(
        &self,
        g: View<'_, Self>,
        w: View<'_, Self>,
        window: &Sliding,
    ) -> Result<(CudaBuffer, Conv)> {
        let [height, width] = window.input;
        let (c, o) = (w.shape()[1], w.shape()[0]);
        let out = CudaBuffer::any(self, product([g.shape()[0], c, height, width]))?;
        let arguments = Conv::new(&out, [g, w], [c, o], window)?;
        Ok((out, arguments))
    }

    /// The same of the weight.
    fn weight_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Sliding,
    ) -> Result<(PerImage, Conv)> {
        let [height, width] = window.kernel;
        let (c, o) = (x.shape()[1], g.shape()[1]);
        let count = product([o, c, height, width]);
        let images = CudaBuffer::any(self, product([x.shape()[0], count]))?;
        let arguments = Conv::new(&images, [x, g], [c, o], window)?;
        let sum = CudaBuffer::any(self, count)?;
        Ok((PerImage { images, sum }, arguments))
    }

    /// Adds up what there is of each image, in one kernel.
    fn add_images(&self, operands: [Option<&PerImage>; 2], images: usize) -> Result<()> {
        let counts = operands.map(|operand| operand.map_or(0, |operand| operand.sum.count()));
        let places = |operand: &PerImage| [operand.sum.address(), operand.images.address()];
        let arguments = AddImages {
            operands: operands.map(|operand| operand.map_or([0; 2], places)),
            counts: counts.map(word),
            images: word(images),
            unused: 0,
        };
        // SAFETY: these are the arguments of `add_images`; each operand has as many numbers of each image as its sum has.
        unsafe { self.run("add_images", counts.iter().sum(), &arguments) }
    }

    /// One of the four kernels of pooling: `x` and `g` are `[b, c, ..]`, and so is what comes out, of `size`.
    pub(super) fn pooled(
        &self,
        name: &'static str,
        [x, g]: [View<'_, Self>; 2],
        size: [usize; 2],
        window: &Sliding,
    ) -> Result<CudaBuffer> {
        let channels = x.shape()[1];
        let count = product([x.shape()[0], channels, size[0], size[1]]);
        let out = CudaBuffer::any(self, count)?;
        let arguments = Pool {
            out: out.address(),
            x: address(&x),
            g: address(&g),
            count: word(count),
            channels: word(channels),
            window: Window::new(name, window)?,
            x_stride: strides(&x.layout),
            g_stride: strides(&g.layout),
        };
        // SAFETY: these are the arguments of all four kernels; the views end in their buffers, and `out` has a number
        // for each output.
        unsafe { self.run(name, count, &arguments) }?;
        Ok(out)
    }
}
