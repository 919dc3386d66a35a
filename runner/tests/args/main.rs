//! The command line: defaults to the letter, and every mistake a short message with exit status 2.

mod help;
mod mistakes;
mod mnist;
mod predict;
mod program;

use runner::args::mnist::Settings;
use runner::args::{Task, parse};
use runner::error::Status;

fn command(options: &str) -> impl Iterator<Item = &str> + Clone {
    ["runner"].into_iter().chain(options.split_whitespace())
}

fn settings(options: &str) -> Settings {
    match parse(command(options)) {
        Ok(Task::Mnist(settings)) => settings,
        other => panic!("{options}: {other:?}"),
    }
}

fn mistake(options: &str) -> String {
    let failure = parse(command(options)).expect_err(options);
    assert_eq!(failure.status(), Status::Usage, "{options}");
    let message = failure.to_string();
    assert!(
        (1..=4).contains(&message.lines().count()),
        "{options}: {message}"
    );
    assert!(
        !message.starts_with("error"),
        "the program says that itself: {message}"
    );
    message
}

fn text(options: &str) -> String {
    match parse(command(options)) {
        Ok(Task::Print(text)) => text,
        other => panic!("{options}: {other:?}"),
    }
}
