//! `runner bench`: how long things take, in the form in which other libraries are measured beside this one.
//!
//! The protocol: warm up for 0.3 s and at least 3 calls, then three repeats of 0.5 s and at least 5 calls each.
//! `median_ms` is the smallest of the repeats' medians, `min_ms` the fastest call, `spread` the largest median over the
//! smallest, `rss_mb` the peak memory during the case.

mod mnist;
mod timing;

use std::path::PathBuf;

use crate::args::Machine;
use crate::error::Failure;

/// What can be measured, in order.
pub const WORKLOADS: [&str; 2] = ["W1", "W1E"];

/// The options of `runner bench`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Arguments {
    /// What to measure, separated by commas: W1 (training step of the MNIST network), W1E (epoch of 60,000 images)
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "W1", value_parser = WORKLOADS)]
    workloads: Vec<String>,
    #[command(flatten)]
    machine: Machine,
    /// Folder of the four MNIST files, for W1E
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// Measures what the options ask for.
///
/// # Errors
///
/// If W1E has no data, or the device fails.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (device, pool) = crate::backend::cpu(&arguments.machine)?;
    let mut report = timing::Report::new(device.workers(), arguments.json);
    let mut all = || {
        for workload in &arguments.workloads {
            match workload.as_str() {
                "W1" => mnist::steps(&device, &mut report)?,
                _ => mnist::epochs(&device, arguments.data.as_deref(), &mut report)?,
            }
        }
        Ok(())
    };
    match pool {
        Some(pool) => pool.inside(all),
        None => all(),
    }
}
