//! COLD: from the start of a process to the end of its first training step, of a batch of 64.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use minitorch_core::Cpu;

use super::mnist::{Trainer, batch};
use super::protocol::Times;
use super::report::{Case, MS, Report};
use crate::args::{Machine, name};
use crate::error::Failure;
use crate::{backend, machine, output};

/// Processes that are started.
const PROCESSES: usize = 3;

/// What a process that [`run`] starts does: one training step, after which it says how much memory it took.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn first_step(device: &Cpu) -> Result<(), Failure> {
    let (images, labels) = batch(device, 64)?;
    Trainer::new(device)?.step(&images, &labels)?;
    output::print(&format!("{}\n", machine::peak_memory().unwrap_or(0)))
}

/// COLD: the median of three processes.
///
/// # Errors
///
/// If a process cannot be started or fails, or standard output fails.
pub(super) fn run(options: &Machine, report: &mut Report<'_>) -> Result<(), Failure> {
    let case = Case {
        name: "first_step",
        work: 0.0,
        unit: MS,
        inner: 1,
    };
    report.measure_by(&case, |_| {
        let mut seconds = [0.0; PROCESSES];
        let mut peak = None;
        for seconds in &mut seconds {
            (*seconds, peak) = process(options)?;
        }
        seconds.sort_by(f64::total_cmp);
        let [min, median, max] = seconds;
        Ok(Times {
            median,
            min,
            processor: None,
            spread: max / min,
            calls: PROCESSES,
            peak,
        })
    })
}

/// The seconds until a new process has done its first step, and its peak memory.
fn process(options: &Machine) -> Result<(f64, Option<u64>), Failure> {
    let failed = |error| Failure::new(format!("COLD: cannot start this program again: {error}"));
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .args([
            "bench",
            "--first-step",
            "--backend",
            &name(&options.backend),
        ])
        .args(["--isa", &name(&options.processor.isa)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if options.processor.threads.is_some() {
        // What is too much has been told.
        command.args(["--threads", &backend::threads(options).to_string()]);
    }
    let start = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    let mut line = String::new();
    let read = match child.stdout.take() {
        Some(stdout) => BufReader::new(stdout).read_line(&mut line),
        None => Ok(0),
    };
    let seconds = start.elapsed().as_secs_f64();
    let status = child.wait().map_err(failed)?;
    read.map_err(failed)?;
    match line.trim().parse() {
        Ok(bytes) if status.success() => Ok((seconds, Some(bytes).filter(|&bytes| bytes > 0))),
        _ => Err(Failure::new(format!("COLD: the first step: {status}"))),
    }
}
