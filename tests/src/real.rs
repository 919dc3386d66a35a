//! Numbers as tests see them: bits, special values, and distances in units in the last place.

use minitorch_core::Element;

/// An element type with what a test needs beside arithmetic.
pub trait Real: Element {
    /// Values where implementations go wrong: zeros, infinities, not a number, subnormals, the ends of the range.
    const SPECIALS: &'static [Self];

    /// The bits, with one pattern for all that is not a number: its payload is outside of the promise.
    fn bits(self) -> u64;

    /// `self * b + c` with one rounding, by the standard library.
    #[must_use]
    fn fused(self, b: Self, c: Self) -> Self;
}

macro_rules! real {
    ($float:ident, $bits:ident) => {
        impl Real for $float {
            const SPECIALS: &'static [Self] = &[
                0.0,
                -0.0,
                1.0,
                -1.0,
                Self::INFINITY,
                Self::NEG_INFINITY,
                Self::NAN,
                Self::MIN_POSITIVE,
                -Self::MIN_POSITIVE,
                Self::from_bits(1),
                -Self::from_bits(1),
                Self::from_bits(0x1234),
                Self::MAX,
                Self::MIN,
                0.5,
                -0.5,
                88.5,
                -87.9,
                -103.5,
                1e-20,
                -1e20,
                3.0,
                -2.0,
                16_777_217.0,
            ];

            fn bits(self) -> u64 {
                if self.is_nan() {
                    Self::NAN.to_bits().into()
                } else {
                    self.to_bits().into()
                }
            }

            fn fused(self, b: Self, c: Self) -> Self {
                self.mul_add(b, c)
            }
        }
    };
}
real!(f32, u32);
real!(f64, u64);

/// Fails unless both have the same bits everywhere; `what` names the case.
#[track_caller]
pub fn assert_same<E: Real>(actual: &[E], expected: &[E], what: &dyn Fn() -> String) {
    assert_eq!(actual.len(), expected.len(), "{}: length", what());
    let wrong = |(a, b): &(&E, &E)| a.bits() != b.bits();
    if let Some(at) = actual.iter().zip(expected).position(|pair| wrong(&pair)) {
        let count = actual.iter().zip(expected).filter(wrong).count();
        let (a, b) = (actual[at], expected[at]);
        panic!(
            "{}: {count} of {} elements differ; [{at}] is {a:?} ({:#x}), not {b:?} ({:#x})",
            what(),
            actual.len(),
            a.bits(),
            b.bits()
        );
    }
}

/// How far `actual` lies from `exact`, in units of the last place of an `f32` near `exact`.
#[must_use]
pub fn ulps(actual: f32, exact: f64) -> f64 {
    if actual.is_nan() || exact.is_nan() {
        return if actual.is_nan() == exact.is_nan() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    // Above the largest number the spacing goes on as below it; infinity is the next number there.
    let next = f64::from(f32::MAX) + 2f64.powi(104);
    let limit = |x: f64| x.clamp(-next, next);
    let exponent = exact
        .abs()
        .max(f64::from(f32::MIN_POSITIVE))
        .min(f64::from(f32::MAX))
        .log2()
        .floor();
    (limit(actual.into()) - limit(exact)).abs() / 2f64.powi(exponent as i32 - 23)
}
