//! `runner mnist`: trains the network on handwritten digits and tells how it went.

mod batches;
mod lesson;
mod log;
mod network;
mod page;
mod resident;
mod trained;

pub use crate::args::mnist::CHECKPOINT;
pub use batches::{Batch, Loader, View};
pub use log::Log;
pub use network::Network;
pub use trained::Trained;

use std::path::Path;
use std::time::Instant;

use minitorch_core::nn::Module;
use minitorch_core::{Backend, Tensor};

use crate::args::mnist::{Data, Settings};
use crate::backend::{self, Device};
use crate::checkpoint::{Keeper, Program};
use crate::data::{Digits, Mnist};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::output::{Output, Summary};
use crate::report::{self, Page};
use crate::train::warn_of_replacing;

/// How many held-out images are looked at together.
const EVALUATION_BATCH: usize = 250;

/// Trains as the settings say.
///
/// # Errors
///
/// A loss that is no finite number, a file that cannot be read or written, or an [`Interrupt`] at any time before the
/// summary (with its exit status, after the checkpoint is written).
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    match backend::device(&settings.run.machine)? {
        Device::Cuda(device) => on(&device, settings, &interrupt),
        Device::Cpu(device, Some(pool)) => pool.inside(|| on(&device, settings, &interrupt)),
        Device::Cpu(device, None) => on(&device, settings, &interrupt),
    }
}

fn on<B: Backend>(device: &B, settings: &Settings, interrupt: &Interrupt) -> Result<(), Failure> {
    let run = &settings.run;
    let mut output = Output::new(run.style).recording(run.report.file.is_some());
    let data = Mnist::files(&settings.data)?;
    let mut keeper = Keeper::new(
        run.files.checkpoint.as_deref(),
        &Program::MNIST,
        &data,
        &output,
    )?;
    let (resume, init) = (run.files.resume.as_deref(), run.files.init.as_deref());
    let page = Page::asked(&run.report, &[keeper.path(), resume, init], &data)?;
    let digits = Mnist::load(settings, &mut output, interrupt)?;
    let mut session = lesson::session(device, settings, &digits)?;
    session.start_from(&run.files, &Program::MNIST)?;
    warn_of_replacing(&session, &keeper, &output);

    let start = Instant::now();
    let trained = session.train(&mut keeper, interrupt, &mut output)?;
    let time = start.elapsed();
    let mut answers = page.as_ref().map(|_| page::Answers::default());
    let seen = |scores: &Tensor<B>, read: &[u32]| match &mut answers {
        Some(answers) => answers.add(scores, read),
        None => Ok(()),
    };
    let Some(correct) = session.lesson.correct(interrupt, seen)? else {
        return Err(session.interrupted(interrupt, &run.files, keeper.path()));
    };
    let summary = Summary {
        split: match settings.data {
            Data::Embedded | Data::Split(_) => "Held-out",
            Data::Full(_) | Data::Cached { .. } => "Test",
        },
        items: "images",
        correct,
        of: digits.held_out.len(),
        parts: None,
        trained,
        time,
        peak_bytes: machine::peak_memory(),
        checkpoint: keeper.path(),
        hash: session.lesson.network.try_weights_hash()?.finish(),
        next: next(settings, keeper.path()),
    };
    output.end(&summary)?;
    let (Some(page), Some(answers)) = (page, answers) else {
        return Ok(());
    };
    session.lesson.network.eval();
    page.write(
        &output,
        &report::Run {
            program: Program::MNIST.name,
            title: "Handwritten digits",
            seed: settings.seed,
            choices: &settings.choices(),
            summary: &summary,
            sections: page::sections(
                device,
                &session.lesson.network,
                settings.recipe.normalise,
                &digits.held_out,
                &answers,
            )?,
        },
    )
}

/// A command worth trying after this one. A network in its usual place can be tried at once.
fn next(settings: &Settings, checkpoint: Option<&Path>) -> &'static str {
    let can_predict = checkpoint.is_some() && settings.run.files.checkpoint.is_none();
    match (&settings.data, settings.recipe.normalise) {
        (Data::Embedded | Data::Split(_), false) if can_predict => {
            "cargo run -p runner -- predict tests/data/digit.png"
        }
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
