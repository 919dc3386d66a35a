//! W2: a training step of the network of sentences, with gradient descent.
//!
//! Other libraries are measured on random vectors in the place of words. Here they are looked up in a table, as always;
//! each sentence ends in the fillers that windows need to keep its length.

use minitorch_core::nn::try_bce_with_logits;
use minitorch_core::optim::{Optimizer, Sgd};
use minitorch_core::{Backend, Generator, Index, Tensor};

use super::report::{Case, Report, SAMPLES};
use crate::args::sentiment::Recipe;
use crate::error::Failure;
use crate::task::sentiment::{FIRST, NOTHING, Network};

/// Words that have a vector.
const WORDS: u32 = 1000;

/// W2, for two sizes of batch and of vectors.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run<B: Backend<Elem = f32>>(
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    for (size, length, dimension) in [(10, 52, 50), (64, 52, 100)] {
        let case = Case {
            name: &format!("B={size} L={length} E={dimension}"),
            work: size as f64,
            unit: SAMPLES,
            inner: 1,
        };
        report.measure(&case, || step(device, [size, length, dimension]))?;
    }
    Ok(())
}

fn step<B: Backend<Elem = f32>>(
    device: &B,
    [size, length, dimension]: [usize; 3],
) -> Result<impl FnMut() -> minitorch_core::Result<()>, Failure> {
    let recipe = Recipe::DEFAULT;
    let mut rng = Generator::new(1);
    let vectors: Vec<f32> = (0..WORDS as usize * dimension)
        .map(|_| rng.uniform() as f32)
        .collect();
    let mut network = Network::new(device, &recipe, (&vectors, 0), dimension, 1)?;
    let [before, behind] = network.around();
    let mut words = Vec::new();
    for _ in 0..size {
        words.resize(words.len() + before, NOTHING);
        words.extend((0..length).map(|_| FIRST + rng.below(WORDS)));
        words.resize(words.len() + behind, NOTHING);
    }
    let shape = [size, before + length + behind];
    let words = Index::new(device, &words)?;
    let labels: Vec<f32> = (0..size).map(|_| rng.below(2) as f32).collect();
    let labels = Tensor::try_from_slice(device, &labels, [size])?;
    let mut optimizer = Sgd::new(recipe.rate.into());
    Ok(move || {
        let loss = try_bce_with_logits(&network.forward(&words, shape, None)?, &labels)?;
        optimizer.try_step(&mut network, loss.try_backward()?)
    })
}
