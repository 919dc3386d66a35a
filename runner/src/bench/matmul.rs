//! W3: products of square matrices, and of many small ones.

use minitorch_core::{Backend, Generator, Tensor};

use super::report::{Case, GFLOP, Report};
use crate::error::Failure;

/// W3.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run<B: Backend<Elem = f32>>(
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    for n in [64, 128, 256, 512, 1024, 2048] {
        product(device, report, &format!("n={n}"), [n, n])?;
    }
    product(device, report, "batched 64x(64x64)", [64, 64, 64])
}

/// The product of two tensors of this shape, whose last two axes are equal.
fn product<B: Backend<Elem = f32>, const RANK: usize>(
    device: &B,
    report: &mut Report<'_>,
    name: &str,
    shape: [usize; RANK],
) -> Result<(), Failure> {
    let elements: usize = shape.iter().product();
    let terms = shape.last().copied().unwrap_or(1);
    let case = Case {
        name,
        work: 2e-9 * (elements * terms) as f64,
        unit: GFLOP,
        inner: 1,
    };
    report.measure(&case, || {
        let mut rng = Generator::new(1);
        let mut operand = || Tensor::try_rand(device, shape, &mut rng);
        let (a, b) = (operand()?, operand()?);
        Ok(move || a.try_matmul(&b))
    })
}
