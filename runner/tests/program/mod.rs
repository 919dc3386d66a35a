//! The program, as tests of its own call it: a folder to work in, a run and what it said.

// Every test file compiles this module for itself, and none needs all of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use minitorch_core::state::SafeTensors;

/// What a run warns of whose checkpoint takes the place of another run's, after the file's name.
pub(crate) const REPLACES: &str = ": this run will replace what another one has saved; to keep that, copy it or name \
    another --checkpoint";

/// A folder that is removed at the end of a test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        // Tests run at the same time, and each may have several.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("runner-{name}-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// What is in it, hidden files included.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The files that are being written, or whose writer was killed.
    pub(crate) fn temporary(&self) -> Vec<String> {
        let mut names = self.names();
        names.retain(|name| name.ends_with(".tmp"));
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `runner` with these arguments.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// `runner mnist` with these arguments.
pub(crate) fn runner(arguments: &[&str]) -> Command {
    program(&[&["mnist"], arguments].concat())
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    runner(arguments).output().expect("the program starts")
}

/// Where a test's random moments come from: other ones each time, unless `RUNNER_TEST_SEED` says so. Time itself cannot
/// be repeated, though.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("RUNNER_TEST_SEED").ok();
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a date")
    };
    given
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| now().as_micros() as u64)
}

/// A run that is going on.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    said: String,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("its output");
        Self {
            child,
            stdout: BufReader::new(stdout),
            said: String::new(),
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its status").is_some()
    }

    /// Waits until it has said so many lines, or ends.
    pub(crate) fn wait_for_lines(&mut self, count: usize) {
        for _ in 0..count {
            self.stdout.read_line(&mut self.said).expect("a line");
        }
    }

    /// Waits until it writes a file to this folder; not longer than `most`, and not for one that has ended.
    pub(crate) fn wait_for_writing(&mut self, folder: &Folder, most: Duration) {
        let begin = Instant::now();
        while folder.temporary().is_empty() && begin.elapsed() < most && !self.has_ended() {}
    }

    /// How it ended, when it has.
    pub(crate) fn end(mut self) -> Output {
        let rest = self.stdout.read_to_string(&mut self.said);
        rest.expect("the rest of its output");
        let output = self.child.wait_with_output().expect("its end");
        Output {
            stdout: self.said.into_bytes(),
            ..output
        }
    }
}

/// The last line of a run that has to succeed: its hash.
pub(crate) fn hash(arguments: &[&str]) -> String {
    finish(&[arguments, &["--quiet"]].concat()).hash
}

/// What a run said.
#[derive(Debug, PartialEq)]
pub(crate) struct Story {
    pub(crate) log: Vec<String>,
    pub(crate) hash: String,
}

/// A run that has to succeed.
pub(crate) fn finish(arguments: &[&str]) -> Story {
    let output = run(&[arguments, &["--hash"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let last = text.lines().last().unwrap_or_default().to_string();
    let digits = last
        .strip_prefix("Weights hash: ")
        .unwrap_or_else(|| panic!("{text}"));
    assert!(
        digits.len() == 16
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
        "{last}"
    );
    Story {
        log: log(&output),
        hash: last,
    }
}

/// The log lines of a run, however it ended.
pub(crate) fn log(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.split_inclusive('\n');
    lines
        .filter(|line| line.starts_with("Epoch: ") && line.ends_with('\n'))
        .map(|line| line.trim_end().to_string())
        .collect()
}

/// A number of the program in a checkpoint, which has to be whole.
pub(crate) fn number(checkpoint: &str, name: &str) -> u64 {
    let bytes = std::fs::read(checkpoint).expect("the checkpoint");
    let file = SafeTensors::parse(&bytes).expect("a whole file");
    let mut views = file.views().iter();
    let view = views.find(|view| view.name() == name).expect(name);
    view.read::<u64>().expect("a number")[0]
}
