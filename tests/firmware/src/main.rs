//! Trains a network on a Cortex-M4F in 64 KiB of memory, and reports over semihosting (a debugger, or QEMU):
//! `scripts/same_bits.sh` builds and runs it.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m_rt::{STACK_PAINT_VALUE, entry};
use minitorch_core::Cpu;
use minitorch_tiny::heap::Heap;
use semihosting::{println, process};

const HEAP_BYTES: usize = 50 * 1024;

#[global_allocator]
static HEAP: Heap<HEAP_BYTES> = Heap::empty();

#[entry]
fn main() -> ! {
    let outcome = match minitorch_tiny::train(&Cpu::default()) {
        Ok(outcome) => outcome,
        Err(error) => {
            println!("error: {error}");
            process::exit(1)
        }
    };
    println!("{outcome}");
    println!("Heap: at most {} of {HEAP_BYTES} bytes", HEAP.peak());
    let [used, size] = stack();
    println!("Stack: at most {used} of {size} bytes");
    if used == size {
        println!("error: the stack has run into the heap");
        process::exit(1)
    }
    process::exit(0)
}

/// How many bytes of the stack were used, and how many there are: everything that is not static.
fn stack() -> [usize; 2] {
    // From the linker script of cortex-m-rt. The stack grows down from its start.
    unsafe extern "C" {
        static mut _stack_start: u32;
        static mut _stack_end: u32;
    }
    let (start, end) = (&raw const _stack_start, &raw const _stack_end);
    let mut untouched = end;
    // SAFETY: the words from the end to the start are the stack, which cortex-m-rt painted.
    while untouched < start && unsafe { untouched.read_volatile() } == STACK_PAINT_VALUE {
        untouched = untouched.wrapping_add(1);
    }
    [start.addr() - untouched.addr(), start.addr() - end.addr()]
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // The place without the message: formatting any message would cost flash.
    if let Some(place) = info.location() {
        println!("panic at {}:{}", place.file(), place.line());
    }
    process::exit(101)
}
