//! `runner simple` and its five sisters: a small network learns to tell two classes of points apart.

mod log;
mod manual;
mod page;
mod scalar;
mod tensor;
mod weights;

pub use log::Log;

use std::f64::consts::LN_2;
use std::time::Instant;

use minitorch_core::Generator;
use minitorch_core::state::Fnv;

use crate::args;
use crate::args::toy::{self, Recipe, Settings};
use crate::backend;
use crate::backend::cuda::{Cuda, Missing};
use crate::data::{Pattern, Point};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::machine;
use crate::output::{Output, Summary};
use crate::report::{Page, Run};
use crate::train::{LOST, Position, diverged};
use manual::Manual;
use scalar::Scalars;
use tensor::Tensors;

/// Every so many epochs there is a log line.
const LOG_EVERY: usize = 10;

/// What a run that ends early leaves.
const UNSAVED: &str = "this program saves nothing";

/// What a training step found before it changed the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Step {
    /// The sum of the losses of its points.
    loss: f64,
    /// How many of them were told right.
    correct: usize,
}

/// What a training came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Course {
    /// How many epochs there were.
    epochs: usize,
    /// The mean loss of a point before the first step.
    began: f64,
    /// The mean loss of a point in the last epoch.
    ended: f64,
}

impl Course {
    /// Whether the network went astray, though its numbers are still finite: its loss has more than doubled, and is more
    /// than twice that of a toss of a coin, `ln 2`. What only learns nothing stays below.
    fn is_astray(&self) -> bool {
        self.ended > 2.0 * self.began.max(LN_2)
    }
}

/// A network on its way to better weights, whatever it computes with.
trait Engine {
    /// One step of gradient descent on the mean loss of `points`.
    fn step(&mut self, points: &[Point]) -> Result<Step, Failure>;
    /// The logit of the second class at each point.
    fn logits(&mut self, points: &[Point]) -> Result<Vec<f64>, Failure>;
    /// Whether all weights are finite numbers.
    fn is_finite(&self) -> Result<bool, Failure>;
    /// The hash of the weights.
    fn hash(&self) -> Result<Fnv, Failure>;
}

/// How many points are told right: a logit over 0 stands for the second class.
fn correct(logits: &[f64], points: &[Point]) -> usize {
    let pairs = logits.iter().zip(points);
    pairs
        .filter(|(logit, point)| (**logit > 0.0) == point.class)
        .count()
}

/// Trains as the settings say.
///
/// # Errors
///
/// A loss or a weight that is no finite number, an instruction set that this machine does not have, a standard output
/// that cannot be written to, or an [`Interrupt`] (with its exit status). Nothing is saved: a run takes seconds.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let (points, weights) = weights::draw(
        settings.pattern,
        settings.points,
        settings.seed,
        &settings.recipe,
    );
    let recipe = &settings.recipe;
    let (weights_of_line, bias) = settings.line;
    let train = |engine: &mut dyn Engine| on(engine, settings, &points, &interrupt);
    match settings.engine {
        toy::Engine::Manual => train(&mut Manual {
            weights: weights_of_line,
            bias,
        }),
        toy::Engine::Scalar => train(&mut Scalars::new(&weights, recipe)?),
        toy::Engine::Tensor => {
            let device = backend::double(&settings.machine)?;
            train(&mut Tensors::new(device, &weights, recipe)?)
        }
        toy::Engine::Fast => {
            let (device, pool) = backend::cpu(&settings.machine)?;
            let mut engine = Tensors::new(device, &weights, recipe)?;
            match pool {
                Some(pool) => pool.inside(|| train(&mut engine)),
                None => train(&mut engine),
            }
        }
        toy::Engine::Cuda => {
            let missing = |why: Missing| why.failure("--backend rayon, --engine fast");
            let device = Cuda::open(0).map_err(missing)?;
            train(&mut Tensors::new(device, &weights, recipe)?)
        }
    }
}

