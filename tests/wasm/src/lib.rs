//! Trains a network in WebAssembly, in a browser or in node: `scripts/same_bits.sh` builds it and `run.mjs` calls it.
#![no_std]

extern crate alloc;

use alloc::format;

use minitorch_core::Cpu;
use minitorch_tiny::heap::Heap;

const HEAP_BYTES: usize = 50 * 1024;

#[global_allocator]
static HEAP: Heap<HEAP_BYTES> = Heap::empty();

/// Trains, and returns where the report is: its address in the upper half, its length in the lower one.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> u64 {
    let report = match minitorch_tiny::train(&Cpu::default()) {
        Ok(outcome) => format!(
            "{outcome}\nHeap: at most {} of {HEAP_BYTES} bytes",
            HEAP.peak()
        ),
        Err(error) => format!("error: {error}"),
    };
    let report = report.leak();
    (report.as_ptr().addr() as u64) << 32 | report.len() as u64
}

/// A trap: JavaScript sees a `RuntimeError`.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
