//! Page-locked memory of the host, which a device reads and writes by itself while the host goes on. The system does not
//! move it.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use cudarc::driver::sys::CUresult;
use cudarc::driver::{DriverError, result};

use super::plain::Plain;

/// A piece of page-locked memory.
#[derive(Debug)]
pub(super) struct Locked {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory belongs to no thread, and is used by one at a time, the one that has it.
unsafe impl Send for Locked {}

impl Locked {
    /// A context has to be current, which may use the memory.
    fn new(bytes: usize) -> Result<Self, DriverError> {
        // SAFETY: the call gives memory or an error.
        let start = unsafe { result::malloc_host(bytes, 0) }?;
        let none = DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        let start = NonNull::new(start.cast()).ok_or(none)?;
        // SAFETY: the memory is so long. Zeros, so that all of it has a value.
        unsafe { start.write_bytes(0, bytes) };
        Ok(Self { start, bytes })
    }

    /// The first numbers, which may be any.
    pub(super) fn numbers<T: Plain>(&mut self, count: usize) -> &mut [T] {
        assert!(
            count * size_of::<T>() <= self.bytes && align_of::<T>() <= 4096,
            "more than there is"
        );
        // SAFETY: the memory is so long, begins at a page, has values, of which any is one of plain numbers, and is borrowed
        // as a whole.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), count) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: the memory came from the driver and is not used again. A driver that does not take it back has no use
        // for it either.
        let _ = unsafe { result::free_host(self.start.as_ptr().cast()) };
    }
}

/// Page-locked memory that is used over and over.
#[derive(Debug, Default)]
pub(super) struct Staging {
    free: Vec<Locked>,
    /// What copies that are queued use.
    queued: Vec<Locked>,
}

impl Staging {
    /// The longest copy that goes through page-locked memory: a batch, not a data set.
    const LONGEST: usize = 1 << 20;
    /// The most bytes that are used before the host waits: many batches, if little is copied for each.
    const MOST: usize = 16 << 20;

    /// Memory for a copy, if it is short and there is some; otherwise the copy has to do without.
    ///
    /// A context has to be current.
    pub(super) fn take(&mut self, bytes: usize) -> Option<Locked> {
        let used: usize = self.queued.iter().map(|locked| locked.bytes).sum();
        if bytes > Self::LONGEST || used + bytes > Self::MOST {
            return None;
        }
        let fits = self.free.iter().enumerate();
        let fits = fits.filter(|(_, locked)| locked.bytes >= bytes);
        match fits.min_by_key(|(_, locked)| locked.bytes) {
            Some((at, _)) => Some(self.free.swap_remove(at)),
            None => Locked::new(bytes.next_power_of_two().max(4096)).ok(),
        }
    }

    /// Keeps what a copy uses that is queued.
    pub(super) fn queue(&mut self, locked: Locked) {
        self.queued.push(locked);
    }

    /// To be called when all copies are done.
    pub(super) fn done(&mut self) {
        self.free.append(&mut self.queued);
    }
}