fn on(
    engine: &mut dyn Engine,
    settings: &Settings,
    points: &[Point],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let page = Page::asked(&settings.report, &[], &[])?;
    let mut output = Output::new(settings.style).recording(page.is_some());
    let start = Instant::now();
    let course = match settings.engine {
        toy::Engine::Manual => {
            let step = engine.step(points)?;
            if !step.loss.is_finite() {
                return Err(Failure::new(format!(
                    "the loss is {}; try smaller --weights and --bias",
                    step.loss
                )));
            }
            output.log(&log(settings, 0, step))?;
            Course::default()
        }
        _ => train(engine, settings, points, interrupt, &mut output)?,
    };
    if course.is_astray() {
        output.warn(&format!(
            "the loss has grown from {} to {} a point: the network has learnt nothing; try a smaller --rate",
            course.began, course.ended
        ));
    }
    let summary = Summary {
        split: "Training",
        items: "points",
        correct: correct(&engine.logits(points)?, points),
        of: points.len(),
        parts: None,
        trained: (course.epochs * points.len()) as u64,
        time: start.elapsed(),
        peak_bytes: machine::peak_memory(),
        checkpoint: None,
        hash: engine.hash()?.finish(),
        next: match course.is_astray() {
            true => again(settings),
            false => next(settings),
        },
    };
    output.end(&summary)?;
    let Some(page) = page else { return Ok(()) };
    let program = args::name(&settings.pattern);
    page.write(
        &output,
        &Run {
            program: &program,
            title: &format!("Two classes of points: {program}"),
            seed: settings.seed,
            choices: &settings.choices(),
            summary: &summary,
            sections: page::sections(engine, points)?,
        },
    )
}

/// Trains to the end.
fn train(
    engine: &mut dyn Engine,
    settings: &Settings,
    points: &[Point],
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Course, Failure> {
    let Recipe { epochs, batch, .. } = settings.recipe;
    let mut course = Course {
        epochs,
        ..Course::default()
    };
    let mut order = points.to_vec();
    output.start(epochs as u64);
    for epoch in 1..=epochs {
        if interrupt.requested() {
            output.finish();
            return Err(interrupt.failure(format!("interrupted in epoch {epoch}; {UNSAVED}")));
        }
        if batch.is_some() {
            // Each epoch has a stream of its own, apart from the one that points and weights come from.
            let stream = (1 << 32) + epoch as u64;
            Generator::from_parts([settings.seed, stream, 0]).shuffle(&mut order);
        }
        let mut sum = Step::default();
        for (index, batch) in order.chunks(batch.unwrap_or(points.len())).enumerate() {
            let step = engine.step(batch)?;
            if !step.loss.is_finite() {
                let at = Position {
                    epoch: epoch - 1,
                    batch: index + 1,
                };
                let what = format_args!("the loss is {}", step.loss);
                return Err(diverged(at, what, UNSAVED, interrupt));
            }
            if (epoch, index) == (1, 0) {
                course.began = step.loss / batch.len() as f64;
            }
            sum.loss += step.loss;
            sum.correct += step.correct;
        }
        course.ended = sum.loss / points.len() as f64;
        if epoch.is_multiple_of(LOG_EVERY) || epoch == epochs {
            output.log(&log(settings, epoch, sum))?;
        }
        output.step();
    }
    // No loss has seen what the last update made.
    if !engine.is_finite()? {
        let at = Position {
            epoch: epochs,
            batch: 0,
        };
        return Err(diverged(at, LOST, UNSAVED, interrupt));
    }
    Ok(course)
}

fn log(settings: &Settings, epoch: usize, step: Step) -> Log {
    Log {
        epoch,
        epochs: settings.recipe.epochs,
        loss: step.loss,
        correct: step.correct,
        of: settings.points,
    }
}

/// The same points with the rate that they are known to be learnt with.
const fn again(settings: &Settings) -> &'static str {
    match settings.pattern {
        Pattern::Simple => "cargo run -p runner -- simple",
        Pattern::Diag => "cargo run -p runner -- diag",
        Pattern::Split => "cargo run -p runner -- split",
        Pattern::Xor => "cargo run -p runner -- xor",
        Pattern::Circle => "cargo run -p runner -- circle",
        Pattern::Spiral => "cargo run -p runner -- spiral",
    }
}

/// A command worth trying after this one: harder points, and at last real ones.
const fn next(settings: &Settings) -> &'static str {
    match settings.pattern {
        Pattern::Simple => "cargo run -p runner -- diag",
        Pattern::Diag => "cargo run -p runner -- split",
        Pattern::Split => "cargo run -p runner -- xor --engine scalar",
        Pattern::Xor => "cargo run -p runner -- circle --engine fast",
        Pattern::Circle => "cargo run -p runner -- spiral",
        Pattern::Spiral => "cargo run -p runner -- mnist",
    }
}
