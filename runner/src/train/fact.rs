//! What has to be the same when a run goes on: numbers of a checkpoint, and how a person would type them.

use std::path::Path;

use clap::ValueEnum;
use minitorch_core::state::Numbers;

use crate::checkpoint;
use crate::error::Failure;

/// A number of a checkpoint that has to be that of the run which goes on.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) number: u64,
    /// How such a number is typed on the command line.
    typed: fn(u64) -> String,
}

impl Fact {
    pub(crate) const fn new(name: &'static str, number: u64, typed: fn(u64) -> String) -> Self {
        Self {
            name,
            number,
            typed,
        }
    }

    /// Demands that a checkpoint has this number.
    ///
    /// # Errors
    ///
    /// If it has another one, or none.
    pub(crate) fn check(&self, path: &Path, numbers: &Numbers) -> Result<(), Failure> {
        let theirs = checkpoint::number(path, numbers, self.name)?;
        if theirs == self.number {
            return Ok(());
        }
        let (theirs, mine) = ((self.typed)(theirs), (self.typed)(self.number));
        let but = match theirs == mine {
            true => String::new(),
            false => format!(", but this one has {mine}"),
        };
        Err(Failure::file(
            path.display(),
            format_args!("of a run with {theirs}{but};\nresume with the options of that run"),
        ))
    }
}

/// A choice as it is typed.
pub(crate) fn typed<T: ValueEnum>(option: &str, number: u64, number_of: fn(T) -> u64) -> String {
    let choices = T::value_variants().iter();
    let name = choices
        .filter(|choice| number_of((*choice).clone()) == number)
        .find_map(|choice| choice.to_possible_value());
    match name {
        Some(name) => format!("{option} {}", name.get_name()),
        None => format!("another {option}"),
    }
}
