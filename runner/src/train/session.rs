//! The loop itself, and its way to a checkpoint and back.

use std::fs;
use std::path::Path;

use minitorch_core::optim::{Optimizer, Schedule};
use minitorch_core::{Backend, Tensor};

use super::unread::Unread;
use super::{LOST, Lesson, Position, diverged, is_finite};
use crate::args::Files;
use crate::checkpoint::{self, Keeper, Opened, Program};
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::output::Output;

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) epochs: usize,
    /// Batches in an epoch.
    pub(crate) batches: usize,
    /// Items in an epoch, which are counted for the summary.
    pub(crate) items: usize,
}

/// A training run: everything that changes while it goes on, and that a checkpoint therefore holds.
pub(crate) struct Session<B: Backend, L> {
    pub(crate) lesson: L,
    plan: Plan,
    optimizer: Box<dyn Optimizer<B>>,
    schedule: Schedule,
    position: Position,
    /// The hash of the weights that it started from, where a file gave them.
    init: Option<u64>,
    /// The losses of the batches before this position that were not read.
    unread: Unread<B>,
    /// The gradient of a loss by itself, which is the same for every step: 1.
    one: Option<Tensor<B>>,
}

/// The name of that hash in a checkpoint, which has none if the weights were drawn.
const INIT: &str = "init";

impl<B: Backend, L: Lesson<B>> Session<B, L> {
    /// A run that has not begun.
    pub(crate) fn new(
        lesson: L,
        plan: Plan,
        optimizer: Box<dyn Optimizer<B>>,
        schedule: Schedule,
    ) -> Self {
        Self {
            lesson,
            plan,
            optimizer,
            schedule,
            position: Position::default(),
            init: None,
            unread: Unread::new(1),
            one: None,
        }
    }

    /// Starts from the files that the command line of `program` names, if it names any.
    ///
    /// # Errors
    ///
    /// If the weights cannot be read, and as [`Session::resume`].
    pub(crate) fn start_from(&mut self, files: &Files, program: &Program) -> Result<(), Failure> {
        if let Some(path) = &files.init {
            self.lesson.init(&Opened::read(path)?)?;
            self.init = Some(self.lesson.network().try_weights_hash()?.finish());
        }
        match &files.resume {
            Some(path) => self.resume(path, program),
            None => Ok(()),
        }
    }

    /// Whether the state in a file is one that this run has, too, now or later.
    ///
    /// # Errors
    ///
    /// If the file does not say how far its run was.
    pub(crate) fn leads_to(&self, file: &Opened<'_>) -> Result<bool, Failure> {
        let (path, numbers) = (file.path(), file.numbers());
        let facts = self.lesson.fixed();
        let same = facts.iter().all(|fact| fact.check(path, numbers).is_ok());
        let init = numbers.get(INIT) == self.init.as_ref().map(std::slice::from_ref);
        Ok(same && init && file.number("epoch")? <= self.plan.epochs as u64)
    }

    /// Whether nothing is left to do.
    fn is_done(&self) -> bool {
        self.position.epoch >= self.plan.epochs
    }

    /// Batches done in all epochs.
    fn steps(&self) -> usize {
        self.position.epoch * self.plan.batches + self.position.batch
    }

    /// Trains to the end, or until interrupted, and saves after each epoch, at the end, and when a long epoch makes it
    /// due. Returns how many items went through.
    ///
    /// # Errors
    ///
    /// If a loss or a weight is no finite number; then the last state that was saved stays, Ctrl-C or not. If the device
    /// fails, or a file or the log cannot be written.
    pub(crate) fn train(
        &mut self,
        keeper: &mut Keeper,
        interrupt: &Interrupt,
        output: &mut Output,
    ) -> Result<u64, Failure> {
        let Plan {
            epochs,
            batches,
            items,
        } = self.plan;
        let begun = self.steps();
        if self.is_done() {
            output.note(&format!(
                "nothing is left to train: the checkpoint has all epochs of --epochs {epochs}"
            ));
        }
        // Whoever read the log may have gone away: that ends the run like an interruption, after saving.
        let mut heard = Ok(());
        let mut saved = None;
        output.start((epochs * batches).saturating_sub(begun) as u64);
        while !self.is_done() && heard.is_ok() && !interrupt.requested() {
            self.lesson.begin(self.position)?;
            while self.position.batch < batches && heard.is_ok() && !interrupt.requested() {
                if keeper.is_due() {
                    self.keep(keeper, interrupt, output)?;
                }
                self.step()?;
                let is_due = self.lesson.is_due(self.position);
                if is_due || self.unread.is_full() {
                    self.read_losses(keeper, interrupt)?;
                }
                if is_due {
                    heard = self.lesson.log(self.position, output);
                }
                output.step();
            }
            self.read_losses(keeper, interrupt)?;
            if self.position.batch == batches {
                self.position = Position {
                    epoch: self.position.epoch + 1,
                    batch: 0,
                };
                if self.is_done() {
                    self.lesson.finish()?;
                }
            }
            self.keep(keeper, interrupt, output)?;
            saved = Some(self.position);
        }
        output.finish();
        if saved != Some(self.position) {
            self.keep(keeper, interrupt, output)?;
        }
        // Batches may differ in size: their mean is what an epoch has of them.
        let steps = (self.steps() - begun) as u64;
        match heard {
            // With the terminal goes the place to write to, perhaps before the hang-up is heard of.
            Err(_) if interrupt.requested() => {}
            // No place is left for the summary either, but what was learnt is saved, and standard error can say so.
            Err(failure) if failure.status() == Status::Unheard => interrupt.raise(Status::Unheard),
            heard => heard?,
        }
        Ok(steps * items as u64 / batches as u64)
    }

