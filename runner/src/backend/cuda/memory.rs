//! Memory of the device: numbers on it, and the blocks that are kept for the next ones.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use cudarc::driver::DriverError;
use cudarc::driver::sys::CUresult;
use minitorch_core::{Error, ErrorKind, Result};

use super::Cuda;
use super::plain::Plain;
use super::stream::{self, Block, Stream};

/// The most numbers of a buffer: kernels count in 32 bits, and some look a group of threads beyond the end.
const MOST: usize = (1 << 31) - 1;
/// Blocks are multiples of this, so that sizes which are almost equal share them.
const STEP: usize = 512;

/// Freed blocks by size. A training step asks for the same sizes over and over, so after one step nothing is allocated.
/// The first block in memory is taken, whatever was freed last, so that the step gets the same addresses, too.
///
/// Whatever was freed is kept until the device has no memory left.
#[derive(Debug, Default)]
pub(super) struct Pool {
    kept: Mutex<HashMap<usize, BTreeSet<Block>>>,
}

impl Pool {
    /// A block of at least `bytes` and of any content.
    fn take(&self, stream: &Stream, bytes: usize) -> Result<Block, DriverError> {
        // With debug assertions a block is no longer than it was asked for: the tests' driver then sees what a kernel writes
        // beyond it.
        let bytes = match cfg!(debug_assertions) {
            true => bytes.max(1),
            false => rounded(bytes),
        };
        let kept = self.locked().get_mut(&bytes).and_then(BTreeSet::pop_first);
        if let Some(block) = kept {
            return Ok(block);
        }
        match stream.allocate(bytes) {
            Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => {
                // What is kept may be what is missing.
                self.clear(stream);
                stream.allocate(bytes)
            }
            block => block,
        }
    }

    fn give(&self, block: Block) {
        self.locked().entry(block.bytes).or_default().insert(block);
    }

    /// Gives everything back to the device.
    pub(super) fn clear(&self, stream: &Stream) {
        let kept = std::mem::take(&mut *self.locked());
        for block in kept.into_values().flatten() {
            // A device that takes nothing back is lost, which the next operation says.
            let _ = stream.free(block);
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<usize, BTreeSet<Block>>> {
        // Nothing that is done under the lock panics half-way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The size of the block for `bytes`: a multiple of [`STEP`], and above that of an eighth of the power of two below, so
/// that few sizes are distinct and at most an eighth is wasted.
fn rounded(bytes: usize) -> usize {
    let grain = bytes.checked_ilog2().map_or(0, |log| 1usize << log) / 8;
    bytes.max(1).next_multiple_of(grain.max(STEP))
}

/// Numbers on the device; its drop keeps the memory for others.
#[derive(Debug)]
struct Numbers {
    home: Cuda,
    block: Block,
    count: usize,
}

impl Numbers {
    fn new(home: &Cuda, count: usize) -> Result<Self> {
        if count > MOST {
            return Err(Error::about(ErrorKind::Size, "allocate", &[count])
                .advise("a buffer of a CUDA device has less than 2^31 numbers"));
        }
        let machine = &home.machine;
        let bytes = count.saturating_mul(size_of::<u32>());
        let block = machine.pool.take(&machine.stream, bytes);
        Ok(Self {
            block: block.map_err(stream::error("allocate", count))?,
            home: home.clone(),
            count,
        })
    }

    fn write<T: Plain>(&mut self, data: &[T]) -> Result<()> {
        let stream = &self.home.machine.stream;
        let written = stream.upload(&self.block, data);
        written.map_err(stream::error("write", data.len()))
    }

    fn read<T: Plain>(&self, out: &mut [T]) -> Result<()> {
        let stream = &self.home.machine.stream;
        let read = stream.download(&self.block, out);
        read.map_err(stream::error("read", out.len()))
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        let block = std::mem::replace(&mut self.block, Block::NOWHERE);
        self.home.machine.pool.give(block);
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident of $type:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Numbers);

        impl $name {
            /// `count` numbers of any value.
            pub(super) fn any(home: &Cuda, count: usize) -> Result<Self> {
                Numbers::new(home, count).map(Self)
            }

            /// How many numbers it has.
            pub(super) fn count(&self) -> usize {
                self.0.count
            }

            /// Where it begins on the device.
            pub(super) fn address(&self) -> u64 {
                self.0.block.address
            }

            /// Overwrites the first numbers.
            pub(super) fn write(&mut self, data: &[$type]) -> Result<()> {
                self.0.write(data)
            }

            /// Copies the first numbers.
            pub(super) fn read(&self, out: &mut [$type]) -> Result<()> {
                self.0.read(out)
            }
        }
    )*};
}

numbers! {
    /// Elements on a CUDA device.
    CudaBuffer of f32;
    /// Whole numbers on a CUDA device.
    CudaIndex of u32;
}

impl CudaBuffer {
    /// The device it is on.
    pub(super) fn home(&self) -> &Cuda {
        &self.0.home
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_large_enough_and_waste_an_eighth_at_most() {
        assert_eq!(
            [0, 1, 512, 513, 4096].map(rounded),
            [512, 512, 512, 1024, 4096]
        );
        assert_eq!(rounded(65_537), 73_728);
        for bytes in (0..40).map(|log| (1usize << log) + 12_345) {
            let block = rounded(bytes);
            assert!(
                block >= bytes && block - bytes <= (bytes / 8).max(STEP),
                "{bytes}: {block}"
            );
            assert_eq!(rounded(block), block);
        }
    }
}
