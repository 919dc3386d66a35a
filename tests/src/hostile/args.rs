//! The command line.

use super::check_message;
use runner::args::mnist::{Data, Settings};
use runner::args::{Task, parse};
use runner::data::{EMBEDDED_HELD_OUT, EMBEDDED_TRAIN, batches};
use runner::error::Status;
use std::ffi::OsString;

/// Parses the bytes as arguments, which end at zeros: either a run that can begin, or wrong usage in four lines.
pub fn check(bytes: &[u8]) {
    let arguments = bytes.split(|&byte| byte == 0).map(argument);
    match parse(std::iter::once("runner".into()).chain(arguments)) {
        Ok(Task::Mnist(settings)) => check_settings(&settings),
        Ok(Task::Print(text)) => assert!(!text.is_empty()),
        Ok(_) => {}
        Err(failure) => {
            check_message(&failure.to_string());
            assert_eq!(failure.status(), Status::Usage, "{failure}");
        }
    }
}

fn check_settings(settings: &Settings) {
    let recipe = &settings.recipe;
    assert!(recipe.epochs > 0 && recipe.batch > 0);
    assert!(recipe.rate.is_finite() && recipe.rate > 0.0);
    assert!(settings.run.machine.processor.threads != Some(0));
    if matches!(settings.data, Data::Embedded | Data::Split(_)) {
        assert!(settings.train.is_some_and(|count| count <= EMBEDDED_TRAIN));
        assert!(
            settings
                .valid
                .is_some_and(|count| (1..=EMBEDDED_HELD_OUT).contains(&count))
        );
    }
    if let Some(train) = settings.train {
        assert!(batches(train, recipe.batch) > 0);
    }
}

#[cfg(unix)]
fn argument(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn argument(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Command lines with every option.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "mnist",
        "mnist --epochs 3 --train 100 --valid 20 --batch 8 --rate 0.5 --seed 7 --pool max --hash --quiet --json",
        "mnist --threads 7 --isa portable --checkpoint a --init=b --preset accurate",
        "mnist --full --data folder --resume c --preset minitorch --rate=1e-3",
        "bench --workloads W0,W1E,COLD --threads 2 --json --data folder --budget 0.5 --repeats 3 --list",
        "fetch glove --embedding-dim 100 --mirror http://localhost/a --yes --quiet",
        "mnist --help",
        "--version",
    ]
    .map(|line| line.replace(' ', "\0").into_bytes())
    .into()
}
