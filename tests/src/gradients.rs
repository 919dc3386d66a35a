//! Operands and the assertion for gradient checks.

use crate::samples::plain;
use minitorch_core::autodiff::check;
use minitorch_core::{Cpu, Result, Shape, Tensor};

/// A tensor in double precision.
pub type Double = Tensor<Cpu<f64>>;

/// Numbers between `low` and `high` that look random.
///
/// # Panics
/// Beyond six axes.
#[must_use]
pub fn within(seed: u64, sizes: &[usize], low: f64, high: f64) -> Double {
    let count = sizes.iter().product();
    let unit = |at: usize| (plain::<f64>(seed, at) + 4.0) / 8.0;
    let values: Vec<f64> = (0..count).map(|at| low + (high - low) * unit(at)).collect();
    Tensor::from_slice(&Cpu::default(), &values, Shape::new(sizes).expect("rank"))
}

/// Numbers between -2 and 2.
///
/// # Panics
/// Beyond six axes.
#[must_use]
pub fn some(seed: u64, sizes: &[usize]) -> Double {
    within(seed, sizes, -2.0, 2.0)
}

/// Compares the gradients of `f` with central differences; `what` names the case.
///
/// # Panics
/// If one of them is off by more than `1e-6`, relative to its size.
#[track_caller]
pub fn right<const N: usize>(
    what: &str,
    f: &dyn Fn([&Double; N]) -> Result<Double>,
    operands: [&Double; N],
) {
    let worst = check::gradients(f, operands).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(worst.error < 1e-6, "{what}: {worst:?}");
}
