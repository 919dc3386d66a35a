//! The command line as the program itself takes it: what it prints, and its exit status.

use std::process::{Command, Output, Stdio};

fn program(options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(options)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn more_threads_than_are_used_are_told() {
    let run = |threads: &str| {
        let toy = [
            "xor",
            "--engine",
            "fast",
            "--epochs",
            "1",
            "--threads",
            threads,
        ];
        let output = program(&toy);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(run("64"), "");
    assert_eq!(
        run("65"),
        "warning: --threads 65: 64 are started, as no operation is cut into more parts\n"
    );
}

#[test]
fn the_program_says_it_with_its_exit_status() {
    let bare = program(&[]);
    assert_eq!(bare.status.code(), Some(0));
    let help = String::from_utf8(bare.stdout).unwrap();
    assert!(
        help.contains("Usage: runner") && help.contains("mnist"),
        "{help}"
    );
    assert!(bare.stderr.is_empty());
    assert_eq!(program(&["--version"]).status.code(), Some(0));
    assert_eq!(program(&["mnist", "--help"]).status.code(), Some(0));

    for options in [
        &["mnist", "--batch", "0"][..],
        &["mnist", "--preset", "best"],
        &["mnist", "--rate", "inf"],
    ] {
        let wrong = program(options);
        let message = String::from_utf8(wrong.stderr).unwrap();
        assert_eq!(wrong.status.code(), Some(2), "{message}");
        assert!(wrong.stdout.is_empty());
        assert!(
            message.starts_with("error: ") && message.lines().count() <= 4,
            "{message}"
        );
    }
    let missing = program(&["mnist", "--full", "--data", "no/such/folder"]);
    let message = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(1), "{message}");
    assert_eq!(message, "error: no/such/folder: no such folder\n");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_nobody_takes_is_no_panic() {
    let binary = env!("CARGO_BIN_EXE_runner");
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Command::new(binary)
        .arg("--help")
        .stdout(full)
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.starts_with("error: standard output: cannot write"),
        "{message}"
    );

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(binary)
        .arg("--help")
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
