//! `--checkpoint` and standard output: places that cannot be written to, or not any longer.

use super::*;
use std::io::Write as _;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

/// Runs a shell script, with the arguments of [`short`] as `$@`, in a private view of the file system where it may
/// mount. Where the system does not allow that, says so and returns nothing.
fn with_mounts(test: &str, script: &str, folder: &Folder, command: &Command) -> Option<Output> {
    let inside = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]);
        unshare.args(["sh", "-c", script, "sh"]);
        unshare.current_dir(&folder.0);
        unshare
    };
    let probe = inside("mount -t tmpfs none .").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: this system does not let a user mount a file system of his own (unshare, mount)"
        );
        return None;
    }
    let mut unshare = inside(script);
    let program = std::iter::once(command.get_program());
    unshare.args(program.chain(command.get_args()));
    Some(unshare.output().expect("unshare starts"))
}

#[test]
fn places_where_no_checkpoint_can_be() {
    let folder = Folder::new("places");
    let file = folder.put("file", b"not a folder");
    let under = |place: &str| folder.path(place);
    let pipe = folder.pipe("pipe");
    let _socket = UnixListener::bind(under("socket")).expect("a socket");
    for (path, part) in [
        (under("nowhere/net"), "there is no folder "),
        (file.join("net"), "there is no folder "),
        (folder.0.clone(), "is a folder, not a file"),
        (pipe, "is a named pipe, not a file"),
        (under("socket"), "is a socket, not a file"),
        (under("net/"), "is not the name of a file"),
        (under(".."), "is a folder, not a file"),
        (under(&"x".repeat(300)), "cannot write: "),
        ("/proc/net.safetensors".into(), "cannot write: "),
        ("/sys/net.safetensors".into(), "cannot write: "),
    ] {
        // Before training, and so before anything is read.
        let command = short(options!["--checkpoint", &path, "--resume", "nowhere"]);
        refused(command, &[&text(&path), part]);
        assert_eq!(folder.names(), ["file", "pipe", "socket"]);
    }
    assert_eq!(fs::read(&file).expect("it is there"), b"not a folder");

    let closed = under("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).expect("its owner may");
    if fs::write(closed.join("probe"), b"").is_ok() {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED a folder without permission to write: this user may write to it all the same"
        );
    } else {
        let path = closed.join("net");
        refused(
            short(options!["--checkpoint", &path]),
            &[&text(&path), "cannot write: "],
        );
    }
}

#[test]
fn a_default_place_that_cannot_be_written_to_costs_a_warning() {
    let mut command = short([""; 0]);
    command.current_dir("/proc");
    let output = run(command);
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warning}");
    assert_eq!(warning.lines().count(), 1, "{warning}");
    assert!(
        warning.contains("./mnist.safetensors: cannot write: ")
            // Said before training; of a place that is lost later it is "nothing is saved from now on".
            && warning.ends_with("; no checkpoint will be written\n"),
        "{warning}"
    );
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(
        summary.contains("accuracy") && !summary.contains("Checkpoint: "),
        "{summary}"
    );
}

#[test]
fn a_default_place_with_something_else_costs_a_warning() {
    let folder = Folder::new("default-text");
    let text = folder.put("mnist.safetensors", b"a text of somebody's own");
    let mut command = short([""; 0]);
    command.current_dir(&folder.0);
    let output = run(command);
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warning}");
    assert!(
        warning.contains("./mnist.safetensors: this file is there and is not a checkpoint; ")
            && warning.ends_with("; no checkpoint will be written\n"),
        "{warning}"
    );
    let kept = fs::read(text).expect("it is there");
    assert_eq!(kept, b"a text of somebody's own");
}

