//! Saving between steps: it changes nothing, and what it saves is enough to go on.
//! And what tells presets apart.

use std::time::Duration;

use clap::ValueEnum as _;
use minitorch_core::Cpu;

use super::*;
use crate::args::{Task, parse};
use crate::files::scratch::Scratch;
use crate::output::Style;
use crate::train::witness::Witness;

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
        let device: Cpu = Cpu::default();
        let train = |resume: Option<&Path>, name: &str, every| {
            let witness = Witness::new(scratch.join(name));
            let session = session(&device, &settings, &digits).unwrap();
            let outcome = witness.watch(session, resume, every);
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

/// Else an error would name the wrong one.
#[test]
fn marks_tell_all_presets_apart() {
    let marks = |preset: Option<Preset>| {
        let recipe = preset.map_or(Recipe::DEFAULT, Preset::recipe);
        MARKS.map(|(_, number)| number(&recipe))
    };
    let presets = Preset::value_variants().iter().copied().map(Some);
    let all: Vec<_> = std::iter::once(None).chain(presets).map(marks).collect();
    for (n, one) in all.iter().enumerate() {
        assert!(!all[..n].contains(one), "{n}: {one:?}");
    }
}
