//! The logistic function.

use super::exp::{power_of_two, reduced, scale};
use crate::isa::Isa;

/// 1 / (1 + e^-x).
///
/// sigmoid(-inf) = +0, sigmoid(inf) = 1, sigmoid(NaN) = NaN. Error: at most 1.541 ulp.
///
/// With e^-x = t * 2^n and k = max(n, 0) it is 2^-k / (2^-k + t * 2^(n - k)): nothing overflows, and the sum is
/// rounded once.
///
/// ```
/// use minitorch_core::{isa::Portable, math::single::sigmoid};
/// assert_eq!(sigmoid::<Portable>(0.0), 0.5);
/// assert_eq!(sigmoid::<Portable>(100.0), 1.0);
/// assert!(sigmoid::<Portable>(-100.0) > 0.0);
/// ```
#[inline(always)]
#[must_use]
pub fn sigmoid<I: Isa>(x: f32) -> f32 {
    // Beyond these bounds the result is 1 or rounds to zero anyway. NaN passes.
    let v = if x > 60.0 { -60.0 } else { -x };
    let v = if v > 105.0 { 105.0 } else { v };
    let (t, rest, n) = reduced(v, 0.0);
    let k = if n > 0 { n } else { 0 };
    // 2^-60 is as good as nothing beside t, and 2^-k may be out of range.
    let one = power_of_two(if k < 60 { -k } else { -60 });
    let factor = power_of_two(n - k);
    let t = t * factor;
    // Knuth's TwoSum: one + t is exactly sum + error.
    let sum = one + t;
    let from_t = sum - one;
    let error = (one - (sum - from_t)) + (t - from_t);
    scale(1.0 / (sum + (error + rest * factor)), -k)
}
