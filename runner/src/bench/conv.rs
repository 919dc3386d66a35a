//! W4: convolutions with kernels of 3x3 that keep the size, without and with the gradients of both operands.

use minitorch_core::{Backend, Generator, Padding, Tensor};

use super::report::{Case, GFLOP, Report};
use crate::error::Failure;

/// The side of a kernel.
const KERNEL: usize = 3;

/// Name, images, channels, side of an image, and channels of the result.
const SIZES: [(&str, [usize; 4]); 3] = [
    ("16x1x28_4", [16, 1, 28, 4]),
    ("64x32x28_64", [64, 32, 28, 64]),
    ("32x64x56_64", [32, 64, 56, 64]),
];

/// W4. With gradients the work is counted three times.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run<B: Backend<Elem = f32>>(
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    for (name, size @ [images, channels, side, out]) in SIZES {
        let outputs = images * out * side * side;
        let work = 2e-9 * (outputs * channels * KERNEL * KERNEL) as f64;
        let forward = Case {
            name: &format!("{name} fwd"),
            work,
            unit: GFLOP,
            inner: 1,
        };
        report.measure(&forward, || {
            let [x, weight, _] = operands(device, size)?;
            Ok(move || conv(&x, &weight))
        })?;
        let both = Case {
            name: &format!("{name} fwd+bwd"),
            work: 3.0 * work,
            ..forward
        };
        report.measure(&both, || {
            let [x, weight, grad] = operands(device, size)?;
            let (x, weight) = (x.try_tracked()?, weight.try_tracked()?);
            Ok(move || {
                let loss = conv(&x, &weight)?.try_mul(&grad)?.try_sum_all()?;
                loss.try_backward()
            })
        })?;
    }
    Ok(())
}

fn conv<B: Backend>(x: &Tensor<B>, weight: &Tensor<B>) -> minitorch_core::Result<Tensor<B>> {
    x.try_conv2d(weight, [1, 1], Padding::Symmetric([KERNEL / 2; 2]))
}

/// Images, kernels, and what a result is multiplied by.
fn operands<B: Backend<Elem = f32>>(
    device: &B,
    [images, channels, side, out]: [usize; 4],
) -> Result<[Tensor<B>; 3], Failure> {
    let mut rng = Generator::new(1);
    let mut operand = |shape: [usize; 4]| Tensor::try_randn(device, shape, &mut rng);
    Ok([
        operand([images, channels, side, side])?,
        operand([out, channels, KERNEL, KERNEL])?,
        operand([images, out, side, side])?,
    ])
}
