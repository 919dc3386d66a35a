//! W1 and W1E: training steps and epochs of the MNIST network, with maximum pooling and gradient descent.

use std::path::Path;

use minitorch_core::nn::try_nll;
use minitorch_core::optim::{Optimizer, Sgd};
use minitorch_core::{Cpu, Generator, Index, Tensor};

use super::timing::Report;
use crate::args::mnist::{Pool, Recipe};
use crate::data::Mnist;
use crate::error::Failure;
use crate::task::mnist::{Loader, Network, View};

const RECIPE: Recipe = Recipe {
    pool: Pool::Max,
    ..Recipe::DEFAULT
};

/// Forward, loss, backward and update.
fn step(
    network: &mut Network<Cpu>,
    optimizer: &mut Sgd<Cpu>,
    images: &Tensor,
    labels: &Index<Cpu>,
) -> Result<(), Failure> {
    let loss = try_nll(&network.forward(images)?, labels)?;
    optimizer.try_step(network, loss.try_backward()?)?;
    Ok(())
}

/// W1: one training step on random images, for four sizes of batch.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn steps(device: &Cpu, report: &mut Report) -> Result<(), Failure> {
    for batch in [16, 64, 256, 1024] {
        let mut network = Network::new(device, &RECIPE, 1)?;
        let mut optimizer = Sgd::new(0.01);
        let mut rng = Generator::new(1);
        let images = Tensor::try_rand(device, [batch, 1, 28, 28], &mut rng)?;
        let labels: Vec<u32> = (0..batch).map(|_| rng.below(10)).collect();
        let labels = Index::new(device, &labels)?;
        report.measure(
            ["W1", &format!("B={batch}"), "samples/s"],
            batch as f64,
            || step(&mut network, &mut optimizer, &images, &labels),
        )?;
    }
    Ok(())
}

/// W1E: a shuffled epoch of the 60,000 training images in batches of 64, with the making of the batches.
///
/// # Errors
///
/// If there is no data, or the device or standard output fails.
pub(super) fn epochs(
    device: &Cpu,
    folder: Option<&Path>,
    report: &mut Report,
) -> Result<(), Failure> {
    const BATCH: usize = 64;
    let folder = folder.ok_or_else(|| {
        Failure::usage("bench --workloads W1E needs --data DIR, the folder of the MNIST files")
    })?;
    let digits = Mnist::from_folder(folder)?.train;
    let mut network = Network::new(device, &RECIPE, 1)?;
    let mut optimizer = Sgd::new(0.01);
    let mut loader = Loader::new(device, BATCH, true)?;
    let mut rng = Generator::new(1);
    let mut order: Vec<usize> = (0..digits.len()).collect();
    report.measure_long(
        ["W1E", "epoch B=64", "samples/s"],
        digits.len() as f64,
        || {
            rng.shuffle(&mut order);
            for indices in order.chunks_exact(BATCH) {
                let batch = loader.load(&digits, indices.iter().copied().map(View::plain))?;
                step(&mut network, &mut optimizer, &batch.images, &batch.labels)?;
            }
            Ok(())
        },
    )
}
