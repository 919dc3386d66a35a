//! Saving between steps: it changes nothing, and what it saves is enough to go on.

use std::time::Duration;

use minitorch_core::Cpu;

use super::*;
use crate::args::{Task, parse};
use crate::checkpoint::Keeper;
use crate::files::scratch::Scratch;
use crate::output::Style;
use crate::train::witness::Witness;

/// Trains to the end, saving this often besides the ends of epochs, and returns the log lines and the hash.
fn train(
    settings: &Settings,
    digits: &Mnist,
    resume: Option<&Path>,
    witness: &Witness,
    every: Duration,
) -> (Vec<String>, u64) {
    let mut output = Output::to(witness.clone(), Style::default());
    let checkpoint = Some(&*witness.checkpoint);
    let keeper = Keeper::new(checkpoint, "unused", &output).unwrap();
    let device: Cpu = Cpu::default();
    let mut session = session(&device, settings, digits).unwrap();
    if let Some(path) = resume {
        session.resume(path).unwrap();
    }
    let interrupt = Interrupt::default();
    let result = session.train(&mut keeper.every(every), &interrupt, &mut output);
    result.unwrap();
    (
        witness.lines(),
        session.lesson.network.weights_hash().finish(),
    )
}

#[test]
fn saving_between_steps_changes_nothing_and_is_enough_to_go_on() {
    const NEVER: Duration = Duration::MAX;
    for preset in ["minitorch", "accurate"] {
        let options = "runner mnist --train 60 --valid 16 --batch 8 --epochs 2 --preset";
        let Ok(Task::Mnist(settings)) = parse(options.split(' ').chain([preset])) else {
            panic!("{options} {preset}");
        };
        let mut quiet = Output::to(std::io::sink(), Style::default());
        let digits = Mnist::load(&settings, &mut quiet, &Interrupt::default()).unwrap();
        let scratch = Scratch::new(&format!("between-{preset}"));
        let train = |resume: Option<&Path>, name: &str, every| {
            let witness = Witness::new(scratch.join(name));
            let outcome = train(&settings, &digits, resume, &witness, every);
            (outcome, witness)
        };

        let (whole, witness) = train(None, "rarely", NEVER);
        assert_eq!(whole.0.len(), 4, "two epochs of seven batches: {whole:?}");
        assert!(
            !witness.copy(1).exists(),
            "no save before the end of an epoch"
        );

        let (often, witness) = train(None, "often", Duration::ZERO);
        assert_eq!(often, whole, "{preset}");
        for line in 0..whole.0.len() {
            let (rest, _) = train(Some(&witness.copy(line)), "resumed", NEVER);
            // The copy is older than the step of its line, and has the losses since the line before.
            assert_eq!(rest.0, whole.0[line..], "{preset}, line {line}");
            assert_eq!(rest.1, whole.1, "{preset}, line {line}");
        }
    }
}
