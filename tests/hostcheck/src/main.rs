//! Trains a network on x86-64 Linux without std, with a start and a panic handler of its own. Any crate in the tree that
//! links std makes this fail to compile (duplicate lang item `panic_impl`).
#![no_std]
#![no_main]

extern crate alloc;

use minitorch_core::Cpu;
use minitorch_tiny::heap::Heap;

#[global_allocator]
static HEAP: Heap<{ 1 << 20 }> = Heap::empty();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

/// The prebuilt `alloc` refers to these symbols, though nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    exit(101)
}

fn exit(status: i32) -> ! {
    // SAFETY: exit_group takes a status and does not return.
    unsafe { core::arch::asm!("syscall", in("rax") 231, in("rdi") status, options(noreturn)) }
}

fn print(text: &[u8]) {
    // SAFETY: write reads `text`, which is alive; the kernel changes rax, rcx and r11.
    unsafe {
        core::arch::asm!(
            "syscall", inlateout("rax") 1_usize => _, in("rdi") 1, in("rsi") text.as_ptr(),
            in("rdx") text.len(), lateout("rcx") _, lateout("r11") _, options(nostack)
        );
    }
}

// The kernel starts with an aligned stack and no return address; a C function wants to be called.
core::arch::global_asm!(
    ".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call {main}", main = sym main,
);

extern "C" fn main() -> ! {
    match minitorch_tiny::train(&Cpu::default()) {
        Ok(outcome) => {
            print(alloc::format!("{outcome}\n").as_bytes());
            exit(0)
        }
        Err(_) => exit(1),
    }
}
