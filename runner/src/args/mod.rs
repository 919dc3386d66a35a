//! The command line: parsed by clap, checked, and resolved into settings before anything runs.
//!
//! A mistake is one short message and exit status 2. An option given on the command line always wins over what a preset
//! says; what neither says is the default recipe.

pub mod bench;
mod choice;
pub mod fetch;
pub mod mnist;
mod number;
pub mod parallel_check;
mod predict;
mod run;
pub mod sentiment;
pub mod show;
pub mod toy;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub use choice::{Choice, command, name};
pub use predict::{Predict, Training};
pub use run::{Backend, Files, Isa, Machine, Processor, Report, Run};

use crate::data::Pattern;
use crate::error::Failure;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Print this text: help, or the version.
    Print(String),
    /// Train the MNIST network.
    Mnist(mnist::Settings),
    /// Train the network of sentences.
    Sentiment(sentiment::Settings),
    /// Train a small network on points in a square.
    Toy(toy::Settings),
    /// Read digits with a trained network.
    Predict(Predict),
    /// Show an idea of the library as a table or a picture.
    Show(show::Show),
    /// Download a data set.
    Fetch(fetch::Settings),
    /// Measure how long things take.
    Bench(bench::Settings),
    /// Tell how kernels go over their operands, and time them.
    ParallelCheck(parallel_check::Settings),
    /// Tell which backends work here.
    Doctor,
}

/// Deep learning in Rust: the same seed gives the same weights, to the bit, on any machine.
#[derive(Parser)]
#[command(name = "runner", version)]
#[command(after_help = "To begin: runner mnist (and runner mnist --help for its options)")]
struct CommandLine {
    #[command(subcommand)]
    task: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network to read handwritten digits (real images, nothing to download)
    Mnist(mnist::Arguments),
    /// Train a network to tell whether a sentence is positive (film reviews, nothing to download)
    Sentiment(sentiment::Arguments),
    /// Read the digit on a picture, or judge a text, with the network that was trained
    Predict(Predict),
    /// Train a small network on points in a square: those left of the middle
    Simple(toy::Arguments),
    /// Train a small network on points in a square: those below a diagonal
    Diag(toy::Arguments),
    /// Train a small network on points in a square: those at the left and right edges
    Split(toy::Arguments),
    /// Train a small network on points in a square: those in two opposite quarters
    Xor(toy::Arguments),
    /// Train a small network on points in a square: those outside of a circle
    Circle(toy::Arguments),
    /// Train a small network on points in a square: those on one of two arms that wind around each other
    Spiral(toy::Arguments),
    /// Show how it works: the graph behind an expression, the layout of a tensor, map, zip, reduce, matmul
    Show(show::Show),
    /// Download a public data set to the cache folder: mnist, sst2 or glove
    Fetch(fetch::Arguments),
    /// Measure how long things take, in the form in which other libraries are measured
    Bench(bench::Arguments),
    /// Show how the loops of the kernels run: merged axes, vectors, tasks, and time by number of threads
    ParallelCheck(parallel_check::Arguments),
    /// Tell which backends work here, and what the others miss
    Doctor,
}

/// Reads a command line, the program's name first.
///
/// # Errors
///
/// [`Failure::usage`] for anything that is not a valid command line.
///
/// ```
/// use runner::args::{Task, parse};
///
/// let Task::Mnist(settings) = parse(["runner", "mnist", "--epochs", "3"])? else { unreachable!() };
/// assert_eq!((settings.recipe.epochs, settings.recipe.batch), (3, 16));
/// assert_eq!(parse(["runner", "mnist", "--batch", "0"]).unwrap_err().status() as u8, 2);
/// # Ok::<(), runner::error::Failure>(())
/// ```
pub fn parse<I>(arguments: I) -> Result<Task, Failure>
where
    I: IntoIterator<Item: Into<OsString> + Clone>,
{
    match CommandLine::try_parse_from(arguments) {
        Ok(CommandLine { task: Some(task) }) => task.resolve(),
        Ok(CommandLine { task: None }) => Ok(Task::Print(
            CommandLine::command().render_help().to_string(),
        )),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayVersion => Ok(Task::Print(error.to_string())),
            _ => Err(Failure::usage(concise(&error.to_string()))),
        },
    }
}

impl Command {
    fn resolve(self) -> Result<Task, Failure> {
        let toy = |arguments: toy::Arguments, pattern| {
            let settings = arguments.resolve(pattern)?;
            settings.machine.check()?;
            Ok(Task::Toy(settings))
        };
        match self {
            Self::Mnist(arguments) => {
                let settings = arguments.resolve()?;
                settings.run.machine.check()?;
                Ok(Task::Mnist(settings))
            }
            Self::Sentiment(arguments) => {
                let settings = arguments.resolve()?;
                settings.run.machine.check()?;
                Ok(Task::Sentiment(settings))
            }
            Self::Predict(arguments) => {
                arguments.machine.check()?;
                Ok(Task::Predict(arguments))
            }
            Self::Simple(arguments) => toy(arguments, Pattern::Simple),
            Self::Diag(arguments) => toy(arguments, Pattern::Diag),
            Self::Split(arguments) => toy(arguments, Pattern::Split),
            Self::Xor(arguments) => toy(arguments, Pattern::Xor),
            Self::Circle(arguments) => toy(arguments, Pattern::Circle),
            Self::Spiral(arguments) => toy(arguments, Pattern::Spiral),
            Self::Show(arguments) => Ok(Task::Show(arguments)),
            Self::Fetch(arguments) => arguments.resolve().map(Task::Fetch),
            Self::Bench(arguments) => {
                let settings = arguments.resolve()?;
                settings.machine.check()?;
                Ok(Task::Bench(settings))
            }
            Self::ParallelCheck(arguments) => {
                let settings = arguments.resolve()?;
                settings.machine.check()?;
                Ok(Task::ParallelCheck(settings))
            }
            Self::Doctor => Ok(Task::Doctor),
        }
    }
}

/// Clap's message without blank lines, prefix and usage, which `--help` gives better.
fn concise(message: &str) -> String {
    let lines = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Usage:"));
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .trim_start_matches("error: ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_message_of_clap_loses_what_help_says_better() {
        let message = "error: bad\n\n  tip: good\n\nUsage: runner mnist\n\nFor more information, try '--help'.\n";
        assert_eq!(
            concise(message),
            "bad\ntip: good\nFor more information, try '--help'."
        );
    }
}
