//! Work of a fixed size, on one thread, for `scripts/instructions.sh` to count the instructions of.
//!
//! Usage: instructions [CASE]   (without a case their names are printed, with one the instruction set in use)

use minitorch_core::{Cpu, Generator, Padding, Tensor};
use runner::bench::{Trainer, batch, inference};
use runner::error::Failure;

type Call = Box<dyn FnMut() -> Result<(), Failure>>;
type Case = (&'static str, fn(&Cpu) -> Result<Call, Failure>);

const CASES: [Case; 6] = [
    ("W1 B=64", step),
    ("W3 n=256", matmul),
    ("W4 1x32x28_64 fwd", |device| conv(device, false)),
    ("W4 1x32x28_64 fwd+bwd", |device| conv(device, true)),
    ("W6 chain1000", chain),
    ("W7 B=1", answer),
];

fn step(device: &Cpu) -> Result<Call, Failure> {
    let mut trainer = Trainer::new(device)?;
    let (images, labels) = batch(device, 64)?;
    Ok(Box::new(move || trainer.step(&images, &labels)))
}

fn matmul(device: &Cpu) -> Result<Call, Failure> {
    let mut rng = Generator::new(1);
    let mut operand = || Tensor::try_rand(device, [256, 256], &mut rng);
    let (a, b) = (operand()?, operand()?);
    Ok(Box::new(move || {
        a.try_matmul(&b)?;
        Ok(())
    }))
}

fn conv(device: &Cpu, backward: bool) -> Result<Call, Failure> {
    let mut rng = Generator::new(1);
    let mut x = Tensor::try_rand(device, [1, 32, 28, 28], &mut rng)?;
    let mut weight = Tensor::try_rand(device, [64, 32, 3, 3], &mut rng)?;
    if backward {
        (x, weight) = (x.try_tracked()?, weight.try_tracked()?);
    }
    Ok(Box::new(move || {
        let y = x.try_conv2d(&weight, [1, 1], Padding::Symmetric([1, 1]))?;
        if backward {
            drop(y.try_sum_all()?.try_backward()?);
        }
        Ok(())
    }))
}

fn chain(device: &Cpu) -> Result<Call, Failure> {
    let one = || Tensor::try_ones(device, [1])?.try_tracked();
    let (x, y) = (one()?, one()?);
    Ok(Box::new(move || {
        let mut z = x.clone();
        for _ in 0..1000 {
            z = z.try_add(&y)?;
        }
        drop(z.try_backward()?);
        Ok(())
    }))
}

fn answer(device: &Cpu) -> Result<Call, Failure> {
    let mut answer = inference(device)?;
    Ok(Box::new(move || answer().map(drop)))
}

/// What is counted: the script knows this function by its name.
#[inline(never)]
fn counted(call: &mut Call) -> Result<(), Failure> {
    call()
}

fn main() -> Result<(), Failure> {
    let Some(name) = std::env::args().nth(1) else {
        CASES.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    };
    let Some((_, prepare)) = CASES.iter().find(|case| case.0 == name) else {
        return Err(Failure::usage(format!("there is no case {name}")));
    };
    let device = Cpu::default();
    let mut call = prepare(&device)?;
    // From the second call on memory is reused. More would take time: multiply-adds are slow under Valgrind.
    call()?;
    counted(&mut call)?;
    println!("{}", device.level().name());
    Ok(())
}
