//! What the bit-for-bit kernel tests share: a backend without overrides, threads, views, numbers, comparison.
#![allow(dead_code, unreachable_pub)] // each test file has its own copy and uses a part of it

use minitorch_core::backend::{Backend, View, Window};
use minitorch_core::cpu::{CpuBuffer, CpuIndex};
use minitorch_core::executor::Executor;
use minitorch_core::isa::Level;
use minitorch_core::layout::Layout;
use minitorch_core::ops::Op;
use minitorch_core::reduction::Reduction;
use minitorch_core::{Cpu, Element, Result};

/// The numbers under test, with the standard library's fused multiply-add.
pub trait Real: Element {
    fn fused(a: Self, b: Self, c: Self) -> Self;
    fn bits(self) -> u64;
    /// Infinities, not-a-number, zeros of both signs and subnormals.
    fn special(which: u64) -> Self;
}

macro_rules! real {
    ($($real:ty),*) => {$(
        impl Real for $real {
            fn fused(a: Self, b: Self, c: Self) -> Self {
                a.mul_add(b, c)
            }
            fn bits(self) -> u64 {
                if self.is_nan() { u64::MAX } else { self.to_bits().into() }
            }
            fn special(which: u64) -> Self {
                let values =
                    [0.0, -0.0, Self::INFINITY, -Self::INFINITY, Self::NAN, Self::MIN_POSITIVE / 8.0, Self::MAX, -1e-30];
                values[which as usize % values.len()]
            }
        }
    )*};
}
real!(f32, f64);

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn within(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Numbers in -1..1; one in `one_in` is special, none if that is 0.
    pub fn reals<R: Real>(&mut self, count: usize, one_in: usize) -> Vec<R> {
        (0..count)
            .map(|_| match one_in {
                1.. if self.below(one_in) == 0 => R::special(self.next()),
                _ => R::from_f64((self.next() >> 40) as f64 / f64::from(1 << 23) - 1.0),
            })
            .collect()
    }
}

/// A tensor in plain memory, dense, that a backend is shown in some other layout.
#[derive(Clone)]
pub struct Dense<R> {
    pub shape: Vec<usize>,
    pub data: Vec<R>,
}

impl<R: Real> Dense<R> {
    pub fn random(random: &mut Random, shape: &[usize], one_in: usize) -> Self {
        Self {
            shape: shape.to_vec(),
            data: random.reals(shape.iter().product(), one_in),
        }
    }

    pub fn at(&self, index: &[usize]) -> R {
        self.data[index
            .iter()
            .zip(&self.shape)
            .fold(0, |at, (index, size)| at * size + index)]
    }

    /// A buffer and a layout that show this tensor: dense, permuted, stepped or behind an offset.
    pub fn shown(&self, random: &mut Random) -> (Vec<R>, Layout) {
        let rank = self.shape.len();
        let mut order: Vec<usize> = (0..rank).collect();
        let style = random.below(3);
        if style > 0 {
            for i in (1..rank).rev() {
                order.swap(i, random.below(i + 1));
            }
        }
        let step = if style == 2 { random.within(1, 3) } else { 1 };
        let mut sizes: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        if let Some(last) = sizes.last_mut() {
            *last = *last * step + usize::from(style == 2);
        }
        let mut layout = Layout::contiguous(minitorch_core::Shape::new(&sizes).unwrap()).unwrap();
        if rank > 0 && style == 2 {
            layout = layout
                .slice(
                    rank - 1,
                    usize::from(step > 1),
                    self.shape[order[rank - 1]],
                    step,
                )
                .unwrap();
        }
        let mut back = vec![0; rank];
        order
            .iter()
            .enumerate()
            .for_each(|(at, &axis)| back[axis] = at);
        let layout = layout.permute(&back).unwrap();
        let mut data = vec![R::special(4); sizes.iter().product::<usize>().max(layout.end())];
        let mut index = vec![0; rank];
        for (ordinal, &x) in self.data.iter().enumerate() {
            let mut rest = ordinal;
            for axis in (0..rank).rev() {
                index[axis] = rest % self.shape[axis];
                rest /= self.shape[axis];
            }
            let at = layout.offset()
                + index
                    .iter()
                    .zip(layout.strides())
                    .map(|(i, stride)| i * stride)
                    .sum::<usize>();
            data[at] = x;
        }
        (data, layout)
    }
}

/// One thread for each task, four at a time in name.
pub struct Threads;

impl Executor for Threads {
    fn workers(&self) -> usize {
        4
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for index in (0..tasks).rev() {
                scope.spawn(move || task(index));
            }
        });
    }
}

/// Many tasks, one after the other and backwards: cuts outputs as finely as they are ever cut.
pub struct Backwards;

impl Executor for Backwards {
    fn workers(&self) -> usize {
        16
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..tasks).rev().for_each(task);
    }
}

/// The backend on every instruction set, on one thread and on several.
pub fn machines<R: Real>() -> Vec<Cpu<R>> {
    Level::supported()
        .flat_map(|level| {
            [
                Cpu::builder().level(level).build(),
                Cpu::builder().level(level).executor(Threads).build(),
                Cpu::builder().level(level).executor(Backwards).build(),
            ]
        })
        .collect()
}

/// Fails unless both are equal to the bit; one not-a-number is as good as another.
pub fn same<R: Real>(what: &dyn std::fmt::Debug, actual: &[R], expected: &[R]) {
    assert_eq!(actual.len(), expected.len(), "{what:?}");
    for (at, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert_eq!(
            a.bits(),
            e.bits(),
            "element {at} of {}: {a} is not {e}; {what:?}",
            actual.len()
        );
    }
}

