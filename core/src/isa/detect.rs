//! What the CPU can do, asked without std.
use super::Set;

/// The best level that the CPU and the operating system support.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(super) fn best() -> Set {
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    use core::sync::atomic::{AtomicU8, Ordering};

    const FMA: u32 = 1 << 12;
    const OSXSAVE: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    const AVX2: u32 = 1 << 5;
    // Bits 1 and 2 of XCR0: the operating system saves the XMM and YMM registers.
    const XMM_YMM: u64 = 0b110;

    #[target_feature(enable = "xsave")]
    fn ymm_saved() -> bool {
        // SAFETY: the caller found OSXSAVE, so reading XCR0 is allowed.
        unsafe { _xgetbv(0) & XMM_YMM == XMM_YMM }
    }
    // CPUID's functions are safe in the newest compilers and unsafe in the oldest that this crate supports.
    #[allow(unused_unsafe)]
    fn ask() -> bool {
        // SAFETY: every x86-64 CPU has CPUID and its leaf 0, which says how many leaves there are.
        let leaves = unsafe { __cpuid(0) }.eax;
        if leaves < 7 {
            return false;
        }
        // SAFETY: the CPU has leaves 0 to 7.
        let (basic, extended) = unsafe { (__cpuid(1).ecx, __cpuid_count(7, 0).ebx) };
        let wanted = FMA | OSXSAVE | AVX;
        // SAFETY: `ymm_saved` runs only where OSXSAVE is set, which implies XSAVE.
        basic & wanted == wanted && extended & AVX2 != 0 && unsafe { ymm_saved() }
    }

    // A racing second thread finds the same answer, so relaxed loads and stores are enough. In a virtual machine
    // CPUID costs a microsecond or more: it is asked once.
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    let known = match KNOWN.load(Ordering::Relaxed) {
        0 => {
            let known = if ask() { 2 } else { 1 };
            KNOWN.store(known, Ordering::Relaxed);
            known
        }
        known => known,
    };
    if known == 2 { Set::Avx2 } else { Set::Portable }
}

/// The best level that the CPU and the operating system support.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn best() -> Set {
    Set::Portable
}
