//! The options that programs share: where they compute, what they read, write and say.

use std::path::PathBuf;

use clap::ValueEnum;
use minitorch_core::executor::MOST_TASKS;

use super::Choice;
use super::number::threads;
use crate::error::Failure;
use crate::output::Style;

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

    /// How it uses the processor.
    #[command(flatten)]
    pub processor: Processor,
}

/// How a program uses the processor.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// How many threads the rayon backend has; one for each processor unless told.
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true, help_heading = "Machine")]
    #[arg(help = format!("Threads of the rayon backend, at most {MOST_TASKS} [default: one for each processor]"))]
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

    /// Go on from this checkpoint as if never interrupted; what is saved goes to --checkpoint
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
                self.processor.threads,
                match self.backend {
                    Backend::Rayon => "one for each processor",
                    Backend::Serial | Backend::Cuda => "one",
                },
            ),
            Choice::named("--isa", &self.processor.isa),
        ]
    }

    /// Refuses options that the backend would not heed.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`].
    pub(super) fn check(&self) -> Result<(), Failure> {
        let option = match (self.backend, self.processor.threads, self.processor.isa) {
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
