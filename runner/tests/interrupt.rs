//! Ctrl-C, requests to terminate and hang-ups: at any moment a run saves its state, says how to go on, and ends with status
//! 130, 143 or 129; what goes on is the same run.
#![cfg(unix)]

mod program;

use std::fs;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use minitorch_core::Generator;

use program::{Folder, Running, Story, finish, log, number, runner, seed};

const OPTIONS: &str = "--train 300 --valid 16 --batch 8 --epochs 3";
const CHECKPOINT: &str = "net.safetensors";
/// How many runs are interrupted at random moments.
const RUNS: usize = 20;

/// Sends a signal, and waits until it is sent; nothing happens if the program has ended.
fn signal(running: &mut Running, name: &str) {
    // Once its end has been told, its number may belong to another program.
    if running.has_ended() {
        return;
    }
    let mut kill = Command::new("kill");
    let status = kill
        .args([&format!("-{name}"), &running.child.id().to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
}

/// Waits until signals reach the program and no longer the system: the first thing that `runner mnist` does.
fn wait_for_listening(running: &mut Running) {
    let status = format!("/proc/{}/status", running.child.id());
    let caught = || {
        let status = fs::read_to_string(&status).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    if caught().is_none() {
        // This system does not tell.
        thread::sleep(Duration::from_millis(100));
        return;
    }
    // Both are caught: SIGINT is number 2, and SIGTERM, which is last, 15; SIGHUP comes between.
    let both = 1 << (2 - 1) | 1 << (15 - 1);
    while !running.has_ended() {
        if caught().is_some_and(|caught| caught & both == both) {
            return;
        }
    }
}

/// The status that a signal asks for: 128 and its number, as shells have it.
fn status(signal: &str) -> i32 {
    match signal {
        "HUP" => 129,
        "TERM" => 143,
        _ => 130,
    }
}

/// What every run says that a signal interrupted, and its log.
fn interrupted(output: &Output, signal: &str, file: &str) -> Vec<String> {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status(signal)), "{message}");
    let tail = format!("; to go on: the same command with --resume {file}\n");
    assert!(
        message.starts_with("interrupted ")
            && message.ends_with(&tail)
            && message.lines().count() == 1,
        "{message}"
    );
    log(output)
}

#[test]
fn interrupted_at_any_moment_a_run_goes_on_as_if_nothing_had_happened() {
    let options: Vec<&str> = OPTIONS.split(' ').collect();
    let folder = Folder::new("interrupt");
    let file = folder.file(CHECKPOINT);
    let options = [&options[..], &["--checkpoint", &file]].concat();
    let whole = finish(&options);

    let seed = seed();
    eprintln!("RUNNER_TEST_SEED={seed}");
    let random = &mut Generator::new(seed);
    let (mut unbegun, mut between) = (0, 0);
    for run in 0..RUNS {
        fs::remove_file(&file).expect("the last checkpoint");
        let line = random.below(whole.log.len() as u32 * 4 / 5) as usize;
        let time = Duration::from_micros(random.below(5_000).into());
        eprintln!("run {run}: line {line}, {time:?} later");
        let mut running = Running::start(&mut runner(&options));
        wait_for_listening(&mut running);
        // Every fifth at once, when not even the data are there.
        if run % 5 > 0 {
            running.wait_for_lines(line);
            thread::sleep(time);
        }
        // While a checkpoint is written, or just after.
        if run % 5 == 1 {
            running.wait_for_writing(&folder, Duration::from_millis(50));
        }
        let name = ["INT", "TERM"][run % 2];
        signal(&mut running, name);
        // Twice: the first one counts.
        if run % 5 == 2 {
            signal(&mut running, "TERM");
        }
        let output = running.end();
        if output.status.success() {
            eprintln!("  too late");
            continue;
        }
        let mut lines = interrupted(&output, name, &file);
        unbegun += usize::from(lines.is_empty());
        between += usize::from(number(&file, "@loss") != 0);
        assert_eq!(folder.names(), [CHECKPOINT]);

        let rest = finish(&[&options[..], &["--resume", &file]].concat());
        lines.extend(rest.log);
        let hash = rest.hash;
        assert_eq!(Story { log: lines, hash }, whole);
    }
    let tally = format!("{unbegun} before the first line, {between} between two lines");
    eprintln!("{tally}");
    assert!(unbegun > 0 && between > 0, "{tally}");
}

#[test]
fn interrupted_after_training_a_run_has_only_its_summary_to_do() {
    let folder = Folder::new("interrupt-late");
    let file = folder.file(CHECKPOINT);
    // The slowest way to look at 500 images.
    let options = [
        "--train",
        "20",
        "--batch",
        "16",
        "--epochs",
        "1",
        "--backend",
        "serial",
        "--isa",
        "portable",
    ];
    let options = [&options[..], &["--checkpoint", &file]].concat();
    let whole = finish(&options);
    for _ in 0..20 {
        fs::remove_file(&file).expect("the last checkpoint");
        let mut running = Running::start(&mut runner(&options));
        // Training is over when a run of one epoch saves.
        while !folder.path().join(CHECKPOINT).exists() && !running.has_ended() {}
        signal(&mut running, "INT");
        let output = running.end();
        if output.status.success() {
            continue;
        }
        let lines = interrupted(&output, "INT", &file);
        let rest = finish(&[&options[..], &["--resume", &file]].concat());
        assert_eq!((lines, rest.log), (whole.log, Vec::new()));
        assert_eq!(rest.hash, whole.hash);
        return;
    }
    panic!("looking at 500 images took less time than sending a signal, 20 times");
}

/// Interrupts a run that would take long, a little after it begins.
fn interrupt(command: &mut Command) -> Output {
    let mut running = Running::start(command);
    wait_for_listening(&mut running);
    thread::sleep(Duration::from_millis(100));
    signal(&mut running, "INT");
    running.end()
}

#[test]
fn quiet_and_json_change_nothing_about_it() {
    let folder = Folder::new("interrupt-form");
    let file = folder.file(CHECKPOINT);
    let quiet = interrupt(&mut runner(&["--quiet", "--hash", "--checkpoint", &file]));
    interrupted(&quiet, "INT", &file);
    assert!(
        quiet.stdout.is_empty(),
        "no summary and no hash of half a run"
    );

    let json = interrupt(&mut runner(&["--json", "--checkpoint", &file]));
    interrupted(&json, "INT", &file);
    for line in String::from_utf8_lossy(&json.stdout).lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(event["event"], "log", "{line}");
    }
}

