//! `runner sentiment`: trains a network to tell whether a sentence is positive, and tells how it went.
//!
//! ```text
//! cargo run -p runner -- sentiment                                film reviews that come with the program
//! cargo run -p runner -- sentiment --preset kim --data FOLDER     SST-2, after Kim's paper
//! ```
//!
//! [`Recipe::KIM`](crate::args::sentiment::Recipe::KIM) says what follows the paper and what does not. It keeps the weights
//! that did best on the validation sentences, so what the summary calls `Held-out accuracy` is the best of the validations
//! there, not an estimate for other sentences. Test sentences, where there are some, no choice is made with: they are what
//! the summary then counts.
//!
//! The vectors of words are parameters like the others, in the checkpoint and in the hash, whether they are trained or not.

mod batches;
mod kept;
mod lesson;
mod log;
mod network;
mod page;
mod trained;
mod words;

pub use log::Log;
pub(crate) use network::{FIRST, NOTHING, Network};
pub use trained::{Opinion, Trained};

use std::time::Instant;

use minitorch_core::Backend;
use minitorch_core::nn::Module;

use crate::args::sentiment::Settings;
use crate::backend::{self, Device};
use crate::checkpoint::{Keeper, Program};
use crate::data::text::{Amount, Corpus, Source};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::output::{Output, Parts, Summary};
use crate::report::{self, Page};
use crate::train::warn_of_replacing;

/// How many sentences are looked at together when nothing is learnt.
const EVALUATION_BATCH: usize = 100;

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
    let data = settings.data.files()?;
    let mut keeper = Keeper::new(
        run.files.checkpoint.as_deref(),
        &Program::SENTIMENT,
        &data,
        &output,
    )?;
    let (resume, init) = (run.files.resume.as_deref(), run.files.init.as_deref());
    let page = Page::asked(&run.report, &[keeper.path(), resume, init], &data)?;
    let corpus = Corpus::load(&settings.data)?;
    output.note(&format!(
        "{} words, {} of them without a vector; {} phrases left out, which are validated or tested with",
        corpus.words.len(),
        corpus.unknown(),
        corpus.left_out
    ));
    let settings = &settled(settings, &corpus, &output);
    let mut session = lesson::session(device, settings, &corpus)?;
    session.start_from(&run.files, &Program::SENTIMENT)?;
    warn_of_replacing(&session, &keeper, &output);

    let start = Instant::now();
    let trained = session.train(&mut keeper, interrupt, &mut output)?;
    let time = start.elapsed();
    let (split, held_out) = match &corpus.test {
        Some(test) => ("Test", test),
        None => ("Held-out", &corpus.valid),
    };
    let answers = session.lesson.answers(held_out, || interrupt.requested())?;
    if interrupt.requested() {
        return Err(session.interrupted(interrupt, &run.files, keeper.path()));
    }
    let summary = Summary {
        split,
        items: "sentences",
        correct: lesson::correct(held_out, answers.iter().copied()),
        of: held_out.len(),
        parts: (corpus.phrases > 0).then(|| Parts {
            sentences: corpus.train.len() - corpus.phrases,
            phrases: corpus.phrases,
        }),
        trained,
        time,
        peak_bytes: machine::peak_memory(),
        checkpoint: keeper.path(),
        hash: session.lesson.network.try_weights_hash()?.finish(),
        next: match (&settings.data.source, keeper.path()) {
            (Source::Folder { .. }, _) | (_, None) => "cargo run -p runner -- sentiment --help",
            (Source::Embedded, Some(_)) if run.files.checkpoint.is_none() => {
                "cargo run -p runner -- predict \"a fine film\" --checkpoint sentiment.safetensors"
            }
            (Source::Embedded, Some(_)) => "cargo run -p runner -- sentiment --preset kim",
        },
    };
    output.end(&summary)?;
    let Some(page) = page else { return Ok(()) };
    page.write(
        &output,
        &report::Run {
            program: Program::SENTIMENT.name,
            title: "Sentiment of sentences",
            seed: settings.seed,
            choices: &settings.choices(),
            summary: &summary,
            sections: page::sections(&corpus, held_out, &answers),
        },
    )
}

/// The settings with the numbers of sentences that there are. Where a recipe would have more, that is told.
fn settled(settings: &Settings, corpus: &Corpus, output: &Output) -> Settings {
    let mut settled = settings.clone();
    for (amount, sentences, what) in [
        (&mut settled.data.train, &corpus.train, "training"),
        (&mut settled.data.valid, &corpus.valid, "validation"),
    ] {
        let Amount::AtMost(usual) = *amount else {
            continue;
        };
        let count = sentences.len();
        if count < usual {
            output.warn(&format!(
                "{count} {what} sentences are all there are; {usual} are usual"
            ));
        }
        *amount = Amount::Exactly(count);
    }
    settled
}
