//! W0: the limits of the machine, which the other workloads can be held against: the fastest call counts.
//!
//! Multiply-adds in registers and reads are [`loops`] of their own, compiled for the instruction set in use. Additions are
//! those of tensors: into memory that the device has used before, and into memory that is fresh from the system, which
//! maps it page by page when it is first written to. Stores that go around the caches are not measured: nothing here
//! makes them.

mod loops;

use minitorch_core::{Cpu, Tensor};

use super::protocol::Times;
use super::report::{Case, GB, GFLOP, Report};
use crate::backend::Rayon;
use crate::error::Failure;

/// Numbers of a large operand.
const LARGE: usize = 1 << 24;
/// Numbers that a thread reads in a call, again and again the same that fit into a cache.
const READ: usize = 1 << 24;

/// W0.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run(
    device: &Cpu,
    pool: Option<&Rayon>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let (level, workers) = (device.level(), device.workers());
    let everywhere = |task: &(dyn Fn(usize) + Sync)| match pool {
        Some(pool) => pool.on_each(task),
        None => task(0),
    };

    let flop = (workers * loops::multiply_add(level)) as f64;
    limit(report, ("f32 FMA peak", GFLOP), flop, || {
        Ok(move || {
            everywhere(&|_| {
                loops::multiply_add(level);
            });
            Ok(())
        })
    })?;
    let bytes = (LARGE * size_of::<f32>()) as f64;
    sum(report, "add c=a+b", device)?;
    limit(report, ("read (sum)", GB), bytes, || {
        let all = vec![1.0; LARGE];
        let part = LARGE.div_ceil(workers);
        Ok(move || {
            let part = |worker| all.chunks(part).nth(worker).unwrap_or(&[]);
            everywhere(&|worker| loops::read(level, part(worker), 1));
            Ok(())
        })
    })?;
    let fresh = Cpu::builder().level(level).pool_bytes(0);
    let fresh = match pool {
        Some(pool) => fresh.executor(pool.clone()),
        None => fresh,
    };
    sum(
        report,
        "add into fresh malloc (page faults)",
        &fresh.build(),
    )?;
    for (name, kib) in [
        ("read 16 KiB (L1)", 16),
        ("read 256 KiB (L2)", 256),
        ("read 4 MiB (L3)", 4096),
        ("read 16 MiB (L3)", 16_384),
    ] {
        let count = kib * 1024 / size_of::<f32>();
        let bytes = (workers * READ * size_of::<f32>()) as f64;
        limit(report, (name, GB), bytes, || {
            let own = vec![vec![1.0; count]; workers];
            Ok(move || {
                everywhere(&|worker| loops::read(level, &own[worker], READ / count));
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// The sum of two large tensors on a device: two are read, one is written.
fn sum(report: &mut Report<'_>, name: &str, device: &Cpu) -> Result<(), Failure> {
    let bytes = (3 * LARGE * size_of::<f32>()) as f64;
    limit(report, (name, GB), bytes, || {
        let operand = |value| Tensor::try_full(device, [LARGE], value);
        let (a, b) = (operand(1.0)?, operand(2.0)?);
        Ok(move || a.try_add(&b))
    })
}

/// Measures one repeat, of which the fastest call counts: a busy machine, too, shows what it can do for a moment.
fn limit<C: FnMut() -> minitorch_core::Result<T>, T>(
    report: &mut Report<'_>,
    (name, unit): (&str, &'static str),
    work: f64,
    prepare: impl FnOnce() -> minitorch_core::Result<C>,
) -> Result<(), Failure> {
    let case = Case {
        name,
        work: work / 1e9,
        unit,
        inner: 1,
    };
    report.measure_by(&case, |clock| {
        let times = clock.repeating(1).time(prepare()?)?;
        Ok(Times {
            median: times.min,
            ..times
        })
    })
}
