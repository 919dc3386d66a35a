//! W7: the MNIST network on one image, without history.

use minitorch_core::nn::Module;
use minitorch_core::{Backend, Tensor};

use super::mnist::{RECIPE, batch};
use super::report::{Case, Report, SAMPLES};
use crate::error::Failure;
use crate::task::mnist::Network;

/// The network's answer to one image, at each call.
///
/// # Errors
///
/// If the device has no room for it.
pub fn inference<B: Backend<Elem = f32>>(
    device: &B,
) -> Result<impl FnMut() -> Result<Tensor<B>, Failure> + use<B>, Failure> {
    let mut network = Network::new(device, &RECIPE, 1)?;
    network.eval();
    let (image, _) = batch(device, 1)?;
    Ok(move || Ok(network.forward(&image)?))
}

/// W7.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run<B: Backend<Elem = f32>>(
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let case = Case {
        name: "B=1 inference",
        work: 1.0,
        unit: SAMPLES,
        inner: 1,
    };
    report.measure(&case, || inference(device))
}
