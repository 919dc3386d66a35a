//! `runner fetch`: downloads a public data set to the cache folder, where the training programs find it.
//!
//! ```text
//! cargo run -p runner -- fetch sst2
//! cargo run -p runner -- fetch glove --embedding-dim 100
//! cargo run -p runner -- sentiment --data ~/.cache/minitorch --embedding-dim 100
//! ```
//!
//! The cache folder has a folder for each: `mnist`, `sst2`, `glove`. So the cache folder is itself a folder for
//! `sentiment --data`. Before a large download the size is told and a person is asked.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use crate::args::fetch::{Remote, Settings};
use crate::data::published::{GLOVE_DIMENSIONS, MNIST, SST2, glove};
use crate::error::Failure;
use crate::fetch::{Archive, fetch, fetch_archive};
use crate::interrupt::Interrupt;
use crate::output::{Output, Style, print};

/// Bytes above which a download is not begun without being asked for twice.
const LARGE: u64 = 100_000_000;

/// Downloads what is asked for, and prints where it is and what to do with it.
///
/// # Errors
///
/// [`Failure::usage`] for a large download without `--yes` where nobody can be asked; a download that was declined, fails
/// or is interrupted.
pub fn run(settings: &Settings) -> Result<(), Failure> {
    let (archive, dimension) = match settings.what {
        Remote::Mnist => return mnist(settings),
        Remote::Sst2 => (SST2, GLOVE_DIMENSIONS[0]),
        Remote::Glove => {
            let dimension = settings.dimension;
            let archive = glove(dimension).ok_or_else(|| {
                Failure::usage(format!("GloVe 6B has no vectors of {dimension} numbers"))
            })?;
            (archive, dimension)
        }
    };
    if !settings.yes && archive.size() >= LARGE && !archive.is_in(&archive.folder()?) {
        ask(&archive)?;
    }
    let (mut output, interrupt) = begin(settings)?;
    let mirror = settings.mirror.as_deref();
    let folder = fetch_archive(&archive, mirror, &mut output, &interrupt)?;
    let names: Vec<&str> = archive.members.iter().map(|member| member.name).collect();
    tell(archive.set.name, &names, &folder, &next(&folder, dimension))
}

fn mnist(settings: &Settings) -> Result<(), Failure> {
    let (mut output, interrupt) = begin(settings)?;
    let folder = fetch(&MNIST, settings.mirror.as_deref(), &mut output, &interrupt)?;
    let names: Vec<&str> = MNIST.files.iter().map(|file| file.name).collect();
    tell(MNIST.name, &names, &folder, "mnist --full")
}

fn begin(settings: &Settings) -> Result<(Output, Interrupt), Failure> {
    let style = Style {
        quiet: settings.quiet,
        ..Style::default()
    };
    Ok((Output::new(style), Interrupt::listen()?))
}

/// Prints where the files are, and a command to try next.
fn tell(set: &str, names: &[&str], folder: &Path, next: &str) -> Result<(), Failure> {
    print(&format!(
        "{set}: {} in {}\nNext: cargo run -p runner -- {next}\n",
        names.join(", "),
        folder.display()
    ))
}

/// The command that needs sentences and vectors, or the one that brings what is missing of these.
fn next(folder: &Path, dimension: usize) -> String {
    let cache = folder.parent().unwrap_or(folder);
    let has = |archive: &Archive<'_>| {
        let folder = cache.join(archive.set.folder);
        let mut members = archive.members.iter();
        members.all(|member| folder.join(member.name).is_file())
    };
    let option = match dimension == GLOVE_DIMENSIONS[0] {
        true => String::new(),
        false => format!(" --embedding-dim {dimension}"),
    };
    if !has(&SST2) {
        "fetch sst2".into()
    } else if !glove(dimension).is_some_and(|glove| has(&glove)) {
        format!("fetch glove{option}")
    } else {
        format!("sentiment --data {}{option}", cache.display())
    }
}

/// Asks whether to begin a large download.
fn ask(archive: &Archive<'_>) -> Result<(), Failure> {
    let (name, size) = (archive.set.name, archive.size() as f64 / 1e6);
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{name} is {size:.0} MB to download; say --yes to begin without being asked"
        )));
    }
    let question = format!("{name} is {size:.0} MB to download. Begin? [y/N] ");
    match confirmed(&question, &mut io::stdin().lock(), &mut io::stderr()) {
        true => Ok(()),
        false => Err(Failure::new("nothing was downloaded")),
    }
}

/// Whether the answer to a question is yes. No answer is none.
fn confirmed(question: &str, answers: &mut impl BufRead, to: &mut impl Write) -> bool {
    let asked = to.write_all(question.as_bytes()).and_then(|()| to.flush());
    let mut answer = String::new();
    // No more than anybody types.
    let heard = asked.and_then(|()| answers.by_ref().take(100).read_line(&mut answer));
    heard.is_ok() && matches!(&*answer.trim().to_lowercase(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in [
            ("y\n", true),
            ("Yes\n", true),
            (" YES \n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yesterday\n", false),
        ] {
            let mut asked = Vec::new();
            assert_eq!(
                confirmed("Begin?", &mut answer.as_bytes(), &mut asked),
                expected
            );
            assert_eq!(asked, b"Begin?");
        }
        let endless = io::BufReader::new(io::repeat(b'y'));
        assert!(!confirmed("", &mut { endless }, &mut io::sink()));
    }

    #[test]
    fn what_is_published_is_found_by_its_dimension() {
        for dimension in GLOVE_DIMENSIONS {
            let archive = glove(dimension).unwrap();
            assert_eq!(
                archive.members[0].name,
                format!("glove.6B.{dimension}d.txt")
            );
        }
        assert!(glove(64).is_none());
    }
}
