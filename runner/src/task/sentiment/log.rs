//! The lines of the log.

use std::fmt;

use serde::Serialize;

use crate::output;
use crate::report::Reading;

/// What is told of an epoch: three lines of text, or one object. Accuracies are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Log {
    /// The epoch, from 1.
    pub epoch: usize,
    /// How many epochs the run has.
    pub epochs: usize,
    /// The sum of the mean losses of its batches.
    pub loss: f64,
    /// How many batches these are.
    #[serde(skip)]
    pub batches: usize,
    /// The share of training sentences that were told right, each before the step that it took part in.
    pub train_accuracy: f64,
    /// The share of validation sentences that are told right after the epoch.
    pub valid_accuracy: f64,
    /// The best such share so far; one within an epoch counts, too.
    pub best_valid_accuracy: f64,
}

impl output::Log for Log {
    fn reading(&self) -> Reading {
        Reading {
            epoch: self.epoch as f64,
            loss: self.loss / self.batches as f64,
            accuracy: vec![
                ("training sentences", self.train_accuracy),
                ("validation sentences", self.valid_accuracy),
            ],
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, loss, .. } = self;
        let percent = |share: f64| format!("{:.2}%", 100.0 * share);
        let train = percent(self.train_accuracy);
        let (valid, best) = (
            percent(self.valid_accuracy),
            percent(self.best_valid_accuracy),
        );
        writeln!(f, "Epoch {epoch}, loss {loss}, train accuracy: {train}")?;
        writeln!(f, "Validation accuracy: {valid}")?;
        write!(f, "Best Valid accuracy: {best}")
    }
}