#[test]
fn a_device_that_is_full_is_found_out_at_the_first_checkpoint() {
    let message = refused(
        short(["--checkpoint", "/dev/full"]),
        &["/dev/full: cannot write: "],
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// A limit on the size of files is like a disk that is full: the system would end the program.
#[test]
fn a_file_larger_than_allowed_leaves_nothing_behind() {
    let folder = Folder::new("size-limit");
    let limited = |options: &[&str]| {
        let command = short(options.iter().copied());
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"ulimit -f 16 && exec "$@""#, "sh"]);
        let program = std::iter::once(command.get_program());
        shell.args(program.chain(command.get_args()));
        shell.current_dir(&folder.0);
        shell
    };
    refused(
        limited(&["--checkpoint", "net"]),
        &["net: cannot write: File too large"],
    );
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    let output = run(limited(&[]));
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warning}");
    assert!(
        warning.contains("./mnist.safetensors: cannot write: File too large"),
        "{warning}"
    );
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn a_full_disk_leaves_the_checkpoint_that_is_there() {
    let folder = Folder::new("full-disk");
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=1m none disk || exit 90
        "$@" --checkpoint disk/net >log || exit 91
        cp disk/net before
        cat /dev/zero >disk/filler 2>log
        "$@" --checkpoint disk/net --seed 1
        echo "status $?"; ls -A disk
        cmp disk/net before || exit 92
        cd disk
        "$@" | grep -c Checkpoint:
        ls -A
    "#;
    let name = "a_full_disk_leaves_the_checkpoint_that_is_there";
    let Some(output) = with_mounts(name, script, &folder, &short([""; 0])) else {
        return;
    };
    let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(said, "status 1\nfiller\nnet\n0\nfiller\nnet\n", "{errors}");
    let lines: Vec<&str> = errors.lines().collect();
    assert!(
        matches!(lines[..], [replaced, error, warning] if replaced.starts_with("warning: disk/net: this run will replace ")
            && error.starts_with("error: disk/net: cannot write: ")
            && warning.contains("./mnist.safetensors: cannot write: ")
            && warning.ends_with("nothing is saved from now on")),
        "{errors}"
    );
}

#[test]
fn a_read_only_disk_is_found_out_before_training() {
    let folder = Folder::new("read-only-disk");
    let script = r#"
        mkdir disk && mount -t tmpfs none disk && echo '-length-{kept}' >disk/net && mount -o remount,bind,ro disk || exit 90
        "$@" --checkpoint disk/net --resume nowhere
        echo "status $?"; ls -A disk; cat disk/net
        cd disk && "$@" | grep -c accuracy
    "#;
    let name = "a_read_only_disk_is_found_out_before_training";
    let Some(output) = with_mounts(name, script, &folder, &short([""; 0])) else {
        return;
    };
    let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(said, "status 1\nnet\n-length-{kept}\n1\n", "{errors}");
    let lines: Vec<&str> = errors.lines().collect();
    assert!(
        matches!(lines[..], [error, warning] if error.starts_with("error: disk/net: cannot write: ")
            && warning.contains("./mnist.safetensors: cannot write: ")),
        "{errors}"
    );
}

/// Standard output that is full, or that nobody reads, ends a run like an interruption: it saves first.
#[test]
fn output_that_nobody_takes_ends_the_run_after_saving() {
    let folder = Folder::new("output");
    let training = |path: &Path| {
        let program = env!("CARGO_BIN_EXE_runner");
        let mut command = Command::new(program);
        command.args(["mnist", "--train", "200", "--epochs", "50", "--checkpoint"]);
        command.arg(path).stdin(Stdio::null());
        command
    };

    let path = folder.path("full");
    let full = fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("a device");
    let mut command = training(&path);
    command.stdout(full);
    let output = run(command);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.starts_with("error: standard output: cannot write"),
        "{message}"
    );
    assert!(message.lines().count() == 1, "{message}");

    let path = folder.path("closed");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = training(&path);
    command.stdout(writer);
    let output = run(command);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(141), "{message}");
    assert!(
        message.starts_with("interrupted in epoch 1, as nobody reads"),
        "{message}"
    );

    assert_eq!(folder.names(), ["closed", "full"]);
    for name in ["closed", "full"] {
        let bytes = fs::read(folder.path(name)).expect("a checkpoint");
        let file = minitorch_core::state::SafeTensors::parse(&bytes).expect("a whole one");
        let batch = file.get("@batch").and_then(|view| view.read::<u64>().ok());
        assert_eq!(
            batch.as_deref(),
            Some(&[1][..]),
            "after the batch of the first line"
        );
    }
}

#[test]
fn closed_and_full_error_streams_do_not_change_the_status() {
    for (redirection, options, status) in [
        ("2>/dev/full", "mnist --resume nowhere", 1),
        ("2>&-", "mnist --resume nowhere", 1),
        ("2>/dev/full", "mnist --batch 0", 2),
        (
            ">&- 2>&-",
            "mnist --train 40 --epochs 1 --checkpoint /dev/null",
            0,
        ),
        (
            "2>/dev/full >/dev/full",
            "mnist --train 40 --epochs 1 --checkpoint /dev/null",
            1,
        ),
    ] {
        let program = env!("CARGO_BIN_EXE_runner");
        let script = format!("{program} {options} {redirection}");
        let ended = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::null())
            .status();
        assert_eq!(ended.expect("sh starts").code(), Some(status), "{script}");
    }
}
