//! A training run: everything that changes while it goes on, and that a checkpoint therefore holds.

use std::fs;
use std::path::Path;

use minitorch_core::nn::{Module, try_nll};
use minitorch_core::optim::{Adam, Optimizer, Schedule, Sgd};
use minitorch_core::{Backend, Element};

use super::batches::{Batch, Loader, View, views};
use super::fact::{Fact, typed};
use super::log::Log;
use super::{Network, groups};
use crate::args::mnist::{self as args, Net, Optimiser, Pool, Recipe, Settings};
use crate::checkpoint::{self, Keeper};
use crate::data::{Digits, Mnist, batches};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// Every so many batches there is a log line.
const LOG_EVERY: usize = 5;
/// How many held-out images a log line looks at.
const LOG_IMAGES: usize = 16;

/// Where a run is: what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Position {
    /// Epochs that are done.
    epoch: usize,
    /// Batches of the current epoch that are done.
    batch: usize,
    /// The sum of the losses since the last log line.
    loss: f64,
}

/// A training run of the network on a device.
pub(super) struct Session<'a, B: Backend> {
    device: &'a B,
    settings: &'a Settings,
    pub(super) network: Network<B>,
    optimizer: Box<dyn Optimizer<B>>,
    schedule: Schedule,
    position: Position,
    /// Images in an epoch, those of a last batch that is skipped included.
    images: usize,
    /// Batches in an epoch.
    batches: usize,
}

impl<'a, B: Backend> Session<'a, B> {
    /// A run that has not begun, on `images` training images.
    pub(super) fn new(
        device: &'a B,
        settings: &'a Settings,
        images: usize,
    ) -> Result<Self, Failure> {
        let Recipe {
            epochs,
            batch,
            rate,
            optimiser,
            schedule,
            ..
        } = settings.recipe;
        let (rate, batches) = (f64::from(rate), batches(images, batch));
        Ok(Self {
            device,
            settings,
            network: Network::new(device, &settings.recipe, settings.seed)?,
            optimizer: match optimiser {
                Optimiser::Sgd => Box::new(Sgd::new(rate)),
                Optimiser::Adam => Box::new(Adam::new(rate)),
            },
            schedule: match schedule {
                args::Schedule::Constant => Schedule::Constant { rate },
                args::Schedule::OneCycle => Schedule::OneCycle {
                    peak: rate,
                    steps: (epochs * batches) as u64,
                },
            },
            position: Position::default(),
            images,
            batches,
        })
    }

    /// The current epoch, from 1.
    pub(super) fn epoch(&self) -> usize {
        self.position.epoch + 1
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.position.epoch >= self.settings.recipe.epochs
    }

    /// Trains to the end, or until interrupted, and saves after each epoch, at the end, and when a long epoch makes it
    /// due. Returns how many images went through.
    pub(super) fn train(
        &mut self,
        digits: &Mnist,
        keeper: &mut Keeper,
        interrupt: &Interrupt,
        output: &mut Output,
    ) -> Result<u64, Failure> {
        let Settings { recipe, seed, .. } = self.settings;
        let mut loader = Loader::new(self.device, recipe.batch, recipe.normalise)?;
        let mut watched = self.watched(&digits.held_out)?;
        let mut images = 0;
        // Whoever read the log may have gone away: that ends the run like an interruption, after saving.
        let mut heard = Ok(());
        let mut saved = None;
        output.start((recipe.epochs * self.batches).saturating_sub(self.steps()) as u64);
        while !self.is_done() && heard.is_ok() && !interrupt.requested() {
            let views = views(digits.train.len(), recipe, *seed, self.epoch());
            let left = views.chunks_exact(recipe.batch).take(self.batches);
            for views in left.skip(self.position.batch) {
                if heard.is_err() || interrupt.requested() {
                    break;
                }
                if keeper.is_due() {
                    self.keep(keeper, output)?;
                }
                self.step(loader.load(&digits.train, views.iter().copied())?)?;
                images += recipe.batch as u64;
                if (self.position.batch - 1).is_multiple_of(LOG_EVERY) {
                    heard = self.log(&mut watched, output);
                }
                output.step();
            }
            if self.position.batch == self.batches {
                self.position = Position {
                    epoch: self.position.epoch + 1,
                    ..Position::default()
                };
            }
            self.keep(keeper, output)?;
            saved = Some(self.position);
        }
        output.finish();
        if saved != Some(self.position) {
            self.keep(keeper, output)?;
        }
        heard.map(|()| images)
    }

    /// One batch: forward, loss, backward, update.
    fn step(&mut self, batch: &Batch<B>) -> Result<(), Failure> {
        self.optimizer
            .set_rate(self.schedule.rate(self.steps() as u64));
        let loss = try_nll(&self.network.forward(&batch.images)?, &batch.labels)?;
        self.position.loss += loss.try_item()?.to_f64();
        self.optimizer
            .try_step(&mut self.network, loss.try_backward()?)?;
        self.position.batch += 1;
        Ok(())
    }

