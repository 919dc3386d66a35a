//! What the options of a run are, whoever said so: a person, a preset or a default.

use clap::ValueEnum;

/// An option, and what it is in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// As it is typed: `--epochs`.
    pub option: &'static str,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// What can be typed behind the option.
    Given(String),
    /// What can be typed behind the option and an equals sign.
    Equals(String),
    /// The option stands alone, or is not there.
    Flag(bool),
    /// The option is not there, and this happens.
    Absent(&'static str),
}

impl Choice {
    /// An option with a value.
    pub fn given(option: &'static str, value: impl ToString) -> Self {
        Self {
            option,
            value: Value::Given(value.to_string()),
        }
    }

    /// An option whose value has a name.
    pub fn named(option: &'static str, value: &impl ValueEnum) -> Self {
        Self::given(option, name(value))
    }

    /// An option that takes its value behind an equals sign only.
    pub fn equals(option: &'static str, value: impl ToString) -> Self {
        Self {
            option,
            value: Value::Equals(value.to_string()),
        }
    }

    /// An option that stands alone.
    pub const fn flag(option: &'static str, on: bool) -> Self {
        Self {
            option,
            value: Value::Flag(on),
        }
    }

    /// An option that has a value or is not there, when `absent` says what happens.
    pub fn optional(
        option: &'static str,
        value: Option<impl ToString>,
        absent: &'static str,
    ) -> Self {
        match value {
            Some(value) => Self::given(option, value),
            None => Self {
                option,
                value: Value::Absent(absent),
            },
        }
    }

    /// The value for a person, and whether the option is on the command line.
    pub fn told(&self) -> (&str, bool) {
        match &self.value {
            Value::Given(value) | Value::Equals(value) => (value, true),
            Value::Flag(true) => ("yes", true),
            Value::Flag(false) => ("no", false),
            Value::Absent(instead) => (instead, false),
        }
    }

    /// The option as a word or two of a command line.
    fn words(&self) -> Option<String> {
        let option = self.option;
        match &self.value {
            Value::Equals(value) => Some(format!("{option}={}", quoted(value))),
            // A value that looks like an option is none behind an equals sign.
            Value::Given(value) if value.starts_with('-') => {
                Some(format!("{option}={}", quoted(value)))
            }
            Value::Given(value) => Some(format!("{option} {}", quoted(value))),
            Value::Flag(true) => Some(option.to_string()),
            Value::Flag(false) | Value::Absent(_) => None,
        }
    }
}

/// A choice as it is typed.
pub fn name(choice: &impl ValueEnum) -> String {
    let name = choice.to_possible_value();
    name.map_or_else(String::new, |name| name.get_name().to_string())
}

/// The command that runs a program with these options, for a POSIX shell: its beginning, and each option with its value.
///
/// ```
/// use runner::args::{Choice, command};
///
/// let choices = [
///     Choice::given("--epochs", 3),
///     Choice::flag("--hash", true),
///     Choice::given("--data", "my data"),
/// ];
/// assert_eq!(
///     command("mnist", &choices).join(" "),
///     "cargo run -p runner -- mnist --epochs 3 --hash --data 'my data'"
/// );
/// ```
pub fn command(program: &str, choices: &[Choice]) -> Vec<String> {
    let start = format!("cargo run -p runner -- {program}");
    let words = choices.iter().filter_map(Choice::words);
    std::iter::once(start).chain(words).collect()
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-+./,:=@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_each_word_as_it_is() {
        let quoted = ["a-1.5/b", "", "a b", "it's", "$(x)", "<b>", "ä"].map(quoted);
        let expected = [
            "a-1.5/b",
            "''",
            "'a b'",
            r"'it'\''s'",
            "'$(x)'",
            "'<b>'",
            "ä",
        ];
        assert_eq!(quoted, expected);
        let choice = Choice::given("--checkpoint", "-x");
        assert_eq!(choice.words().as_deref(), Some("--checkpoint=-x"));
    }

    #[test]
    fn what_is_not_there_is_told_but_not_typed() {
        let absent = Choice::optional("--threads", None::<usize>, "one for each processor");
        assert_eq!(absent.told(), ("one for each processor", false));
        assert_eq!(Choice::flag("--full", false).told(), ("no", false));
        assert_eq!(
            command("x", &[absent, Choice::flag("--full", false)]),
            ["cargo run -p runner -- x"]
        );
    }
}
