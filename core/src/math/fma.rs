//! Fused multiply-add: `a * b + c` rounded once, on every target.
//!
//! [`f32`](fn@f32) and [`f64`](fn@f64) are what [`Portable`](crate::isa::Portable) uses: an instruction where every
//! CPU of the target has one, exact software elsewhere. The software versions are compiled everywhere, so that tests on
//! a desktop cover what a microcontroller runs: `scripts/check-math.sh` compares each with the instruction on
//! 200 million products and sums, random ones and ones designed to be hard.
#![allow(unsafe_code)]

#[cfg(all(target_arch = "x86", target_feature = "fma"))]
use core::arch::x86 as simd;
#[cfg(all(target_arch = "x86_64", target_feature = "fma"))]
use core::arch::x86_64 as simd;

/// `a * b + c` with one rounding, in single precision.
///
/// ```
/// use minitorch_core::math::fma;
/// let third = 1.0 / 3.0;
/// assert_eq!(third * 3.0 - 1.0, 0.0);
/// assert_eq!(fma::f32(third, 3.0, -1.0), 2.980_232_2e-8);
/// ```
#[inline(always)]
#[must_use]
pub fn f32(a: f32, b: f32, c: f32) -> f32 {
    #[cfg(all(
        any(target_arch = "x86", target_arch = "x86_64"),
        target_feature = "fma"
    ))]
    {
        use simd::{_mm_cvtss_f32, _mm_fmadd_ss, _mm_set_ss};
        // SAFETY: the whole crate is compiled for CPUs with FMA.
        unsafe { _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c))) }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f32, vfma_f32, vget_lane_f32};
        // SAFETY: the whole crate is compiled for CPUs with Advanced SIMD.
        unsafe { vget_lane_f32::<0>(vfma_f32(vdup_n_f32(c), vdup_n_f32(a), vdup_n_f32(b))) }
    }
    #[cfg(vfp_single)]
    {
        let mut sum = c.to_bits();
        // The compiler hands out floating-point registers only where there are double-precision ones as well, so the
        // operands come and go in core registers.
        // SAFETY: every CPU of the target has the instructions; they touch registers only, and all are named.
        unsafe {
            core::arch::asm!(
                "vmov s0, {a}",
                "vmov s1, {b}",
                "vmov s2, {sum}",
                "vfma.f32 s2, s0, s1",
                "vmov {sum}, s2",
                a = in(reg) a.to_bits(), b = in(reg) b.to_bits(), sum = inout(reg) sum,
                out("s0") _, out("s1") _, out("s2") _,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        f32::from_bits(sum)
    }
    #[cfg(no_f64_unit)]
    {
        integer(a, b, c)
    }
    #[cfg(not(any(
        all(
            any(target_arch = "x86", target_arch = "x86_64"),
            target_feature = "fma"
        ),
        all(target_arch = "aarch64", target_feature = "neon"),
        vfp_single,
        no_f64_unit,
    )))]
    through_f64(a, b, c)
}

/// `a * b + c` with one rounding, in double precision.
///
/// ```
/// use minitorch_core::math::fma;
/// let tenth = 0.1;
/// assert_eq!(tenth * 10.0 - 1.0, 0.0);
/// assert_eq!(fma::f64(tenth, 10.0, -1.0), 5.551_115_123_125_783e-17);
/// ```
#[inline(always)]
#[must_use]
pub fn f64(a: f64, b: f64, c: f64) -> f64 {
    #[cfg(all(
        any(target_arch = "x86", target_arch = "x86_64"),
        target_feature = "fma"
    ))]
    {
        use simd::{_mm_cvtsd_f64, _mm_fmadd_sd, _mm_set_sd};
        // SAFETY: the whole crate is compiled for CPUs with FMA.
        unsafe { _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c))) }
    }
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    {
        use core::arch::aarch64::{vdup_n_f64, vfma_f64, vget_lane_f64};
        // SAFETY: the whole crate is compiled for CPUs with Advanced SIMD.
        unsafe { vget_lane_f64::<0>(vfma_f64(vdup_n_f64(c), vdup_n_f64(a), vdup_n_f64(b))) }
    }
    #[cfg(not(any(
        all(
            any(target_arch = "x86", target_arch = "x86_64"),
            target_feature = "fma"
        ),
        all(target_arch = "aarch64", target_feature = "neon"),
    )))]
    libm::fma(a, b, c)
}

