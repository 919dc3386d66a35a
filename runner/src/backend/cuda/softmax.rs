//! The logarithm of softmax and the negative log-likelihood of labels: a kernel each, and for each gradient.
#![allow(unsafe_code)]

use minitorch_core::Result;
use minitorch_core::backend::View;
use minitorch_core::shape::product;
use minitorch_core::softmax;

use super::plain::plain;
use super::reduce::{LONG, MANY};
use super::{Cuda, CudaBuffer, CudaIndex, GROUP, address, strides, word};

plain! {
    /// What `kernels/softmax.cu` calls `LogSoftmax`.
    struct LogSoftmax {
        out: u64,
        x: u64,
        g: u64,
        count: u32,
        n: u32,
        inner: u32,
        x_stride: [u32; 3],
        g_stride: [u32; 3],
        unused: u32,
    }
}
const _: () = assert!(size_of::<LogSoftmax>() == 64);

plain! {
    /// What `kernels/softmax.cu` calls `Nll`.
    struct Nll {
        out: u64,
        operand: u64,
        labels: u64,
        rows: u32,
        n: u32,
        stride: [u32; 2],
    }
}
const _: () = assert!(size_of::<Nll>() == 40);

/// Whether few threads would have much to do, if each had a row of `[outer, n, inner]`.
fn is_long(x: &View<'_, Cuda>) -> bool {
    let [outer, n, inner] = [0, 1, 2].map(|axis| x.shape()[axis]);
    n >= LONG && product([outer, inner]) < MANY
}

impl Cuda {
    /// Along axis 1 of `[outer, n, inner]`.
    pub(super) fn log_softmax_of(&self, x: View<'_, Self>) -> Result<CudaBuffer> {
        match is_long(&x) {
            true => softmax::log_softmax(self, x),
            false => self.by_row("log_softmax", x, x),
        }
    }

    /// The gradient, given the result `y` and its gradient `g`.
    pub(super) fn log_softmax_grad_of(
        &self,
        y: View<'_, Self>,
        g: View<'_, Self>,
    ) -> Result<CudaBuffer> {
        match is_long(&y) {
            true => softmax::log_softmax_grad(self, y, g),
            false => self.by_row("log_softmax_grad", y, g),
        }
    }

    fn by_row(
        &self,
        name: &'static str,
        x: View<'_, Self>,
        g: View<'_, Self>,
    ) -> Result<CudaBuffer> {
        let [outer, n, inner] = [0, 1, 2].map(|axis| x.shape()[axis]);
        let out = CudaBuffer::any(self, product([outer, n, inner]))?;
        // Rows without elements are nothing to do.
        let count = if n == 0 { 0 } else { product([outer, inner]) };
        let arguments = LogSoftmax {
            out: out.address(),
            x: address(&x),
            g: address(&g),
            count: word(count),
            n: word(n),
            inner: word(inner),
            x_stride: strides(&x.layout),
            g_stride: strides(&g.layout),
            unused: 0,
        };
        // SAFETY: these are the arguments of both kernels; the views end in their buffers, and `out` has a number for each
        // of their elements.
        unsafe { self.run(name, count, &arguments) }?;
        Ok(out)
    }

    /// The mean over the rows of `[b, n]` of what is at the labels, negated.
    pub(super) fn nll_of(&self, log_p: View<'_, Self>, labels: &CudaIndex) -> Result<CudaBuffer> {
        let out = CudaBuffer::any(self, 1)?;
        let shape = [0, 1].map(|axis| log_p.shape()[axis]);
        let stride = strides(&log_p.layout);
        self.by_label("nll", &out, address(&log_p), labels, shape, stride)?;
        Ok(out)
    }

    /// The gradient by `[b, n]`, given that of the mean.
    pub(super) fn nll_grad_of(
        &self,
        g: View<'_, Self>,
        labels: &CudaIndex,
        shape: [usize; 2],
    ) -> Result<CudaBuffer> {
        let out = CudaBuffer::any(self, shape[0] * shape[1])?;
        self.by_label("nll_grad", &out, address(&g), labels, shape, [0; 2])?;
        Ok(out)
    }

    fn by_label(
        &self,
        name: &'static str,
        out: &CudaBuffer,
        operand: u64,
        labels: &CudaIndex,
        [rows, n]: [usize; 2],
        stride: [u32; 2],
    ) -> Result<()> {
        assert!(rows <= labels.count(), "fewer labels than rows");
        let arguments = Nll {
            out: out.address(),
            operand,
            labels: labels.address(),
            rows: word(rows),
            n: word(n),
            stride,
        };
        // One group makes the one number of the mean.
        let threads = if out.count() == 1 {
            GROUP as usize
        } else {
            out.count()
        };
        // SAFETY: these are the arguments of both kernels. The operand ends in its buffer, there are enough labels, and `out`
        // has a number for each result. That labels are below `n`, the caller of the backend answers for.
        unsafe { self.run(name, threads, &arguments) }
    }
}
