//! Whose checkpoint a file is.

use std::path::Path;

use minitorch_core::state::Numbers;

use super::Opened;
use crate::args::{mnist, sentiment};
use crate::error::Failure;
use crate::files;

/// What is the same for the checkpoints of all runs of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name on the command line.
    pub name: &'static str,
    /// The file in the current folder, unless another one is asked for.
    pub default: &'static str,
    /// A number that all of them have, and no other program's.
    pub mark: &'static str,
}

impl Program {
    /// The network of digits. Its mark is the number of the network.
    pub const MNIST: Self = Self {
        name: "mnist",
        default: mnist::CHECKPOINT,
        mark: "net",
    };
    /// The network of sentences. Its mark are the words that it knows.
    pub const SENTIMENT: Self = Self {
        name: "sentiment",
        default: sentiment::CHECKPOINT,
        mark: "words",
    };

    /// The program that saved these numbers, if they are of one.
    pub fn of(numbers: &Numbers) -> Option<Self> {
        let mut all = [Self::MNIST, Self::SENTIMENT].into_iter();
        all.find(|program| numbers.get(program.mark).is_some())
    }

    /// Whether another program has saved this file, which nobody means to replace.
    pub(super) fn is_of_another(&self, path: &Path) -> bool {
        let is_other = |file: Opened<'_>| {
            let numbers = file.numbers();
            !numbers.is_empty() && numbers.get(self.mark).is_none()
        };
        files::is_there(path) && Opened::read(path).is_ok_and(is_other)
    }

    /// Demands that a run of this program can go on from a file.
    ///
    /// # Errors
    ///
    /// If the file is of another program, or of none, as one of weights alone.
    pub fn expect(&self, file: &Opened<'_>) -> Result<(), Failure> {
        let Self { name, mark, .. } = self;
        if file.numbers().get(mark).is_some() {
            return Ok(());
        }
        let path = file.path().display();
        let what = match Self::of(file.numbers()) {
            Some(Self { name: other, .. }) => format!(
                "a checkpoint of {other}, and this is {name};\n\
                 go on with {other} --resume {path}, or leave --resume out"
            ),
            None if file.numbers().is_empty() => format!(
                "weights alone, without the state of a run to go on from;\n\
                 to start from them, write --init {path} instead of --resume"
            ),
            None => format!("not a checkpoint of {name}; leave --resume out"),
        };
        Err(Failure::file(path, what))
    }
}