    /// One batch: forward, loss, backward, update. Nothing waits for the device.
    fn step(&mut self) -> Result<(), Failure> {
        let rate = self.schedule.try_rate(self.steps() as u64)?;
        self.optimizer.set_rate(rate);
        let loss = self.lesson.loss(self.position.batch)?;
        self.unread.push(&loss)?;
        debug_assert_eq!(loss.elements(), 1, "a loss is one number");
        let one = match &mut self.one {
            Some(one) => one,
            first => first.insert(Tensor::try_ones(loss.device(), *loss.shape())?),
        };
        let grads = loss.try_backward_with(one.clone())?;
        self.optimizer.try_step(self.lesson.network_mut(), grads)?;
        self.lesson.constrain()?;
        self.position.batch += 1;
        Ok(())
    }

    /// Reads the losses of the batches since the last time, all at once, and adds them to what the log tells.
    ///
    /// # Errors
    ///
    /// If one is no finite number.
    fn read_losses(&mut self, keeper: &Keeper, interrupt: &Interrupt) -> Result<(), Failure> {
        let Position { epoch, batch } = self.position;
        let first = batch - self.unread.len();
        self.lesson.read()?;
        for (loss, done) in self.unread.take()?.into_iter().zip(first + 1..) {
            if !loss.is_finite() {
                let at = Position { epoch, batch: done };
                let what = format_args!("the loss is {loss}");
                return Err(diverged(at, what, keeper.left(), interrupt));
            }
            self.lesson.add(loss);
        }
        Ok(())
    }

    /// Saves what [`resume`](Self::resume) goes on from, unless the weights are lost.
    fn keep(
        &mut self,
        keeper: &mut Keeper,
        interrupt: &Interrupt,
        output: &Output,
    ) -> Result<(), Failure> {
        self.read_losses(keeper, interrupt)?;
        if !is_finite(self.lesson.network())? {
            return Err(diverged(self.position, LOST, keeper.left(), interrupt));
        }
        let Position { epoch, batch } = self.position;
        let facts = self.lesson.fixed().into_iter();
        let mut numbers: Vec<_> = facts.map(|fact| (fact.name, fact.numbers)).collect();
        numbers.extend([("epoch", vec![epoch as u64]), ("batch", vec![batch as u64])]);
        numbers.extend(self.init.map(|hash| (INIT, vec![hash])));
        numbers.extend(self.lesson.numbers());
        keeper.keep(output, |path| {
            checkpoint::save(path, self.lesson.network(), &*self.optimizer, &numbers)
        })
    }

    /// Goes on from a checkpoint, which has to be of the same run of `program`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is of another run; the lesson may then not be used any more.
    pub(crate) fn resume(&mut self, path: &Path, program: &Program) -> Result<(), Failure> {
        if let Ok(false) = fs::exists(path) {
            return Err(Failure::file(
                path.display(),
                "there is no checkpoint to go on from; start again without --resume",
            ));
        }
        let file = Opened::read(path)?;
        program.expect(&file)?;
        for fact in self.lesson.fixed() {
            fact.check(path, file.numbers())?;
        }
        // What is too large to count to is beyond the end, too.
        let count = |name| {
            file.number(name)
                .map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        let position = Position {
            epoch: count("epoch")?,
            batch: count("batch")?,
        };
        let Position { epoch, batch } = position;
        let Plan {
            epochs, batches, ..
        } = self.plan;
        if epoch > epochs || batch >= batches || (epoch == epochs && batch > 0) {
            return Err(Failure::file(
                path.display(),
                format_args!(
                    "{position}: beyond the end of this run, which has\n\
                     --epochs {epochs}, each of {batches} batches"
                ),
            ));
        }
        self.lesson.restore(path, file.numbers())?;
        file.load(self.lesson.network_mut(), &mut *self.optimizer)?;
        self.position = position;
        self.init = match file.numbers().get(INIT) {
            Some(_) => Some(file.number(INIT)?),
            None => None,
        };
        Ok(())
    }

    /// What ends an interrupted run.
    pub(crate) fn interrupted(
        &self,
        interrupt: &Interrupt,
        files: &Files,
        checkpoint: Option<&Path>,
    ) -> Failure {
        let at = match self.is_done() {
            false => format!("interrupted in epoch {}", self.position.epoch + 1),
            true => "interrupted after the last epoch".to_string(),
        };
        // --resume excludes --init, and is given once.
        let instead = match (&files.init, &files.resume) {
            (Some(_), _) => " instead of --init",
            (_, Some(_)) => " instead of its own",
            _ => "",
        };
        let why = match interrupt.status() {
            Status::Unheard => ", as nobody reads standard output any more",
            _ => "",
        };
        interrupt.failure(match checkpoint {
            Some(path) => format!(
                "{at}{why}; to go on: the same command with --resume {}{instead}",
                path.display()
            ),
            None => format!("{at}{why}; its state is not saved"),
        })
    }
}

#[cfg(test)]
mod tests;
