//! The end of a run whose numbers have left the range of finite ones.

use std::fmt::Display;

use minitorch_core::nn::Module;
use minitorch_core::{Backend, Element};

use super::Position;
use crate::error::Failure;
use crate::interrupt::Interrupt;

/// What [`diverged`] says of weights.
pub(crate) const LOST: &str = "the weights are no finite numbers any more";

/// How a run fails whose loss or weights are no finite numbers any more. `at` is what is done, this batch included, and
/// `left` says what is on the disk. Nothing more is saved, so that the last good state stays.
///
/// A run that was to end anyway says both. Its status is that of a failure: the one of an interruption promises a
/// checkpoint.
pub(crate) fn diverged(
    at: Position,
    what: impl Display,
    left: impl Display,
    interrupt: &Interrupt,
) -> Failure {
    let text = format!("{at}: {what}; try a smaller --rate ({left})");
    match interrupt.requested() {
        false => Failure::new(text),
        true => Failure::new(format!("interrupted; {text}")),
    }
}

/// Whether all weights are finite numbers.
pub(crate) fn is_finite<B: Backend>(network: &dyn Module<B>) -> Result<bool, Failure> {
    let mut finite = true;
    network.each_param(&mut |_, param| {
        let weights = param.leaf().detach();
        // Infinity and NaN stay in a sum, so only where it is none of the finite numbers, be it that it overflows, are
        // the weights copied from the device.
        if !weights.try_sum_all()?.try_item()?.to_f64().is_finite() {
            let values = weights.try_to_vec()?;
            finite &= values.iter().all(|value| value.to_f64().is_finite());
        }
        Ok(())
    })?;
    Ok(finite)
}

#[cfg(test)]
mod tests {
    use minitorch_core::nn::Param;
    use minitorch_core::{Cpu, Tensor, module};

    use super::*;

    struct Pair<B: Backend> {
        a: Param<B>,
        b: Param<B>,
    }
    module!(Pair { a, b });

    #[test]
    fn one_weight_in_any_parameter_decides_and_not_their_sum() {
        let device: Cpu = Cpu::default();
        let param =
            |values: [f32; 3]| Param::new(Tensor::from_slice(&device, &values, [3])).unwrap();
        let fine = [-1.0, 0.0, 2.0];
        for (values, expected) in [
            (fine, true),
            ([f32::MAX, f32::MAX, 1.0], true),
            ([f32::MAX, -f32::MAX, f32::MIN_POSITIVE], true),
            ([1.0, f32::NAN, 1.0], false),
            ([1.0, 1.0, f32::NEG_INFINITY], false),
            ([f32::INFINITY, f32::NEG_INFINITY, 1.0], false),
            ([f32::MAX, f32::MAX, f32::INFINITY], false),
        ] {
            for (a, b) in [(values, fine), (fine, values)] {
                let pair = Pair {
                    a: param(a),
                    b: param(b),
                };
                assert_eq!(is_finite(&pair), Ok(expected), "{a:?} {b:?}");
            }
        }
    }
}
