//! Memory that a check takes: an allocator that counts, and the bound on what an input may cost.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with the bytes that are live and the most that were, of each thread by itself.
///
/// For the `#[global_allocator]` of a program that calls [`bounded`].
pub struct Counting;

// Constant and without a destructor, so that reading them allocates nothing. A thread may free what another one made,
// so a count can be negative.
thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: all is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + layout.size().cast_signed());
        PEAK.set(PEAK.get().max(LIVE.get()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Calls a check, and demands that it never took more than 2 MiB and 256 bytes for each byte of the input: what a
/// reader may take, and what the check itself needs for a second opinion.
///
/// # Panics
///
/// If it took more. Without [`Counting`] nothing is seen.
pub fn bounded(check: fn(&[u8]), input: &[u8]) {
    let taken = peak(|| check(input));
    let allowed = (2 << 20) + 256 * input.len().cast_signed();
    assert!(
        taken <= allowed,
        "{taken} bytes of memory for {} of input",
        input.len()
    );
}

/// The most bytes that are live at any time while `work` is done, over those that were before. Without [`Counting`]
/// nothing is seen, and of other threads never.
pub fn peak(work: impl FnOnce()) -> isize {
    let before = LIVE.get();
    PEAK.set(before);
    work();
    PEAK.get() - before
}
