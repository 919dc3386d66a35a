//! NVIDIA GPUs: one more [`Backend`](minitorch_core::Backend), with the same bits as the others.
//!
//! The driver is looked for when a device is opened, so a program that was built with this runs anywhere; only the driver
//! is needed, no toolkit. Kernels stand in `kernels/`, written in CUDA C, and beside them is what the driver compiles for
//! its device: `ops.ptx` for elementwise operations and folds, whose text follows from core's table (`ops`), and
//! `kernels.ptx` for the rest. `scripts/ptx.sh` makes both.
//!
//! An operation fills the structure that its kernel takes (`elementwise`, `reduce`, `softmax`, `matmul`, `linear`,
//! `spatial`, `index`) and queues the kernel on the device's one `stream`; only reading numbers back waits. Memory is kept
//! when it is freed (`memory`).
//!
//! A small network's step is many kernels of a few microseconds, and to launch each takes the host about as long. So
//! what is queued is recorded first (`recording`), and handed over when the host wants numbers or writes some. A
//! recording of the same kernels on the same grids as one before becomes a graph, which is launched as one (`graph`).
//! Only what a kernel takes and what differs from the last time is sent, which is little: the pool gives a step the
//! addresses of the step before. Everything else that a graph could keep from an earlier step is compared, so nothing
//! in it is ever stale: not the rate, not the position of a random draw, not a batch's size. Updates of parameters
//! that do not concern one another become one launch in a recording (`updates`). Neither core nor a training loop
//! knows of it. To capture a step once and to replay it would save the comparison; but whatever the host decides
//! between steps would have to be put into the device's memory by the author of the loop, and what he forgets would be
//! wrong without a word.
//!
//! A program keeps its data set on the device: vectors of words as a table of rows, images of digits as a table whose
//! rows are batches. A step then copies a few hundred bytes there, for which nobody waits.
//!
//! An operation of your own is compiled when it is first used, if there is NVRTC, the compiler of NVIDIA's toolkit.
#![allow(unsafe_code)]

mod backend;
mod driver;
mod elementwise;
mod fault;
mod graph;
mod index;
mod linear;
mod matmul;
mod memory;
mod modules;
mod ops;
mod plain;
mod recording;
mod reduce;
mod softmax;
mod spatial;
mod staging;
mod stream;
mod updates;

pub use driver::{About, Driver, FUNCTIONS, Missing, Version, compiler};
pub use fault::Fault;
pub use memory::{CudaBuffer, CudaIndex};
pub use ops::sources;

use std::fmt;
use std::sync::Arc;

use cudarc::driver::CudaFunction;
use minitorch_core::backend::View;
use minitorch_core::{Error, ErrorKind, Layout, Result};
use plain::Plain;

/// Threads of a group, where a kernel does not need another number.
const GROUP: u32 = 256;

/// A CUDA device: a handle on its stream of work, its kernels and its memory.
#[derive(Clone)]
pub struct Cuda {
    machine: Arc<Machine>,
}

struct Machine {
    pool: memory::Pool,
    modules: modules::Modules,
    stream: stream::Stream,
}

impl Cuda {
    /// Opens a device, the first being number 0.
    ///
    /// # Errors
    ///
    /// What is missing: the driver, the device, or a newer one of them.
    pub fn open(number: usize) -> Result<Self, Missing> {
        let context = Driver::find()?.open(number)?;
        let open = || {
            Ok(Machine {
                pool: memory::Pool::default(),
                modules: modules::Modules::load(&context)?,
                stream: stream::Stream::new(&context)?,
            })
        };
        let machine = open().map_err(|error| driver::working(&error))?;
        Ok(Self {
            machine: Arc::new(machine),
        })
    }

    /// What the device says about itself.
    ///
    /// # Errors
    ///
    /// A device that does not work.
    pub fn about(&self) -> Result<About, Missing> {
        About::of(self.machine.stream.context())
    }

