//! `runner bench`: how long things take, in the form in which other libraries are measured beside this one.
//!
//! Workloads, cases, units and the keys of the JSON lines are those of the programs that measure the others, and so is the
//! [protocol](Protocol). A rate is work by the median: samples, operations of `+` and `*` on numbers, bytes that have to be
//! read and written at least, or nodes of history.
//!
//! Without `--workloads` all are measured, which takes about a minute, but W1E, which takes `--data`.
//!
//! On a GPU those are measured that are not about the processor; waiting for the device is a part of every call.

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

pub use inference::inference;
pub use mnist::{Trainer, batch};
pub use protocol::Protocol;

use minitorch_core::{Backend, Cpu};

use crate::args::bench::{Settings, Workload};
use crate::backend::{self, Device, Rayon};
use crate::data::Mnist;
use crate::error::Failure;
use report::Report;

/// Measures what the settings ask for.
///
/// # Errors
///
/// If the files of W1E cannot be read, there is no such device or it fails, or standard output cannot be written to.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let device = backend::device(&settings.machine)?;
    if let Some(folder) = &settings.data {
        // What is wrong with the files is told before anything is measured.
        Mnist::from_folder(folder)?;
    }
    match device {
        Device::Cuda(device) => {
            let wait = || device.wait();
            let mut report = Report::new(settings, backend::threads(&settings.machine), &wait);
            settings.workloads.iter().try_for_each(|&workload| {
                report.begin(workload);
                anywhere(workload, settings, &device, &mut report)
            })
        }
        Device::Cpu(device, Some(pool)) => pool.inside(|| on_cpu(settings, &device, Some(&pool))),
        Device::Cpu(device, None) => on_cpu(settings, &device, None),
    }
}

fn on_cpu(settings: &Settings, device: &Cpu, pool: Option<&Rayon>) -> Result<(), Failure> {
    if settings.first_step {
        return cold::first_step(device);
    }
    // A call that has returned has done its work.
    let mut report = Report::new(settings, device.workers(), &|| Ok(()));
    settings.workloads.iter().try_for_each(|&workload| {
        report.begin(workload);
        match workload {
            Workload::Limits => limits::run(device, pool, &mut report),
            Workload::Autodiff => autodiff::run(device, &mut report),
            Workload::Cold => cold::run(&settings.machine, &mut report),
            workload => anywhere(workload, settings, device, &mut report),
        }
    })
}

/// Measures what any device can do.
fn anywhere<B: Backend<Elem = f32>>(
    workload: Workload,
    settings: &Settings,
    device: &B,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    match workload {
        Workload::Step => mnist::steps(device, report),
        Workload::Epoch => mnist::epoch(device, settings, report),
        Workload::Sentences => sentiment::run(device, report),
        Workload::Matmul => matmul::run(device, report),
        Workload::Conv => conv::run(device, report),
        Workload::Elementwise => elementwise::run(device, report),
        Workload::Inference => inference::run(device, report),
        Workload::Limits | Workload::Autodiff | Workload::Cold => Err(workload.refused()),
    }
}
