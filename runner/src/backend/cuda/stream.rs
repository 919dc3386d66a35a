//! The device itself: memory, copies and launches in the order of one stream.
#![allow(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::{self, CUresult};
use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DriverError, result};
use minitorch_core::{Error, ErrorKind};

use super::fault::Fault;
use super::graph::Graphs;
use super::plain::{Plain, words};
use super::recording::Recording;
use super::staging::Staging;
use super::updates::Update;

/// Memory of the device.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block {
    /// Where it begins.
    pub(super) address: sys::CUdeviceptr,
    /// How long it is.
    pub(super) bytes: usize,
}

impl Block {
    /// No memory, in the place of a block that was moved away.
    pub(super) const NOWHERE: Self = Self {
        address: 0,
        bytes: 0,
    };
}

/// A queue of work on one device. What is queued runs in order, so a block that is freed while work on it is queued may be
/// given to work that is queued later.
///
/// Launches are recorded, and the driver gets them when the host wants a result, writes numbers, or gives memory back, or
/// when they have become many.
#[derive(Debug)]
pub(super) struct Stream {
    // It is dropped first: its memory needs the context, which the stream keeps.
    queue: Mutex<Queue>,
    stream: Arc<CudaStream>,
}

/// What the driver has not got, and what helps to hand it over.
#[derive(Debug, Default)]
struct Queue {
    recording: Recording,
    graphs: Graphs,
    staging: Staging,
    /// Why a recording was lost, half of it perhaps. Who queued it knows nothing of that, so from then on no number on the
    /// device can be trusted.
    lost: Option<DriverError>,
}

impl Stream {
    /// The most launches that are recorded: the device has nothing to do meanwhile.
    const MOST: usize = 512;

    pub(super) fn new(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        Ok(Self {
            queue: Mutex::default(),
            stream: context.new_stream()?,
        })
    }

    pub(super) fn context(&self) -> &Arc<CudaContext> {
        self.stream.context()
    }

    /// Why the driver gets every launch by itself, if it refused to take many as a graph.
    pub(super) fn graphs_refused(&self) -> Option<DriverError> {
        self.locked().graphs.refused()
    }

    /// Memory of any content, for at least one byte.
    pub(super) fn allocate(&self, bytes: usize) -> Result<Block, DriverError> {
        self.context().bind_to_thread()?;
        // SAFETY: the context is bound, and `bytes` is not 0, which the driver would refuse.
        let address = unsafe { result::malloc_sync(bytes.max(1)) }?;
        Ok(Block { address, bytes })
    }

    /// Gives memory back, when the work on it is done.
    pub(super) fn free(&self, block: Block) -> Result<(), DriverError> {
        // If the driver does not get what is recorded, it is lost, and nothing is left that uses the block.
        let handed_over = self.flush(&mut self.locked());
        self.context().bind_to_thread()?;
        // SAFETY: the block came from `allocate` and is not used again, since it was moved here. The driver waits for the
        // work that is queued.
        unsafe { result::free_sync(block.address) }?;
        handed_over
    }

    /// Copies numbers to the beginning of a block, which is long enough. They may be changed afterwards.
    pub(super) fn upload<T: Plain>(&self, block: &Block, data: &[T]) -> Result<(), DriverError> {
        assert!(size_of_val(data) <= block.bytes, "a copy beyond a block");
        if data.is_empty() {
            return Ok(());
        }
        let mut queue = self.locked();
        self.flush(&mut queue)?;
        let stream = self.stream.cu_stream();
        let Some(mut locked) = queue.staging.take(size_of_val(data)) else {
            // SAFETY: both sides are as long as `data`, which is borrowed until the copy is done: of page-locked memory the
            // call alone does not wait for that.
            unsafe { result::memcpy_htod_async(block.address, data, stream) }?;
            return self.wait(&mut queue);
        };
        let copy = locked.numbers(data.len());
        copy.copy_from_slice(data);
        // SAFETY: both sides are as long as `data`; the copy of it stays until the next wait.
        let queued = unsafe { result::memcpy_htod_async(block.address, copy, stream) };
        queue.staging.queue(locked);
        queued
    }

