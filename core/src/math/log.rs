//! The natural logarithm.

use super::exp::{LN2_HIGH, LN2_LOW};
use crate::isa::Isa;

/// Splits a positive number: `(m, e)` with x = m * 2^e and m in \[sqrt(1/2), sqrt(2)). Zero, negative numbers,
/// infinities and NaN give any pair.
#[inline(always)]
pub(super) fn split(x: f32) -> (f32, f32) {
    /// The bits of sqrt(1/2).
    const LOW: u32 = 0x3f35_04f3;
    let subnormal = x < f32::MIN_POSITIVE;
    let normal = if subnormal { x * 8_388_608.0 } else { x };
    let bias = if subnormal { -23.0 } else { 0.0 };
    let above = normal.to_bits().wrapping_sub(LOW);
    let m = f32::from_bits((above & 0x007f_ffff).wrapping_add(LOW));
    (m, (above as i32 >> 23) as f32 + bias)
}

/// The natural logarithm of x.
///
/// log(+-0) = -inf, log(x) = NaN for x < 0, log(inf) = inf, log(NaN) = NaN. Error: at most 0.847 ulp.
///
/// x = m * 2^e with m in \[sqrt(1/2), sqrt(2)), f = m - 1 and log x = e ln 2 + f - f^2 / 2 + f^3 P(f), P minimax of
/// degree 8 for the relative error (2^-28.2).
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::log};
/// assert_eq!(log::<Portable>(1.0), 0.0);
/// assert_eq!(log::<Portable>(10.0), 2.302_585_1);
/// assert_eq!(log::<Portable>(0.0), -f32::INFINITY);
/// assert!(log::<Portable>(-1.0).is_nan());
/// ```
#[inline(always)]
#[must_use]
pub fn log<I: Isa>(x: f32) -> f32 {
    let (m, e) = split(x);
    let f = m - 1.0;
    let z = f * f;
    let p = f32::from_bits(0x3d8a_2bd0);
    let p = p * f + f32::from_bits(0xbdef_1e09);
    let p = p * f + f32::from_bits(0x3df3_7836);
    let p = p * f + f32::from_bits(0xbdfe_1105);
    let p = p * f + f32::from_bits(0x3e11_9bb4);
    let p = p * f + f32::from_bits(0xbe2a_ae27);
    let p = p * f + f32::from_bits(0x3e4c_d25b);
    let p = p * f + f32::from_bits(0xbe80_0003);
    let p = p * f + f32::from_bits(0x3eaa_aaa4);
    let tail = (f * z * p + e * LN2_LOW) - 0.5 * z;
    let y = e * LN2_HIGH + (f + tail);
    // A NaN or an infinity comes out as itself, and so does the NaN of a negative number.
    let y = if x < f32::INFINITY { y } else { x };
    let y = if x < 0.0 { f32::NAN } else { y };
    if x == 0.0 { f32::NEG_INFINITY } else { y }
}
