//! `runner mnist`: trains the network on handwritten digits and tells how it went.

mod batches;
mod network;
mod session;

pub use batches::{Batch, Loader, View};
pub use network::Network;

use std::path::Path;
use std::time::Instant;

use minitorch_core::Backend;
use minitorch_core::nn::Module;

use crate::args::{Data, Settings};
use crate::backend;
use crate::checkpoint::Keeper;
use crate::data::{Digits, Mnist};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::output::{Output, Style, Summary};
use session::Session;

/// The checkpoint's name unless another one is asked for.
const CHECKPOINT: &str = "mnist.safetensors";
/// How many held-out images are looked at together.
const EVALUATION_BATCH: usize = 250;

/// Trains as the settings say.
///
/// # Errors
///
/// A file that cannot be read or written, or Ctrl-C (exit status 130, after the checkpoint is written).
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let (device, pool) = backend::cpu(&settings.run.machine)?;
    match pool {
        Some(pool) => pool.inside(|| on(&device, settings)),
        None => on(&device, settings),
    }
}

fn on<B: Backend>(device: &B, settings: &Settings) -> Result<(), Failure> {
    let run = &settings.run;
    let mut output = Output::new(Style::from(run));
    let mut keeper = Keeper::new(run.checkpoint.as_deref(), CHECKPOINT, &output)?;
    let interrupt = Interrupt::listen()?;
    let digits = Mnist::load(settings, &mut output, &interrupt)?;

    let mut session = Session::new(device, settings, digits.train.len())?;
    if let Some(path) = &run.init {
        session.init(path)?;
    }
    if let Some(path) = &run.resume {
        session.resume(path)?;
    }

    let start = Instant::now();
    let images = session.train(&digits, &mut keeper, &interrupt, &mut output)?;
    let time = start.elapsed();
    if !session.is_done() {
        return Err(interrupted(&session, keeper.path()));
    }

    let correct = session.correct(&digits.held_out)?;
    output.end(&Summary {
        split: match settings.data {
            Data::Embedded | Data::Split(_) => "Held-out",
            Data::Full(_) | Data::Cached { .. } => "Test",
        },
        correct,
        of: digits.held_out.len(),
        images,
        time,
        peak_bytes: machine::peak_memory(),
        checkpoint: keeper.path(),
        hash: session.network.try_weights_hash()?.finish(),
        next: next(settings),
    })
}

/// What ends an interrupted run.
fn interrupted<B: Backend>(session: &Session<'_, B>, checkpoint: Option<&Path>) -> Failure {
    let at = format!("interrupted in epoch {}", session.epoch());
    Failure::interrupted(match checkpoint {
        Some(path) => format!(
            "{at}; to go on: the same command with --resume {}",
            path.display()
        ),
        None => at,
    })
}

/// A command worth trying after this one.
fn next(settings: &Settings) -> &'static str {
    match (&settings.data, settings.recipe.normalise) {
        (Data::Embedded | Data::Split(_), false) => {
            "cargo run -p runner -- mnist --preset accurate"
        }
        (Data::Embedded | Data::Split(_), true) => {
            "cargo run -p runner -- mnist --preset accurate --full"
        }
        (Data::Full(_) | Data::Cached { .. }, _) => "cargo run -p runner -- bench",
    }
}

/// The places of `digits`, in groups of a batch, the last one perhaps smaller.
fn groups(digits: &Digits) -> impl Iterator<Item = std::ops::Range<usize>> {
    let count = digits.len();
    (0..count)
        .step_by(EVALUATION_BATCH)
        .map(move |start| start..(start + EVALUATION_BATCH).min(count))
}