    /// Copies numbers from the beginning of a block, which is long enough, when the work before is done.
    pub(super) fn download<T: Plain>(
        &self,
        block: &Block,
        out: &mut [T],
    ) -> Result<(), DriverError> {
        assert!(size_of_val(out) <= block.bytes, "a copy beyond a block");
        if out.is_empty() {
            return Ok(());
        }
        let mut queue = self.locked();
        self.flush(&mut queue)?;
        let stream = self.stream.cu_stream();
        let Some(mut locked) = queue.staging.take(size_of_val(out)) else {
            // SAFETY: both sides are as long as `out`, which is borrowed until the copy is done.
            unsafe { result::memcpy_dtoh_async(out, block.address, stream) }?;
            return self.wait(&mut queue);
        };
        let copy = locked.numbers(out.len());
        // SAFETY: both sides are as long as `out`, and the copy stays until it is done.
        let copied = unsafe { result::memcpy_dtoh_async(copy, block.address, stream) }
            .and_then(|()| self.wait(&mut queue));
        if copied.is_ok() {
            out.copy_from_slice(copy);
        }
        queue.staging.queue(locked);
        copied
    }

    /// Queues a kernel on at least `threads` threads, in groups of `group`. Without threads nothing happens.
    ///
    /// An error of the launch itself comes from the call that hands it to the driver, and then from every later one.
    ///
    /// # Safety
    ///
    /// `arguments` is the structure that the kernel has as its only parameter. What the kernel reads and writes with it
    /// lies in blocks of this device, which are given back by [`Stream::free`] only.
    pub(super) unsafe fn launch<A: Plain>(
        &self,
        kernel: &CudaFunction,
        threads: usize,
        group: u32,
        arguments: &A,
    ) -> Result<(), DriverError> {
        // The largest grid that a device takes.
        const GRID: usize = (1 << 31) - 1;
        let groups = threads.div_ceil(group as usize);
        if groups == 0 {
            return Ok(());
        }
        if groups > GRID {
            return Err(DriverError(CUresult::CUDA_ERROR_INVALID_VALUE));
        }
        let mut queue = self.open()?;
        let recording = &mut queue.recording;
        recording.push(kernel, groups as u32, group, words(arguments));
        Ok(())
    }

    /// Queues an update by a kernel that takes several of them, in one launch with others if the bits are the same.
    ///
    /// # Safety
    ///
    /// The kernel takes [`Maps`](super::updates::Maps), and what it reads and writes for this update is what the update
    /// says; otherwise as [`Stream::launch`].
    pub(super) unsafe fn update(
        &self,
        kernel: &CudaFunction,
        update: Update,
    ) -> Result<(), DriverError> {
        if update.map.count > 0 {
            self.open()?.recording.update(kernel, update);
        }
        Ok(())
    }

    /// The queue, with room for a launch.
    fn open(&self) -> Result<MutexGuard<'_, Queue>, DriverError> {
        let mut queue = self.locked();
        if queue.recording.launches().len() >= Self::MOST {
            self.flush(&mut queue)?;
        }
        match queue.lost {
            Some(error) => Err(error),
            None => Ok(queue),
        }
    }

    /// Hands what is recorded to the driver. The context is current afterwards.
    fn flush(&self, queue: &mut Queue) -> Result<(), DriverError> {
        if let Some(error) = queue.lost {
            return Err(error);
        }
        let Queue {
            recording, graphs, ..
        } = queue;
        recording.close();
        let bound = self.context().bind_to_thread();
        // SAFETY: the stream is there and its context current; who called `launch` answers for the kernels. Before a block
        // is freed, what was recorded is handed over or lost, so all blocks are there.
        let hand_over = |()| unsafe { graphs.launch(recording, self.stream.cu_stream()) };
        let handed_over = bound.and_then(hand_over);
        recording.clear();
        queue.lost = handed_over.err();
        handed_over
    }

    /// Waits until everything that is queued is done.
    pub(super) fn finish(&self) -> Result<(), DriverError> {
        let mut queue = self.locked();
        self.flush(&mut queue)?;
        self.wait(&mut queue)
    }

    /// Waits for everything that the driver has.
    fn wait(&self, queue: &mut Queue) -> Result<(), DriverError> {
        self.stream.synchronize()?;
        queue.staging.done();
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        // Nothing that is done under the lock panics half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stream {
    /// Waits, because the memory and the graphs of the queue end with it.
    fn drop(&mut self) {
        // A device that is lost works on nothing any more.
        let _ = self.stream.synchronize();
    }
}

/// An error of the driver in the words of core: `count` numbers were wanted, or worked on.
pub(super) fn error(op: &'static str, count: usize) -> impl Fn(DriverError) -> Error {
    move |error| match (error.0, Fault::of(error.0)) {
        (CUresult::CUDA_ERROR_OUT_OF_MEMORY, _) => Error::about(ErrorKind::Memory, op, &[count]),
        (_, Some(fault)) => Error::new(ErrorKind::Device, op, fault.sentence),
        _ => Error::new(
            ErrorKind::Device,
            op,
            "the CUDA driver refused; see what nvidia-smi says",
        ),
    }
}
