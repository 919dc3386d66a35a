//! `runner mnist --net tiny` against `minitorch-tiny`, the program of a microcontroller: two networks and two loops in
//! code of their own, one hash.

use std::process::Command;

use minitorch_core::Cpu;
use minitorch_core::isa::Level;
use minitorch_tiny::{BATCH, EPOCHS, OPTIONS, RATE, SEED, digits};
use runner::args::mnist::{Net, Recipe};
use runner::args::{Task, parse};
use runner::data::{Mnist, PIXELS, batches};

#[test]
fn the_options_are_those_of_the_microcontroller() {
    let Ok(Task::Mnist(settings)) = parse(["runner"].into_iter().chain(OPTIONS.split(' '))) else {
        panic!("{OPTIONS}");
    };
    let recipe = Recipe {
        net: Net::Tiny,
        epochs: EPOCHS,
        batch: BATCH,
        rate: RATE,
        ..Recipe::DEFAULT
    };
    assert_eq!((settings.recipe, settings.seed), (recipe, SEED));
    let train = settings.train.expect("--train");
    assert_eq!(batches(train, BATCH) * BATCH, digits::IMAGES);
}

#[test]
fn the_images_are_the_first_ones() {
    let train = Mnist::embedded().expect("the embedded images").train;
    assert_eq!(digits::BYTES, train.pixels()[..digits::IMAGES * PIXELS]);
    assert_eq!(digits::LABELS, train.labels()[..digits::IMAGES]);
    assert!(
        digits::VALUES
            .iter()
            .zip(&digits::BYTES)
            .all(|(value, byte)| *value == f32::from(*byte))
    );
}

#[test]
fn both_train_to_the_same_weights() {
    for level in Level::supported() {
        let checkpoint = std::env::temp_dir().join(format!("runner-tiny-{}", std::process::id()));
        let output = Command::new(env!("CARGO_BIN_EXE_runner"))
            .args(OPTIONS.split(' '))
            .args(["--quiet", "--isa", level.name(), "--checkpoint"])
            .arg(&checkpoint)
            .output()
            .expect("the program starts");
        let _ = std::fs::remove_file(checkpoint);
        let text = String::from_utf8_lossy(&output.stdout);
        let device = Cpu::builder().level(level).build();
        let tiny = minitorch_tiny::train(&device).expect("the training succeeds");
        let hash = format!("Weights hash: {}", tiny.hash);
        assert_eq!(text.lines().last(), Some(&*hash), "{level:?}: {text}");
    }
}
