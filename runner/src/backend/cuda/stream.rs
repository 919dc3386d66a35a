//! The device itself: memory, copies and launches in the order of one stream. All unsafe calls but those that look for the
//! driver are here.
#![allow(unsafe_code)]

use std::sync::Arc;

use cudarc::driver::sys::{self, CUresult};
use cudarc::driver::{CudaContext, CudaFunction, CudaStream, DriverError, result};
use minitorch_core::{Error, ErrorKind};

use super::fault::Fault;

/// Memory of the device.
#[derive(Debug, PartialEq, Eq)]
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
#[derive(Debug)]
pub(super) struct Stream {
    stream: Arc<CudaStream>,
}

impl Stream {
    pub(super) fn new(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        Ok(Self {
            stream: context.new_stream()?,
        })
    }

    pub(super) fn context(&self) -> &Arc<CudaContext> {
        self.stream.context()
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
        self.context().bind_to_thread()?;
        // SAFETY: the block came from `allocate` and is not used again, since it was moved here. The driver waits for the
        // work that is queued.
        unsafe { result::free_sync(block.address) }
    }

    /// Copies numbers to the beginning of a block, which is long enough. They may be changed afterwards.
    pub(super) fn upload<T: Copy>(&self, block: &Block, data: &[T]) -> Result<(), DriverError> {
        assert!(size_of_val(data) <= block.bytes, "a copy beyond a block");
        if data.is_empty() {
            return Ok(());
        }
        self.context().bind_to_thread()?;
        // SAFETY: both sides are as long as `data`, which is borrowed until the copy is done: of page-locked memory the call
        // alone does not wait for that.
        unsafe { result::memcpy_htod_async(block.address, data, self.stream.cu_stream()) }?;
        self.stream.synchronize()
    }

    /// Copies numbers from the beginning of a block, which is long enough, when the work before is done.
    pub(super) fn download<T: Copy>(
        &self,
        block: &Block,
        out: &mut [T],
    ) -> Result<(), DriverError> {
        assert!(size_of_val(out) <= block.bytes, "a copy beyond a block");
        if out.is_empty() {
            return Ok(());
        }
        self.context().bind_to_thread()?;
        // SAFETY: both sides are as long as `out`, which is borrowed until the copy is done.
        unsafe { result::memcpy_dtoh_async(out, block.address, self.stream.cu_stream()) }?;
        self.stream.synchronize()
    }

    /// Queues a kernel on at least `threads` threads, in groups of `group`. Without threads nothing happens.
    ///
    /// The caller, which is a file of this folder, answers for `arguments`: the structure that the kernel has as its only
    /// parameter, with places inside of blocks that live at least until the call returns.
    pub(super) fn launch<A: Copy>(
        &self,
        kernel: &CudaFunction,
        threads: usize,
        group: u32,
        arguments: &A,
    ) -> Result<(), DriverError> {
        // The largest grid that a device takes.
        const MOST: usize = (1 << 31) - 1;
        let groups = threads.div_ceil(group as usize);
        if groups == 0 {
            return Ok(());
        }
        if groups > MOST {
            return Err(DriverError(CUresult::CUDA_ERROR_INVALID_VALUE));
        }
        self.context().bind_to_thread()?;
        let mut parameters = [std::ptr::from_ref(arguments).cast_mut().cast()];
        // SAFETY: the parameter is what the kernel takes, as said above, and is copied before the call returns. Blocks that
        // are freed later are reused by later work of the same stream only.
        unsafe {
            result::launch_kernel(
                kernel.cu_function(),
                (groups as u32, 1, 1),
                (group, 1, 1),
                0,
                self.stream.cu_stream(),
                &mut parameters,
            )
        }
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