/// All of a buffer.
pub fn host<B: Backend<Elem: Real>>(backend: &B, buffer: &B::Buffer, count: usize) -> Vec<B::Elem> {
    let mut out = vec![B::Elem::ZERO; count];
    backend.download(buffer, &mut out).unwrap();
    out
}

/// `Cpu` with its required methods only, so that everything else is the default.
#[derive(Clone)]
pub struct Reference<E: Element>(pub Cpu<E>);

pub struct ReferenceBuffer<E: Element> {
    home: Reference<E>,
    buffer: CpuBuffer<E>,
}

fn inner<'a, E: Element>(view: &View<'a, Reference<E>>) -> View<'a, Cpu<E>> {
    View::new(&view.buffer.buffer, view.layout)
}

impl<E: Element> Reference<E> {
    fn wrap(&self, buffer: Result<CpuBuffer<E>>) -> Result<ReferenceBuffer<E>> {
        Ok(ReferenceBuffer {
            home: self.clone(),
            buffer: buffer?,
        })
    }
}

impl<E: Element> Backend for Reference<E> {
    type Elem = E;
    type Buffer = ReferenceBuffer<E>;
    type Index = CpuIndex;

    fn of(buffer: &Self::Buffer) -> &Self {
        &buffer.home
    }
    fn upload(&self, data: &[E]) -> Result<Self::Buffer> {
        self.wrap(self.0.upload(data))
    }
    fn upload_index(&self, data: &[u32]) -> Result<CpuIndex> {
        self.0.upload_index(data)
    }
    fn full(&self, count: usize, value: E) -> Result<Self::Buffer> {
        self.wrap(self.0.full(count, value))
    }
    fn write(&self, buffer: &mut Self::Buffer, data: &[E]) -> Result<()> {
        self.0.write(&mut buffer.buffer, data)
    }
    fn write_index(&self, index: &mut CpuIndex, data: &[u32]) -> Result<()> {
        self.0.write_index(index, data)
    }
    fn download(&self, buffer: &Self::Buffer, out: &mut [E]) -> Result<()> {
        self.0.download(&buffer.buffer, out)
    }
    fn download_index(&self, index: &CpuIndex, out: &mut [u32]) -> Result<()> {
        self.0.download_index(index, out)
    }
    fn map<const N: usize, O: Op<N>>(
        &self,
        op: O,
        operands: [View<'_, Self>; N],
    ) -> Result<Self::Buffer> {
        self.wrap(self.0.map(op, std::array::from_fn(|k| inner(&operands[k]))))
    }
    fn update<const N: usize, const M: usize, O: Op<M>>(
        &self,
        op: O,
        out: &mut Self::Buffer,
        layout: &Layout,
        operands: [View<'_, Self>; N],
    ) -> Result<()> {
        self.0.update::<N, M, O>(
            op,
            &mut out.buffer,
            layout,
            std::array::from_fn(|k| inner(&operands[k])),
        )
    }
    fn assign(&self, out: &mut Self::Buffer, layout: &Layout, from: View<'_, Self>) -> Result<()> {
        self.0.assign(&mut out.buffer, layout, inner(&from))
    }
    fn reduce<R: Reduction>(
        &self,
        reduction: R,
        x: View<'_, Self>,
        axes: &[bool],
    ) -> Result<Self::Buffer> {
        self.wrap(self.0.reduce(reduction, inner(&x), axes))
    }
    fn arg_max(&self, x: View<'_, Self>) -> Result<CpuIndex> {
        self.0.arg_max(inner(&x))
    }
    fn matmul(&self, a: View<'_, Self>, b: View<'_, Self>) -> Result<Self::Buffer> {
        self.wrap(self.0.matmul(inner(&a), inner(&b)))
    }
    fn rows(&self, table: View<'_, Self>, index: &CpuIndex, count: usize) -> Result<Self::Buffer> {
        self.wrap(self.0.rows(inner(&table), index, count))
    }
    fn rows_add(
        &self,
        rows: View<'_, Self>,
        index: &CpuIndex,
        table_rows: usize,
    ) -> Result<Self::Buffer> {
        self.wrap(self.0.rows_add(inner(&rows), index, table_rows))
    }
    fn pick(&self, x: View<'_, Self>, index: &CpuIndex) -> Result<Self::Buffer> {
        self.wrap(self.0.pick(inner(&x), index))
    }
    fn place(&self, x: View<'_, Self>, index: &CpuIndex, n: usize) -> Result<Self::Buffer> {
        self.wrap(self.0.place(inner(&x), index, n))
    }
}

/// A window that fits, with symmetric, MiniTorch's or odd padding; `None` if the kernel does not fit.
pub fn window(
    random: &mut Random,
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padded: bool,
) -> Option<Window> {
    let mut window = Window {
        kernel,
        stride,
        before: [0; 2],
        input,
        output: [0; 2],
    };
    for axis in 0..2 {
        let (mut before, mut after) = (0, 0);
        if padded {
            (before, after) = match random.below(3) {
                0 => (kernel[axis] / 2, kernel[axis] / 2),
                1 => (0, kernel[axis] - 1),
                _ => (
                    random.below(kernel[axis] + 2),
                    random.below(kernel[axis] + 2),
                ),
            };
        }
        window.before[axis] = before;
        let room = (input[axis] + before + after).checked_sub(kernel[axis])?;
        window.output[axis] = room / stride[axis] + 1;
    }
    Some(window)
}
