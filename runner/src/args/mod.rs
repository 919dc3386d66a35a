//! The command line: parsed by clap, checked, and resolved into settings before anything runs.
//!
//! A mistake is one short message and exit status 2. An option given on the command line always wins over what a preset
//! says; what neither says is the default recipe.

pub mod bench;
mod choice;
pub mod fetch;
pub mod mnist;
pub mod parallel_check;
mod predict;
pub mod sentiment;
pub mod show;
pub mod toy;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

pub use choice::{Choice, command, name};
pub use predict::{Predict, Training};

use crate::data::Pattern;
use crate::error::Failure;
use crate::output::Style;

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

/// Where the arithmetic is done. The result is the same to the bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// On the processor, with as many threads as `--threads` says.
    #[default]
    Rayon,
    /// On the processor, in one thread.
    Serial,
    /// On an NVIDIA GPU.
    Cuda,
}

/// Which of the processor's instructions are used. The result is the same to the bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Isa {
    /// The best there is.
    #[default]
    Auto,
    /// What every processor of this kind has.
    Portable,
    /// AVX2 and FMA on x86-64; an error elsewhere.
    Avx2,
    /// AVX-512F and VL on x86-64; an error elsewhere.
    Avx512,
    /// Advanced SIMD on AArch64; an error elsewhere.
    Neon,
}

/// Deep learning in Rust: the same seed gives the same weights, to the bit, on any machine.
#[derive(Parser)]
#[command(name = "runner", version, disable_help_subcommand = true)]
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
    /// The same, those below a diagonal
    Diag(toy::Arguments),
    /// The same, those at the left and right edges
    Split(toy::Arguments),
    /// The same, those in two opposite quarters
    Xor(toy::Arguments),
    /// The same, those outside of a circle
    Circle(toy::Arguments),
    /// The same, those on one of two arms that wind around each other
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

/// Where a program computes: the options that every program has.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Where to compute, rayon, serial or cuda; the result is the same to the bit [default: rayon]
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Machine"
    )]
    pub backend: Backend,

    /// Threads of the rayon backend [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true, help_heading = "Machine")]
    pub threads: Option<usize>,

    /// Instructions: auto, portable, avx2, avx512, neon; the same result to the bit [default: auto]
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Machine"
    )]
    pub isa: Isa,
}

/// The weights that a program reads and writes.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Save weights and state here [default: ./mnist.safetensors, ./sentiment.safetensors]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub checkpoint: Option<PathBuf>,

    /// Go on from a checkpoint, to the same weights as an uninterrupted run
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "init",
        help_heading = "Files"
    )]
    pub resume: Option<PathBuf>,

    /// Start from these weights (safetensors, PyTorch's names and layout)
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub init: Option<PathBuf>,
}

/// The page about a run: the option of every program that trains.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// When the run has ended, write a page about it: settings, curves and what was learnt (HTML)
    #[arg(
        id = "report",
        long = "report",
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub file: Option<PathBuf>,
}

/// How a program runs: the options of every program that keeps its weights.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it computes.
    #[command(flatten)]
    pub machine: Machine,

    /// What it reads and writes.
    #[command(flatten)]
    pub files: Files,

    /// What it says.
    #[command(flatten)]
    pub style: Style,

    /// What it leaves to look at.
    #[command(flatten)]
    pub report: Report,
}

impl Machine {
    /// Its options and their values.
    pub fn choices(&self) -> [Choice; 3] {
        [
            Choice::named("--backend", &self.backend),
            Choice::optional(
                "--threads",
                self.threads,
                match self.backend {
                    Backend::Rayon => "one for each processor",
                    Backend::Serial | Backend::Cuda => "one",
                },
            ),
            Choice::named("--isa", &self.isa),
        ]
    }

    /// Refuses options that the backend would not heed.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`].
    fn check(&self) -> Result<(), Failure> {
        let option = match (self.backend, self.threads, self.isa) {
            (Backend::Serial, Some(_), _) => {
                return Err(Failure::usage(
                    "--threads is for --backend rayon, and serial computes in one thread; leave one of them out",
                ));
            }
            (Backend::Cuda, Some(_), _) => "--threads",
            (Backend::Cuda, None, isa) if isa != Isa::Auto => "--isa",
            _ => return Ok(()),
        };
        Err(Failure::usage(format!(
            "{option} is for the processor, and this computes on a GPU;\n\
             leave it out, or write rayon (--backend) or fast (--engine) instead of cuda"
        )))
    }
}

impl Files {
    /// Its options and their values; a checkpoint that is not asked for is called `default`.
    pub fn choices(&self, default: &'static str) -> [Choice; 3] {
        let path = |option, path: &Option<PathBuf>, absent| {
            Choice::optional(option, path.as_ref().map(|path| path.display()), absent)
        };
        [
            path("--checkpoint", &self.checkpoint, default),
            path("--resume", &self.resume, "from the beginning"),
            path("--init", &self.init, "weights drawn at random"),
        ]
    }
}

impl Report {
    /// Its option and the value.
    pub fn choices(&self) -> [Choice; 1] {
        let file = self.file.as_ref().map(|path| path.display());
        [Choice::optional("--report", file, "no page")]
    }
}

impl Run {
    /// Its options and their values; a checkpoint that is not asked for is called `default`.
    pub fn choices(&self, default: &'static str) -> Vec<Choice> {
        let (machine, files) = (self.machine.choices(), self.files.choices(default));
        let (style, report) = (self.style.choices(), self.report.choices());
        machine
            .into_iter()
            .chain(files)
            .chain(style)
            .chain(report)
            .collect()
    }
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
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Task::Print(error.to_string()))
            }
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

/// A count of at least one, and small enough that products of two of them do not overflow.
fn positive(text: &str) -> Result<usize, String> {
    const MOST: usize = 1_000_000_000;
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MOST} is expected")),
    }
}

/// A seed: any number of 64 bits.
fn seed(text: &str) -> Result<u64, String> {
    let wrong = |_| format!("a whole number from 0 to {} is expected", u64::MAX);
    text.parse().map_err(wrong)
}

/// A number of threads that a machine can start.
fn threads(text: &str) -> Result<usize, String> {
    const MOST: usize = 4096;
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MOST} is expected")),
    }
}

/// A learning rate: an f32 that is finite and over 0.
fn rate(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a finite number over 0 is expected".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn numbers_are_checked() {
        assert_eq!(positive("16"), Ok(16));
        for wrong in ["0", "-1", "1.5", "", "99999999999999999999999"] {
            assert!(positive(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["-1", "18446744073709551616", "0x1", ""] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
        assert_eq!(threads("7"), Ok(7));
        for wrong in ["0", "-1", "4097"] {
            assert!(threads(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rate("1e-2"), Ok(0.01));
        for wrong in ["0", "-0.1", "nan", "inf", "1e39", "1e-60", "fast", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
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
