//! A device that fails in the middle of a run: a sentence, exit status 1, and files as they were.

use std::fs;

use super::program::Folder;
use super::{runner, success, text};

/// What breaks, when, and a part of the sentence.
const FAILURES: [(&str, &str); 10] = [
    // The two modules of kernels, then weights, then the first step.
    ("alloc:1", "the CUDA device has no memory left;\nsee with"),
    ("alloc:2", "the CUDA device has no memory left;\nsee with"),
    ("alloc:3", "out of memory for ["),
    ("alloc:20", "out of memory for ["),
    ("launch:1", "a kernel failed on the CUDA device, which this"),
    (
        "launch:30",
        "a kernel failed on the CUDA device, which this",
    ),
    (
        "launch:60",
        "a kernel failed on the CUDA device, which this",
    ),
    ("lost:1", "the CUDA device is lost; see what"),
    ("lost:30", "the CUDA device is lost; see what"),
    ("lost:60", "the CUDA device is lost; see what"),
];

#[test]
fn a_run_that_fails_leaves_its_files_as_they_were() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let folder = Folder::new("cuda-failures");
    let run = |epochs: &str, more: &[&str], failure: &str| {
        let arguments = [
            "mnist",
            "--backend",
            "cuda",
            "--train",
            "48",
            "--valid",
            "16",
            "--checkpoint",
            "net",
            "--epochs",
            epochs,
        ];
        let mut command = runner(&[&arguments, more].concat(), driver);
        command.env("FAKE_CUDA", failure).current_dir(folder.path());
        command.output().expect("the program starts")
    };
    success(&run("1", &[], ""));
    let before = fs::read(folder.file("net")).expect("a checkpoint");
    for (failure, expected) in FAILURES {
        let more = ["--resume", "net", "--report", "page.html"];
        let output = run("2", &more, failure);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{failure}: {said}");
        assert!(said.starts_with("error: "), "{failure}: {said}");
        assert!(said.contains(expected), "{failure}: {said}");
        assert!(said.lines().count() <= 4, "{failure}: {said}");
        assert_eq!(folder.names(), ["net"], "{failure}");
        assert!(fs::read(folder.file("net")).expect("a checkpoint") == before);
    }
    // Memory that is missing for a moment is no failure, and the run that goes on is the run that would have been.
    let hash = |epochs: &str, more: &[&str], failure: &str| {
        let output = run(epochs, &[more, &["--hash", "--quiet"]].concat(), failure);
        success(&output).lines().last().map(str::to_string)
    };
    let resumed = hash("2", &["--resume", "net"], "alloc-once:20");
    assert_eq!(resumed, hash("2", &[], ""));
}

#[test]
fn every_program_ends_with_a_sentence() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let folder = Folder::new("cuda-failing-programs");
    let programs: [&[&str]; 3] = [
        &[
            "sentiment",
            "--backend",
            "cuda",
            "--train",
            "20",
            "--valid",
            "10",
        ],
        &["xor", "--engine", "cuda"],
        &["spiral", "--engine", "fast", "--backend", "cuda"],
    ];
    for arguments in programs {
        for (failure, expected) in [
            ("alloc:8", "out of memory for ["),
            ("launch:8", "a kernel failed on the CUDA device"),
            ("lost:8", "the CUDA device is lost"),
        ] {
            let mut command = runner(arguments, driver);
            command.env("FAKE_CUDA", failure).current_dir(folder.path());
            let output = command.output().expect("the program starts");
            let said = text(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{arguments:?}, {failure}: {said}"
            );
            assert!(said.contains(expected), "{arguments:?}, {failure}: {said}");
            assert_eq!(folder.names(), [""; 0], "{arguments:?}, {failure}");
        }
    }
}

#[test]
fn the_doctor_tells_what_failed() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let mut command = runner(&["doctor"], driver);
    let output = command.env("FAKE_CUDA", "launch:3").output();
    let told = success(&output.expect("the program starts"));
    for line in [
        "device 0 fails: read: a kernel failed on the CUDA device, which this process cannot use again",
        "device 1 a kernel failed on the CUDA device, which this process cannot use again;\n         start",
    ] {
        assert!(told.contains(line), "{line:?} in\n{told}");
    }
}