    /// Compiles an operation as one of your own is compiled, which takes NVRTC.
    ///
    /// # Errors
    ///
    /// What is missing, or does not work.
    pub fn try_compiler(&self) -> Result<()> {
        self.machine.modules.try_compiler()
    }

    /// Why the driver gets every launch by itself, if it does not take many as one, which is tried.
    ///
    /// # Errors
    ///
    /// A device that does not work.
    pub fn without_graphs(&self) -> Result<Option<Missing>> {
        let mut number = CudaBuffer::any(self, 1)?;
        // One by one, as a new graph, and as one that is changed.
        for turn in 0..3 {
            for _ in 0..graph::SHORT {
                self.fill(&mut number, turn as f32)?;
            }
            number.read(&mut [0.0])?;
        }
        let refused = self.machine.stream.graphs_refused();
        Ok(refused.map(|error| driver::working(&error)))
    }

    /// Waits until everything that was asked of the device is done, which only a clock needs: reading waits by itself.
    ///
    /// # Errors
    ///
    /// A device that does not work.
    pub fn wait(&self) -> Result<()> {
        let finished = self.machine.stream.finish();
        finished.map_err(stream::error("wait", 0))
    }

    /// Queues one of the shipped kernels on `count` threads.
    ///
    /// # Safety
    ///
    /// As [`stream::Stream::launch`].
    unsafe fn run<A: Plain>(&self, name: &'static str, count: usize, arguments: &A) -> Result<()> {
        let kernel = self.machine.modules.named(name)?;
        // SAFETY: as the caller says.
        unsafe { self.launch(name, &kernel, count, arguments) }
    }

    /// Queues a kernel on `count` threads.
    ///
    /// # Safety
    ///
    /// As [`stream::Stream::launch`].
    unsafe fn launch<A: Plain>(
        &self,
        op: &'static str,
        kernel: &CudaFunction,
        count: usize,
        arguments: &A,
    ) -> Result<()> {
        let stream = &self.machine.stream;
        // SAFETY: as the caller says.
        let queued = unsafe { stream.launch(kernel, count, GROUP, arguments) };
        queued.map_err(stream::error(op, count))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.pool.clear(&self.stream);
    }
}

impl fmt::Debug for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cuda({})", self.machine.stream.context().ordinal())
    }
}

/// What a product or a convolution does with its sums.
#[derive(Default)]
struct Epilogue<'a> {
    /// One number for each column or output channel, which is added to its sums.
    bias: Option<View<'a, Cuda>>,
    /// Whether they go through ReLU.
    relu: bool,
}

/// Refuses a view of more elements than kernels count; expanded ones may have more than a buffer.
///
/// Sums count ahead by a block of their elements, which must not come to 2^32 either.
fn countable(op: &'static str, view: &View<'_, Cuda>) -> Result<()> {
    const MOST: usize = (1 << 32) - (1 << 16);
    if view.layout.elements() > MOST {
        let error = Error::about(ErrorKind::Size, op, view.shape());
        return Err(
            error.advise("a CUDA device takes up to 2^32 - 2^16 elements; compute on parts of it")
        );
    }
    Ok(())
}

/// Where a view begins on the device.
fn address(view: &View<'_, Cuda>) -> u64 {
    place(view.buffer, &view.layout)
}

/// Where `layout` begins in `buffer`.
fn place(buffer: &CudaBuffer, layout: &Layout) -> u64 {
    // The caller has checked; but no kernel looks where it reads or writes.
    assert!(layout.end() <= buffer.count(), "a view beyond its buffer");
    buffer.address() + (layout.offset() * size_of::<f32>()) as u64
}

/// A number as kernels count. Positions in a buffer fit, because buffers are short enough, and sizes of views that are
/// [`countable`]; where there are no elements, nothing is read, whatever the number.
fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The strides of the axes of a layout, as many as there are.
fn strides<const N: usize>(layout: &Layout) -> [u32; N] {
    std::array::from_fn(|axis| word(layout.strides()[axis]))
}
