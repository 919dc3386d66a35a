//! Checkpoints: the files of [`minitorch_core::state`], read from and written to disk.
//!
//! A run that is killed, whenever that is, leaves the last checkpoint that it wrote, whole, or none before the first. To
//! go on from it leads to the weights and the log lines of a run that was never killed.

mod keeper;
mod program;

pub use keeper::Keeper;
pub use program::Program;

use std::fs::File;
use std::path::Path;

use minitorch_core::Backend;
use minitorch_core::nn::Module;
use minitorch_core::optim::Optimizer;
use minitorch_core::state::{self, Numbers, StateError};

use crate::error::Failure;
use crate::files;
use crate::train::is_finite;

/// Files above this size are not read: a device may have no end. Nor are larger ones written.
const LARGEST: u64 = 128 << 20;

/// Writes a model, its optimiser and the program's `numbers` to a file, which is replaced whole or not at all.
///
/// # Errors
///
/// If it would be too large to be read again, the file cannot be written, or the device fails.
pub fn save<B: Backend>(
    path: &Path,
    module: &dyn Module<B>,
    optimizer: &dyn Optimizer<B>,
    numbers: &[(&str, Vec<u64>)],
) -> Result<(), Failure> {
    let numbers: Vec<(&str, &[u64])> = numbers
        .iter()
        .map(|(name, numbers)| (*name, &**numbers))
        .collect();
    let bytes =
        state::save(module, Some(optimizer), &numbers).map_err(|error| failure(path, &error))?;
    if bytes.len() as u64 > LARGEST {
        let (size, most) = (bytes.len() >> 20, LARGEST >> 20);
        let what =
            format_args!("{size} MiB to save, and no more than {most} MiB could be read again");
        return Err(Failure::file(path.display(), what));
    }
    files::replace(path, &bytes)
}

/// A file that [`save`] wrote, or one of weights alone, of which the numbers are read: they say what the rest is.
pub struct Opened<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    numbers: Numbers,
}

impl<'a> Opened<'a> {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no checkpoint.
    pub fn read(path: &'a Path) -> Result<Self, Failure> {
        let bytes = read(path)?;
        let numbers = state::load_numbers(&bytes).map_err(|error| failure(path, &error))?;
        Ok(Self {
            path,
            bytes,
            numbers,
        })
    }

    /// How many numbers a model can have at most whose weights are in the file: its bytes, for the smallest elements.
    pub fn room(&self) -> usize {
        self.bytes.len()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// The program's numbers: none in a file of weights alone.
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The number called `name`.
    ///
    /// # Errors
    ///
    /// As [`number`].
    pub fn number(&self, name: &str) -> Result<u64, Failure> {
        number(self.path, &self.numbers, name)
    }

    /// Gives the model and its optimiser what the file holds of them.
    ///
    /// # Errors
    ///
    /// If it is of another model; then nothing has changed. If it has weights that are no finite numbers, from which nothing
    /// can be learnt or read; then the model is of no use.
    pub fn load<B: Backend>(
        &self,
        module: &mut dyn Module<B>,
        optimizer: &mut dyn Optimizer<B>,
    ) -> Result<(), Failure> {
        state::load(&self.bytes, module, Some(optimizer))
            .map_err(|error| failure(self.path, &error))?;
        self.expect_finite(module)
    }

    /// Gives the model its weights, which may be all that the file has, as one of PyTorch.
    ///
    /// # Errors
    ///
    /// As [`Opened::load`].
    pub fn load_weights<B: Backend>(&self, module: &mut dyn Module<B>) -> Result<(), Failure> {
        state::load_weights(&self.bytes, module).map_err(|error| failure(self.path, &error))?;
        self.expect_finite(module)
    }

    fn expect_finite<B: Backend>(&self, module: &dyn Module<B>) -> Result<(), Failure> {
        match is_finite(module)? {
            true => Ok(()),
            false => Err(Failure::file(
                self.path.display(),
                "not all weights in this file are finite numbers; name another one",
            )),
        }
    }
}

/// The number called `name` in a checkpoint.
///
/// # Errors
///
/// If the file has none: it is not of this program.
pub fn number(path: &Path, numbers: &Numbers, name: &str) -> Result<u64, Failure> {
    match numbers.get(name) {
        Some(&[number]) => Ok(number),
        _ => Err(missing(path, name)),
    }
}

/// All numbers called `name` in a checkpoint.
///
/// # Errors
///
/// As [`number`].
pub fn numbers<'a>(path: &Path, numbers: &'a Numbers, name: &str) -> Result<&'a [u64], Failure> {
    numbers.get(name).ok_or_else(|| missing(path, name))
}

fn missing(path: &Path, name: &str) -> Failure {
    Failure::file(
        path.display(),
        format_args!("has no number @{name}: not a checkpoint of this program"),
    )
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    files::expect_file(path)?;
    files::read(File::open(path), path, LARGEST)
}

fn failure(path: &Path, error: &StateError) -> Failure {
    Failure::file(path.display(), error)
}
