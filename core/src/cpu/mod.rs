//! The CPU backend, written once for every machine that has a Rust compiler.

mod block;
mod buffer;
mod linear;
mod pool;

pub use buffer::{CpuBuffer, CpuIndex};

use crate::backend::{Backend, View, Window};
use crate::block::{Backward, Block, Forward};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::executor::{Executor, Serial};
use crate::fused::PerOperand;
use crate::isa::Level;
use crate::kernels::{self, Context, Epilogue, Operand, Workspace};
use crate::layout::Layout;
use crate::ops::Op;
use crate::random::Generator;
use crate::reduction::Reduction;
use crate::shape::product;
use crate::shared::Shared;
use alloc::boxed::Box;
use core::marker::PhantomData;
pub(crate) use pool::Pool;

/// The CPU: a handle on an executor, an instruction set and a pool of memory.
///
/// `Cpu` computes in `f32`, `Cpu<f64>` in `f64`. [`Cpu::default`] uses the calling thread and the best instruction set
/// that is found; results do not depend on either. On small machines, which are those without an operating system and
/// those of 32 bits or less, kernels and histories take less memory and no freed buffers are kept.
///
/// ```
/// use minitorch_core::isa::Level;
/// use minitorch_core::{Cpu, Tensor};
/// let plain: Cpu = Cpu::builder().level(Level::PORTABLE).build();
/// let best: Cpu = Cpu::default();
/// let values = [0.1, 0.2, 0.3];
/// let exp = |dev: &Cpu| Tensor::from_slice(dev, &values, [3]).exp().to_vec();
/// assert_eq!(exp(&plain), exp(&best));
/// ```
pub struct Cpu<E: Element = f32> {
    machine: Shared<Machine<E>>,
}

struct Machine<E> {
    executor: Box<dyn Executor>,
    level: Level,
    pool: Pool<E>,
}

/// The settings of a [`Cpu`] that is to be made.
pub struct Builder<E> {
    executor: Box<dyn Executor>,
    level: Level,
    pool_bytes: usize,
    element: PhantomData<E>,
}

impl<E> core::fmt::Debug for Builder<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder")
            .field("workers", &self.executor.workers())
            .field("level", &self.level)
            .field("pool_bytes", &self.pool_bytes)
            .finish()
    }
}

impl<E: Element> Builder<E> {
    /// Who runs the parts of an operation; [`Serial`] unless set.
    #[must_use]
    pub fn executor(mut self, executor: impl Executor + 'static) -> Self {
        self.executor = Box::new(executor);
        self
    }

    /// The instruction set; the best one of this machine unless set.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// How many bytes of freed buffers are kept for reuse; 256 MiB unless set, and none on
    /// small machines (see [`Cpu`]).
    ///
    /// Fresh memory costs a page fault every 4 KiB, which is more than the arithmetic on it. With 0, each task of a
    /// product or convolution also allocates its workspace of 224 KiB (448 for `f64`) anew, except on small machines,
    /// where that lies on the stack.
    #[must_use]
    pub const fn pool_bytes(mut self, bytes: usize) -> Self {
        self.pool_bytes = bytes;
        self
    }

    /// The backend.
    #[must_use]
    pub fn build(self) -> Cpu<E> {
        let pool = Pool::new(self.pool_bytes);
        Cpu {
            machine: Shared::new(Machine {
                executor: self.executor,
                level: self.level,
                pool,
            }),
        }
    }
}

impl<E: Element> Cpu<E> {
    /// Settings to start from.
    #[must_use]
    pub fn builder() -> Builder<E> {
        Builder {
            executor: Box::new(Serial),
            level: Level::detect(),
            pool_bytes: if kernels::SMALL { 0 } else { 256 << 20 },
            element: PhantomData,
        }
    }

    /// The instruction set in use.
    #[must_use]
    pub fn level(&self) -> Level {
        self.machine.level
    }

    /// How many threads work at the same time.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.machine.executor.workers().max(1)
    }

    /// A buffer that reads `data` where it lies, such as weights in flash; it is copied when first written to.
    #[must_use]
    pub fn borrow_static(&self, data: &'static [E]) -> CpuBuffer<E> {
        CpuBuffer::borrowed(self.clone(), data)
    }

    fn workspace(&self) -> Workspace<'_, E> {
        Workspace::new(&self.machine.pool)
    }

    fn context(&self) -> Context<'_> {
        Context {
            executor: &*self.machine.executor,
            level: self.machine.level,
        }
    }

    /// A buffer of `count` elements, whose values are left over from earlier ones.
    fn any(&self, count: usize) -> Result<CpuBuffer<E>> {
        let data = self
            .machine
            .pool
            .take(count)
            .ok_or_else(|| Error::about(ErrorKind::Memory, "allocate", &[count]))?;
        Ok(CpuBuffer::owned(self.clone(), data))
    }

    /// A buffer of `count` elements that `kernel` fills.
    #[inline(always)]
    fn filled(
        &self,
        count: usize,
        kernel: impl FnOnce(Context<'_>, &mut [E]),
    ) -> Result<CpuBuffer<E>> {
        if count == 1 {
            let mut value = [E::ZERO];
            kernel(self.context(), &mut value);
            return Ok(CpuBuffer::single(self.clone(), value));
        }
        let mut out = self.any(count)?;
        kernel(self.context(), out.as_mut_slice()?);
        Ok(out)
    }
}

