//! The program against hostile files and places, end to end: exit status, message, and what is left behind.
#![cfg(target_os = "linux")]

mod checkpoint;
mod data;
mod place;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The memory that a refused file may take: address space in KiB, for the program, its two threads and 128 MiB of file.
const MEMORY: u32 = 400 << 10;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("runner-hostile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a temporary folder");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and returns its path.
    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        fs::write(self.path(name), content).expect("a file");
        self.path(name)
    }

    /// Makes a named pipe, of which nobody holds an end, and returns its path.
    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        path
    }

    /// The names of all that is in it, hidden files too.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry.expect("an entry")))
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `runner mnist` on one thread, in little memory.
fn mnist<S: AsRef<OsStr>>(options: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_runner"))
        .args(["mnist", "--backend", "serial", "--epochs", "1"])
        .args(options)
        .stdin(Stdio::null());
    command
}

/// As [`mnist`], on a few of the images in the program, without a log.
fn short<S: AsRef<OsStr>>(options: impl IntoIterator<Item = S>) -> Command {
    let mut command = mnist(["--train", "40", "--valid", "10", "--quiet"]);
    command.args(options);
    command
}

/// Options of different types as one list.
macro_rules! options {
    ($($option:expr),* $(,)?) => { [$(std::ffi::OsString::from($option)),*] };
}
use options;

fn run(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{command:?}: {errors}");
    output
}

/// Demands that a command succeeds without a word on standard error, and returns its output.
fn accepted(command: Command) -> String {
    let shown = format!("{command:?}");
    let output = run(command);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{shown}: {errors}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Demands that a command fails with status 1, nothing on standard output and one to four lines on standard error,
/// which hold `parts`: an error, perhaps after warnings. Returns these lines.
fn refused(command: Command, parts: &[&str]) -> String {
    let shown = format!("{command:?}");
    let output = run(command);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{shown}: {message}");
    assert!(output.stdout.is_empty(), "{shown}");
    let first = message.lines().find(|line| !line.starts_with("warning: "));
    assert!(
        first.is_some_and(|line| line.starts_with("error: ")),
        "{shown}: {message}"
    );
    assert!(message.lines().count() <= 4, "{shown}: {message}");
    for part in parts {
        assert!(message.contains(part), "{shown}: {message} lacks {part:?}");
    }
    message
}

/// A path as messages show it.
fn text(path: &Path) -> String {
    path.display().to_string()
}
