//! What the tests of `math` share.
// Each test crate uses a part of it.
#![allow(dead_code)]

/// Random bits: SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Whether two numbers have the same bits, any NaN being like any other.
pub(crate) fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// How far `got` is from `real` in ulp: the distance of the single-precision numbers around `real`. Infinite if one
/// is NaN, zero or infinite with good reason and the other is not, or if the signs differ.
pub(crate) fn error(got: f32, real: f64) -> f64 {
    let rounded = real as f32;
    if got.is_nan() || rounded.is_nan() || real == 0.0 || real.is_infinite() {
        return if same(got, rounded) {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if got.is_sign_negative() != rounded.is_sign_negative() {
        return f64::INFINITY;
    }
    // An infinity next to the largest numbers is as good as 2^128, where it would be were the range wider.
    let finite = |x: f64| x.clamp(-(128_f64.exp2()), 128_f64.exp2());
    let exponent = ((real.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let ulp = f64::from(exponent.clamp(-126, 127) - 23).exp2();
    (finite(f64::from(got)) - finite(real)).abs() / ulp
}
