//! How a run fails: a short message for a person and an exit status for a script.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// The most lines a message has.
const LINES: usize = 4;

/// The exit status of a run that did not end well. A run that did has status 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Something went wrong: a file, the disk, the machine.
    Failed = 1,
    /// The command line asks for something that cannot be.
    Usage = 2,
    /// The terminal has gone away: 128 and the signal's number, as shells tell it, and so below.
    HungUp = 129,
    /// Ctrl-C.
    Interrupted = 130,
    /// Nobody reads standard output any more: what the system's signal for that, which this program does not die of,
    /// would leave.
    Unheard = 141,
    /// A request to terminate.
    Terminated = 143,
}

/// Why a run ended early: at most four lines of text, and the exit status.
///
/// ```
/// use runner::error::{Failure, Status};
///
/// let failure = Failure::at_byte("labels.gz", 12, "label 10, but digits go from 0 to 9");
/// assert_eq!(failure.to_string(), "labels.gz: byte 12: label 10, but digits go from 0 to 9");
/// assert_eq!(failure.status(), Status::Failed);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    status: Status,
    message: String,
}

impl Failure {
    /// Something went wrong that is not the command line's fault: exit status 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self::with(Status::Failed, message)
    }

    /// The command line is wrong: exit status 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::with(Status::Usage, message)
    }

    /// The run was interrupted by what `status` says. The message says what was saved.
    pub(crate) fn interrupted(status: Status, message: impl Into<String>) -> Self {
        Self::with(status, message)
    }

    /// All has been told: exit status 1 and not a word.
    pub fn silent() -> Self {
        Self::new("")
    }

    /// Whoever read standard output has gone away, as `head` does: exit status 141 and not a word, like any program in a
    /// pipe.
    pub fn unheard() -> Self {
        Self::with(Status::Unheard, "")
    }

    /// Something is wrong with the file (or folder) called `name`.
    pub fn file(name: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(format!("{}: {what}", Printable(&name.to_string())))
    }

    /// Something is wrong at a byte of the file called `name`, counted from 0; of a compressed file, a byte of its
    /// content.
    pub fn at_byte(name: impl fmt::Display, byte: u64, what: impl fmt::Display) -> Self {
        Self::file(name, format_args!("byte {byte}: {what}"))
    }

    /// The system refused an operation on a file: `doing` is a verb such as `read`.
    pub fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        Self::file(path.display(), format_args!("cannot {doing}: {error}"))
    }

    fn with(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The exit status that goes with this failure.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Writes the message to standard error, if there is one, and gives the exit status back to `main`.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            let prefix = match self.status {
                Status::Failed | Status::Usage => "error: ",
                _ => "",
            };
            // Nothing is left to do for a program that cannot even complain.
            let _ = writeln!(io::stderr(), "{prefix}{self}");
        }
        ExitCode::from(self.status as u8)
    }
}

impl fmt::Display for Failure {
    /// At most four lines, [`Printable`], so that no file's name can play tricks on a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, line) in self.message.lines().take(LINES).enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", Printable(line))?;
        }
        Ok(())
    }
}

/// Text from outside, a file's name say, with control characters written as escapes.
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() {
                write!(f, "{}", c.escape_default())
            } else {
                write!(f, "{c}")
            }
        })
    }
}

impl std::error::Error for Failure {}

/// A tensor operation failed: a device without room, or a bug, so exit status 1.
impl From<minitorch_core::Error> for Failure {
    fn from(error: minitorch_core::Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_never_has_more_than_four_lines_or_a_control_character() {
        assert_eq!(Failure::new("a\nb\nc\nd\ne").to_string(), "a\nb\nc\nd");
        // A line break in a name does not push out what is wrong with the file.
        let hostile = Failure::file("a\nb\nc\nd\ne", "is bad");
        assert_eq!(hostile.to_string(), "a\\nb\\nc\\nd\\ne: is bad");
        assert_eq!(
            Failure::file("\u{1b}[2J", "bad\u{7}").to_string(),
            "\\u{1b}[2J: bad\\u{7}"
        );
    }

    #[test]
    fn each_kind_has_its_status() {
        assert_eq!(Failure::new("x").status() as u8, 1);
        assert_eq!(Failure::usage("x").status() as u8, 2);
        let interrupted = |status| Failure::interrupted(status, "x").status() as u8;
        assert_eq!(interrupted(Status::Interrupted), 130);
        assert_eq!(interrupted(Status::HungUp), 129);
        assert_eq!(interrupted(Status::Terminated), 143);
        assert_eq!(Failure::unheard().status() as u8, 141);
        assert_eq!(Failure::silent().to_string(), "");
    }

    #[test]
    fn the_systems_words_are_kept() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        let failure = Failure::io(Path::new("a/b"), "read", &error);
        assert_eq!(failure.to_string(), format!("a/b: cannot read: {error}"));
    }
}
