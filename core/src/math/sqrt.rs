//! Square roots: the instruction where stable Rust can reach one without std.
#![allow(unsafe_code)]

use crate::isa::Isa;

#[cfg(target_arch = "x86")]
use core::arch::x86 as sse;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64 as sse;

/// The square root of x, correctly rounded (at most 0.5 ulp).
///
/// sqrt(+-0) = +-0, sqrt(inf) = inf, sqrt(x) = NaN for x < 0, sqrt(NaN) = NaN.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::sqrt};
/// assert_eq!(sqrt::<Portable>(2.0), 1.414_213_5);
/// assert!(sqrt::<Portable>(-1.0).is_nan());
/// ```
#[inline(always)]
#[must_use]
pub fn sqrt<I: Isa>(x: f32) -> f32 {
    #[cfg(all(
        any(target_arch = "x86", target_arch = "x86_64"),
        target_feature = "sse2"
    ))]
    {
        use sse::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};
        // SAFETY: the whole crate is compiled for CPUs with SSE2.
        unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f32, vget_lane_f32, vsqrt_f32};
        // SAFETY: the whole crate is compiled for CPUs with Advanced SIMD.
        unsafe { vget_lane_f32::<0>(vsqrt_f32(vdup_n_f32(x))) }
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    {
        use core::arch::wasm32::{f32x4_extract_lane, f32x4_splat, f32x4_sqrt};
        f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(x)))
    }
    #[cfg(vfp_single)]
    {
        let mut bits = x.to_bits();
        // The compiler hands out floating-point registers only where there are double-precision ones as well, so the
        // operand comes and goes in a core register.
        // SAFETY: every CPU of the target has the instructions; they touch registers only, and all are named.
        unsafe {
            core::arch::asm!(
                "vmov s0, {bits}",
                "vsqrt.f32 s0, s0",
                "vmov {bits}, s0",
                bits = inout(reg) bits, out("s0") _,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        f32::from_bits(bits)
    }
    #[cfg(not(any(
        all(
            any(target_arch = "x86", target_arch = "x86_64"),
            target_feature = "sse2"
        ),
        all(target_arch = "aarch64", target_feature = "neon"),
        all(target_arch = "wasm32", target_feature = "simd128"),
        vfp_single,
    )))]
    libm::sqrtf(x)
}

/// The square root of x in double precision, correctly rounded.
#[inline(always)]
pub(super) fn double(x: f64) -> f64 {
    #[cfg(all(
        any(target_arch = "x86", target_arch = "x86_64"),
        target_feature = "sse2"
    ))]
    {
        use sse::{_mm_cvtsd_f64, _mm_set_sd, _mm_sqrt_sd};
        // SAFETY: the whole crate is compiled for CPUs with SSE2.
        unsafe { _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(x), _mm_set_sd(x))) }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f64, vget_lane_f64, vsqrt_f64};
        // SAFETY: the whole crate is compiled for CPUs with Advanced SIMD.
        unsafe { vget_lane_f64::<0>(vsqrt_f64(vdup_n_f64(x))) }
    }
    #[cfg(not(any(
        all(
            any(target_arch = "x86", target_arch = "x86_64"),
            target_feature = "sse2"
        ),
        all(target_arch = "aarch64", target_feature = "neon"),
    )))]
    libm::sqrt(x)
}
