//! The page as a whole: what every program's page has, around what the program adds.

use std::path::{Path, PathBuf};

use super::{Html, Record, chart};
use crate::args::{self, Choice};
use crate::error::Failure;
use crate::files;
use crate::output::{Output, Summary};

/// How every page starts.
const START: &str = "<!DOCTYPE html>";

const STYLE: &str = include_str!("style.css");
/// Nothing is fetched, and nothing runs: styles and pictures are those in the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Where a page will be.
///
/// It is written when the run has ended and its summary is told. A run that fails or is interrupted leaves none, and an
/// older page stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    path: PathBuf,
}

/// A run that has ended.
pub struct Run<'a> {
    /// The program's name on the command line.
    pub program: &'a str,
    /// What was learnt, as a heading.
    pub title: &'a str,
    /// Where all randomness came from.
    pub seed: u64,
    /// Every option with its value.
    pub choices: &'a [Choice],
    /// How it ended.
    pub summary: &'a Summary<'a>,
    /// What the program adds.
    pub sections: Html,
}

impl Page {
    /// The page that the options ask for, if they do, after making sure that it can be written. `weights` and `data` are
    /// the files that the run reads and writes besides, by whatever names.
    ///
    /// # Errors
    ///
    /// A folder that does not exist or cannot be written to (exit status 1); a file that is one of the others, a link to
    /// one, or no page (2).
    pub fn asked(
        options: &args::Report,
        weights: &[Option<&Path>],
        data: &[PathBuf],
    ) -> Result<Option<Self>, Failure> {
        const OPTION: &str = "--report";
        let Some(path) = &options.file else {
            return Ok(None);
        };
        files::apart(OPTION, path, "weights", weights.iter().flatten().copied())?;
        files::apart(OPTION, path, "data", data.iter().map(PathBuf::as_path))?;
        files::of_kind(OPTION, path, "a page", |head| {
            head.starts_with(START.as_bytes())
        })?;
        files::check(path)?;
        Ok(Some(Self { path: path.clone() }))
    }

    /// Writes it, whole or not at all, with the log lines that `output` recorded.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, output: &Output, run: &Run<'_>) -> Result<(), Failure> {
        let nothing = Record::default();
        let page = html(run, output.record().unwrap_or(&nothing))?;
        files::replace(&self.path, page.as_bytes())?;
        output.note(&format!("Report: {}", self.path.display()));
        Ok(())
    }
}

/// A part of a page under a heading of its own, with `id` as its address in the page.
pub fn section(html: &mut Html, id: &str, heading: &str, inside: impl FnOnce(&mut Html)) {
    html.element("section", &[("id", id)], |html| {
        html.leaf("h2", &[], heading);
        inside(html);
    });
}

/// A share of 1 as it is read: `98.70 %`, with a space that does not break.
pub fn percent(share: f64) -> String {
    format!("{:.2}\u{a0}%", 100.0 * share)
}

/// A number with at most so many decimals, none of them a 0 at the end.
///
/// ```
/// use runner::report::decimal;
///
/// assert_eq!(decimal(0.1 + 0.2, 6), "0.3");
/// assert_eq!([100.0, 0.0, -1e-9, 2.5e-3].map(|value| decimal(value, 3)), ["100", "0", "0", "0.003"]);
/// ```
pub fn decimal(value: f64, most: usize) -> String {
    let text = format!("{value:.most$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    let zero = if text == "-0" { "0" } else { text };
    zero.to_string()
}

/// A time of so many seconds, in a unit that suits it.
fn duration(seconds: f64) -> String {
    match seconds < 1.0 {
        true => format!("{:.0}\u{a0}ms", 1e3 * seconds),
        false => format!("{seconds:.1}\u{a0}s"),
    }
}

fn html(run: &Run<'_>, record: &Record) -> Result<String, Failure> {
    let mut curves = Html::default();
    chart::curves(record, &mut curves)?;
    let mut page = Html::default();
    page.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |head| head_of(head, run.title));
        html.element("body", &[], |body| {
            body.element("header", &[], |header| header_of(header, run));
            body.element("main", &[], |main| {
                section(main, "curves", "Curves", |html| {
                    curves_of(html, run, record, &curves)
                });
                main.append(&run.sections);
                section(main, "settings", "Settings", |html| {
                    settings_of(html, run.program, run.choices);
                });
            });
        });
    });
    Ok(format!("{START}\n{}", page.finish()))
}

fn head_of(head: &mut Html, title: &str) {
    head.void("meta", &[("charset", "utf-8")]);
    head.void(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", POLICY),
        ],
    );
    let view = "width=device-width, initial-scale=1";
    head.void("meta", &[("name", "viewport"), ("content", view)]);
    head.leaf("title", &[], title);
    head.element("style", &[], |style| style.markup(STYLE));
}

