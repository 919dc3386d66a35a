//! W6: what history costs, where arithmetic costs nothing: additions of tensors of one element.

use minitorch_core::{Cpu, Tensor};

use super::report::{Case, OPS, Report};
use crate::error::Failure;

/// Additions in a chain.
const CHAIN: usize = 1000;

/// W6.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run(device: &Cpu, report: &mut Report<'_>) -> Result<(), Failure> {
    let ones = || Tensor::try_ones(device, [1])?.try_tracked();
    let single = Case {
        name: "single add+backward",
        work: 1.0,
        unit: OPS,
        inner: 1,
    };
    report.measure(&single, || {
        let (x, y) = (ones()?, ones()?);
        Ok(move || x.try_add(&y)?.try_backward())
    })?;
    let chain = Case {
        name: "chain1000 per node",
        work: CHAIN as f64,
        inner: CHAIN,
        ..single
    };
    report.measure(&chain, || {
        let (x, y) = (ones()?, ones()?);
        Ok(move || {
            let mut z = x.clone();
            for _ in 0..CHAIN {
                z = z.try_add(&y)?;
            }
            z.try_backward()
        })
    })
}
