//! W1 and W1E: training steps and epochs of the MNIST network, with maximum pooling and gradient descent.

use minitorch_core::nn::try_nll;
use minitorch_core::optim::{Optimizer, Sgd};
use minitorch_core::{Backend, Generator, Index, Tensor};

use super::report::{Case, Report, SAMPLES};
use crate::args::bench::Settings;
use crate::args::mnist::{Pool, Recipe};
use crate::backend::has_own_memory;
use crate::data::Mnist;
use crate::error::Failure;
use crate::task::mnist::{Loader, Network, View};

/// The network that is measured, and the rate at which it learns.
pub(super) const RECIPE: Recipe = Recipe {
    pool: Pool::Max,
    ..Recipe::DEFAULT
};

/// A network and its optimiser.
pub struct Trainer<B: Backend<Elem = f32>> {
    network: Network<B>,
    optimizer: Sgd<B>,
}

impl<B: Backend<Elem = f32>> Trainer<B> {
    /// A new network.
    ///
    /// # Errors
    ///
    /// If the device has no room for it.
    pub fn new(device: &B) -> Result<Self, Failure> {
        Ok(Self {
            network: Network::new(device, &RECIPE, 1)?,
            optimizer: Sgd::new(RECIPE.rate.into()),
        })
    }

    /// Forward, loss, backward and update.
    ///
    /// # Errors
    ///
    /// If the device fails.
    pub fn step(&mut self, images: &Tensor<B>, labels: &Index<B>) -> Result<(), Failure> {
        let loss = try_nll(&self.network.forward(images)?, labels)?;
        self.optimizer
            .try_step(&mut self.network, loss.try_backward()?)?;
        Ok(())
    }
}

/// Random images and labels.
///
/// # Errors
///
/// If the device has no room for them.
pub fn batch<B: Backend<Elem = f32>>(
    device: &B,
    size: usize,
) -> Result<(Tensor<B>, Index<B>), Failure> {
    let mut rng = Generator::new(1);
    let images = Tensor::try_rand(device, [size, 1, 28, 28], &mut rng)?;
    let labels: Vec<u32> = (0..size).map(|_| rng.below(10)).collect();
    Ok((images, Index::new(device, &labels)?))
}

/// W1: one training step on random images, for four sizes of batch.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn steps<B: Backend<Elem = f32>>(
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    for size in [16, 64, 256, 1024] {
        let case = Case {
            name: &format!("B={size}"),
            work: size as f64,
            unit: SAMPLES,
            inner: 1,
        };
        report.measure(&case, || {
            let mut trainer = Trainer::new(device)?;
            let (images, labels) = batch(device, size)?;
            Ok(move || trainer.step(&images, &labels))
        })?;
    }
    Ok(())
}

/// W1E: a shuffled epoch of the 60,000 training images in batches of 64, with the making of the batches. A device with
/// memory of its own has the images before.
///
/// # Errors
///
/// If there are no data, or the device or standard output fails.
pub(super) fn epoch<B: Backend<Elem = f32>>(
    device: &B,
    settings: &Settings,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    const BATCH: usize = 64;
    /// Images of the warm-up.
    const FIRST: usize = 100 * BATCH;

    let case = Case {
        name: "epoch B=64",
        work: 60_000.0,
        unit: SAMPLES,
        inner: 1,
    };
    report.measure_by(&case, |clock| {
        let folder = settings
            .data
            .as_deref()
            .ok_or_else(|| Failure::usage("W1E needs --data DIR"))?;
        let digits = Mnist::from_folder(folder)?.train;
        let mut trainer = Trainer::new(device)?;
        let mut loader = match has_own_memory(&settings.machine) {
            true => {
                let step = BATCH * Network::<B>::numbers_of_a_step(&RECIPE);
                Loader::resident(device, &digits, BATCH, true, 0, step)?
            }
            false => Loader::new(device, &digits, BATCH, true)?,
        };
        let mut rng = Generator::new(1);
        let mut train = |count: usize| {
            let mut order: Vec<usize> = (0..count).collect();
            rng.shuffle(&mut order);
            order.chunks_exact(BATCH).try_for_each(|indices| {
                let batch = loader.load(indices.iter().copied().map(View::plain))?;
                trainer.step(&batch.images, &batch.labels)
            })
        };
        train(FIRST.min(digits.len()))?;
        clock.time_long(|| train(digits.len()))
    })
}