impl<E: Element> Clone for Cpu<E> {
    fn clone(&self) -> Self {
        Self {
            machine: self.machine.clone(),
        }
    }
}

impl<E: Element> Default for Cpu<E> {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl<E: Element> core::fmt::Debug for Cpu<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Cpu({:?}, {} workers)",
            self.machine.level,
            self.workers()
        )
    }
}

fn operand<'a, E: Element>(view: &'a View<'_, Cpu<E>>) -> Operand<'a, E> {
    Operand {
        data: view.buffer.as_slice(),
        layout: &view.layout,
    }
}

impl<E: Element> Backend for Cpu<E> {
    type Elem = E;
    type Buffer = CpuBuffer<E>;
    type Index = CpuIndex;

    fn of(buffer: &CpuBuffer<E>) -> &Self {
        buffer.home()
    }

    fn upload(&self, data: &[E]) -> Result<CpuBuffer<E>> {
        self.filled(data.len(), |_, out| out.copy_from_slice(data))
    }

    fn upload_index(&self, data: &[u32]) -> Result<CpuIndex> {
        let mut index = CpuIndex::zeros(data.len())?;
        index.as_mut_slice().copy_from_slice(data);
        Ok(index)
    }

    fn full(&self, count: usize, value: E) -> Result<CpuBuffer<E>> {
        self.filled(count, |_, out| out.fill(value))
    }

