//! What has to be the same when a run goes on: numbers of a checkpoint, and how a person would type them.

use std::path::Path;

use clap::ValueEnum;
use minitorch_core::state::Numbers;

use crate::args::name;
use crate::checkpoint;
use crate::error::Failure;

/// Numbers of a checkpoint that have to be those of the run which goes on.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) numbers: Vec<u64>,
    /// How such numbers are typed on the command line.
    typed: Typed,
}

enum Typed {
    One(fn(u64) -> String),
    List(fn(&[u64]) -> String),
    /// What the preset of a checkpoint is takes all its numbers.
    Preset {
        theirs: fn(&Numbers) -> String,
        mine: String,
    },
}

/// The name of a number in which presets differ, and what it is by a recipe.
pub(crate) type Mark<R> = (&'static str, fn(&R) -> u64);

impl Fact {
    /// One number.
    pub(crate) fn new(name: &'static str, number: u64, typed: fn(u64) -> String) -> Self {
        Self {
            name,
            numbers: vec![number],
            typed: Typed::One(typed),
        }
    }

    /// Any number of them.
    pub(crate) fn list(
        name: &'static str,
        numbers: impl IntoIterator<Item = u64>,
        typed: fn(&[u64]) -> String,
    ) -> Self {
        Self {
            name,
            numbers: numbers.into_iter().collect(),
            typed: Typed::List(typed),
        }
    }

    /// One of the numbers in which presets differ: `theirs` says how the preset of a checkpoint is typed, `mine` how that of
    /// this run is.
    pub(crate) fn of_preset(
        name: &'static str,
        number: u64,
        theirs: fn(&Numbers) -> String,
        mine: String,
    ) -> Self {
        Self {
            name,
            numbers: vec![number],
            typed: Typed::Preset { theirs, mine },
        }
    }

    /// Demands that a checkpoint has these numbers.
    ///
    /// # Errors
    ///
    /// If it has others, or none.
    pub(crate) fn check(&self, path: &Path, numbers: &Numbers) -> Result<(), Failure> {
        let found = match self.typed {
            Typed::List(_) => checkpoint::numbers(path, numbers, self.name)?,
            _ => &[checkpoint::number(path, numbers, self.name)?],
        };
        if self.numbers == found {
            return Ok(());
        }
        let (theirs, mine) = match &self.typed {
            Typed::One(typed) => {
                let all = |numbers: &[u64]| numbers.iter().map(|&n| typed(n)).collect();
                (all(found), all(&self.numbers))
            }
            Typed::List(typed) => (typed(found), typed(&self.numbers)),
            Typed::Preset { theirs, mine } => (theirs(numbers), mine.clone()),
        };
        let but = match theirs == mine {
            true => String::new(),
            false => format!(", but this one has {mine}"),
        };
        Err(Failure::file(
            path.display(),
            format_args!("of a run with {theirs}{but};\nresume with the options of that run"),
        ))
    }
}

/// A preset as it is typed.
pub(crate) fn typed_preset(preset: Option<impl ValueEnum>) -> String {
    match preset {
        Some(preset) => format!("--preset {}", name(&preset)),
        None => "no --preset".into(),
    }
}

/// The preset, as it is typed, that makes all `marks` what they are among these numbers. `recipe` is that of a preset, or of
/// none.
pub(crate) fn preset_of<P: ValueEnum, R>(
    numbers: &Numbers,
    marks: &[Mark<R>],
    recipe: impl Fn(Option<P>) -> R,
) -> String {
    let named = P::value_variants().iter().cloned().map(Some);
    let found = std::iter::once(None).chain(named).find(|preset| {
        let recipe = recipe(preset.clone());
        let mut marks = marks.iter();
        marks.all(|(name, number)| numbers.get(name) == Some(&[number(&recipe)]))
    });
    found.map_or_else(|| "another --preset".into(), typed_preset)
}

/// A choice as it is typed.
pub(crate) fn typed<T: ValueEnum>(option: &str, number: u64, number_of: fn(T) -> u64) -> String {
    let choices = T::value_variants().iter();
    let name = choices
        .filter(|choice| number_of((*choice).clone()) == number)
        .find_map(|choice| choice.to_possible_value());
    match name {
        Some(name) => format!("{option} {}", name.get_name()),
        None => format!("another {option}"),
    }
}
