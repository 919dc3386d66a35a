//! The programs around `minitorch-core`: real data sets, training loops, checkpoints and reports behind one command
//! line.
//!
//! ```text
//! cargo run -p runner -- mnist          train on real images that come with the program
//! cargo run -p runner -- mnist --help   every option with its default
//! cargo run -p runner -- sentiment      train on film reviews that come with the program
//! cargo run -p runner -- spiral         train on points in a square, as MiniTorch's first modules do
//! cargo run -p runner -- predict FILE   what digit is on this picture?
//! cargo run -p runner -- fetch sst2     download a public data set
//! cargo run -p runner -- doctor         which backends work here?
//! ```
//!
//! A run goes from the command line to the summary through these modules:
//!
//! * [`args`]: the command line, checked and resolved into [`args::mnist::Settings`], the one place with every default;
//! * [`task`]: the programs themselves, and [`mod@bench`], which measures them;
//! * `train`: the loop that training programs share;
//! * [`backend`]: the devices, [`checkpoint`]: what a run saves;
//! * [`data`]: the data sets, embedded or read from files that are trusted in nothing;
//! * [`fetch`]: files that are downloaded once, checked, and kept in the cache folder;
//! * [`output`]: log lines, summary and progress, as text or JSON lines; [`report`]: the page about a run;
//! * [`files`]: files that are read up to a limit, and replaced whole or not at all;
//! * [`interrupt`]: Ctrl-C; [`machine`]: memory and processors;
//! * [`error`]: how a run fails, and the exit status that goes with it.

pub mod args;
pub mod backend;
pub mod bench;
pub mod checkpoint;
pub mod data;
pub mod error;
pub mod fetch;
pub mod files;
pub mod interrupt;
pub mod machine;
pub mod output;
pub mod report;
pub mod task;
mod train;

use args::Task;
use error::Failure;

/// Carries out what the command line asked for.
///
/// # Errors
///
/// Any [`Failure`]; its status is the exit status of the program.
pub fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Print(text) => output::print(&text),
        Task::Mnist(settings) => task::mnist::run(&settings),
        Task::Sentiment(settings) => task::sentiment::run(&settings),
        Task::Toy(settings) => task::toy::run(&settings),
        Task::Predict(arguments) => task::predict::run(&arguments),
        Task::Show(arguments) => task::show::run(&arguments),
        Task::Fetch(settings) => task::fetch::run(&settings),
        Task::Bench(settings) => bench::run(&settings),
        Task::ParallelCheck(settings) => task::parallel_check::run(&settings),
        Task::Doctor => task::doctor::run(),
    }
}

/// The examples of README, tested.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
