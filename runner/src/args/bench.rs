//! The options of `runner bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::{Backend, Machine, name};
use crate::bench::Protocol;
use crate::error::Failure;

/// The most seconds and repeats of a case.
const MOST: u16 = 3600;

/// What can be measured, by the names that all measured libraries share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// The limits of the machine.
    #[value(name = "W0")]
    Limits,
    /// A training step of the MNIST network.
    #[value(name = "W1")]
    Step,
    /// An epoch of MNIST's 60,000 images.
    #[value(name = "W1E")]
    Epoch,
    /// A training step of the network of sentences.
    #[value(name = "W2")]
    Sentences,
    /// A matrix product.
    #[value(name = "W3")]
    Matmul,
    /// A convolution, and its gradients.
    #[value(name = "W4")]
    Conv,
    /// Element by element operations and sums of large tensors.
    #[value(name = "W5")]
    Elementwise,
    /// What a step of history costs.
    #[value(name = "W6")]
    Autodiff,
    /// The MNIST network on one image, without history.
    #[value(name = "W7")]
    Inference,
    /// From the start of a process to the end of its first training step.
    #[value(name = "COLD")]
    Cold,
}

/// A part of a list of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Whatever can be measured.
    All,
    /// This one.
    One(Workload),
}

/// The options of `runner bench`, as they were typed.
#[derive(clap::Args, Clone, Debug, PartialEq)]
#[command(disable_help_flag = true)]
#[command(after_help = "\
W0    the machine's limits          W4    convolution, with gradients
W1    MNIST training step           W5    element by element, and sums
W1E   MNIST epoch, needs --data     W6    add and its history
W2    training step on sentences    W7    MNIST, one image, no history
W3    matrix product                COLD  process start to first step

W0, W6 and COLD are about the processor, and left out with --backend cuda")]
pub struct Arguments {
    /// What to measure, separated by commas [default: all, W1E only with --data]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = asked)]
    workloads: Vec<Asked>,

    /// Folder of the four MNIST files, for W1E
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Seconds of a repeat [default: 0.5]
    #[arg(long, env = said("BENCH_BUDGET"), value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    budget: Option<Duration>,

    /// Repeats of a case [default: 3]
    #[arg(long, env = said("BENCH_REPEATS"), value_name = "N", value_parser = repeats, allow_negative_numbers = true)]
    repeats: Option<usize>,

    #[command(flatten)]
    machine: Machine,

    /// Print what would be measured, and measure nothing
    #[arg(long, help_heading = "Output")]
    list: bool,

    /// Print one JSON object a line instead of a table
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Do what COLD measures, in the process that it starts.
    #[arg(long, hide = true)]
    first_step: bool,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// Everything `runner bench` needs to know, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What to measure, in order.
    pub workloads: Vec<Workload>,
    /// How long.
    pub protocol: Protocol,
    /// Where it computes.
    pub machine: Machine,
    /// The folder of the MNIST files; there is one if [`Workload::Epoch`] is measured.
    pub data: Option<PathBuf>,
    /// Whether only to tell what would be measured.
    pub list: bool,
    /// Whether to print JSON.
    pub json: bool,
    /// Whether this is the process whose first step is measured.
    pub first_step: bool,
}

impl Arguments {
    /// Fills in what was not said, and checks that it fits together.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`] if W1E is to be measured without data, or there are data and it is not, or if what is about the
    /// processor is to be measured on a GPU.
    pub fn resolve(self) -> Result<Settings, Failure> {
        let on_gpu = self.machine.backend == Backend::Cuda;
        let can = |workload: Workload| match workload {
            Workload::Epoch => self.data.is_some(),
            workload => !on_gpu || !workload.is_about_the_processor(),
        };
        let all = Workload::value_variants().iter().copied();
        let mut workloads = Vec::new();
        for &asked in match self.workloads.is_empty() {
            true => &[Asked::All][..],
            false => &self.workloads,
        } {
            match asked {
                Asked::All => workloads.extend(all.clone().filter(|&workload| can(workload))),
                Asked::One(workload) => workloads.push(workload),
            }
        }
        // Once is enough.
        let mut seen = Vec::new();
        workloads.retain(|workload| {
            let new = !seen.contains(workload);
            seen.push(*workload);
            new
        });
        if on_gpu && let Some(workload) = workloads.iter().find(|w| w.is_about_the_processor()) {
            return Err(workload.refused());
        }
        let epoch = workloads.contains(&Workload::Epoch);
        match self.data {
            None if epoch && !self.list => Err(Failure::usage(
                "--workloads W1E needs --data DIR, the folder of the four MNIST files",
            )),
            Some(_) if !epoch => Err(Failure::usage(
                "--data is for W1E, which --workloads does not name",
            )),
            data => Ok(Settings {
                workloads,
                protocol: Protocol {
                    repeats: self.repeats.unwrap_or(Protocol::DEFAULT.repeats),
                    budget: self.budget.unwrap_or(Protocol::DEFAULT.budget),
                },
                machine: self.machine,
                data,
                list: self.list,
                json: self.json,
                first_step: self.first_step,
            }),
        }
    }
}

impl Workload {
    /// Whether it says nothing of another device.
    fn is_about_the_processor(self) -> bool {
        matches!(self, Self::Limits | Self::Autodiff | Self::Cold)
    }

    /// Why it is not measured on a GPU.
    pub(crate) fn refused(self) -> Failure {
        Failure::usage(format!(
            "--workloads {} is about the processor; leave it out, or use --backend rayon or serial",
            self.name()
        ))
    }

    /// The name on the command line and in what is printed.
    pub fn name(self) -> String {
        name(&self)
    }
}

/// A workload by its name, in capitals or not, or all of them.
fn asked(text: &str) -> Result<Asked, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Asked::All);
    }
    Workload::from_str(text, true)
        .map(Asked::One)
        .map_err(|_| "all, or a name that --help lists is expected".into())
}

/// A variable of the environment to look at: none where it is empty, which says as little as one that is not there.
fn said(name: &'static str) -> Option<&'static str> {
    let is_empty = std::env::var_os(name).is_some_and(|value| value.is_empty());
    (!is_empty).then_some(name)
}

/// A time over 0.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= f64::from(MOST) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!(
            "a number over 0 and up to {MOST} is expected (of --budget or BENCH_BUDGET)"
        )),
    }
}

fn repeats(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(repeats) if (1..=MOST).contains(&repeats) => Ok(repeats.into()),
        _ => Err(format!(
            "a whole number from 1 to {MOST} is expected (of --repeats or BENCH_REPEATS)"
        )),
    }
}
