//! `runner sentiment`: what it prints, that it goes on to the same bits, and that its network can be asked.

mod checkpoint;
mod data;
mod log;
mod predict;
#[path = "../program/mod.rs"]
mod program;

use std::process::Output;

use program::program;

/// A run that is over in a moment.
const SMALL: [&str; 9] = [
    "sentiment",
    "--train",
    "45",
    "--valid",
    "20",
    "--epochs",
    "3",
    "--maps",
    "10",
];

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().expect("the program starts")
}

/// Standard output of a run that has to succeed.
fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Standard error of a run that has to fail.
fn refused(arguments: &[&str], status: i32) -> String {
    let output = run(arguments);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {errors}"
    );
    assert!(
        errors.starts_with("error: ") && errors.lines().count() <= 4,
        "{errors}"
    );
    errors
}

/// The small run with more options and its checkpoint in a folder.
fn small<'a>(checkpoint: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], &["--hash", "--checkpoint", checkpoint], options].concat()
}

#[test]
fn mistakes_are_told() {
    for (arguments, status, expected) in [
        (
            &["--train", "5001"][..],
            2,
            "the program holds 5000 training sentences",
        ),
        (
            &["--valid", "1001"],
            2,
            "the program holds 1000 validation sentences",
        ),
        (&["--embedding-dim", "100"], 2, "have 50 dimensions"),
        (&["--filters", "3,0"], 2, "1 to 64"),
        (&["--filters", ""], 2, "1 to 64"),
        (&["--maps", "0"], 2, "1 to 4096"),
        (&["--batch", "0"], 2, "--batch"),
        (&["--preset", "lecun"], 2, "lecun"),
        (&["--glove", "x"], 2, "--data"),
        (&["--train-embeddings=maybe"], 2, "maybe"),
        (&["--unknown", "zero"], 2, "zero"),
        (&["--embedding-dropout", "1"], 2, "from 0 to less than 1"),
        (&["--embedding-dropout", "-0.1"], 2, "from 0 to less than 1"),
        (&["--embedding-dropout", "nan"], 2, "from 0 to less than 1"),
        (
            &["--data", "/no/such/folder"],
            1,
            "/no/such/folder: no such folder",
        ),
    ] {
        let errors = refused(&[&["sentiment"], arguments].concat(), status);
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
}
