//! Freed buffers, kept for the next operation that needs one of the same size.
//!
//! A training step asks for the same sizes over and over, so after one step it allocates nothing. Only buffers of
//! exactly the wanted length are handed out: nothing is split or searched for.

use crate::element::Element;
use alloc::vec::Vec;
use spin::Mutex;

/// Smaller buffers than this go straight back to the allocator, which is as fast for them.
const SMALLEST: usize = 256;
/// The most buffers that are kept.
const MOST: usize = 256;

/// Freed buffers of one [`Cpu`](super::Cpu).
pub(crate) struct Pool<E> {
    limit: usize,
    kept: Mutex<Kept<E>>,
}

struct Kept<E> {
    // Oldest first. A step's sizes are few, so a search through this is short.
    buffers: Vec<Vec<E>>,
    bytes: usize,
}

impl<E: Element> Pool<E> {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Mutex::new(Kept {
                buffers: Vec::new(),
                bytes: 0,
            }),
        }
    }

    /// A buffer of `count` elements of any value, or `None` if memory is out.
    pub(crate) fn take(&self, count: usize) -> Option<Vec<E>> {
        if count >= SMALLEST && self.limit > 0 {
            let mut kept = self.kept.lock();
            if let Some(at) = kept
                .buffers
                .iter()
                .rposition(|buffer| buffer.len() == count)
            {
                kept.bytes -= count * size_of::<E>();
                return Some(kept.buffers.remove(at));
            }
        }
        allocate(count).or_else(|| {
            // What is kept may be what is missing.
            self.clear();
            allocate(count)
        })
    }

    /// Keeps `buffer` for later, or frees it.
    pub(crate) fn give(&self, buffer: Vec<E>) {
        let bytes = buffer.len() * size_of::<E>();
        if buffer.len() < SMALLEST || bytes > self.limit {
            return;
        }
        loop {
            let mut kept = self.kept.lock();
            if kept.bytes + bytes <= self.limit && kept.buffers.len() < MOST {
                if kept.buffers.try_reserve(1).is_ok() {
                    kept.bytes += bytes;
                    kept.buffers.push(buffer);
                }
                return;
            }
            let oldest = kept.buffers.remove(0);
            kept.bytes -= oldest.len() * size_of::<E>();
            // Freed after the lock: another thread must not wait for the allocator.
            drop(kept);
            drop(oldest);
        }
    }

    fn clear(&self) {
        let kept = {
            let mut kept = self.kept.lock();
            kept.bytes = 0;
            core::mem::take(&mut kept.buffers)
        };
        drop(kept);
    }
}

fn allocate<E: Element>(count: usize) -> Option<Vec<E>> {
    let mut data = Vec::new();
    data.try_reserve_exact(count).ok()?;
    data.resize(count, E::ZERO);
    Some(data)
}
