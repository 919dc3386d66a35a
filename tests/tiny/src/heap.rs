//! A heap of a fixed size that knows how much of it was needed.
#![allow(unsafe_code)]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::{NonNull, null_mut};

use spin::{Mutex, MutexGuard};

/// A global allocator in `BYTES` bytes of static memory. Not for use in interrupts, which would wait for its lock.
pub struct Heap<const BYTES: usize> {
    arena: UnsafeCell<Arena<BYTES>>,
    state: Mutex<State>,
}

#[repr(align(16))]
struct Arena<const BYTES: usize> {
    _bytes: [MaybeUninit<u8>; BYTES],
}

struct State {
    blocks: linked_list_allocator::Heap,
    peak: usize,
}

// SAFETY: nothing but `blocks` reads or writes the arena, and that only behind the lock; the blocks that it hands out do
// not overlap.
unsafe impl<const BYTES: usize> Sync for Heap<BYTES> {}

impl<const BYTES: usize> Heap<BYTES> {
    /// A heap without blocks.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            arena: UnsafeCell::new(Arena {
                _bytes: [MaybeUninit::uninit(); BYTES],
            }),
            state: Mutex::new(State {
                blocks: linked_list_allocator::Heap::empty(),
                peak: 0,
            }),
        }
    }

    /// The most bytes that were in use at the same time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.state().peak
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        if state.blocks.size() == 0 {
            // SAFETY: the arena has this size and lives as long as the program; this happens once.
            unsafe { state.blocks.init(self.arena.get().cast(), BYTES) };
        }
        state
    }
}

// SAFETY: blocks are those of `linked_list_allocator`, which keeps the contract.
unsafe impl<const BYTES: usize> GlobalAlloc for Heap<BYTES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut state = self.state();
        let Ok(block) = state.blocks.allocate_first_fit(layout) else {
            return null_mut();
        };
        state.peak = state.peak.max(state.blocks.used());
        block.as_ptr()
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller gives back a block of `alloc` with its layout.
            unsafe { self.state().blocks.deallocate(block, layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GlobalAlloc, Heap, Layout};

    #[test]
    fn the_peak_is_what_was_in_use_at_the_same_time() {
        static HEAP: Heap<1024> = Heap::empty();
        let half = Layout::new::<[u128; 32]>();
        let quarter = Layout::new::<[u128; 16]>();
        // SAFETY: no layout is empty, and each block is given back once, with its own.
        unsafe {
            let first = HEAP.alloc(half);
            HEAP.dealloc(first, half);
            assert_eq!(HEAP.alloc(quarter), first, "the memory is used again");
            assert_eq!(HEAP.peak(), 512);
            assert!(!HEAP.alloc(half).is_null());
            assert!(HEAP.alloc(half).is_null(), "there are 256 bytes left");
        }
        assert_eq!(HEAP.peak(), 768);
    }
}
