//! `runner doctor`: which backends work here, and what is missing for the others.
//!
//! Each backend computes a little, and the answer has to be that of one thread without vector instructions, to the bit.

use std::fmt::Write;

use minitorch_core::backend::View;
use minitorch_core::isa::Level;
use minitorch_core::ops::unary::Exp;
use minitorch_core::reduction::Sum;
use minitorch_core::{Backend, Cpu, Generator, Layout};

use crate::backend::Rayon;
use crate::backend::cuda::{self, Cuda, Driver, Missing};
use crate::error::Failure;
use crate::{machine, output};

/// Prints what works.
///
/// # Errors
///
/// If standard output cannot be written to. A backend that does not work is what this tells, not a failure.
pub fn run() -> Result<(), Failure> {
    let expected = sample(&Cpu::builder().level(Level::PORTABLE).build())?;
    let mut text = String::new();
    let mut line = |name: &str, what: &str| {
        let mut indented = what.lines();
        let first = indented.next().unwrap_or_default();
        let _ = writeln!(text, "{name:<8} {first}");
        for rest in indented {
            let _ = writeln!(text, "{:<8} {rest}", "");
        }
    };
    line("serial", &serial(expected));
    line("rayon", &rayon(expected));
    line("cuda", &gpu(expected));
    line("nvrtc", &nvrtc());
    output::print(&text)
}

fn serial(expected: u32) -> String {
    let level = Level::detect();
    let verdict = verdict(
        sample(&Cpu::<f32>::builder().level(level).build()),
        expected,
    );
    format!("{verdict}: one thread, {} instructions", level.name())
}

fn rayon(expected: u32) -> String {
    let threads = machine::processors();
    let verdict = match Rayon::new(threads) {
        Ok(pool) => verdict(
            sample(&Cpu::<f32>::builder().executor(pool).build()),
            expected,
        ),
        Err(failure) => failure.to_string(),
    };
    format!("{verdict}: --threads {threads} unless you say otherwise")
}

fn gpu(expected: u32) -> String {
    let missing = |missing: &Missing| format!("{missing};\n{}", missing.remedy());
    let driver = match Driver::find() {
        Ok(driver) => driver,
        Err(why) => return missing(&why),
    };
    let mut text = format!("driver {}", driver.version);
    for number in 0..driver.devices {
        let device = Cuda::open(number).and_then(|device| Ok((device.about()?, device)));
        let what = match device {
            Ok((about, device)) => format!(
                "{}: {}, compute capability {}.{}, {:.1} GiB{}",
                verdict(sample(&device), expected),
                about.name,
                about.capability.0,
                about.capability.1,
                about.memory as f64 / f64::from(1 << 30),
                one_by_one(&device)
            ),
            Err(why) => missing(&why),
        };
        let _ = write!(text, "\ndevice {number} {what}");
    }
    text
}

/// A line that says so, if kernels are launched one by one.
fn one_by_one(device: &Cuda) -> String {
    match device.without_graphs() {
        Ok(None) => String::new(),
        Ok(Some(why)) => {
            format!("\nit is slow with small networks, because it refuses graphs of kernels: {why}")
        }
        Err(error) => format!("\nit fails with many kernels: {error}"),
    }
}

/// What compiles operations of your own for a GPU.
fn nvrtc() -> String {
    if !cuda::compiler() {
        return "is not here: operations of your own do not run on cuda, all others do;\n\
                install NVIDIA's CUDA toolkit 12"
            .into();
    }
    match Cuda::open(0).map(|device| device.try_compiler()) {
        Ok(Ok(())) => "works: operations of your own run on cuda".into(),
        Ok(Err(error)) => format!("fails: {error}"),
        Err(missing) => format!("is here, and no device to compile for: {missing}"),
    }
}

fn verdict(sample: minitorch_core::Result<u32>, expected: u32) -> String {
    match sample {
        Ok(bits) if bits == expected => "works".into(),
        Ok(_) => "gives other bits than it must; please report this".into(),
        Err(error) => format!("fails: {error}"),
    }
}

/// The bits of a sum of exponentials of random numbers.
fn sample<B: Backend<Elem = f32>>(device: &B) -> minitorch_core::Result<u32> {
    const COUNT: usize = 20_000;
    let layout = Layout::contiguous([COUNT])?;
    let drawn = device.uniform(COUNT, &Generator::new(1))?;
    let exp = device.map(Exp, [View::new(&drawn, layout)])?;
    let sum = device.reduce(Sum, View::new(&exp, layout), &[true])?;
    let mut out = [0.0];
    device.download(&sum, &mut out)?;
    Ok(out[0].to_bits())
}