/// [`f32`](fn@f32) in double-precision arithmetic: exact for every input, and branch-free, so loops vectorise.
///
/// The product of two singles is exact in double precision. Rounding its sum with `c` to the nearest double and then
/// to single would round twice, and be wrong about once in 40 million. So the sum is rounded to odd: cut off towards
/// zero, with the last bit set if that lost anything. Then it can lie neither on a boundary of the second rounding
/// nor on its other side unless the exact sum does (S. Boldo and G. Melquiond, "Emulation of FMA and correctly
/// rounded sums: proved algorithms using rounding to odd", 2008).
#[doc(hidden)]
#[inline(always)]
#[must_use]
pub fn through_f64(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let c = f64::from(c);
    let sum = product + c;
    // Knuth's TwoSum: the exact product + c is sum + error. No step overflows or underflows.
    let rest = sum - product;
    let error = (product - (sum - rest)) + (c - rest);

    // An error other than zero is at least 2^-298, so neither product underflows. For an infinite sum or NaN the error
    // is NaN, and both comparisons are false. (With `error != 0.0` they would not be, and the infinity become NaN.)
    let was_rounded_up = error * sum < 0.0;
    let is_inexact = error * error > 0.0;
    let truncated = sum.to_bits() - u64::from(was_rounded_up);
    f64::from_bits(truncated | u64::from(is_inexact)) as f32
}

/// [`f32`](fn@f32) in integer arithmetic, for cores without double-precision hardware: exact for every input.
#[doc(hidden)]
#[must_use]
pub fn integer(a: f32, b: f32, c: f32) -> f32 {
    if !(a.is_finite() && b.is_finite()) || a == 0.0 || b == 0.0 {
        return a * b + c;
    }
    if !c.is_finite() {
        return c;
    }
    let (ma, ea) = unpack(a);
    let (mb, eb) = unpack(b);
    let product = normalize(u64::from(ma) * u64::from(mb), ea + eb);
    let product_sign = (a.to_bits() ^ b.to_bits()) >> 31;
    if c == 0.0 {
        return round(product, product_sign);
    }
    let (mc, ec) = unpack(c);
    let addend = normalize(u64::from(mc), ec);
    let addend_sign = c.to_bits() >> 31;

    let addend_is_greater = (addend.1, addend.0) > (product.1, product.0);
    let (great, small, sign) = if addend_is_greater {
        (addend, product, addend_sign)
    } else {
        (product, addend, product_sign)
    };
    let aligned = shift_right_sticky(small.0, (great.1 - small.1) as u32);
    let sum = if product_sign == addend_sign {
        great.0 + aligned
    } else {
        great.0 - aligned
    };
    if sum == 0 {
        0.0
    } else {
        round((sum, great.1), sign)
    }
}

/// A finite number's magnitude as m * 2^e.
fn unpack(x: f32) -> (u32, i32) {
    let exponent = (x.to_bits() >> 23 & 0xff) as i32;
    let fraction = x.to_bits() & 0x007f_ffff;
    if exponent == 0 {
        (fraction, -149)
    } else {
        (fraction | 0x0080_0000, exponent - 150)
    }
}

/// The same value m * 2^e, not zero, with bit 62 the leading one: room for the carry of one addition.
fn normalize(m: u64, e: i32) -> (u64, i32) {
    let shift = m.leading_zeros() - 1;
    (m << shift, e - shift as i32)
}

/// m / 2^n with the last bit set if a one was lost. It stands for all that lies below it in later roundings.
fn shift_right_sticky(m: u64, n: u32) -> u64 {
    if n == 0 {
        m
    } else if n < 64 {
        m >> n | u64::from(m << (64 - n) != 0)
    } else {
        u64::from(m != 0)
    }
}

/// m * 2^e, not zero, rounded to the nearest number, ties to even.
fn round((m, e): (u64, i32), sign: u32) -> f32 {
    let zeros = m.leading_zeros();
    // The leading bit of `m` counts 2^exponent.
    let exponent = e + 63 - zeros as i32;
    if exponent > 127 {
        return f32::from_bits(sign << 31 | 0x7f80_0000);
    }
    let subnormal_by = (-126 - exponent).max(0);
    let m = shift_right_sticky(m << zeros, subnormal_by as u32);
    let kept = (m >> 40) as u32;
    let lost = m & ((1 << 40) - 1);
    let up = lost + u64::from(kept & 1) > 1 << 39;
    // The leading one of a normal number adds one to the exponent field, and so does a carry out of `kept`.
    let field = (exponent + 126).max(0) as u32;
    f32::from_bits(sign << 31 | ((field << 23) + kept + u32::from(up)))
}
