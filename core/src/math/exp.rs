//! The exponential function, and the pieces that `tanh`, `erf` and `pow` share with it.

use crate::isa::Isa;

/// Added and subtracted, it rounds a number below 2^22 to an integer, which the low bits of the sum then hold.
pub(super) const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
/// 1 / ln 2.
const LOG2_E: f32 = f32::from_bits(0x3fb8_aa3b);
/// ln 2 to 15 bits, so that its product with an integer below 2^9 is exact.
pub(super) const LN2_HIGH: f32 = f32::from_bits(0x3f31_7200);
/// ln 2 - `LN2_HIGH`.
pub(super) const LN2_LOW: f32 = f32::from_bits(0x35bf_be8e);

/// e^(x + low) for |x| <= 128 and a correction |low| far below one ulp of `x`: `(y, rest, n)` with (y + rest) * 2^n
/// the result, y in \[0.7, 1.42\] or so and |rest| < 0.07. NaN gives NaN for both parts and any n.
///
/// n = round(x / ln 2), r = x - n ln 2 and e^r = 1 + r + r^2 P(r), P minimax of degree 4 for the relative error
/// (2^-28.2 on |r| <= ln 2 / 2). The rounding error of 1 + r goes into the rest, so next to all that is lost is lost
/// when the two parts are added.
#[inline(always)]
pub(super) fn reduced(x: f32, low: f32) -> (f32, f32, i32) {
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let a = x - n * LN2_HIGH;
    let b = n * LN2_LOW - low;
    let r = a - b;
    let p = f32::from_bits(0x3ab5_5b5d);
    let p = p * r + f32::from_bits(0x3c09_1eae);
    let p = p * r + f32::from_bits(0x3d2a_ac2d);
    let p = p * r + f32::from_bits(0x3e2a_aa46);
    let p = p * r + f32::from_bits(0x3eff_fffe);
    let y = 1.0 + a;
    let rest = ((1.0 - y) + a) + (r * r * p - b);
    (
        y,
        rest,
        (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32),
    )
}

/// y * 2^n for y about 1 and |n| <= 250, rounded once: overflow gives infinity, underflow a subnormal or zero.
#[inline(always)]
pub(super) fn scale(y: f32, n: i32) -> f32 {
    // Two factors, because 2^n itself may be out of range. The first product is exact.
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2^n for -126 <= n <= 127; any other n gives any number.
#[inline(always)]
pub(super) fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// e^x.
///
/// exp(-inf) = +0, exp(inf) = inf, exp(NaN) = NaN; results below 2^-126 are subnormal. Error: at most 0.771 ulp.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::exp};
/// assert_eq!(exp::<Portable>(0.0), 1.0);
/// assert_eq!(exp::<Portable>(1.0), 2.718_281_8);
/// assert_eq!(exp::<Portable>(-f32::INFINITY), 0.0);
/// ```
#[inline(always)]
#[must_use]
pub fn exp<I: Isa>(x: f32) -> f32 {
    // Beyond these bounds the result is infinity or rounds to zero anyway. NaN passes.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (y, rest, n) = reduced(x, 0.0);
    scale(y + rest, n)
}
