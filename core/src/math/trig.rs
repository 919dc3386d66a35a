//! Sine and cosine.

use super::exp::ROUND;
use crate::isa::Isa;

/// sin and cos subtract multiples of pi / 2 in floating point up to here, and work in integers above.
const LIMIT: f32 = 1600.0;

/// The first 224 bits of 2 / pi after 32 zero bits.
const TWO_OVER_PI: [u32; 8] = [
    0,
    0xa2f9_836e,
    0x4e44_1529,
    0xfc27_57d1,
    0xf534_ddc0,
    0xdb62_9599,
    0x3c43_9041,
    0xfe51_63ab,
];

/// `(r, n)` with x = r + n pi / 2 and |r| <= pi / 4 (and a little), n modulo 4, for 0 <= x <= `LIMIT`.
#[inline(always)]
fn reduce(x: f32) -> (f32, u32) {
    const TWO_OVER_PI: f32 = f32::from_bits(0x3f22_f983);
    // pi / 2 in four parts. The first three have at most 14 bits: their products with n <= 2^10 are exact.
    const PART_1: f32 = f32::from_bits(0x3fc9_1000);
    const PART_2: f32 = f32::from_bits(0xb695_7800);
    const PART_3: f32 = f32::from_bits(0x2e85_a400);
    const PART_4: f32 = f32::from_bits(0xa6f7_2ced);

    let shifted = x * TWO_OVER_PI + ROUND;
    let n = shifted - ROUND;
    let first = x - n * PART_1;
    let second = first - n * PART_2;
    let third = second - n * PART_3;
    // What the last two subtractions rounded away.
    let low = ((first - second) - n * PART_2) + ((second - third) - n * PART_3);
    (third + (low - n * PART_4), shifted.to_bits())
}

/// [`reduce`] for any finite x >= 1, in integers (Payne and Hanek's method).
#[inline(never)]
fn reduce_large(x: f32) -> (f32, u32) {
    let bits = x.to_bits();
    let m = u64::from(bits & 0x007f_ffff | 0x0080_0000);
    // x = m * 2^(shift - 30). Whole turns, 4 quadrants, drop out of the window that starts `shift` bits in.
    let shift = (bits >> 23) - 120;
    let at = (shift >> 5) as usize;
    let window = |i: usize| {
        let pair = u64::from(TWO_OVER_PI[i]) << 32 | u64::from(TWO_OVER_PI[i + 1]);
        pair << (shift & 31) >> 32
    };
    // x / (2 pi) modulo 1 in units of 2^-64.
    let turn = ((m * window(at)) << 32)
        .wrapping_add(m * window(at + 1))
        .wrapping_add((m * window(at + 2)) >> 32);
    let quadrant = turn.wrapping_add(1 << 61) >> 62;
    // Never zero, and so precise enough: no finite x is nearer than 2^-30 to a multiple of pi / 2.
    let rest = turn.wrapping_sub(quadrant << 62) as i64;
    let zeros = rest.unsigned_abs().leading_zeros();
    // pi / 2 in units of 2^-31, times the leading 32 bits of the rest.
    let r = (rest.unsigned_abs() << zeros >> 32) * 0xc90f_daa2;
    // The constant counts 2^-31, the leading bits count 2^-30.
    let unit = f32::from_bits((127 - 61 - zeros) << 23);
    let r = r as f32 * unit;
    (if rest < 0 { -r } else { r }, quadrant as u32)
}

/// [`reduce`] for any x >= 0; NaN for infinity and NaN.
#[inline(always)]
fn reduce_any(a: f32) -> (f32, u32) {
    if a > LIMIT && a < f32::INFINITY {
        reduce_large(a)
    } else {
        reduce(a)
    }
}

/// sin(r) for |r| <= pi / 4: r + r^3 P(r^2), P minimax of degree 2 for the relative error (2^-28.0).
#[inline(always)]
fn sin_kernel(r: f32) -> f32 {
    let z = r * r;
    let p = f32::from_bits(0xb94c_aad7);
    let p = p * z + f32::from_bits(0x3c08_83be);
    let p = p * z + f32::from_bits(0xbe2a_aaa3);
    r + r * (z * p)
}

/// cos(r) for |r| <= pi / 4: 1 - r^2 / 2 + r^4 P(r^2), P minimax of degree 2 (absolute error 2^-33.1).
#[inline(always)]
fn cos_kernel(r: f32) -> f32 {
    let z = r * r;
    let p = f32::from_bits(0x37cc_f079);
    let p = p * z + f32::from_bits(0xbab6_060d);
    let p = p * z + f32::from_bits(0x3d2a_aaa5);
    1.0 - (0.5 * z - z * z * p)
}

/// sin(r + n pi / 2), for the pair that a reduction gives.
#[inline(always)]
fn quadrant((r, n): (f32, u32)) -> f32 {
    let y = if n & 1 == 0 {
        sin_kernel(r)
    } else {
        cos_kernel(r)
    };
    f32::from_bits(y.to_bits() ^ ((n & 2) << 30))
}

/// `y` for x >= 0 and -y for x < 0, the sign of a zero included.
#[inline(always)]
fn with_sign(y: f32, x: f32) -> f32 {
    f32::from_bits(y.to_bits() ^ (x.to_bits() & 0x8000_0000))
}

/// Adds a quadrant: cos x = sin(x + pi / 2).
#[inline(always)]
fn next((r, n): (f32, u32)) -> (f32, u32) {
    (r, n.wrapping_add(1))
}

/// The sine of x (radians).
///
/// sin(+-0) = +-0, sin(+-inf) = NaN, sin(NaN) = NaN. Error: at most 1.543 ulp.
///
/// x = r + n pi / 2 with |r| <= pi / 4, subtracted in floating point up to 1600 and in integers for greater
/// magnitudes, so the error holds for all of them; then n selects one of +-sin r and +-cos r.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::sin};
/// assert_eq!(sin::<Portable>(1.0), 0.841_470_96);
/// assert_eq!(sin::<Portable>(1e30), -0.791_163_44);
/// ```
#[inline(always)]
#[must_use]
pub fn sin<I: Isa>(x: f32) -> f32 {
    with_sign(quadrant(reduce_any(x.abs())), x)
}

/// [`sin`] for |x| <= 1600, the same bits without a branch, so that loops vectorise. Any other x gives any number.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::{sin, sin_bounded}};
/// assert_eq!(sin_bounded::<Portable>(-1600.0), sin::<Portable>(-1600.0));
/// ```
#[inline(always)]
#[must_use]
pub fn sin_bounded<I: Isa>(x: f32) -> f32 {
    with_sign(quadrant(reduce(x.abs())), x)
}

/// The cosine of x (radians).
///
/// cos(+-inf) = NaN, cos(NaN) = NaN. Error: at most 1.547 ulp.
///
/// Computed like [`sin`].
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::cos};
/// assert_eq!(cos::<Portable>(0.0), 1.0);
/// assert_eq!(cos::<Portable>(1.0), 0.540_302_3);
/// ```
#[inline(always)]
#[must_use]
pub fn cos<I: Isa>(x: f32) -> f32 {
    quadrant(next(reduce_any(x.abs())))
}

/// [`cos`] for |x| <= 1600, the same bits without a branch, so that loops vectorise. Any other x gives any number.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::{cos, cos_bounded}};
/// assert_eq!(cos_bounded::<Portable>(-1600.0), cos::<Portable>(-1600.0));
/// ```
#[inline(always)]
#[must_use]
pub fn cos_bounded<I: Isa>(x: f32) -> f32 {
    quadrant(next(reduce(x.abs())))
}
