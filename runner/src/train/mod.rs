//! Training: the loop that programs with a checkpoint share.
//!
//! A [`Lesson`] is what differs from program to program: the network, its batches and losses, and its log lines. A
//! [`Session`] goes through it, epoch by epoch and batch by batch, saves when it is time, stops when it is interrupted, and
//! goes on from a checkpoint as if nothing had happened.

mod diverged;
mod fact;
mod replaced;
mod session;
mod unread;
#[cfg(test)]
pub(crate) mod witness;

pub(crate) use diverged::{LOST, diverged, is_finite};
pub(crate) use fact::{Fact, Mark, preset_of, typed, typed_preset};
pub(crate) use replaced::warn_of_replacing;
pub(crate) use session::{Plan, Session};
pub(crate) use unread::Unread;

use std::fmt;
use std::path::Path;

use minitorch_core::nn::Module;
use minitorch_core::state::Numbers;
use minitorch_core::{Backend, Tensor};

use crate::checkpoint::Opened;
use crate::error::Failure;
use crate::output::Output;

/// Where a run is: what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Epochs that are done.
    pub(crate) epoch: usize,
    /// Batches of the current epoch that are done.
    pub(crate) batch: usize,
}

impl fmt::Display for Position {
    /// What is done, counted from 1 as in the log: `epoch 3, batch 7`, or `after epoch 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, batch } = self;
        match batch {
            0 => write!(f, "after epoch {epoch}"),
            // A checkpoint may have any number.
            _ => write!(f, "epoch {}, batch {batch}", epoch.saturating_add(1)),
        }
    }
}

/// A network and what it learns from.
///
/// Epochs and batches are those of the [`Plan`], both from 0.
pub(crate) trait Lesson<B: Backend> {
    /// The network that learns.
    fn network(&self) -> &dyn Module<B>;

    /// The same, to be changed.
    fn network_mut(&mut self) -> &mut dyn Module<B>;

    /// Starts from the weights in a file.
    ///
    /// # Errors
    ///
    /// If it is of another network; then nothing has changed.
    fn init(&mut self, file: &Opened<'_>) -> Result<(), Failure> {
        file.load_weights(self.network_mut())
    }

    /// Makes ready for the batches of an epoch, of which some may be done: a run that goes on begins where it was.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn begin(&mut self, position: Position) -> Result<(), Failure>;

    /// The loss of a batch of the epoch that was begun last.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn loss(&mut self, batch: usize) -> Result<Tensor<B>, Failure>;

    /// Adds the number of a batch's loss, which is finite, to what the log tells: batch by batch in order, but not before
    /// somebody wants to know, since to read a number is to wait for the device.
    fn add(&mut self, loss: f64);

    /// Reads what it has left on the device of the batches since the last time, before their losses are added.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn read(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Brings weights that may not be everywhere back to where they may be, after an update.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn constrain(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether something is to be told when the batch before `position` is done.
    fn is_due(&self, position: Position) -> bool;

    /// Writes the log lines that are due when the batch before `position` is done, whose loss was added.
    ///
    /// # Errors
    ///
    /// If the device fails, or the lines cannot be written.
    fn log(&mut self, position: Position, output: &mut Output) -> Result<(), Failure>;

    /// Ends the training: after the last batch, before the network is saved for the last time.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn finish(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// What has to be the same when a run goes on.
    fn fixed(&self) -> Vec<Fact>;

    /// What else a run has to know when it goes on.
    fn numbers(&self) -> Vec<(&'static str, Vec<u64>)>;

    /// Takes these numbers from a checkpoint, before the weights are read.
    ///
    /// # Errors
    ///
    /// If one is missing.
    fn restore(&mut self, path: &Path, numbers: &Numbers) -> Result<(), Failure>;
}