    fn write(&self, buffer: &mut CpuBuffer<E>, data: &[E]) -> Result<()> {
        buffer.as_mut_slice()?[..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn write_index(&self, index: &mut CpuIndex, data: &[u32]) -> Result<()> {
        index.as_mut_slice()[..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn download(&self, buffer: &CpuBuffer<E>, out: &mut [E]) -> Result<()> {
        out.copy_from_slice(&buffer.as_slice()[..out.len()]);
        Ok(())
    }

    fn download_index(&self, index: &CpuIndex, out: &mut [u32]) -> Result<()> {
        out.copy_from_slice(&index.as_slice()[..out.len()]);
        Ok(())
    }

    #[inline(always)]
    fn map<const N: usize, O: Op<N>>(
        &self,
        op: O,
        operands: [View<'_, Self>; N],
    ) -> Result<CpuBuffer<E>> {
        let count = operands.first().map_or(0, |first| first.layout.elements());
        self.filled(count, |context, out| {
            kernels::map::map(
                context,
                op,
                core::array::from_fn(|k| operand(&operands[k])),
                out,
            );
        })
    }

    fn update<const N: usize, const M: usize, O: Op<M>>(
        &self,
        op: O,
        out: &mut CpuBuffer<E>,
        layout: &Layout,
        operands: [View<'_, Self>; N],
    ) -> Result<()> {
        let operands: [Operand<'_, E>; N] = core::array::from_fn(|k| operand(&operands[k]));
        kernels::map::update(self.context(), op, out.as_mut_slice()?, layout, operands);
        Ok(())
    }

    fn assign(&self, out: &mut CpuBuffer<E>, layout: &Layout, from: View<'_, Self>) -> Result<()> {
        kernels::map::assign(out.as_mut_slice()?, layout, operand(&from));
        Ok(())
    }

    fn reduce<R: Reduction>(
        &self,
        reduction: R,
        x: View<'_, Self>,
        axes: &[bool],
    ) -> Result<CpuBuffer<E>> {
        let kept = x
            .shape()
            .iter()
            .zip(axes)
            .filter(|(_, folded)| !**folded)
            .map(|(&size, _)| size);
        self.filled(product(kept), |context, out| {
            kernels::reduce::reduce(context, self.workspace(), reduction, operand(&x), axes, out)
        })
    }

    fn arg_max(&self, x: View<'_, Self>) -> Result<CpuIndex> {
        let mut index = CpuIndex::zeros(x.shape()[0] * x.shape()[2])?;
        kernels::arg_max::arg_max(self.context(), operand(&x), index.as_mut_slice());
        Ok(index)
    }

    fn matmul(&self, a: View<'_, Self>, b: View<'_, Self>) -> Result<CpuBuffer<E>> {
        let (shape, rank) = (a.shape(), a.shape().rank());
        let columns = b.shape()[rank - 1];
        let count = product(shape[..rank - 1].iter().copied().chain([columns]));
        self.filled(count, |context, out| {
            let (a, b) = (operand(&a), operand(&b));
            E::matmul(context, self.workspace(), a, b, Epilogue::NONE, out)
        })
    }

    fn linear(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        relu: bool,
    ) -> Result<CpuBuffer<E>> {
        linear::forward(self, x, weight, bias, relu)
    }

    fn rows(&self, table: View<'_, Self>, index: &CpuIndex, count: usize) -> Result<CpuBuffer<E>> {
        let index = &index.as_slice()[..count];
        self.filled(count * table.shape()[1], |context, out| {
            kernels::index::rows(context, operand(&table), index, out);
        })
    }

    fn rows_add(
        &self,
        rows: View<'_, Self>,
        index: &CpuIndex,
        table_rows: usize,
    ) -> Result<CpuBuffer<E>> {
        self.filled(table_rows * rows.shape()[1], |_, out| {
            out.fill(E::ZERO);
            kernels::index::rows_add(operand(&rows), index.as_slice(), out);
        })
    }

    fn pick(&self, x: View<'_, Self>, index: &CpuIndex) -> Result<CpuBuffer<E>> {
        self.filled(x.shape()[0] * x.shape()[2], |context, out| {
            kernels::index::pick(context, operand(&x), index.as_slice(), out);
        })
    }

    fn place(&self, x: View<'_, Self>, index: &CpuIndex, n: usize) -> Result<CpuBuffer<E>> {
        self.filled(x.layout.elements() * n, |_, out| {
            out.fill(E::ZERO);
            kernels::index::place(operand(&x), index.as_slice(), n, out);
        })
    }

    fn place_matmul(
        &self,
        x: View<'_, Self>,
        index: &CpuIndex,
        n: usize,
        rows: View<'_, Self>,
    ) -> Result<CpuBuffer<E>> {
        if !kernels::SMALL {
            let mut out = self.any(x.shape()[1] * rows.shape()[1])?;
            let (g, all, to) = (operand(&x), operand(&rows), out.as_mut_slice()?);
            if E::place_matmul(self.context(), g, index.as_slice(), n, all, to) {
                return Ok(out);
            }
        }
        // The memory of the result was given back, so that this takes no more than the default does.
        crate::backend::place_matmul(self, x, index, n, rows)
    }

    fn uniform(&self, count: usize, draw: &Generator) -> Result<CpuBuffer<E>> {
        self.filled(count, |_, out| draw.fill_uniform(0, out))
    }

    fn normal(&self, count: usize, draw: &Generator) -> Result<CpuBuffer<E>> {
        self.filled(count, |_, out| draw.fill_normal(0, out))
    }

    fn conv2d(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        window: &Window,
    ) -> Result<CpuBuffer<E>> {
        let [height, width] = window.output;
        self.filled(
            product([x.shape()[0], weight.shape()[0], height, width]),
            |context, out| {
                E::conv2d(
                    context,
                    self.workspace(),
                    operand(&x),
                    operand(&weight),
                    window,
                    out,
                );
            },
        )
    }

    fn conv2d_input_grad(
        &self,
        g: View<'_, Self>,
        weight: View<'_, Self>,
        window: &Window,
    ) -> Result<CpuBuffer<E>> {
        let [height, width] = window.input;
        self.filled(
            product([g.shape()[0], weight.shape()[1], height, width]),
            |context, out| {
                E::conv2d_input_grad(
                    context,
                    self.workspace(),
                    operand(&g),
                    operand(&weight),
                    window,
                    out,
                );
            },
        )
    }

    fn conv2d_weight_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Window,
    ) -> Result<CpuBuffer<E>> {
        let [height, width] = window.kernel;
        self.filled(
            product([g.shape()[1], x.shape()[1], height, width]),
            |context, out| {
                E::conv2d_weight_grad(
                    context,
                    self.workspace(),
                    operand(&x),
                    operand(&g),
                    window,
                    out,
                );
            },
        )
    }

    fn conv_block(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        block: &Block,
        keep: bool,
    ) -> Result<Forward<Self>> {
        block::forward(self, x, weight, bias, block, keep)
    }

    fn conv_block_grad(
        &self,
        given: Backward<'_, Self>,
        block: &Block,
        wanted: PerOperand<bool>,
    ) -> Result<PerOperand<Option<CpuBuffer<E>>>> {
        block::backward(self, given, block, wanted)
    }

    fn avg_pool2d(&self, x: View<'_, Self>, window: &Window) -> Result<CpuBuffer<E>> {
        self.filled(planes(&x, window.output), |context, out| {
            E::avg_pool2d(context, operand(&x), window, out)
        })
    }

    fn avg_pool2d_grad(&self, g: View<'_, Self>, window: &Window) -> Result<CpuBuffer<E>> {
        self.filled(planes(&g, window.input), |context, out| {
            E::avg_pool2d_grad(context, operand(&g), window, out)
        })
    }

    fn max_pool2d(&self, x: View<'_, Self>, window: &Window) -> Result<CpuBuffer<E>> {
        self.filled(planes(&x, window.output), |context, out| {
            E::max_pool2d(context, operand(&x), window, out)
        })
    }

    fn max_pool2d_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Window,
    ) -> Result<CpuBuffer<E>> {
        self.filled(planes(&x, window.input), |context, out| {
            E::max_pool2d_grad(context, operand(&x), operand(&g), window, out);
        })
    }
}

/// The elements of as many planes of size `[h, w]` as `x` `[b, c, ..]` has.
fn planes<E: Element>(x: &View<'_, Cpu<E>>, [height, width]: [usize; 2]) -> usize {
    product([x.shape()[0], x.shape()[1], height, width])
}
