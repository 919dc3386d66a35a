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
    const AVX512: u32 = 1 << 16 | 1 << 31; // F and VL
    // Bits of XCR0: which registers the operating system saves. XMM and YMM; the masks and both parts of ZMM.
    const YMM: u64 = 0b110;
    const ZMM: u64 = 0b1110_0000 | YMM;

    #[target_feature(enable = "xsave")]
    fn saved() -> u64 {
        // SAFETY: the caller found OSXSAVE, so reading XCR0 is allowed.
        unsafe { _xgetbv(0) }
    }
    // CPUID's functions are safe in the newest compilers and unsafe in the oldest that this crate supports.
    #[allow(unused_unsafe)]
    fn ask() -> Set {
        // SAFETY: every x86-64 CPU has CPUID and its leaf 0, which says how many leaves there are.
        let leaves = unsafe { __cpuid(0) }.eax;
        if leaves < 7 {
            return Set::Portable;
        }
        // SAFETY: the CPU has leaves 0 to 7.
        let (basic, extended) = unsafe { (__cpuid(1).ecx, __cpuid_count(7, 0).ebx) };
        let wanted = FMA | OSXSAVE | AVX;
        if basic & wanted != wanted || extended & AVX2 == 0 {
            return Set::Portable;
        }
        // SAFETY: OSXSAVE is set, which implies XSAVE.
        let saved = unsafe { saved() };
        if saved & YMM != YMM {
            Set::Portable
        } else if extended & AVX512 == AVX512 && saved & ZMM == ZMM {
            Set::Avx512
        } else {
            Set::Avx2
        }
    }

    // A racing second thread finds the same answer, so relaxed loads and stores are enough. In a virtual machine
    // CPUID costs a microsecond or more: it is asked once.
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    match KNOWN.load(Ordering::Relaxed) {
        1 => Set::Portable,
        2 => Set::Avx2,
        3 => Set::Avx512,
        _ => {
            let best = ask();
            KNOWN.store(1 + best as u8, Ordering::Relaxed);
            best
        }
    }
}

/// The best level: part of the target.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn best() -> Set {
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    return Set::Neon;
    #[cfg(not(all(target_arch = "aarch64", target_feature = "neon")))]
    Set::Portable
}
