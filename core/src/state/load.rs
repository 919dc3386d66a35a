//! Joining a model to a file: which tensor belongs to which name, or all that does not fit.

use super::SafeTensors;
use alloc::collections::TryReserveError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Finds the tensors of a model in a file.
///
/// `expected` names each tensor of the model with its shape, without `prefix`. The tensors of the file whose names
/// start with `prefix` (all, if it is empty) must be exactly these; the others are ignored. So one file can hold
/// `model.fc.weight` and `optimizer.fc.weight`.
///
/// Returns, for each expected name in its order, the index into [`SafeTensors::views`]. A name that is expected twice
/// is found twice.
///
/// # Errors
/// A [`LoadError`] with all names that are missing, unexpected, or of another shape, as far as there is memory.
pub fn match_names<N: AsRef<str>, S: AsRef<[usize]>>(
    file: &SafeTensors<'_>,
    prefix: &str,
    expected: impl IntoIterator<Item = (N, S)>,
) -> Result<Vec<usize>, LoadError> {
    let mut error = LoadError::default();
    match compare(file, prefix, expected, &mut error) {
        Ok(found) if error == LoadError::default() => Ok(found),
        Ok(_) => Err(error),
        Err(_) => Err(LoadError {
            out_of_memory: true,
            ..error
        }),
    }
}

/// The indices of the tensors that are there, and in `error` what differs.
fn compare<N: AsRef<str>, S: AsRef<[usize]>>(
    file: &SafeTensors<'_>,
    prefix: &str,
    expected: impl IntoIterator<Item = (N, S)>,
    error: &mut LoadError,
) -> Result<Vec<usize>, TryReserveError> {
    let views = file.views();
    let mut used = Vec::new();
    used.try_reserve_exact(views.len())?;
    used.extend(views.iter().map(|view| !view.name().starts_with(prefix)));
    let mut found = Vec::new();
    let mut name = String::new();
    for (suffix, shape) in expected {
        let (suffix, shape) = (suffix.as_ref(), shape.as_ref());
        name.clear();
        name.try_reserve(prefix.len() + suffix.len())?;
        name.extend([prefix, suffix]);
        let index = file.position(&name);
        let Some((index, view)) = index.and_then(|index| Some((index, views.get(index)?))) else {
            push(&mut error.missing, copy(&name)?)?;
            continue;
        };
        if let Some(used) = used.get_mut(index) {
            *used = true;
        }
        if view.shape() != shape {
            let mismatch = Mismatch {
                name: copy(&name)?,
                file: list_of(view.shape())?,
                model: list_of(shape)?,
            };
            push(&mut error.mismatched, mismatch)?;
        }
        push(&mut found, index)?;
    }
    for (view, _) in views.iter().zip(used).filter(|(_, used)| !used) {
        push(&mut error.unexpected, copy(view.name())?)?;
    }
    Ok(found)
}

pub(super) fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), TryReserveError> {
    list.try_reserve(1)?;
    list.push(item);
    Ok(())
}

fn list_of(sizes: &[usize]) -> Result<Vec<usize>, TryReserveError> {
    let mut list = Vec::new();
    list.try_reserve_exact(sizes.len())?;
    list.extend_from_slice(sizes);
    Ok(list)
}

pub(super) fn copy(text: &str) -> Result<String, TryReserveError> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len())?;
    copy.push_str(text);
    Ok(copy)
}

/// Everything in which a file differs from a model.
///
/// As text it has one line, and one more for each kind of difference; each kind names the first five tensors and
/// counts the rest, and long names and shapes are cut. Where there was no memory for a difference, or to look for one, the
/// first line says so.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LoadError {
    missing: Vec<String>,
    unexpected: Vec<String>,
    mismatched: Vec<Mismatch>,
    out_of_memory: bool,
}

/// A tensor whose shape in the file is not its shape in the model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The name in the file.
    pub name: String,
    /// The shape in the file.
    pub file: Vec<usize>,
    /// The shape in the model.
    pub model: Vec<usize>,
}

impl LoadError {
    /// The names that the model has and the file has not, in the model's order.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The names that the file has and the model has not, in the file's order.
    #[must_use]
    pub fn unexpected(&self) -> &[String] {
        &self.unexpected
    }

    /// The tensors of another shape, in the model's order.
    #[must_use]
    pub fn mismatched(&self) -> &[Mismatch] {
        &self.mismatched
    }

    /// Whether there was not enough memory to compare the file with the model: then there may be more differences.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        self.out_of_memory
    }
}

impl core::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.out_of_memory {
            false => "the file's tensors are not the model's",
            true => "there is not enough memory to compare the file's tensors with the model's",
        })?;
        list(f, "missing", &self.missing, |f, name| {
            write!(f, "{}", Short(name))
        })?;
        list(f, "unexpected", &self.unexpected, |f, name| {
            write!(f, "{}", Short(name))
        })?;
        list(f, "of another shape", &self.mismatched, |f, tensor| {
            write!(
                f,
                "{} ({} in the file, ",
                Short(&tensor.name),
                Sizes(&tensor.file)
            )?;
            write!(f, "{} in the model)", Sizes(&tensor.model))
        })
    }
}

/// One line: `label: a, b, c, d, e, and 12 more`.
fn list<T>(
    f: &mut fmt::Formatter<'_>,
    label: &str,
    items: &[T],
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    const SHOWN: usize = 5;
    for (index, item) in items.iter().take(SHOWN).enumerate() {
        match index {
            0 => write!(f, "\n{label}: ")?,
            _ => f.write_str(", ")?,
        }
        write(f, item)?;
    }
    match items.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        rest => write!(f, ", and {rest} more"),
    }
}

/// A name that a file chose: cut after 60 characters, line breaks and the like escaped.
pub(super) struct Short<'a>(pub(super) &'a str);

impl Short<'_> {
    const SHOWN: usize = 60;
    /// The most bytes of text: ten for an escape such as `\u{10ffff}`.
    pub(super) const LONGEST: usize = Self::SHOWN * 10 + "...".len();
}

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(Self::SHOWN) {
            write!(f, "{}", character.escape_debug())?;
        }
        if self.0.chars().nth(Self::SHOWN).is_some() {
            f.write_str("...")
        } else {
            Ok(())
        }
    }
}

/// A shape, cut after 8 sizes.
struct Sizes<'a>(&'a [usize]);

impl fmt::Display for Sizes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get(..8) {
            Some(first) if self.0.len() > 8 => write!(f, "{first:?} and more"),
            _ => write!(f, "{:?}", self.0),
        }
    }
}
