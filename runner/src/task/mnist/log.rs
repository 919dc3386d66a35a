//! The lines of the log.

use std::fmt;

use serde::Serialize;

use crate::output;
use crate::report::Reading;

/// One line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Log {
    /// The epoch, from 1.
    pub epoch: usize,
    /// How many epochs the run has.
    pub epochs: usize,
    /// The sum of the mean losses of the batches since the last line.
    pub loss: f64,
    /// How many of the images looked at were read correctly.
    pub correct: usize,
    /// How many were looked at.
    pub of: usize,
    /// Of how many batches the losses are.
    #[serde(skip)]
    pub batches: usize,
    /// Epochs that are done, in part as well.
    #[serde(skip)]
    pub done: f64,
}

impl output::Log for Log {
    fn reading(&self) -> Reading {
        Reading {
            epoch: self.done,
            loss: self.loss / self.batches as f64,
            accuracy: vec![(
                "first held-out images",
                self.correct as f64 / self.of as f64,
            )],
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            epoch,
            epochs,
            loss,
            correct,
            ..
        } = self;
        write!(
            f,
            "Epoch: {epoch}/{epochs}, loss: {loss}, correct: {correct}"
        )
    }
}
