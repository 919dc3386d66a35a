//! What core asks of a device, handed to the files that do it.

use minitorch_core::backend::{Backend, View, Window};
use minitorch_core::block::{Backward, Block, Forward};
use minitorch_core::fused::PerOperand;
use minitorch_core::linear;
use minitorch_core::ops::Op;
use minitorch_core::ops::special::Keep;
use minitorch_core::reduction::Reduction;
use minitorch_core::{Generator, Layout, Result};

use super::{Cuda, CudaBuffer, CudaIndex, Epilogue, countable};

impl Backend for Cuda {
    type Elem = f32;
    type Buffer = CudaBuffer;
    type Index = CudaIndex;

    fn of(buffer: &CudaBuffer) -> &Self {
        buffer.home()
    }

    fn upload(&self, data: &[f32]) -> Result<CudaBuffer> {
        let mut buffer = CudaBuffer::any(self, data.len())?;
        buffer.write(data)?;
        Ok(buffer)
    }

    fn upload_index(&self, data: &[u32]) -> Result<CudaIndex> {
        let mut index = CudaIndex::any(self, data.len())?;
        index.write(data)?;
        Ok(index)
    }

    fn full(&self, count: usize, value: f32) -> Result<CudaBuffer> {
        self.filled(count, value)
    }

    fn write(&self, buffer: &mut CudaBuffer, data: &[f32]) -> Result<()> {
        buffer.write(data)
    }

    fn write_index(&self, index: &mut CudaIndex, data: &[u32]) -> Result<()> {
        index.write(data)
    }

    fn download(&self, buffer: &CudaBuffer, out: &mut [f32]) -> Result<()> {
        buffer.read(out)
    }

    fn download_index(&self, index: &CudaIndex, out: &mut [u32]) -> Result<()> {
        index.read(out)
    }

