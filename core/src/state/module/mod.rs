//! A whole model to and from a file: weights, and all else that a run needs to go on.
//!
//! Weights stand under their paths, as PyTorch's `state_dict` names them, in the element type of the backend (`F32`).
//! What belongs to training has an `@` in its name, which no path has:
//!
//! | name | type, shape | what |
//! | --- | --- | --- |
//! | `fc.weight` | `F32`, the parameter's | a parameter |
//! | `fc.weight@exp_avg` | `F32`, the parameter's | a tensor that the optimiser remembers |
//! | `fc.weight@beta1_power` | `F64`, `[]` | a number that it remembers |
//! | `dropout@generator` | `U64`, `[3]` | a generator: [`Generator::parts`](crate::Generator::parts) |
//! | `@epoch` | `U64`, `[n]` | numbers of the program |
//!
//! The metadata has a checksum of all that, which loading checks where it is there.
//!
//! So one file serves both to go on ([`load`]) and to start from its weights ([`load_weights`]). Either way the names
//! and shapes must be exactly the model's, and nothing changes unless all is well.

mod load;
mod room;
mod save;

pub use load::{Numbers, load, load_numbers, load_weights};
pub use save::{save, save_weights};

use super::load::Short;
use super::{FormatError, LoadError, ReadError, WriteError};
use alloc::string::String;
use core::fmt;

/// What separates the path of a parameter from what else is kept of it.
const MARK: char = '@';

/// Why a model cannot be saved to or loaded from a file.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StateError {
    /// The bytes are not a safetensors file.
    Format(FormatError),
    /// The file's tensors are not those that were saved: see [`SafeTensors::is_intact`](super::SafeTensors::is_intact).
    Damaged,
    /// The file's tensors are not the model's: all differences, or those found before memory ended.
    Names(LoadError),
    /// A tensor has a type that does not convert.
    Read {
        /// The tensor.
        name: String,
        /// The problem.
        error: ReadError,
    },
    /// The names do not make a file: two parts of the model have the same path.
    Write(WriteError),
    /// The device failed, or there is no memory for what is loaded.
    Device(crate::Error),
}

impl From<FormatError> for StateError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<LoadError> for StateError {
    fn from(error: LoadError) -> Self {
        Self::Names(error)
    }
}

impl From<WriteError> for StateError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<crate::Error> for StateError {
    fn from(error: crate::Error) -> Self {
        Self::Device(error)
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => error.fmt(f),
            Self::Damaged => f.write_str(
                "its tensors have changed since it was saved: take an undamaged copy, or, if the change is meant, remove \
                 minitorch_checksum from its metadata",
            ),
            Self::Names(error) => error.fmt(f),
            Self::Read { name, error } => write!(f, "{}: {error}", Short(name)),
            Self::Write(error) => error.fmt(f),
            Self::Device(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StateError {}
