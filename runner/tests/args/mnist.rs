//! The options of `runner mnist`: defaults to the letter, and what presets and options make of them.

use std::path::PathBuf;

use minitorch_core::nn::Init;
use runner::args::mnist::{Data, Net, Optimiser, Pool, Recipe, Schedule, Settings};
use runner::args::{Backend, Files, Isa, Machine, Processor, Report, Run};
use runner::output::Style;

use crate::{mistake, settings};

#[test]
fn the_defaults_are_the_contracts() {
    let contract = "mnist --epochs 20 --train 5000 --valid 500 --batch 16 --rate 0.01 --seed 0 --pool avg --backend rayon \
                    --net minitorch";
    assert_eq!(settings("mnist"), settings(contract));
    let run = Run {
        machine: Machine {
            backend: Backend::Rayon,
            processor: Processor {
                threads: None,
                isa: Isa::Auto,
            },
        },
        files: Files::default(),
        style: Style::default(),
        report: Report::default(),
    };
    let recipe = Recipe {
        net: Net::Minitorch,
        epochs: 20,
        batch: 16,
        rate: 0.01,
        pool: Pool::Avg,
        init: Init::MiniTorch,
        optimiser: Optimiser::Sgd,
        schedule: Schedule::Constant,
        normalise: false,
        shuffle: false,
        shift: 0,
        quirks: false,
    };
    let expected = Settings {
        recipe,
        seed: 0,
        data: Data::Embedded,
        train: Some(5000),
        valid: Some(500),
        run,
    };
    assert_eq!(settings("mnist"), expected);
}

#[test]
fn every_option_arrives() {
    let all = settings(
        "mnist --epochs 3 --train 100 --valid 20 --batch 8 --rate 0.5 --seed 18446744073709551615 --pool max \
         --net tiny --threads 7 --isa portable --checkpoint a --init b --hash --quiet --json",
    );
    assert_eq!(
        (
            all.recipe.epochs,
            all.recipe.batch,
            all.recipe.rate,
            all.recipe.pool,
            all.recipe.net
        ),
        (3, 8, 0.5, Pool::Max, Net::Tiny)
    );
    assert_eq!(
        (all.train, all.valid, all.seed),
        (Some(100), Some(20), u64::MAX)
    );
    let machine = all.run.machine;
    assert_eq!(
        (
            machine.backend,
            machine.processor.threads,
            machine.processor.isa
        ),
        (Backend::Rayon, Some(7), Isa::Portable)
    );
    assert_eq!(
        (
            all.run.files.checkpoint,
            all.run.files.init,
            all.run.files.resume
        ),
        (Some("a".into()), Some("b".into()), None)
    );
    let style = all.run.style;
    assert!(style.hash && style.quiet && style.json);
    assert_eq!(
        settings("mnist --resume c --isa avx2").run.files.resume,
        Some(PathBuf::from("c"))
    );
    let serial = settings("mnist --backend serial --isa portable");
    assert_eq!(serial.run.machine.backend, Backend::Serial);
    assert_eq!(settings("mnist --rate=1e-3").recipe.rate, 0.001);
}

#[test]
fn a_preset_gives_way_to_an_option_wherever_it_stands() {
    assert_eq!(settings("mnist --preset accurate").recipe, Recipe::ACCURATE);
    assert_eq!(
        settings("mnist --preset minitorch").recipe,
        Recipe {
            quirks: true,
            ..Recipe::DEFAULT
        }
    );
    let changed = Recipe {
        epochs: 2,
        pool: Pool::Avg,
        ..Recipe::ACCURATE
    };
    assert_eq!(
        settings("mnist --preset accurate --epochs 2 --pool avg").recipe,
        changed
    );
    assert_eq!(
        settings("mnist --epochs 2 --pool avg --preset accurate").recipe,
        changed
    );
}

#[test]
fn full_takes_all_there_is_unless_told() {
    let full = settings("mnist --full --data some/folder");
    assert_eq!(
        (full.data, full.train, full.valid),
        (Data::Full("some/folder".into()), None, None)
    );
    let split = settings("mnist --data some/folder");
    assert_eq!(
        (split.data, split.train, split.valid),
        (Data::Split("some/folder".into()), Some(5000), Some(500))
    );
    let full = settings("mnist --full --data d --train 60000 --valid 10000");
    assert_eq!((full.train, full.valid), (Some(60_000), Some(10_000)));
}

#[test]
fn without_a_folder_the_full_set_comes_from_the_cache_or_a_mirror() {
    let cached = settings("mnist --full");
    assert_eq!(
        (cached.data, cached.train, cached.valid),
        (Data::Cached { mirror: None }, None, None)
    );
    let mirror = Some("http://localhost:8000/mnist".into());
    assert_eq!(
        settings("mnist --full --mirror http://localhost:8000/mnist").data,
        Data::Cached { mirror }
    );
}

#[test]
fn more_images_than_the_program_holds_names_full() {
    for options in [
        "--train 5001",
        "--valid 501",
        "--train 60000",
        "--data d --train 5001",
    ] {
        let message = mistake(&format!("mnist {options}"));
        assert!(message.contains("--full"), "{message}");
    }
    assert_eq!(
        mistake("mnist --train 5001"),
        "--train 5001: the program holds 5000 training images; --full has more"
    );
    // What is downloaded is known before it is.
    assert_eq!(
        mistake("mnist --full --train 60001"),
        "--train 60001: MNIST has 60000 training images"
    );
    assert_eq!(
        mistake("mnist --full --valid 10001 --mirror http://localhost/"),
        "--valid 10001: MNIST has 10000 held-out images"
    );
    assert_eq!(settings("mnist --full --train 60000").train, Some(60_000));
    assert_eq!(
        settings("mnist --full --data d --train 60001").train,
        Some(60_001)
    );
}

#[test]
fn a_split_without_a_batch_is_a_mistake() {
    for options in [
        "--train 16",
        "--train 1",
        "--batch 5000",
        "--train 8 --batch 8",
        "--full --data d --train 16",
    ] {
        let message = mistake(&format!("mnist {options}"));
        assert!(message.contains("gives no batch"), "{message}");
    }
    assert_eq!(settings("mnist --train 17").train, Some(17));
}