    fn map<const N: usize, O: Op<N>>(
        &self,
        op: O,
        operands: [View<'_, Self>; N],
    ) -> Result<CudaBuffer> {
        self.mapped(op, operands)
    }

    fn update<const N: usize, const M: usize, O: Op<M>>(
        &self,
        op: O,
        out: &mut CudaBuffer,
        layout: &Layout,
        operands: [View<'_, Self>; N],
    ) -> Result<()> {
        self.updated(op, out, layout, operands)
    }

    fn assign(&self, out: &mut CudaBuffer, layout: &Layout, from: View<'_, Self>) -> Result<()> {
        self.assigned(out, layout, from)
    }

    fn reduce<R: Reduction>(&self, _: R, x: View<'_, Self>, axes: &[bool]) -> Result<CudaBuffer> {
        countable(R::NAME, &x)?;
        self.folded::<R>(x, axes)
    }

    fn arg_max(&self, x: View<'_, Self>) -> Result<CudaIndex> {
        countable("argmax", &x)?;
        self.largest(x)
    }

    fn matmul(&self, a: View<'_, Self>, b: View<'_, Self>) -> Result<CudaBuffer> {
        countable("matmul", &a)?;
        countable("matmul", &b)?;
        self.product(a, b)
    }

    fn rows(&self, table: View<'_, Self>, index: &CudaIndex, count: usize) -> Result<CudaBuffer> {
        self.rows_of(table, index, count)
    }

    fn rows_add(
        &self,
        rows: View<'_, Self>,
        index: &CudaIndex,
        table_rows: usize,
    ) -> Result<CudaBuffer> {
        countable("embedding", &rows)?;
        self.rows_added(rows, index, table_rows)
    }

    fn pick(&self, x: View<'_, Self>, index: &CudaIndex) -> Result<CudaBuffer> {
        countable("gather", &x)?;
        self.picked(x, index)
    }

    fn place(&self, x: View<'_, Self>, index: &CudaIndex, n: usize) -> Result<CudaBuffer> {
        self.placed(x, index, n)
    }

    fn log_softmax(&self, x: View<'_, Self>) -> Result<CudaBuffer> {
        countable("log_softmax", &x)?;
        self.log_softmax_of(x)
    }

    fn log_softmax_grad(&self, y: View<'_, Self>, g: View<'_, Self>) -> Result<CudaBuffer> {
        countable("log_softmax", &g)?;
        self.log_softmax_grad_of(y, g)
    }

    fn nll(&self, log_p: View<'_, Self>, labels: &CudaIndex) -> Result<CudaBuffer> {
        countable("nll", &log_p)?;
        self.nll_of(log_p, labels)
    }

    fn nll_grad(
        &self,
        g: View<'_, Self>,
        labels: &CudaIndex,
        shape: [usize; 2],
    ) -> Result<CudaBuffer> {
        countable("nll", &View::new(g.buffer, Layout::contiguous(shape)?))?;
        self.nll_grad_of(g, labels, shape)
    }

    fn uniform(&self, count: usize, draw: &Generator) -> Result<CudaBuffer> {
        self.drawn("uniform", count, draw)
    }

    fn normal(&self, count: usize, draw: &Generator) -> Result<CudaBuffer> {
        self.drawn("normal", count, draw)
    }

    fn dropout(&self, x: View<'_, Self>, keep: Keep, draw: &Generator) -> Result<[CudaBuffer; 2]> {
        countable("dropout", &x)?;
        self.dropped(x, keep, draw)
    }

    fn linear(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        relu: bool,
    ) -> Result<CudaBuffer> {
        countable("linear", &x)?;
        countable("linear", &weight)?;
        self.linear_layer(x, weight, Epilogue { bias, relu })
    }

    fn linear_grad(
        &self,
        given: linear::Backward<'_, Self>,
        wanted: PerOperand<bool>,
    ) -> Result<PerOperand<Option<CudaBuffer>>> {
        countable("linear", &given.x)?;
        countable("linear", &given.weight)?;
        countable("linear", &given.g.view())?;
        self.linear_grads(given, wanted)
    }

    fn conv2d(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        window: &Window,
    ) -> Result<CudaBuffer> {
        countable("conv", &x)?;
        self.convolved(x, weight, window, Epilogue::default())
    }

    fn conv2d_input_grad(
        &self,
        g: View<'_, Self>,
        weight: View<'_, Self>,
        window: &Window,
    ) -> Result<CudaBuffer> {
        countable("conv", &g)?;
        self.convolved_input_grad(g, weight, window)
    }

    fn conv2d_weight_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Window,
    ) -> Result<CudaBuffer> {
        countable("conv", &x)?;
        countable("conv", &g)?;
        self.convolved_weight_grad(x, g, window)
    }

    fn avg_pool2d(&self, x: View<'_, Self>, window: &Window) -> Result<CudaBuffer> {
        self.pooled("avg_pool", [x, x], window.output, window)
    }

    fn avg_pool2d_grad(&self, g: View<'_, Self>, window: &Window) -> Result<CudaBuffer> {
        self.pooled("avg_pool_grad", [g, g], window.input, window)
    }

    fn max_pool2d(&self, x: View<'_, Self>, window: &Window) -> Result<CudaBuffer> {
        self.pooled("max_pool", [x, x], window.output, window)
    }

    fn max_pool2d_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Window,
    ) -> Result<CudaBuffer> {
        self.pooled("max_pool_grad", [x, g], window.input, window)
    }

    fn conv_block(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        block: &Block,
        keep: bool,
    ) -> Result<Forward<Self>> {
        countable("conv", &x)?;
        self.block(x, weight, bias, block, keep)
    }

    fn conv_block_grad(
        &self,
        given: Backward<'_, Self>,
        block: &Block,
        wanted: PerOperand<bool>,
    ) -> Result<PerOperand<Option<CudaBuffer>>> {
        countable("conv", &given.x)?;
        self.block_grad(given, block, wanted)
    }
}
