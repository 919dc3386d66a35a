//! Training without an operating system: a small network learns to read handwritten digits.
//!
//! This is what an embedder writes: a [`Network`], images that stay in flash ([`digits`]), a loop ([`train`]), and an
//! allocator ([`heap`]). The programs around it are `tests/hostcheck` (x86-64 without std), `tests/firmware` (Cortex-M4F)
//! and `tests/wasm`; all print an [`Outcome`]. `runner` has the same network and loop in code of its own, and the hashes
//! of the weights are equal: that is what `scripts/same_bits.sh` and `runner/tests/tiny.rs` check.
#![no_std]

pub mod digits;
pub mod heap;
mod network;

pub use network::Network;

use core::fmt;

use minitorch_core::nn::{Layer, Module, try_nll};
use minitorch_core::optim::{Optimizer, Sgd};
use minitorch_core::state::Fnv;
use minitorch_core::{Cpu, Index, Result, Tensor};

use digits::{IMAGES, LABELS, PIXELS, VALUES};

/// The options with which `runner` does the same. Of 49 images it leaves the last one out, as MiniTorch does.
pub const OPTIONS: &str =
    "mnist --net tiny --train 49 --epochs 32 --batch 1 --rate 0.003 --seed 1 --hash";

/// Passes over the images.
pub const EPOCHS: usize = 32;
/// Images in a training step: one at a time takes the least memory.
pub const BATCH: usize = 1;
/// Learning rate.
pub const RATE: f32 = 0.003;
/// Where all randomness comes from.
pub const SEED: u64 = 1;

/// How a training went. As text, it is a report of three lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The hash of the trained weights.
    pub hash: Fnv,
    /// How many of the images the network reads correctly.
    pub correct: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The same on a desktop: cargo run -p runner -- {OPTIONS}")?;
        writeln!(f, "Images read correctly: {} of {IMAGES}", self.correct)?;
        write!(f, "Weights hash: {}", self.hash)
    }
}

/// Trains a network on `device`.
///
/// # Errors
///
/// If memory is out.
pub fn train(device: &Cpu) -> Result<Outcome> {
    let mut network = Network::new(device, SEED)?;
    let mut optimizer = Sgd::new(f64::from(RATE));
    for _ in 0..EPOCHS {
        for first in (0..IMAGES).step_by(BATCH) {
            let labels: [u32; BATCH] = core::array::from_fn(|i| LABELS[first + i].into());
            let labels = Index::new(device, &labels)?;
            // Of the forward pass only the loss is held, so that the backward pass can free the rest on its way.
            let loss = try_nll(&network.try_forward(&images(device, first)?)?, &labels)?;
            optimizer.try_step_backward(&mut network, loss)?;
        }
    }
    let hash = network.try_weights_hash()?;

    network.eval();
    let mut correct = 0;
    for first in (0..IMAGES).step_by(BATCH) {
        let read = network.try_forward(&images(device, first)?)?;
        let read = read.try_argmax(1)?.try_to_vec()?;
        let pairs = read.iter().zip(&LABELS[first..]);
        correct += pairs
            .filter(|(read, label)| **read == u32::from(**label))
            .count();
    }
    Ok(Outcome { hash, correct })
}

/// The batch that starts with image `first`, `[b, 1, 28, 28]`, read where it lies.
fn images(device: &Cpu, first: usize) -> Result<Tensor> {
    let values = &VALUES[first * PIXELS..][..BATCH * PIXELS];
    Tensor::try_from_static(device, values, [BATCH, 1, 28, 28])
}
