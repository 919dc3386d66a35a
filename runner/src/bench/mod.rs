//! `runner bench`: how long things take, in the form in which other libraries are measured beside this one.
//!
//! Workloads, cases, units and the keys of the JSON lines are those of the programs that measure the others, and so is the
//! [protocol](Protocol). A rate is work by the median: samples, operations of `+` and `*` on numbers, bytes that have to be
//! read and written at least, or nodes of history.
//!
//! Without `--workloads` all are measured, which takes about a minute, but W1E, which takes `--data`.

mod autodiff;
mod cold;
mod conv;
mod elementwise;
mod inference;
mod limits;
mod matmul;
mod mnist;
mod protocol;
mod report;
mod sentiment;

pub use mnist::{Trainer, batch};
pub use protocol::Protocol;

use minitorch_core::Cpu;

use crate::args::bench::{Settings, Workload};
use crate::backend::{self, Rayon};
use crate::data::Mnist;
use crate::error::Failure;
use report::Report;

/// Measures what the settings ask for.
///
/// # Errors
///
/// If the files of W1E cannot be read, the device fails, or standard output cannot be written to.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let (device, pool) = backend::cpu(&settings.machine)?;
    if settings.first_step {
        return match &pool {
            Some(pool) => pool.inside(|| cold::first_step(&device)),
            None => cold::first_step(&device),
        };
    }
    if let Some(folder) = &settings.data {
        // What is wrong with the files is told before anything is measured.
        Mnist::from_folder(folder)?;
    }
    let mut report = Report::new(settings, device.workers());
    let mut all = || {
        let mut workloads = settings.workloads.iter();
        workloads.try_for_each(|&each| measure(each, settings, &device, pool.as_ref(), &mut report))
    };
    match &pool {
        Some(pool) => pool.inside(all),
        None => all(),
    }
}

fn measure(
    workload: Workload,
    settings: &Settings,
    device: &Cpu,
    pool: Option<&Rayon>,
    report: &mut Report,
) -> Result<(), Failure> {
    report.begin(workload);
    match workload {
        Workload::Limits => limits::run(device, pool, report),
        Workload::Step => mnist::steps(device, report),
        Workload::Epoch => mnist::epoch(device, settings.data.as_deref(), report),
        Workload::Sentences => sentiment::run(device, report),
        Workload::Matmul => matmul::run(device, report),
        Workload::Conv => conv::run(device, report),
        Workload::Elementwise => elementwise::run(device, report),
        Workload::Autodiff => autodiff::run(device, report),
        Workload::Inference => inference::run(device, report),
        Workload::Cold => cold::run(&settings.machine, report),
    }
}
