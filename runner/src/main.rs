//! The command line program: reads the arguments, runs, and turns a failure into its exit status.

use std::process::ExitCode;

use runner::interrupt::Interrupt;

fn main() -> ExitCode {
    Interrupt::outlive_size_limit();
    let outcome = runner::args::parse(std::env::args_os()).and_then(runner::run);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
