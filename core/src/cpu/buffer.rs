//! Memory of the CPU backend.

use super::Cpu;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use alloc::vec::Vec;

/// Elements in main memory, or read where they lie (flash). Its drop gives the memory back to the pool of its [`Cpu`].
pub struct CpuBuffer<E: Element> {
    home: Cpu<E>,
    data: Data<E>,
}

enum Data<E: 'static> {
    Owned(Vec<E>),
    /// Losses and the numbers of scalar graphs: without an allocation of its own.
    Single([E; 1]),
    Borrowed(&'static [E]),
}

impl<E: Element> core::fmt::Debug for CpuBuffer<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CpuBuffer[{}]", self.as_slice().len())
    }
}

impl<E: Element> CpuBuffer<E> {
    pub(super) const fn owned(home: Cpu<E>, data: Vec<E>) -> Self {
        Self {
            home,
            data: Data::Owned(data),
        }
    }

    pub(super) const fn single(home: Cpu<E>, value: [E; 1]) -> Self {
        Self {
            home,
            data: Data::Single(value),
        }
    }

    pub(super) const fn borrowed(home: Cpu<E>, data: &'static [E]) -> Self {
        Self {
            home,
            data: Data::Borrowed(data),
        }
    }

    pub(super) const fn home(&self) -> &Cpu<E> {
        &self.home
    }

    /// The elements.
    #[must_use]
    pub fn as_slice(&self) -> &[E] {
        match &self.data {
            Data::Owned(data) => data,
            Data::Single(data) => data,
            Data::Borrowed(data) => data,
        }
    }

    /// The elements, to be overwritten; borrowed ones are copied first.
    pub(super) fn as_mut_slice(&mut self) -> Result<&mut [E]> {
        if let Data::Borrowed(data) = self.data {
            let mut copy = self.home.any(data.len())?;
            copy.as_mut_slice()?.copy_from_slice(data);
            *self = copy;
        }
        match &mut self.data {
            Data::Owned(data) => Ok(data),
            Data::Single(data) => Ok(data),
            Data::Borrowed(_) => Err(Error::new(
                ErrorKind::Device,
                "write",
                "the buffer is read-only",
            )),
        }
    }
}

impl<E: Element> Drop for CpuBuffer<E> {
    fn drop(&mut self) {
        if let Data::Owned(data) = &mut self.data {
            self.home.machine.pool.give(core::mem::take(data));
        }
    }
}

/// Whole numbers in main memory.
pub struct CpuIndex(Vec<u32>);

impl core::fmt::Debug for CpuIndex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CpuIndex[{}]", self.0.len())
    }
}

impl CpuIndex {
    pub(super) fn zeros(count: usize) -> Result<Self> {
        host::filled("allocate", count, 0).map(Self)
    }

    /// The numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u32] {
        &mut self.0
    }
}
