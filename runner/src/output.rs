//! What a run says: log lines and a summary on standard output, as text or JSON lines; progress and notes on standard
//! error, and only to a terminal.
//!
//! Numbers are written as Rust's `{}` does: the shortest decimal that reads back as the same f64, so 11.5 is `11.5`
//! and 3 is `3`. JSON has 3 as `3.0`, and what is not finite as `null`.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::args::Choice;
use crate::error::Failure;
use crate::report::{Reading, Record};

/// What is written to standard output: the options of every program that trains.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Print a hash of the trained weights as the last line
    // JSON has it in any case.
    #[arg(long, help_heading = "Output")]
    pub hash: bool,

    /// Print the summary only, no log lines and no progress
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,

    /// Print one JSON object a line instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl Style {
    /// Its options and their values.
    pub const fn choices(&self) -> [Choice; 3] {
        [
            Choice::flag("--hash", self.hash),
            Choice::flag("--quiet", self.quiet),
            Choice::flag("--json", self.json),
        ]
    }
}

/// A line of a program's log: text by [`Display`](fmt::Display), an object by [`Serialize`], to which `"event":"log"`
/// is added.
pub trait Log: fmt::Display + Serialize {
    /// What the line says, for the curves of a [report](crate::report).
    fn reading(&self) -> Reading;
}

/// What was trained on, where items are of two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Whole sentences.
    pub sentences: usize,
    /// Parts of sentences.
    pub phrases: usize,
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sentences and {} phrases",
            self.sentences, self.phrases
        )
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary<'a> {
    /// What the accuracy is of: `Held-out` or `Test`.
    pub split: &'a str,
    /// What a network is right or wrong about, as a plural: `images`.
    pub items: &'a str,
    /// Items the network is right about.
    pub correct: usize,
    /// Items looked at.
    pub of: usize,
    /// What was trained on, if that are not items of one kind.
    pub parts: Option<Parts>,
    /// Items trained on, each counted once an epoch.
    pub trained: u64,
    /// How long the training took.
    pub time: Duration,
    /// The most memory the process used, in bytes, where known.
    pub peak_bytes: Option<u64>,
    /// Where the checkpoint is, if one was written.
    pub checkpoint: Option<&'a Path>,
    /// The hash of the weights.
    pub hash: u64,
    /// A command to try next.
    pub next: &'a str,
}

/// A line of JSON: what happened, and the facts.
#[derive(Serialize)]
struct Event<T> {
    event: &'static str,
    #[serde(flatten)]
    facts: T,
}

#[derive(Serialize)]
struct End {
    accuracy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trained_on: Option<Parts>,
    hash: String,
    seconds: f64,
    peak_bytes: Option<u64>,
    checkpoint: Option<String>,
}

impl Summary<'_> {
    fn text(&self, hash: bool) -> String {
        let seconds = self.time.as_secs_f64();
        let Self {
            split,
            items,
            correct,
            of,
            next,
            ..
        } = self;
        let mut lines = vec![format!(
            "{split} accuracy: {:.2}% ({correct} of {of})",
            100.0 * self.accuracy()
        )];
        lines.extend(self.parts.map(|parts| format!("Trained on: {parts}")));
        lines.push(match self.trained {
            0 => format!("Time: {seconds:.1} s"),
            trained => {
                let rate = trained as f64 / seconds.max(1e-9);
                format!("Time: {seconds:.1} s, {rate:.0} {items} per second")
            }
        });
        lines.extend(
            self.peak_bytes
                .map(|bytes| format!("Peak memory: {:.1} MB", bytes as f64 / 1e6)),
        );
        lines.extend(
            self.checkpoint
                .map(|path| format!("Checkpoint: {}", path.display())),
        );
        lines.push(format!("Next: {next}"));
        if hash {
            lines.push(format!("Weights hash: {:016x}", self.hash));
        }
        lines.join("\n") + "\n"
    }

    fn json(&self) -> Result<String, Failure> {
        json(&Event {
            event: "end",
            facts: End {
                accuracy: self.accuracy(),
                trained_on: self.parts,
                hash: format!("{:016x}", self.hash),
                seconds: self.time.as_secs_f64(),
                peak_bytes: self.peak_bytes,
                checkpoint: self.checkpoint.map(|path| path.display().to_string()),
            },
        })
    }

    /// The share of items the network is right about, from 0 to 1.
    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.of.max(1) as f64
    }
}

