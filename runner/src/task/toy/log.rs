//! The lines of the log.

use std::fmt;

use serde::Serialize;

use crate::output;
use crate::report::Reading;

/// One line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Log {
    /// The epoch, from 1; 0 for the manual engine, which has none.
    pub epoch: usize,
    /// How many epochs the run has.
    pub epochs: usize,
    /// The sum of the losses of the points in this epoch, each before the step that it took part in.
    pub loss: f64,
    /// How many points were told right in the same passes.
    pub correct: usize,
    /// How many points there are.
    pub of: usize,
}

impl output::Log for Log {
    fn reading(&self) -> Reading {
        let points = self.of as f64;
        Reading {
            epoch: self.epoch as f64,
            loss: self.loss / points,
            accuracy: vec![("training points", self.correct as f64 / points)],
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            epoch,
            loss,
            correct,
            ..
        } = self;
        // MiniTorch's line, with the double spaces of Python's print.
        write!(f, "Epoch  {epoch}  loss  {loss} correct {correct}")
    }
}
