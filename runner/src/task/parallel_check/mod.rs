//! `runner parallel-check`: how the kernels go over their operands, as MiniTorch's `parallel_check.py` shows it of
//! Numba's loops.
//!
//! The loops and parts are told by [`minitorch_core::plan`], by which the kernels themselves go. The times are measured:
//! the fastest call of a tenth of a second, after a warm-up.

mod operation;
mod plan;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::Machine;
use crate::args::parallel_check::{Case, Settings};
use crate::error::Failure;
use crate::{backend, output};
use operation::Operation;
use plan::Plan;

/// How long calls are timed.
const TIMED: Duration = Duration::from_millis(100);

/// What is known before anything runs.
#[derive(Serialize)]
struct Told<'a> {
    event: &'static str,
    kernel: &'static str,
    operation: &'static str,
    shape: &'a [usize],
    strides: Vec<&'a [usize]>,
    isa: &'static str,
    /// Numbers in a vector register.
    lanes: usize,
    bytes: usize,
    operations: usize,
    /// For how many workers the plan is.
    workers: usize,
    #[serde(flatten)]
    plan: &'a Plan,
}

/// What a number of workers makes of it.
#[derive(Serialize)]
struct Timed {
    event: &'static str,
    kernel: &'static str,
    workers: usize,
    tasks: usize,
    /// Elements of the output in a task.
    part: usize,
    seconds: f64,
    gb_per_s: f64,
    gflop_per_s: f64,
}

/// Tells and times what the settings ask for.
///
/// # Errors
///
/// An instruction set that this machine does not have, no room for the operands, or a standard output that cannot be
/// written to.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    for case in &settings.cases {
        look(case, settings)?;
    }
    Ok(())
}

fn look(case: &Case, settings: &Settings) -> Result<(), Failure> {
    let counts = counts(&settings.machine);
    for (at, &threads) in counts.iter().enumerate() {
        let mut options = settings.machine.clone();
        options.processor.threads = Some(threads);
        let (device, pool) = backend::cpu(&options)?;
        let operation = Operation::new(&device, case)?;
        let result = operation.run()?;
        let (bytes, operations) = (operation.bytes(&result), operation.operations(&result));
        drop(result);
        if at == 0 {
            let workers = counts.last().copied().unwrap_or(1);
            let (plan, _) = operation.plan(workers)?;
            let level = device.level();
            let layouts = operation.layouts();
            let told = Told {
                event: "plan",
                kernel: case.kernel.name(),
                operation: operation.name(),
                shape: &case.shape,
                strides: layouts.into_iter().map(|layout| layout.strides()).collect(),
                isa: level.name(),
                lanes: (level.vector_bytes() / size_of::<f32>()).max(1),
                bytes,
                operations,
                workers,
                plan: &plan,
            };
            say(settings, &told, || told.text())?;
        }
        let (_, cut) = operation.plan(device.workers())?;
        let time = || fastest(|| operation.run().map(drop).map_err(Failure::from));
        let seconds = match pool {
            Some(pool) => pool.inside(time)?,
            None => time()?,
        };
        let timed = Timed {
            event: "time",
            kernel: case.kernel.name(),
            workers: device.workers(),
            tasks: cut.tasks,
            part: cut.size,
            seconds,
            gb_per_s: bytes as f64 / seconds / 1e9,
            gflop_per_s: operations as f64 / seconds / 1e9,
        };
        say(settings, &timed, || timed.text())?;
    }
    Ok(())
}

/// The numbers of threads to try: 1, 2, 4, .. and the last.
fn counts(options: &Machine) -> Vec<usize> {
    let most = backend::threads(options);
    let powers = std::iter::successors(Some(1usize), |count| count.checked_mul(2));
    let mut counts: Vec<usize> = powers.take_while(|&count| count < most).collect();
    counts.push(most);
    counts
}

/// The seconds of the fastest call.
fn fastest(mut call: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    // The first calls fetch memory and wake threads; a slow one may be all there is time for.
    for (calls, most) in [(2, TIMED / 5), (3, TIMED)] {
        best = f64::INFINITY;
        let (start, mut done) = (Instant::now(), 0);
        while done < calls || start.elapsed() < most {
            let begin = Instant::now();
            call()?;
            best = best.min(begin.elapsed().as_secs_f64());
            done += 1;
        }
    }
    Ok(best)
}

fn say(
    settings: &Settings,
    event: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match settings.json {
        true => output::print(&output::json(event)?),
        false => output::print(&text()),
    }
}

impl Told<'_> {
    fn text(&self) -> String {
        let Self {
            operation,
            shape,
            strides,
            isa,
            lanes,
            plan,
            workers,
            ..
        } = self;
        let strides: Vec<String> = strides.iter().map(|all| format!("{all:?}")).collect();
        let (bytes, operations) = (self.bytes as f64, self.operations as f64);
        format!(
            "{} {operation} of {shape:?}, for {workers} {}\n\
             \x20 strides    {}\n\
             {plan}\
             \x20 vectors    of up to {lanes} numbers ({isa})\n\
             \x20 work       {:.3} MB moved at least, {:.3} million operations\n\
             \x20 workers    tasks  outputs each        time      GB/s   GFLOP/s\n",
            self.kernel.to_uppercase(),
            if *workers == 1 { "worker" } else { "workers" },
            strides.join(" and "),
            bytes / 1e6,
            operations / 1e6,
        )
    }
}

impl Timed {
    fn text(&self) -> String {
        let Self {
            workers,
            tasks,
            part,
            gb_per_s,
            gflop_per_s,
            ..
        } = self;
        let ms = 1e3 * self.seconds;
        format!(
            "  {workers:>7} {tasks:>8} {part:>13} {ms:>8.4} ms {gb_per_s:>9.2} {gflop_per_s:>9.2}\n"
        )
    }
}