    /// Batches done in all epochs.
    fn steps(&self) -> usize {
        self.position.epoch * self.batches + self.position.batch
    }

    /// The held-out images of the log lines, on the device.
    fn watched(&self, held_out: &Digits) -> Result<Watched<B>, Failure> {
        let count = LOG_IMAGES.min(held_out.len());
        let mut loader = Loader::new(self.device, count, self.settings.recipe.normalise)?;
        loader.load(held_out, (0..count).map(View::plain))?;
        Ok(Watched {
            loader,
            labels: held_out.labels()[..count].to_vec(),
        })
    }

    fn log(&mut self, watched: &mut Watched<B>, output: &mut Output) -> Result<(), Failure> {
        self.mode(false);
        let read = self.network.forward(&watched.loader.batch().images)?;
        self.mode(true);
        let log = Log {
            epoch: self.epoch(),
            epochs: self.settings.recipe.epochs,
            loss: std::mem::take(&mut self.position.loss),
            correct: matches(&read.try_argmax(1)?.to_vec()?, &watched.labels),
            of: watched.labels.len(),
        };
        output.log(&log)
    }

    /// How many of `digits` the network reads correctly, or `None` if interrupted.
    pub(super) fn correct(
        &mut self,
        digits: &Digits,
        interrupt: &Interrupt,
    ) -> Result<Option<usize>, Failure> {
        self.mode(false);
        let mut correct = 0;
        for group in groups(digits) {
            if interrupt.requested() {
                break;
            }
            let normalise = self.settings.recipe.normalise;
            let mut loader = Loader::new(self.device, group.len(), normalise)?;
            let batch = loader.load(digits, group.clone().map(View::plain))?;
            let read = self.network.forward(&batch.images)?.try_argmax(1)?;
            correct += matches(&read.to_vec()?, &digits.labels()[group]);
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

    /// Starts from weights alone.
    pub(super) fn init(&mut self, path: &Path) -> Result<(), Failure> {
        checkpoint::load_weights(path, &mut self.network)
    }

    /// Saves what [`resume`](Self::resume) goes on from.
    fn keep(&self, keeper: &mut Keeper, output: &Output) -> Result<(), Failure> {
        let Position { epoch, batch, loss } = self.position;
        let facts = self.fixed().into_iter();
        let mut numbers: Vec<_> = facts.map(|fact| (fact.name, fact.number)).collect();
        numbers.extend([
            ("epoch", epoch as u64),
            ("batch", batch as u64),
            ("loss", loss.to_bits()),
        ]);
        keeper.keep(output, |path| {
            checkpoint::save(path, &self.network, &*self.optimizer, &numbers)
        })
    }

    /// Goes on from a checkpoint, which has to be of the same run.
    pub(super) fn resume(&mut self, path: &Path) -> Result<(), Failure> {
        if let Ok(false) = fs::exists(path) {
            return Err(Failure::file(
                path.display(),
                "there is no checkpoint to go on from; start again without --resume",
            ));
        }
        let facts = self.fixed();
        let numbers = checkpoint::load(path, &mut self.network, &mut *self.optimizer, |numbers| {
            facts.iter().try_for_each(|fact| fact.check(path, numbers))
        })?;
        let number = |name| checkpoint::number(path, &numbers, name);
        // What is too large to count to is beyond the end, too.
        let count = |name| number(name).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let (epoch, batch) = (count("epoch")?, count("batch")?);
        let epochs = self.settings.recipe.epochs;
        if epoch > epochs || batch >= self.batches || (epoch == epochs && batch > 0) {
            return Err(Failure::file(
                path.display(),
                format_args!("at epoch {epoch}, batch {batch}: beyond the end of this run"),
            ));
        }
        self.position = Position {
            epoch,
            batch,
            loss: f64::from_bits(number("loss")?),
        };
        Ok(())
    }

    /// What has to be the same when a run goes on.
    fn fixed(&self) -> Vec<Fact> {
        let recipe = &self.settings.recipe;
        let preset = |name, number: u64| Fact::new(name, number, |_| "another --preset".into());
        let mut fixed = vec![
            Fact::new("net", recipe.net as u64, |n| {
                typed::<Net>("--net", n, |net| net as u64)
            }),
            preset("normalise", recipe.normalise.into()),
            preset("shuffle", recipe.shuffle.into()),
            preset("shift", recipe.shift.into()),
            preset("quirks", recipe.quirks.into()),
            Fact::new("pool", recipe.pool as u64, |n| {
                typed::<Pool>("--pool", n, |pool| pool as u64)
            }),
            Fact::new("rate", recipe.rate.to_bits().into(), |n| {
                format!("--rate {}", f32::from_bits(n as u32))
            }),
            Fact::new("batch-size", recipe.batch as u64, |n| {
                format!("--batch {n}")
            }),
            Fact::new("images", self.images as u64, |n| format!("--train {n}")),
            Fact::new("seed", self.settings.seed, |n| format!("--seed {n}")),
        ];
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
}

/// The images of the log lines.
struct Watched<B: Backend> {
    loader: Loader<B>,
    labels: Vec<u8>,
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
