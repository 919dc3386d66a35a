//! What is told of a text.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, BufRead, Read};
use std::path::Path;

use minitorch_core::Backend;
use serde::Serialize;

use crate::args::Predict;
use crate::error::{Failure, Printable};
use crate::output;
use crate::task::sentiment::Trained;

/// The most bytes of a line of standard input.
const LONGEST_LINE: u64 = 1 << 20;

/// What is said of a file where texts are judged.
const FILE: &str = "this is a file, and the network is one of sentiment, which judges texts;\n\
    write - and < FILE for its lines, or name a network of mnist to read a picture (--checkpoint)";

/// What is said of standard input without a text.
const NOTHING: &str = "there is no text; give one a line";

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Predict {
        text: &'a str,
        positive: bool,
        probability: f64,
        unknown: &'a [String],
    },
}

/// The text of an input, which must not be the name of a file, or, if it is `-`, the lines of standard input that are not
/// empty, of which there has to be one.
pub(super) fn texts(input: &OsStr) -> Box<dyn Iterator<Item = Result<String, Failure>> + '_> {
    if input != "-" {
        let wrong = || Failure::file(input.display(), "not UTF-8");
        let text = match Path::new(input).is_file() {
            true => Err(Failure::file(input.display(), FILE)),
            false => input.to_str().map(str::to_string).ok_or_else(wrong),
        };
        return Box::new(std::iter::once(text));
    }
    let (mut broken, mut silent) = (false, true);
    let lines = (1..).map_while(move |number| {
        if broken {
            return None;
        }
        let line = line(&mut io::stdin().lock(), number);
        // Where the next line begins is known only of one that was read to its end.
        broken = line.is_err();
        line.transpose()
    });
    let mut lines = lines.filter(|line| !matches!(line, Ok(text) if text.is_empty()));
    Box::new(std::iter::from_fn(move || {
        let line = lines.next();
        let nothing = line.is_none() && std::mem::take(&mut silent);
        silent = false;
        match nothing {
            true => Some(Err(Failure::file("standard input", NOTHING))),
            false => line,
        }
    }))
}

/// The next line, without white space around it; `None` at the end.
fn line(lines: &mut impl BufRead, number: u64) -> Result<Option<String>, Failure> {
    let wrong =
        |what: &dyn Display| Failure::file("standard input", format_args!("line {number}: {what}"));
    let mut line = Vec::new();
    let read = lines.take(LONGEST_LINE).read_until(b'\n', &mut line);
    match read.map_err(|error| wrong(&error))? {
        0 => Ok(None),
        _ if line.len() as u64 == LONGEST_LINE => {
            Err(wrong(&format_args!("{LONGEST_LINE} bytes or more")))
        }
        _ => match std::str::from_utf8(&line) {
            Ok(text) => Ok(Some(text.trim().to_string())),
            Err(_) => Err(wrong(&"not UTF-8")),
        },
    }
}

/// What the network makes of a text, in the form that the options ask for.
///
/// # Errors
///
/// As [`Trained::read`]; if it has no JSON form.
pub(super) fn answer<B: Backend>(
    network: &Trained<B>,
    text: &str,
    options: &Predict,
) -> Result<String, Failure> {
    let named = |failure| Failure::file(beginning(text), failure);
    let opinion = network.read(text).map_err(named)?;
    let positive = opinion.positive;
    if options.json {
        return output::json(&Event::Predict {
            text,
            positive,
            probability: opinion.probability,
            unknown: &opinion.unknown,
        });
    }
    let (word, certainty) = match positive {
        true => ("positive", opinion.probability),
        false => ("negative", 1.0 - opinion.probability),
    };
    let mut line = format!("{}: {word} ({:.2}%)\n", Printable(text), 100.0 * certainty);
    if !options.quiet && !opinion.unknown.is_empty() {
        let unknown = opinion.unknown.join(" ");
        line += &format!("  words without a vector: {}\n", Printable(&unknown));
    }
    Ok(line)
}

/// What a message calls a text: its beginning, in quotes.
fn beginning(text: &str) -> String {
    const MOST: usize = 40;
    let first: String = text.chars().take(MOST).collect();
    let more = if first.len() < text.len() { "..." } else { "" };
    format!("\"{first}{more}\"")
}
