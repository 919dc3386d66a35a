//! One run has one hash, and goes on from its checkpoint and from no other.

use crate::program::Folder;
use crate::{refused, said, small};

#[test]
fn one_run_has_one_hash() {
    let folder = Folder::new("sentiment-hash");
    let checkpoint = folder.file("net.safetensors");
    for preset in [&[][..], &["--preset", "minitorch"], &["--preset", "kim"]] {
        let last = |options: &[&str]| {
            let said = said(&small(
                &checkpoint,
                &[preset, options, &["--quiet"]].concat(),
            ));
            said.lines().last().map(str::to_string)
        };
        let one = last(&["--threads", "1"]);
        for options in [
            &["--threads", "3"][..],
            &["--backend", "serial", "--isa", "portable"],
        ] {
            assert_eq!(last(options), one, "{preset:?} {options:?}");
        }
        assert_ne!(last(&["--seed", "1"]), one, "{preset:?}");
    }
}

#[test]
fn a_batch_may_be_larger_than_the_data() {
    let folder = Folder::new("sentiment-batch");
    let net = folder.file("net.safetensors");
    let hash = |batch| {
        let said = said(&small(&net, &["--batch", batch]));
        said.lines().last().map(str::to_string)
    };
    assert_eq!(hash("1000000000"), hash("45"));
}

#[test]
fn nothing_is_left_to_do_for_a_run_that_ended() {
    let folder = Folder::new("sentiment-resume");
    let net = folder.file("net.safetensors");
    for preset in [&[][..], &["--preset", "kim"]] {
        let first = said(&small(&net, preset));
        let again = said(&[&small(&net, preset)[..], &["--resume", &net]].concat());
        assert_eq!(first.lines().last(), again.lines().last(), "{preset:?}");
        assert!(!again.contains("Epoch "), "{again}");
        let accuracy = |said: &str| {
            let mut lines = said.lines();
            lines
                .find(|line| line.starts_with("Held-out"))
                .map(str::to_string)
        };
        assert_eq!(accuracy(&first), accuracy(&again), "{preset:?}");
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = Folder::new("sentiment-other");
    let [net, digits] = ["net", "digits"].map(|name| folder.file(name));
    said(&small(&net, &[]));
    let resume = |options: &[&'static str]| {
        let checkpoint = folder.file("other");
        refused(
            &[&small(&checkpoint, options)[..], &["--resume", &net]].concat(),
            1,
        )
    };
    for (options, expected) in [
        (
            &["--rate", "0.5"][..],
            "--rate 0.01, but this one has --rate 0.5",
        ),
        (
            &["--filters", "2,3"],
            "--filters 3,4,5, but this one has --filters 2,3",
        ),
        (&["--seed", "7"], "--seed 0, but this one has --seed 7"),
        (&["--train-embeddings"], "--train-embeddings=false, but"),
        (
            &["--unknown", "own"],
            "--unknown shared, but this one has --unknown own",
        ),
        (
            &["--embedding-dropout", "0.25"],
            "--embedding-dropout 0, but this one has --embedding-dropout 0.25",
        ),
        (
            &["--preset", "minitorch"],
            "no --preset, but this one has --preset minitorch",
        ),
        (
            &["--preset", "kim"],
            "no --preset, but this one has --preset kim",
        ),
    ] {
        let errors = resume(options);
        assert!(
            errors.contains(expected) && errors.contains(&net),
            "{errors}"
        );
    }
    let train = [
        "mnist",
        "--train",
        "32",
        "--epochs",
        "1",
        "--quiet",
        "--checkpoint",
        &digits,
    ];
    said(&train);
    let checkpoint = folder.file("other");
    let errors = refused(
        &[&small(&checkpoint, &[])[..], &["--resume", &digits]].concat(),
        1,
    );
    let other = |path: &str, theirs: &str, ours: &str| {
        format!(
            "error: {path}: a checkpoint of {theirs}, and this is {ours};\n\
             go on with {theirs} --resume {path}, or leave --resume out\n"
        )
    };
    assert_eq!(errors, other(&digits, "mnist", "sentiment"));
    let errors = refused(
        &[
            "mnist",
            "--quiet",
            "--resume",
            &net,
            "--checkpoint",
            &checkpoint,
        ],
        1,
    );
    assert_eq!(errors, other(&net, "sentiment", "mnist"));
}

#[test]
fn a_run_that_kept_its_best_weights_is_at_its_end() {
    let folder = Folder::new("sentiment-end");
    let [net, other] = ["net", "other"].map(|name| folder.file(name));
    let kim = "sentiment --preset kim --train 45 --valid 20 --maps 5";
    let kim: Vec<&str> = kim.split(' ').collect();
    let longer = [&kim[..], &["--checkpoint", &other, "--epochs", "4"]].concat();
    said(&[&kim[..], &["--checkpoint", &net, "--epochs", "3"]].concat());
    let errors = refused(&[&longer[..], &["--resume", &net]].concat(), 1);
    assert!(
        errors.contains(&net) && errors.contains("--epochs 3, but this one has --epochs 4"),
        "{errors}"
    );
    said(&[&longer[..], &["--init", &net]].concat());
}

#[test]
fn weights_of_other_words_are_no_beginning() {
    let folder = Folder::new("sentiment-words");
    let [net, other] = ["net", "other"].map(|name| folder.file(name));
    said(&small(&net, &[]));
    said(&small(&other, &["--init", &net, "--seed", "1"]));
    let mut shorter = small(&other, &["--init", &net]);
    shorter[2] = "44";
    let errors = refused(&shorter, 1);
    assert!(
        errors.contains(&net) && errors.contains("its words are not those"),
        "{errors}"
    );
}