/// The heading, and the outcome in a few numbers.
fn header_of(header: &mut Html, run: &Run<'_>) {
    let summary = run.summary;
    let seconds = summary.time.as_secs_f64();
    let version = env!("CARGO_PKG_VERSION");
    header.leaf(
        "p",
        &[("class", "program")],
        format_args!("runner {version} / {}", run.program),
    );
    header.leaf("h1", &[], run.title);
    let accuracy = summary.correct as f64 / summary.of.max(1) as f64;
    let mut facts = vec![
        (
            format!("{} accuracy", summary.split),
            percent(accuracy),
            format!("{} of {} {}", summary.correct, summary.of, summary.items),
        ),
        (
            "Time".into(),
            duration(seconds),
            match summary.trained {
                0 => "nothing was trained".into(),
                items => format!(
                    "{:.0} {} per second",
                    items as f64 / seconds.max(1e-9),
                    summary.items
                ),
            },
        ),
    ];
    if let Some(parts) = summary.parts {
        let all = (parts.sentences + parts.phrases).to_string();
        facts.push(("Trained on".into(), all, parts.to_string()));
    }
    if let Some(bytes) = summary.peak_bytes {
        let megabytes = format!("{:.1}\u{a0}MB", bytes as f64 / 1e6);
        facts.push((
            "Peak memory".into(),
            megabytes,
            "of the whole process".into(),
        ));
    }
    facts.push((
        "Seed".into(),
        run.seed.to_string(),
        "of all random numbers".into(),
    ));
    header.element("dl", &[("class", "facts")], |list| {
        for (name, value, more) in facts {
            list.element("div", &[], |fact| {
                fact.leaf("dt", &[], name);
                fact.leaf("dd", &[("class", "value")], value);
                fact.leaf("dd", &[("class", "more")], more);
            });
        }
    });
    header.element("p", &[("class", "hash")], |p| {
        p.text("Weights hash: ");
        p.leaf(
            "code",
            &[("id", "hash")],
            format_args!("{:016x}", summary.hash),
        );
        p.text(". The same settings give the same weights, to the bit, on any machine.");
    });
}

/// The checkpoint that the run went on from, if it did.
fn resumed(choices: &[Choice]) -> Option<&str> {
    let choice = choices.iter().find(|choice| choice.option == "--resume")?;
    let (file, given) = choice.told();
    given.then_some(file)
}

fn curves_of(html: &mut Html, run: &Run<'_>, record: &Record, curves: &Html) {
    let items = run.summary.items;
    let lines = record.readings().len();
    let each = match record.stride() {
        1 => "one point for each log line".to_string(),
        stride => format!("one point for every {stride} log lines"),
    };
    html.leaf(
        "p",
        &[],
        match lines {
            0 => "The run had no log line.".to_string(),
            _ => format!(
                "Loss and accuracy, {each}. The loss is the mean over the batches of {items}."
            ),
        },
    );
    if let Some(file) = resumed(run.choices) {
        html.leaf(
            "p",
            &[("id", "resumed")],
            format_args!(
                "The run went on from {file}: what it did before is not in the curves, and not in its time."
            ),
        );
    }
    html.element("div", &[("class", "charts")], |html| html.append(curves));
}

fn settings_of(html: &mut Html, program: &str, choices: &[Choice]) {
    let again = match resumed(choices) {
        Some(_) => "This command does the same again, given the checkpoint as it was then:",
        None => "This command does the same again:",
    };
    html.leaf("p", &[], again);
    html.element("pre", &[], |pre| {
        pre.element("code", &[("id", "command")], |code| {
            for (index, words) in args::command(program, choices).iter().enumerate() {
                code.text(if index > 0 { " " } else { "" });
                code.leaf("span", &[("class", "word")], words);
            }
        });
    });
    html.element("div", &[("class", "wide")], |html| {
        html.element("table", &[("class", "options")], |table| {
            table.element("thead", &[], |head| {
                head.element("tr", &[], |row| {
                    row.leaf("th", &[("scope", "col")], "Option");
                    row.leaf("th", &[("scope", "col")], "Value");
                });
            });
            table.element("tbody", &[], |body| {
                for choice in choices {
                    body.element("tr", &[], |row| {
                        row.leaf("th", &[("scope", "row")], choice.option);
                        choice_of(row, choice);
                    });
                }
            });
        });
    });
}

/// The value of an option: numbers at the right, and what was not given in a fainter colour.
fn choice_of(row: &mut Html, choice: &Choice) {
    let (value, given) = choice.told();
    let class = match (given, value.parse::<f64>().is_ok()) {
        (false, _) => "absent",
        (true, true) => "number",
        (true, false) => "word",
    };
    row.leaf("td", &[("class", class)], value);
}