/// The voice of a run.
pub struct Output {
    out: Box<dyn Write + Send>,
    style: Style,
    progress: ProgressBar,
    record: Option<Record>,
}

impl Output {
    /// Speaks on standard output.
    pub fn new(style: Style) -> Self {
        Self::to(io::stdout(), style)
    }

    /// Speaks to anything that can be written to.
    pub fn to(out: impl Write + Send + 'static, style: Style) -> Self {
        Self {
            out: Box::new(out),
            style,
            progress: ProgressBar::hidden(),
            record: None,
        }
    }

    /// The same, but what log lines say is kept if `record` says so, whatever the style.
    #[must_use]
    pub fn recording(self, record: bool) -> Self {
        Self {
            record: record.then(Record::default),
            ..self
        }
    }

    /// What the log lines said, if that is kept.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Shows a progress bar of `steps` steps, if standard error is a terminal and the style is not quiet. A resumed run
    /// counts the steps that are left.
    pub fn start(&mut self, steps: u64) {
        self.show(Some(steps), "", "{wide_bar} {pos}/{len} steps, {eta} left");
    }

    /// One step is done.
    pub fn step(&self) {
        self.progress.inc(1);
    }

    /// Shows how far the download of a file is, under the same conditions. Its size may not be known.
    pub fn start_download(&mut self, name: &str, bytes: Option<u64>) {
        let template = match bytes {
            Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes}, {eta} left",
            None => "{msg} {bytes}",
        };
        self.show(bytes, name, template);
    }

    /// So many bytes of the file are there.
    pub fn downloaded(&self, bytes: u64) {
        self.progress.set_position(bytes);
    }

    fn show(&mut self, length: Option<u64>, message: &str, template: &str) {
        if !self.style.quiet && io::stderr().is_terminal() {
            let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let style = ProgressStyle::with_template(template);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            self.progress = bar.with_style(style).with_message(message.to_string());
        }
    }

    /// Takes the progress bar away.
    pub fn finish(&self) {
        self.progress.finish_and_clear();
    }

    /// Writes a log line, unless the style is quiet.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written to.
    pub fn log(&mut self, log: &impl Log) -> Result<(), Failure> {
        if let Some(record) = &mut self.record {
            record.add(log.reading());
        }
        if self.style.quiet {
            return Ok(());
        }
        let line = if self.style.json {
            json(&Event {
                event: "log",
                facts: log,
            })?
        } else {
            format!("{log}\n")
        };
        self.write(&line)
    }

    /// Writes the summary.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written to.
    pub fn end(&mut self, summary: &Summary<'_>) -> Result<(), Failure> {
        self.finish();
        let text = if self.style.json {
            summary.json()?
        } else {
            summary.text(self.style.hash)
        };
        self.write(&text)
    }

    /// Says something on standard error that a person should know even if a script is reading.
    pub fn warn(&self, message: &str) {
        self.progress.suspend(|| warn(message));
    }

    /// Says something on standard error that only a person at a terminal cares for.
    pub fn note(&self, message: &str) {
        if !self.style.quiet && io::stderr().is_terminal() {
            // Whoever does not read notes does not need them.
            self.progress
                .suspend(|| _ = writeln!(io::stderr(), "{message}"));
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        let Self { out, progress, .. } = self;
        progress.suspend(|| write(out, text))
    }
}

/// Writes text to standard output.
///
/// # Errors
///
/// If it cannot be written: in silence, if its reader has gone away.
pub fn print(text: &str) -> Result<(), Failure> {
    write(&mut io::stdout(), text)
}

/// Writes a warning to standard error.
pub fn warn(message: &str) {
    // A warning that nobody can read is no reason to stop.
    let _ = writeln!(io::stderr(), "warning: {message}");
}

fn write(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::unheard(),
            _ => Failure::file("standard output", format_args!("cannot write: {error}")),
        })
}

/// A line of JSON.
///
/// # Errors
///
/// If `event` has no JSON form.
pub fn json(event: &impl Serialize) -> Result<String, Failure> {
    let line = serde_json::to_string(event)
        .map_err(|error| Failure::new(format!("cannot write JSON: {error}")))?;
    Ok(line + "\n")
}

#[cfg(test)]
mod tests;
