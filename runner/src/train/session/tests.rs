//! A run that Ctrl-C reaches in the very batch that spoils it.

use minitorch_core::nn::{Module, Param};
use minitorch_core::optim::{Schedule, Sgd};
use minitorch_core::state::Numbers;
use minitorch_core::{Cpu, Tensor, module};

use super::*;
use crate::error::Status;
use crate::files::scratch::Scratch;
use crate::output::Style;
use crate::train::Fact;
use crate::train::witness::PROGRAM;

struct Weight<B: Backend> {
    weight: Param<B>,
}
module!(Weight { weight });

/// The loss is `slope` times its only weight, which is 1 at first, in batch `at`, and 0 times that in the others.
struct Slope {
    network: Weight<Cpu>,
    slope: f64,
    at: usize,
    /// Raised during that batch, if it is there.
    interrupt: Option<Interrupt>,
}

impl Lesson<Cpu> for Slope {
    fn network(&self) -> &dyn Module<Cpu> {
        &self.network
    }

    fn network_mut(&mut self) -> &mut dyn Module<Cpu> {
        &mut self.network
    }

    fn begin(&mut self, _: Position) -> Result<(), Failure> {
        Ok(())
    }

    fn loss(&mut self, batch: usize) -> Result<Tensor<Cpu>, Failure> {
        let weight = self.network.weight.leaf().try_sum_all()?;
        if batch != self.at {
            return Ok(weight.try_mul_scalar(0.0)?);
        }
        if let Some(interrupt) = &self.interrupt {
            interrupt.request();
        }
        Ok(weight.try_mul_scalar(self.slope)?)
    }

    fn add(&mut self, _: f64) {}

    fn is_due(&self, _: Position) -> bool {
        false
    }

    fn log(&mut self, _: Position, _: &mut Output) -> Result<(), Failure> {
        Ok(())
    }

    fn fixed(&self) -> Vec<Fact> {
        Vec::new()
    }

    fn numbers(&self) -> Vec<(&'static str, Vec<u64>)> {
        Vec::new()
    }

    fn restore(&mut self, _: &Path, _: &Numbers) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_batch_that_spoils_the_run_is_a_failure_with_ctrl_c_too() {
    let scratch = Scratch::new("spoilt");
    let path = scratch.join("state");
    let mut output = Output::to(std::io::sink(), Style::default());
    let unsaved = "try a smaller --rate (nothing was saved)";
    // Losses are read some batches later; the batch that is named is still the one that it was.
    let loss = |at, said| (f64::INFINITY, 1.0, at, said);
    let weights = "after epoch 1: the weights are no finite numbers any more";
    for (slope, rate, at, said) in [
        loss(0, "epoch 1, batch 1: the loss is inf"),
        loss(2, "epoch 1, batch 3: the loss is inf"),
        loss(99, "epoch 1, batch 100: the loss is inf"),
        (1e30, 1e30, 99, weights),
    ] {
        // Status 130 would promise a checkpoint.
        for (ctrl_c, start) in [(false, ""), (true, "interrupted; ")] {
            let device = Cpu::default();
            let interrupt = Interrupt::default();
            let lesson = Slope {
                network: Weight {
                    weight: Param::new(Tensor::from_slice(&device, &[1.0], [1])).unwrap(),
                },
                slope,
                at,
                interrupt: ctrl_c.then(|| interrupt.clone()),
            };
            let plan = Plan {
                epochs: 1,
                batches: 100,
                items: 100,
            };
            let schedule = Schedule::Constant { rate };
            let mut session = Session::new(lesson, plan, Box::new(Sgd::new(rate)), schedule);
            let mut keeper = Keeper::new(Some(&path), &PROGRAM, &[], &output).unwrap();
            let failure = session
                .train(&mut keeper, &interrupt, &mut output)
                .unwrap_err();
            assert_eq!(failure.status(), Status::Failed);
            assert_eq!(failure.to_string(), format!("{start}{said}; {unsaved}"));
            assert!(!path.exists());
        }
    }
}
