//! Double-precision functions, for gradient checks and double-precision tensors.
//!
//! Thin wrappers over the `libm` crate, which is the same code on every target, so the bits agree there too (`sqrt` is
//! correctly rounded anyhow, and an instruction where there is one). The promise of [`single`](super::single), an error
//! of at most 2 ulp that every input was checked for and the same text on a GPU, is about single precision only.

/// e^x.
#[inline]
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The natural logarithm of x.
#[inline]
#[must_use]
pub fn log(x: f64) -> f64 {
    libm::log(x)
}

/// The hyperbolic tangent of x.
#[inline]
#[must_use]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// 1 / (1 + e^-x); with t = e^-|x|, which cannot overflow, 1 / (1 + t) for x >= 0 and t / (1 + t) for x < 0.
///
/// ```
/// use minitorch_core::math::double::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert!(sigmoid(-740.0) > 0.0);
/// ```
#[inline]
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    let t = libm::exp(-x.abs());
    let numerator = if x < 0.0 { t } else { 1.0 };
    numerator / (1.0 + t)
}

/// The error function.
#[inline]
#[must_use]
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// The sine of x (radians).
#[inline]
#[must_use]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// The cosine of x (radians).
#[inline]
#[must_use]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// x raised to the power y.
#[inline]
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// The square root of x, correctly rounded.
#[inline]
#[must_use]
pub fn sqrt(x: f64) -> f64 {
    super::sqrt::double(x)
}
