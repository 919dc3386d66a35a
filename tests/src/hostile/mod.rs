//! Hostile input: what has to hold whatever bytes a reader is given.
//!
//! Each module has a `check`, which must not panic for any bytes at all, and `seeds`, valid inputs to begin with. A
//! check demands more than survival: what is accepted says the same when it is written and read again, what is refused
//! leaves no trace, and every refusal is a message that a person can read. Nor may an input cost much memory ([`memory`]).
//!
//! The same checks serve the fuzzer (`scripts/fuzz.sh` runs them on millions of inputs) and `cargo test`, which replays
//! the inputs that the fuzzer found worth keeping ([`corpus`]).

pub mod args;
pub mod checkpoint;
pub mod corpus;
pub mod gz;
pub mod header;
pub mod idx;
pub mod memory;
pub mod safetensors;
pub mod sentences;
pub mod vectors;

use runner::error::{Failure, Status};

/// A reader and how it is tested.
pub struct Target {
    /// The name of the fuzz target and of the file with its corpus.
    pub name: &'static str,
    /// Panics if the reader does anything with these bytes that it must not do.
    pub check: fn(&[u8]),
    /// Valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All readers.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "args",
        check: args::check,
        seeds: args::seeds,
    },
    Target {
        name: "checkpoint",
        check: checkpoint::check,
        seeds: checkpoint::seeds,
    },
    Target {
        name: "gz",
        check: gz::check,
        seeds: gz::seeds,
    },
    Target {
        name: "header",
        check: header::check,
        seeds: header::seeds,
    },
    Target {
        name: "idx",
        check: idx::check,
        seeds: idx::seeds,
    },
    Target {
        name: "safetensors",
        check: safetensors::check,
        seeds: safetensors::seeds,
    },
    Target {
        name: "sentences",
        check: sentences::check,
        seeds: sentences::seeds,
    },
    Target {
        name: "vectors",
        check: vectors::check,
        seeds: vectors::seeds,
    },
];

/// What the readers call their input in messages.
const NAME: &str = "input";

/// Demands a text for people: one to four lines of bounded length, without a character that moves a terminal's cursor.
fn check_message(message: &str) {
    assert!((1..=4).contains(&message.lines().count()), "{message:?}");
    assert!(message.len() <= 8192, "{} bytes", message.len());
    let tame = |c: char| c == '\n' || !c.is_control();
    assert!(message.chars().all(tame), "{message:?}");
}

/// Demands a failure of a file, not of the command line, that names the file and a byte of it, or its end.
fn check_refusal(failure: &Failure, content_bytes: usize) {
    let message = failure.to_string();
    check_message(&message);
    assert_eq!(failure.status(), Status::Failed, "{message}");
    let place = message
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_prefix(": byte "));
    let byte = place.and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
    assert!(
        byte.is_some_and(|byte| byte <= content_bytes),
        "{message:?} for {content_bytes} bytes"
    );
}
