//! The programs on a CUDA device, which here is the fake one, and how they end where there is none.

#[path = "../program/mod.rs"]
mod program;

mod bench;
mod failures;
mod launches;
mod missing;
mod training;

use std::path::Path;
use std::process::{Command, Output};

/// `runner` with these arguments, which finds the driver in `folder` and nowhere else that a driver is.
fn runner(arguments: &[&str], folder: &Path) -> Command {
    let mut command = program::program(arguments);
    command.env("LD_LIBRARY_PATH", folder);
    command.env_remove("FAKE_CUDA");
    command
}

/// What it says on one of its channels.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The standard output of a run that has to succeed.
fn success(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
