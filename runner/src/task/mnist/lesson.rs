//! What the network learns from, batch by batch, and what is told of it.

use std::path::Path;

use minitorch_core::nn::{Module, try_nll};
use minitorch_core::optim::{Adam, Optimizer, Schedule, Sgd};
use minitorch_core::state::Numbers;
use minitorch_core::{Backend, Tensor};

use super::batches::{Batch, Loader, View, views};
use super::log::Log;
use super::{EVALUATION_BATCH, Network, groups};
use crate::args::mnist::{self as args, Net, Optimiser, Pool, Preset, Recipe, Settings};
use crate::backend::has_own_memory;
use crate::checkpoint::{self, Program};
use crate::data::{Digits, Mnist, batches};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::train::{self, Fact, Mark, Plan, Position, Session, preset_of, typed, typed_preset};

/// Every so many batches there is a log line.
const LOG_EVERY: usize = 5;
/// How many held-out images a log line looks at.
const LOG_IMAGES: usize = 16;

/// The numbers of a checkpoint in which presets differ.
const MARKS: [Mark<Recipe>; 4] = [
    ("normalise", |recipe| recipe.normalise.into()),
    ("shuffle", |recipe| recipe.shuffle.into()),
    ("shift", |recipe| recipe.shift.into()),
    ("quirks", |recipe| recipe.quirks.into()),
];

/// The preset that a checkpoint is of, as it is typed.
pub(super) fn preset(numbers: &Numbers) -> String {
    preset_of(numbers, &MARKS, |preset| {
        preset.map_or(Recipe::DEFAULT, Preset::recipe)
    })
}

/// The network, the digits, and what is to be done with both.
pub(super) struct Lesson<'a, B: Backend> {
    device: &'a B,
    settings: &'a Settings,
    digits: &'a Mnist,
    pub(super) network: Network<B>,
    loader: Loader<'a, B>,
    watched: Watched<B>,
    /// Batches in an epoch.
    batches: usize,
    /// What the current epoch shows, in order.
    views: Vec<View>,
    /// The sum of the losses since the last log line.
    loss: f64,
}

/// A run that has not begun.
pub(super) fn session<'a, B: Backend>(
    device: &'a B,
    settings: &'a Settings,
    digits: &'a Mnist,
) -> Result<Session<B, Lesson<'a, B>>, Failure> {
    let Recipe {
        epochs,
        batch,
        rate,
        optimiser,
        schedule,
        ..
    } = settings.recipe;
    let (rate, batches) = (f64::from(rate), batches(digits.train.len(), batch));
    let optimizer: Box<dyn Optimizer<B>> = match optimiser {
        Optimiser::Sgd => Box::new(Sgd::new(rate)),
        Optimiser::Adam => Box::new(Adam::new(rate)),
    };
    let schedule = match schedule {
        args::Schedule::Constant => Schedule::Constant { rate },
        args::Schedule::OneCycle => Schedule::OneCycle {
            peak: rate,
            steps: (epochs * batches) as u64,
        },
    };
    let plan = Plan {
        epochs,
        batches,
        items: batches * batch,
    };
    let lesson = Lesson::new(device, settings, digits)?;
    Ok(Session::new(lesson, plan, optimizer, schedule))
}

impl<'a, B: Backend> Lesson<'a, B> {
    fn new(device: &'a B, settings: &'a Settings, digits: &'a Mnist) -> Result<Self, Failure> {
        let recipe = &settings.recipe;
        let Recipe {
            batch,
            normalise,
            shift,
            ..
        } = *recipe;
        let network = Network::new(device, recipe, settings.seed)?;
        Ok(Self {
            device,
            settings,
            digits,
            network,
            loader: match has_own_memory(&settings.run.machine) {
                true => {
                    let images = batch.max(EVALUATION_BATCH);
                    let step = images.saturating_mul(Network::<B>::numbers_of_a_step(recipe));
                    Loader::resident(device, &digits.train, batch, normalise, shift, step)?
                }
                false => Loader::new(device, &digits.train, batch, normalise)?,
            },
            watched: Watched::new(device, &digits.held_out, normalise)?,
            batches: batches(digits.train.len(), recipe.batch),
            views: Vec::new(),
            loss: 0.0,
        })
    }

    /// How many held-out digits the network reads correctly, or `None` if interrupted. `seen` gets each group's logarithms
    /// of probabilities, `[b, 10]`, and the digits that were read.
    pub(super) fn correct(
        &mut self,
        interrupt: &Interrupt,
        mut seen: impl FnMut(&Tensor<B>, &[u32]) -> Result<(), Failure>,
    ) -> Result<Option<usize>, Failure> {
        let digits = &self.digits.held_out;
        self.mode(false);
        let mut correct = 0;
        for group in groups(digits) {
            if interrupt.requested() {
                break;
            }
            let normalise = self.settings.recipe.normalise;
            let mut loader = Loader::new(self.device, digits, group.len(), normalise)?;
            let batch = loader.load(group.clone().map(View::plain))?;
            let scores = self.network.forward(&batch.images)?;
            let read = scores.try_argmax(1)?.try_to_vec()?;
            seen(&scores, &read)?;
            correct += matches(&read, &digits.labels()[group]);
        }
        self.mode(true);
        Ok((!interrupt.requested()).then_some(correct))
    }