#[test]
fn a_run_that_cannot_save_says_so() {
    let folder = Folder::new("interrupt-unsaved");
    // A folder is in the default checkpoint's place.
    fs::create_dir(folder.file("mnist.safetensors")).expect("a folder");
    let output = interrupt(runner(&[]).current_dir(folder.path()));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(lines[0].starts_with("warning: "), "{message}");
    assert!(
        lines[1].starts_with("interrupted in epoch ")
            && lines[1].ends_with("; its state is not saved"),
        "{message}"
    );
}

#[test]
fn a_run_from_other_weights_goes_on_without_them() {
    let folder = Folder::new("interrupt-init");
    let (weights, file) = (folder.file("weights.safetensors"), folder.file(CHECKPOINT));
    finish(&["--train", "20", "--epochs", "1", "--checkpoint", &weights]);
    let output = interrupt(&mut runner(&["--init", &weights, "--checkpoint", &file]));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    let tail = format!("with --resume {file} instead of --init\n");
    assert!(message.ends_with(&tail), "{message}");
    number(&file, "@epoch");
}

/// `| head -1` means to see a line, and not to lose what was learnt: the run saves, says so, and ends, as pipes want.
#[test]
fn a_run_whose_log_nobody_reads_is_saved() {
    let unheard = |command: &mut Command| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command.stdout(writer).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(141));
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let folder = Folder::new("interrupt-unheard");
    let file = folder.file(CHECKPOINT);
    let options: Vec<&str> = OPTIONS.split(' ').collect();
    let options = [&options[..], &["--checkpoint", &file]].concat();
    let whole = finish(&options);
    for json in [&[][..], &["--json"]] {
        fs::remove_file(&file).expect("the last checkpoint");
        let said = unheard(&mut runner(&[&options[..], json].concat()));
        assert_eq!(
            said,
            format!(
                "interrupted in epoch 1, as nobody reads standard output any more; to go on: the same command with \
                 --resume {file}\n"
            )
        );
        let rest = finish(&[&options[..], &["--resume", &file]].concat());
        assert_eq!(rest.log, whole.log[1..]);
        assert_eq!(rest.hash, whole.hash);
    }
    // A run without a log has only its summary to lose, and saves its weights.
    fs::remove_file(&file).expect("the last checkpoint");
    assert_eq!(
        unheard(&mut runner(&[&options[..], &["--quiet"]].concat())),
        ""
    );
    assert_eq!(
        finish(&[&options[..], &["--resume", &file]].concat()).hash,
        whole.hash
    );
    // What has nothing to save ends like any program in a pipe.
    assert_eq!(unheard(&mut program::program(&["doctor"])), "");
    assert_eq!(unheard(&mut program::program(&["xor"])), "");
}

/// Elsewhere the system does not tell whether hang-ups are ignored, and they are left alone.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_ends_a_run_well_unless_nohup_keeps_it() {
    let folder = Folder::new("interrupt-hang-up");
    let file = folder.file(CHECKPOINT);
    let options = ["--quiet", "--checkpoint", &file];
    let program = env!("CARGO_BIN_EXE_runner");
    // These tests may run under nohup themselves.
    let mut heard = Command::new("env");
    heard
        .args(["--default-signal=HUP", program, "mnist"])
        .args(options)
        .stdin(std::process::Stdio::null());
    let mut running = Running::start(&mut heard);
    wait_for_listening(&mut running);
    signal(&mut running, "HUP");
    let output = running.end();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(129), "{message}");
    assert!(message.starts_with("interrupted in epoch "), "{message}");
    number(&file, "@epoch");

    let mut kept = Command::new("nohup");
    kept.args([program, "mnist", "--epochs", "3"])
        .args(options)
        .stdin(std::process::Stdio::null());
    let mut running = Running::start(&mut kept);
    wait_for_listening(&mut running);
    signal(&mut running, "HUP");
    let output = running.end();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_second_ctrl_c_ends_a_run_that_hangs() {
    // Nobody writes to the pipe, so reading takes for ever.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let options = [
        "--quiet",
        "--init",
        "/dev/stdin",
        "--checkpoint",
        "/dev/null",
    ];
    let mut running = Running::start(runner(&options).stdin(reader));
    wait_for_listening(&mut running);
    signal(&mut running, "INT");
    thread::sleep(Duration::from_millis(500));
    assert!(!running.has_ended());
    signal(&mut running, "INT");
    let output = running.end();
    assert_eq!(output.status.code(), Some(130));
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    drop(writer);
}
