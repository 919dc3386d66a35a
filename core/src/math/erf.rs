//! The error function.

use super::exp::{power_of_two, reduced};
use crate::isa::Isa;

/// The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.
///
/// erf(+-0) = +-0, erf(+-inf) = +-1, erf(NaN) = NaN. Error: at most 1.395 ulp.
///
/// Below 0.9375 in magnitude it is x + x Q(x^2), Q minimax of degree 6 for the relative error (2^-29.5); above,
/// 1 - e^-P(|x|) with the sign of x, P minimax of degree 6 for the absolute error (2^-29.1 on \[0.9, 4\]). Both are
/// computed and one is selected.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::erf};
/// assert_eq!(erf::<Portable>(0.5), 0.520_499_9);
/// assert_eq!(erf::<Portable>(-4.0), -1.0);
/// ```
#[inline(always)]
#[must_use]
pub fn erf<I: Isa>(x: f32) -> f32 {
    let a = x.abs();

    let z = a * a;
    let q = f32::from_bits(0x38a6_19cf);
    let q = q * z + f32::from_bits(0xba52_8574);
    let q = q * z + f32::from_bits(0x3baa_1707);
    let q = q * z + f32::from_bits(0xbcdb_ff48);
    let q = q * z + f32::from_bits(0x3de7_16a8);
    let q = q * z + f32::from_bits(0xbec0_93a0);
    let q = q * z + f32::from_bits(0x3e03_75d4);
    let near = a + a * q;

    // From 3.84 on the result rounds to 1. NaN passes.
    let t = if a > 4.0 { 4.0 } else { a };
    let p = f32::from_bits(0xb94e_bf84);
    let p = p * t + f32::from_bits(0x3b48_3f31);
    let p = p * t + f32::from_bits(0xbcb6_7ded);
    let p = p * t + f32::from_bits(0x3dd5_1159);
    let p = p * t + f32::from_bits(0x3f23_165e);
    let p = p * t + f32::from_bits(0x3f90_5a18);
    let p = p * t + f32::from_bits(0x393a_2329);
    let (y, rest, n) = reduced(-p, 0.0);
    let far = 1.0 - (y + rest) * power_of_two(n);

    let y = if a < 0.9375 { near } else { far };
    y.copysign(x)
}