    /// Switches to training or evaluation. MiniTorch's dropout, which its preset keeps, is on in both.
    fn mode(&mut self, training: bool) {
        if training || self.settings.recipe.quirks {
            self.network.train();
        } else {
            self.network.eval();
        }
    }
}

impl<B: Backend> train::Lesson<B> for Lesson<'_, B> {
    fn network(&self) -> &dyn Module<B> {
        &self.network
    }

    fn network_mut(&mut self) -> &mut dyn Module<B> {
        &mut self.network
    }

    fn begin(&mut self, position: Position) -> Result<(), Failure> {
        let Settings { recipe, seed, .. } = self.settings;
        let images = self.digits.train.len();
        self.views = views(images, recipe, *seed, position.epoch + 1);
        if position.batch == 0 {
            self.loss = 0.0;
        }
        Ok(())
    }

    fn loss(&mut self, batch: usize) -> Result<Tensor<B>, Failure> {
        let size = self.settings.recipe.batch;
        let views = self.views[batch * size..][..size].iter();
        let batch = self.loader.load(views.copied())?;
        Ok(try_nll(
            &self.network.forward(&batch.images)?,
            &batch.labels,
        )?)
    }

    fn add(&mut self, loss: f64) {
        self.loss += loss;
    }

    fn is_due(&self, position: Position) -> bool {
        (position.batch - 1).is_multiple_of(LOG_EVERY)
    }

    fn log(&mut self, position: Position, output: &mut Output) -> Result<(), Failure> {
        self.mode(false);
        let read = self.network.forward(&self.watched.batch.images)?;
        self.mode(true);
        output.log(&Log {
            epoch: position.epoch + 1,
            epochs: self.settings.recipe.epochs,
            loss: std::mem::take(&mut self.loss),
            correct: matches(&read.try_argmax(1)?.try_to_vec()?, &self.watched.labels),
            of: self.watched.labels.len(),
            // The first line of an epoch is that of one batch.
            batches: LOG_EVERY.min(position.batch),
            done: position.epoch as f64 + position.batch as f64 / self.batches as f64,
        })
    }

    fn fixed(&self) -> Vec<Fact> {
        let recipe = &self.settings.recipe;
        let images = self.digits.train.len() as u64;
        let mut fixed = vec![Fact::new(Program::MNIST.mark, recipe.net as u64, |n| {
            typed::<Net>("--net", n, |net| net as u64)
        })];
        let mine = typed_preset(self.settings.preset());
        fixed.extend(
            MARKS.map(|(name, number)| Fact::of_preset(name, number(recipe), preset, mine.clone())),
        );
        fixed.extend([
            Fact::new("pool", recipe.pool as u64, |n| {
                typed::<Pool>("--pool", n, |pool| pool as u64)
            }),
            Fact::new("rate", recipe.rate.to_bits().into(), |n| {
                format!("--rate {}", f32::from_bits(n as u32))
            }),
            Fact::new("batch-size", recipe.batch as u64, |n| {
                format!("--batch {n}")
            }),
            Fact::new("images", images, |n| format!("--train {n}")),
            Fact::new("seed", self.settings.seed, |n| format!("--seed {n}")),
        ]);
        if recipe.schedule == args::Schedule::OneCycle {
            fixed.push(Fact::new("epochs", recipe.epochs as u64, |n| {
                format!("--epochs {n}")
            }));
        }
        if recipe.quirks {
            // Dropout is on where log lines are made, too, and draws for as many images as they look at.
            let watched = self
                .settings
                .valid
                .map_or(LOG_IMAGES, |valid| valid.min(LOG_IMAGES));
            fixed.push(Fact::new("watched", watched as u64, |n| {
                format!("--valid {n} (or more, from 16 on)")
            }));
        }
        fixed
    }

    fn numbers(&self) -> Vec<(&'static str, Vec<u64>)> {
        vec![("loss", vec![self.loss.to_bits()])]
    }

    fn restore(&mut self, path: &Path, numbers: &Numbers) -> Result<(), Failure> {
        self.loss = f64::from_bits(checkpoint::number(path, numbers, "loss")?);
        Ok(())
    }
}

/// The images of the log lines, on the device.
struct Watched<B: Backend> {
    batch: Batch<B>,
    labels: Vec<u8>,
}

impl<B: Backend> Watched<B> {
    fn new(device: &B, held_out: &Digits, normalise: bool) -> Result<Self, Failure> {
        let count = LOG_IMAGES.min(held_out.len());
        let mut loader = Loader::new(device, held_out, count, normalise)?;
        Ok(Self {
            batch: loader.load((0..count).map(View::plain))?,
            labels: held_out.labels()[..count].to_vec(),
        })
    }
}

/// How many digits were read as they are.
fn matches(read: &[u32], labels: &[u8]) -> usize {
    let pairs = read.iter().zip(labels);
    pairs
        .filter(|(read, label)| **read == u32::from(**label))
        .count()
}

#[cfg(test)]
mod tests;
