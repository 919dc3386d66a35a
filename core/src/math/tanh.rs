//! The hyperbolic tangent.

use super::exp::{power_of_two, reduced};
use crate::isa::Isa;

/// The hyperbolic tangent of x.
///
/// tanh(+-0) = +-0, tanh(+-inf) = +-1, tanh(NaN) = NaN. Error: at most 1.462 ulp.
///
/// Below 0.5625 in magnitude it is x + x^3 P(x^2), P minimax of degree 4 for the relative error (2^-29.4); above,
/// 1 - 2 / (e^2|x| + 1) with the sign of x. Both are computed and one is selected.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::tanh};
/// assert_eq!(tanh::<Portable>(0.5), 0.462_117_16);
/// assert_eq!(tanh::<Portable>(-20.0), -1.0);
/// ```
#[inline(always)]
#[must_use]
pub fn tanh<I: Isa>(x: f32) -> f32 {
    let a = x.abs();

    let z = a * a;
    let p = f32::from_bits(0xbbca_00d7);
    let p = p * z + f32::from_bits(0x3cac_02b4);
    let p = p * z + f32::from_bits(0xbd5c_824e);
    let p = p * z + f32::from_bits(0x3e08_862d);
    let p = p * z + f32::from_bits(0xbeaa_aaa4);
    let near = a + a * (z * p);

    // From 9.02 on the result rounds to 1. NaN passes.
    let bounded = if a > 10.0 { 10.0 } else { a };
    let (y, rest, n) = reduced(2.0 * bounded, 0.0);
    let far = 1.0 - 2.0 / ((y + rest) * power_of_two(n) + 1.0);

    let y = if a < 0.5625 { near } else { far };
    y.copysign(x)
}
