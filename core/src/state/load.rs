//! Joining a model to a file: which tensor belongs to which name, or all that does not fit.

use super::SafeTensors;
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
/// A [`LoadError`] with all names that are missing, unexpected, or of another shape.
pub fn match_names<N: AsRef<str>, S: AsRef<[usize]>>(
    file: &SafeTensors<'_>,
    prefix: &str,
    expected: impl IntoIterator<Item = (N, S)>,
) -> Result<Vec<usize>, LoadError> {
    let mut used: Vec<bool> = file
        .views()
        .iter()
        .map(|view| !view.name().starts_with(prefix))
        .collect();
    let mut found = Vec::new();
    let mut error = LoadError::default();
    let mut name = String::from(prefix);
    for (suffix, shape) in expected {
        name.truncate(prefix.len());
        name.push_str(suffix.as_ref());
        let shape = shape.as_ref();
        let index = file.position(&name);
        let Some((index, view)) = index.and_then(|index| Some((index, file.views().get(index)?)))
        else {
            error.missing.push(name.clone());
            continue;
        };
        if let Some(used) = used.get_mut(index) {
            *used = true;
        }
        if view.shape() != shape {
            error.mismatched.push(Mismatch {
                name: name.clone(),
                file: view.shape().into(),
                model: shape.into(),
            });
        }
        found.push(index);
    }
    let unused = file.views().iter().zip(used).filter(|(_, used)| !used);
    error
        .unexpected
        .extend(unused.map(|(view, _)| String::from(view.name())));
    if error.is_empty() {
        Ok(found)
    } else {
        Err(error)
    }
}

/// Everything in which a file differs from a model.
///
/// As text it has one line, and one more for each kind of difference; each kind names the first five tensors and
/// counts the rest, and long names and shapes are cut.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LoadError {
    missing: Vec<String>,
    unexpected: Vec<String>,
    mismatched: Vec<Mismatch>,
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
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The names that the file has and the model has not, in the file's order.
    pub fn unexpected(&self) -> &[String] {
        &self.unexpected
    }

    /// The tensors of another shape, in the model's order.
    pub fn mismatched(&self) -> &[Mismatch] {
        &self.mismatched
    }

    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }
}

impl core::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file's tensors are not the model's")?;
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
