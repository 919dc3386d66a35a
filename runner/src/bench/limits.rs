//! W0: the limits of the machine, which the other workloads can be held against: the fastest call counts.
//!
//! Multiply-adds in registers and reads are loops of this file, compiled for the instruction set in use. What is added goes
//! through a tensor, into memory that the device has used before, and into memory that is fresh from the system, which has
//! to be mapped, page by page, when it is first written to. Stores that go around the caches are not measured: nothing
//! here makes them.

use std::hint::black_box;

use minitorch_core::isa::{Isa, Kernel, Level};
use minitorch_core::{Cpu, Tensor};

use super::protocol::{Protocol, Times};
use super::report::{Case, GB, GFLOP, Report};
use crate::backend::Rayon;
use crate::error::Failure;

/// Numbers of a large operand.
const LARGE: usize = 1 << 24;
/// Numbers that a thread reads in a call, at least, where they fit into a cache.
const READ: usize = 1 << 24;
/// Numbers that an instruction takes together, at most.
const LANES: usize = 8;

/// W0.
///
/// # Errors
///
/// If the device or standard output fails.
pub(super) fn run(device: &Cpu, pool: Option<&Rayon>, report: &mut Report) -> Result<(), Failure> {
    let (level, workers) = (device.level(), device.workers());
    let everywhere = |task: &(dyn Fn(usize) + Sync)| match pool {
        Some(pool) => pool.on_each(task),
        None => task(0),
    };

    let flop = (workers * MultiplyAdds::FLOP) as f64;
    limit(report, "f32 FMA peak", GFLOP, flop, || {
        Ok(move || {
            everywhere(&|_| _ = black_box(level.run(MultiplyAdds)));
            Ok(())
        })
    })?;
    let bytes = (LARGE * size_of::<f32>()) as f64;
    limit(report, "add c=a+b", GB, 3.0 * bytes, || adds(device))?;
    limit(report, "read (sum)", GB, bytes, || {
        let all = vec![1.0f32; LARGE];
        let part = LARGE.div_ceil(workers);
        Ok(move || {
            everywhere(&|worker| read(level, all.chunks(part).nth(worker).unwrap_or(&[]), 1));
            Ok(())
        })
    })?;
    let name = "add into fresh malloc (page faults)";
    limit(report, name, GB, 3.0 * bytes, || {
        let fresh = Cpu::builder().level(level).pool_bytes(0);
        let fresh = match pool {
            Some(pool) => fresh.executor(pool.clone()),
            None => fresh,
        };
        adds(&fresh.build())
    })?;
    for (name, kib) in [
        ("read 16 KiB (L1)", 16),
        ("read 256 KiB (L2)", 256),
        ("read 4 MiB (L3)", 4096),
        ("read 16 MiB (L3)", 16_384),
    ] {
        let count = kib * 1024 / size_of::<f32>();
        let times = READ / count;
        let bytes = (workers * times * count * size_of::<f32>()) as f64;
        limit(report, name, GB, bytes, || {
            let own = vec![vec![1.0f32; count]; workers];
            Ok(move || {
                everywhere(&|worker| read(level, &own[worker], times));
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// Measures one repeat, of which the fastest call counts: a busy machine, too, shows what it can do for a moment.
fn limit<C: FnMut() -> Result<(), Failure>>(
    report: &mut Report,
    name: &str,
    unit: &'static str,
    work: f64,
    prepare: impl FnOnce() -> Result<C, Failure>,
) -> Result<(), Failure> {
    let case = Case {
        name,
        work: work / 1e9,
        unit,
        inner: 1,
    };
    report.measure_by(&case, |protocol| {
        let protocol = Protocol {
            repeats: 1,
            ..*protocol
        };
        let times = protocol.time(prepare()?)?;
        Ok(Times {
            median: times.min,
            ..times
        })
    })
}

/// Sums of two large tensors on a device.
fn adds(device: &Cpu) -> Result<impl FnMut() -> Result<(), Failure> + use<>, Failure> {
    let operand = |value| Tensor::try_full(device, [LARGE], value);
    let (a, b) = (operand(1.0)?, operand(2.0)?);
    Ok(move || Ok(drop(a.try_add(&b)?)))
}

/// Reads all numbers so many times.
fn read(level: Level, numbers: &[f32], times: usize) {
    for _ in 0..times {
        black_box(level.run(Sum {
            numbers: black_box(numbers),
        }));
    }
}

/// Multiply-adds in registers: as many chains as hide the latency of one.
struct MultiplyAdds;

impl MultiplyAdds {
    const CHAINS: usize = 12;
    const ROUNDS: usize = 200_000;
    /// Operations in a run.
    const FLOP: usize = 2 * LANES * Self::CHAINS * Self::ROUNDS;
}

impl Kernel for MultiplyAdds {
    type Output = [[f32; LANES]; Self::CHAINS];

    #[inline(always)]
    fn run<I: Isa>(self) -> Self::Output {
        let (factor, term) = (black_box([0.999_999; LANES]), black_box([1e-6; LANES]));
        let mut chains = black_box([[1.0; LANES]; Self::CHAINS]);
        for _ in 0..Self::ROUNDS {
            for chain in &mut chains {
                *chain = I::fma_f32x8(*chain, factor, term);
            }
        }
        chains
    }
}

/// The sum of all numbers, in no useful order.
struct Sum<'a> {
    numbers: &'a [f32],
}

impl Kernel for Sum<'_> {
    type Output = [[f32; LANES]; LANES];

    #[inline(always)]
    fn run<I: Isa>(self) -> Self::Output {
        let mut sums = [[0.0; LANES]; LANES];
        for block in self.numbers.as_chunks::<LANES>().0.chunks_exact(LANES) {
            for (sum, numbers) in sums.iter_mut().zip(block) {
                // A multiply-add takes no longer than an addition, and stays a vector.
                *sum = I::fma_f32x8(*numbers, [1.0; LANES], *sum);
            }
        }
        sums
    }
}
