//! The system's allocator, which a thread can declare empty for itself.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Runs `f` while only the next `count` allocations of this thread succeed.
pub(crate) fn with_allocations<T>(count: usize, f: impl FnOnce() -> T) -> T {
    /// A test that fails allocates, too.
    struct Restored;
    impl Drop for Restored {
        fn drop(&mut self) {
            LEFT.set(None);
        }
    }
    let _restored = Restored;
    LEFT.set(Some(count));
    f()
}

thread_local! {
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

struct Limited;

#[global_allocator]
static LIMITED: Limited = Limited;

// SAFETY: either the system's allocator does it all, or null is returned, which stands for failure.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(left) = LEFT.get() {
            let Some(left) = left.checked_sub(1) else {
                return ptr::null_mut();
            };
            LEFT.set(Some(left));
        }
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory came from `System.alloc` with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}
