//! W5: what memory bounds, on 16,777,216 numbers. Each operation makes its result anew, as it always does.

use minitorch_core::{Backend, Generator, Tensor};

use super::report::{Case, GB, Report};
use crate::error::Failure;

/// The side of the matrix.
const SIDE: usize = 4096;

/// The shape of an operand that there is not.
const NONE: [usize; 2] = [0, 0];

/// An operation on a matrix, and another one or a row.
struct Operation<B: Backend> {
    name: &'static str,
    /// How many times as many bytes as a matrix has are read and written at least.
    matrices: f64,
    /// The shape of the other operand.
    other: [usize; 2],
    call: fn(&Tensor<B>, &Tensor<B>) -> minitorch_core::Result<Tensor<B>>,
}

fn operations<B: Backend>() -> [Operation<B>; 7] {
    [
        Operation {
            name: "add",
            matrices: 3.0,
            other: [SIDE, SIDE],
            call: |x, y| x.try_add(y),
        },
        Operation {
            name: "relu",
            matrices: 2.0,
            other: NONE,
            call: |x, _| x.try_relu(),
        },
        Operation {
            name: "exp",
            matrices: 2.0,
            other: NONE,
            call: |x, _| x.try_exp(),
        },
        Operation {
            name: "sum_all",
            matrices: 1.0,
            other: NONE,
            call: |x, _| x.try_sum_all(),
        },
        Operation {
            name: "sum_rows",
            matrices: 1.0,
            other: NONE,
            call: |x, _| x.try_sum(&[1]),
        },
        Operation {
            name: "bcast_add",
            matrices: 2.0,
            other: [1, SIDE],
            call: |x, row| x.try_add(row),
        },
        Operation {
            name: "transpose_copy",
            matrices: 2.0,
            other: NONE,
            call: |x, _| x.try_transpose(0, 1)?.try_contiguous(),
        },
    ]
}

/// W5.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run<B: Backend<Elem = f32>>(
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    for operation in operations::<B>() {
        let case = Case {
            name: operation.name,
            work: operation.matrices * (SIDE * SIDE * size_of::<f32>()) as f64 / 1e9,
            unit: GB,
            inner: 1,
        };
        report.measure(&case, || {
            let mut rng = Generator::new(1);
            let x = Tensor::try_rand(device, [SIDE, SIDE], &mut rng)?;
            let other = Tensor::try_rand(device, operation.other, &mut rng)?;
            Ok(move || (operation.call)(&x, &other))
        })?;
    }
    Ok(())
}
