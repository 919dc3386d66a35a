//! Checkpoints: the files of [`minitorch_core::state`], read from and written to disk.
//!
//! A run that is killed, whenever that is, leaves the last checkpoint that it wrote, whole, or none before the first. To
//! go on from it leads to the weights and the log lines of a run that was never killed.

mod keeper;

pub use keeper::Keeper;

use std::fs::File;
use std::path::Path;

use minitorch_core::Backend;
use minitorch_core::nn::Module;
use minitorch_core::optim::Optimizer;
use minitorch_core::state::{self, Numbers, StateError};

use crate::error::Failure;
use crate::files;

/// Files above this size are not read: no checkpoint of these networks comes near it, and a device may have no end.
const LARGEST: u64 = 64 << 20;

/// Writes a model, its optimiser and the program's `numbers` to a file, which is replaced whole or not at all.
///
/// # Errors
///
/// If the file cannot be written, or the device fails.
pub fn save<B: Backend>(
    path: &Path,
    module: &dyn Module<B>,
    optimizer: &dyn Optimizer<B>,
    numbers: &[(&str, u64)],
) -> Result<(), Failure> {
    let numbers: Vec<(&str, &[u64])> = numbers
        .iter()
        .map(|(name, number)| (*name, std::slice::from_ref(number)))
        .collect();
    let bytes =
        state::save(module, Some(optimizer), &numbers).map_err(|error| failure(path, &error))?;
    files::replace(path, &bytes)
}

/// Reads what [`save`] wrote, and returns the numbers, which have to please `check` before anything else is looked at.
///
/// # Errors
///
/// If the file cannot be read, is no checkpoint, or is one of another model, and that of `check`; then nothing has
/// changed.
pub fn load<B: Backend>(
    path: &Path,
    module: &mut dyn Module<B>,
    optimizer: &mut dyn Optimizer<B>,
    check: impl FnOnce(&Numbers) -> Result<(), Failure>,
) -> Result<Numbers, Failure> {
    let bytes = read(path)?;
    check(&state::load_numbers(&bytes).map_err(|error| failure(path, &error))?)?;
    state::load(&bytes, module, Some(optimizer)).map_err(|error| failure(path, &error))
}

/// Reads weights alone: PyTorch's file, or what [`save`] wrote.
///
/// # Errors
///
/// As [`load`].
pub fn load_weights<B: Backend>(path: &Path, module: &mut dyn Module<B>) -> Result<(), Failure> {
    match state::load_weights(&read(path)?, module) {
        Ok(_) => Ok(()),
        Err(error) => Err(failure(path, &error)),
    }
}

/// A model as the file describes it, with its weights: `build` makes it from the numbers that [`save`] wrote, none in a
/// file of weights alone.
///
/// # Errors
///
/// As [`load`], and those of `build`.
pub fn model<B: Backend, M: Module<B>>(
    path: &Path,
    build: impl FnOnce(&Numbers) -> Result<M, Failure>,
) -> Result<M, Failure> {
    let bytes = read(path)?;
    let numbers = state::load_numbers(&bytes).map_err(|error| failure(path, &error))?;
    let mut model = build(&numbers)?;
    state::load_weights(&bytes, &mut model).map_err(|error| failure(path, &error))?;
    Ok(model)
}

/// The number called `name` in a checkpoint.
///
/// # Errors
///
/// If the file has none: it is not of this program.
pub fn number(path: &Path, numbers: &Numbers, name: &str) -> Result<u64, Failure> {
    match numbers.get(name) {
        Some(&[number]) => Ok(number),
        _ => Err(Failure::file(
            path.display(),
            format_args!("has no number @{name}: not a checkpoint of this program"),
        )),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    files::read(File::open(path), path, LARGEST)
}

fn failure(path: &Path, error: &StateError) -> Failure {
    Failure::file(path.display(), error)
}
