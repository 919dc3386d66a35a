//! Powers.

use super::exp::{LN2_HIGH, LN2_LOW, reduced, scale};
use super::log::split;
use crate::isa::Isa;

/// ln x as an unevaluated sum of two numbers, exact to about 2^-34 in relative terms, for finite x > 0.
///
/// With x = m * 2^e, f = m - 1 and s = f / (2 + f): ln x = e ln 2 + 2 atanh s and
/// atanh s = s (1 + z / 3 + z^2 P(z)), z = s^2, P minimax of degree 2 (relative error 2^-36.8). Whatever is not
/// multiplied by a small factor is kept as a sum of two numbers; `..._low` is the lesser part.
#[inline(always)]
fn log_pair<I: Isa>(x: f32) -> (f32, f32) {
    const THIRD: f32 = f32::from_bits(0x3eaa_aaab);
    const THIRD_LOW: f32 = f32::from_bits(0xb22a_aaab);

    let (m, e) = split(x);
    let f = m - 1.0;
    let d = 2.0 + f;
    let d_low = f - (d - 2.0);
    let s = f / d;
    let s_low = (I::fma_f32(-s, d, f) - s * d_low) / d;

    let z = s * s;
    let z_low = I::fma_f32(s, s, -z) + 2.0 * s * s_low;
    let p = f32::from_bits(0x3def_d132);
    let p = p * z + f32::from_bits(0x3e12_293e);
    let p = p * z + f32::from_bits(0x3e4c_cd00);
    let q = p * z;
    let u = THIRD + q;
    let u_low = ((THIRD - u) + q) + THIRD_LOW;
    let v = z * u;
    let v_low = I::fma_f32(z, u, -v) + (z * u_low + z_low * u);
    let w = s * v;
    let w_low = I::fma_f32(s, v, -w) + (s * v_low + s_low * v);
    let t = 2.0 * (s + w);
    let t_low = 2.0 * ((s - 0.5 * t) + w + (w_low + s_low));

    let a = e * LN2_HIGH;
    let y = a + t;
    let y_low = ((a - y) + t) + (t_low + e * LN2_LOW);
    let sum = y + y_low;
    (sum, (y - sum) + y_low)
}

/// x raised to the power y.
///
/// The special cases are C's (C99 annex F.10.4.4): pow(x, +-0) = 1 and pow(1, y) = 1 even for NaN;
/// pow(-1, +-inf) = 1; a negative finite x with a y that is not an integer gives NaN; pow(+-0, y) and
/// pow(+-inf, y) are zero or infinite, negative only for an odd integer y and a negative x; any other NaN gives NaN.
/// Error: at most 0.815 ulp over 400 million pairs, random ones and ones next to 1, overflow and underflow.
///
/// e^(y ln |x|), the logarithm and the product carried to twice the precision.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::pow};
/// assert_eq!(pow::<Portable>(2.0, 0.5), 1.414_213_5);
/// assert_eq!(pow::<Portable>(-2.0, 3.0), -8.0);
/// assert_eq!(pow::<Portable>(0.0, -1.0), f32::INFINITY);
/// assert!(pow::<Portable>(-2.0, 0.5).is_nan());
/// ```
#[inline(always)]
#[must_use]
pub fn pow<I: Isa>(x: f32, y: f32) -> f32 {
    let a = x.abs();
    let (l, l_low) = log_pair::<I>(a);
    let product = y * l;
    let product_low = I::fma_f32(y, l, -product) + y * l_low;
    // Beyond 128 the result is infinity or zero, and `product_low` may be NaN.
    let bounded = if product > 128.0 { 128.0 } else { product };
    let bounded = if bounded < -128.0 { -128.0 } else { bounded };
    let low = if bounded == product { product_low } else { 0.0 };
    let (r, rest, n) = reduced(bounded, low);
    let finite = scale(r + rest, n);

    // From 2^24 on every number is an even integer; below, the conversion is exact for integers.
    let big = y.abs() >= 16_777_216.0;
    let truncated = if big { 0.0 } else { y } as i32;
    let integer = big | (truncated as f32 == y);
    let odd = !big & integer & (truncated & 1 == 1);

    // The magnitude for a zero or infinite base; NaN if y is NaN.
    let limit = if (a == 0.0) == (y > 0.0) {
        0.0
    } else {
        f32::INFINITY
    };
    let result = if (a == 0.0) | (a == f32::INFINITY) {
        limit
    } else {
        finite
    };
    let result = if a == 1.0 { 1.0 } else { result };
    let negative = x.is_sign_negative();
    let result = if negative & odd { -result } else { result };
    let valid = !negative | integer | (a == 0.0) | (a == f32::INFINITY);
    let result = if valid { result } else { f32::NAN };
    let result = if x.is_nan() | y.is_nan() {
        f32::NAN
    } else {
        result
    };
    if (x == 1.0) | (y == 0.0) { 1.0 } else { result }
}
