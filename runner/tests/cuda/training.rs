//! Training on the device gives the weights that one thread gives, to the bit.

use super::program::Folder;
use super::{runner, success};

/// Trains with both backends and compares what they print.
fn agrees(arguments: &[&str]) {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let folder = Folder::new("cuda-training");
    let run = |backend: &str| {
        let rest = ["--backend", backend, "--hash"];
        let mut command = runner(&[arguments, &rest].concat(), driver);
        let output = command.current_dir(folder.path()).output();
        let said = success(&output.expect("the program starts"));
        // Everything but the time and the memory.
        let lines = said.lines().map(str::to_string);
        let same = |line: &String| {
            [
                "Epoch",
                "Validation",
                "Best",
                "Held-out",
                "Training accuracy",
                "Weights hash: ",
            ]
            .iter()
            .any(|word| line.starts_with(word))
        };
        lines.filter(same).collect::<Vec<_>>()
    };
    let (serial, cuda) = (run("serial"), run("cuda"));
    let hash = serial
        .last()
        .is_some_and(|line| line.starts_with("Weights hash: "));
    assert!(hash && serial.len() > 2, "{serial:?}");
    assert_eq!(cuda, serial);
}

#[test]
fn mnist_for_twenty_steps() {
    // The last batch is left out where no more than a batch of images is left.
    agrees(&["mnist", "--train", "336", "--valid", "32", "--epochs", "1"]);
}

#[test]
fn mnist_with_another_network_and_optimiser() {
    agrees(&[
        "mnist", "--preset", "accurate", "--train", "64", "--valid", "16", "--epochs", "1",
        "--batch", "16",
    ]);
}

#[test]
fn mnist_with_the_largest_of_a_window() {
    agrees(&[
        "mnist", "--train", "64", "--valid", "16", "--epochs", "1", "--pool", "max",
    ]);
}

#[test]
fn sentiment_for_three_steps() {
    agrees(&[
        "sentiment",
        "--train",
        "30",
        "--valid",
        "10",
        "--epochs",
        "1",
    ]);
}

#[test]
fn sentiment_with_trained_vectors_and_adadelta() {
    agrees(&[
        "sentiment",
        "--preset",
        "kim",
        "--train",
        "50",
        "--valid",
        "10",
        "--epochs",
        "1",
    ]);
}

#[test]
fn points_in_a_square() {
    agrees(&["xor", "--engine", "fast", "--epochs", "20"]);
}
