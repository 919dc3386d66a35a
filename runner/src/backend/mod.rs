//! The devices that a run can use.

pub mod cuda;
mod rayon;

pub use self::rayon::Rayon;

use minitorch_core::Cpu;
use minitorch_core::executor::MOST_TASKS;
use minitorch_core::isa::Level;

use crate::args::{Backend, Isa, Machine};
use crate::error::Failure;
use crate::{machine, output};
use cuda::Cuda;

/// What a run computes on.
#[derive(Debug)]
pub enum Device {
    /// The processor, and the pool to run on, if there is one.
    Cpu(Cpu, Option<Rayon>),
    /// An NVIDIA GPU.
    Cuda(Cuda),
}

/// The device that the options ask for.
///
/// # Errors
///
/// An instruction set, a driver or a device that this machine does not have (exit status 1), or too many threads.
pub fn device(options: &Machine) -> Result<Device, Failure> {
    if options.backend == Backend::Cuda {
        return Ok(Device::Cuda(Cuda::open(0)?));
    }
    let (device, pool) = cpu(options)?;
    Ok(Device::Cpu(device, pool))
}

/// The CPU as the options ask for it, and the pool to run on, if there is one. More threads than could be used are not
/// started, and a warning says so.
///
/// # Errors
///
/// Options that ask for another device, an instruction set that this machine does not have (exit status 1), or too many
/// threads.
pub fn cpu(options: &Machine) -> Result<(Cpu, Option<Rayon>), Failure> {
    let builder = Cpu::builder().level(level(options.processor.isa)?);
    Ok(match options.backend {
        Backend::Serial => (builder.build(), None),
        Backend::Rayon => {
            let threads = threads(options);
            if let Some(asked) = options.processor.threads.filter(|&asked| asked > threads) {
                output::warn(&format!(
                    "--threads {asked}: {threads} are started, as no operation is cut into more parts"
                ));
            }
            let pool = Rayon::new(threads)?;
            (builder.executor(pool.clone()).build(), Some(pool))
        }
        Backend::Cuda => {
            return Err(Failure::usage(
                "--backend cuda: this program is about the processor; use rayon or serial",
            ));
        }
    })
}

/// Whether the device that the options ask for computes in memory of its own, so that a data set is worth a copy there.
pub const fn has_own_memory(options: &Machine) -> bool {
    matches!(options.backend, Backend::Cuda)
}

/// How many threads [`cpu`] starts: no more than there are tasks, since further ones would only look for work.
pub fn threads(options: &Machine) -> usize {
    match options.backend {
        Backend::Serial | Backend::Cuda => 1,
        Backend::Rayon => options
            .processor
            .threads
            .unwrap_or_else(machine::processors)
            .min(MOST_TASKS),
    }
}

/// The CPU in double precision and one thread, whatever the options say of threads.
///
/// # Errors
///
/// An instruction set that this machine does not have (exit status 1).
pub fn double(options: &Machine) -> Result<Cpu<f64>, Failure> {
    Ok(Cpu::builder().level(level(options.processor.isa)?).build())
}

fn level(isa: Isa) -> Result<Level, Failure> {
    match isa {
        Isa::Auto => Ok(Level::detect()),
        Isa::Portable => Ok(Level::PORTABLE),
        Isa::Avx2 => Level::named("avx2").ok_or_else(|| {
            Failure::new("--isa avx2: this machine has no AVX2 and FMA; use --isa auto")
        }),
        Isa::Avx512 => Level::named("avx512").ok_or_else(|| {
            Failure::new("--isa avx512: this machine has no AVX-512F and VL; use --isa auto")
        }),
        Isa::Neon => Level::named("neon")
            .ok_or_else(|| Failure::new("--isa neon: this machine is no AArch64; use --isa auto")),
    }
}
