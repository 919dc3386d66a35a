//! Data sets: embedded in the program, or read from files, downloaded or not, that are trusted in nothing.

mod content;
pub mod idx;
mod mnist;
mod points;
pub(crate) mod published;
mod python;
pub mod text;

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::Failure;

pub use idx::{PIXELS, SIDE};
pub use mnist::{
    Digits, EMBEDDED_HELD_OUT, EMBEDDED_TRAIN, Mnist, PUBLISHED_TEST, PUBLISHED_TRAIN, batches,
};
pub use points::{Pattern, Point};
pub use python::PythonRandom;

/// The file in a folder that has this name, or else this name with `.gz`, if there is one.
///
/// # Errors
///
/// Something of that name that is not a file, and what the system refuses to say.
fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>, Failure> {
    let candidates = [folder.join(name), folder.join(format!("{name}.gz"))];
    if let Some(found) = candidates.iter().find(|path| path.is_file()) {
        return Ok(Some(found.clone()));
    }
    for path in &candidates {
        match fs::metadata(path) {
            Ok(_) => return Err(Failure::file(path.display(), "is not a file")),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Failure::io(path, "open", &error)),
        }
    }
    Ok(None)
}

/// As [`find`], of a file that has to be there.
fn needed(folder: &Path, name: &str) -> Result<PathBuf, Failure> {
    if !folder.is_dir() {
        return Err(Failure::file(folder.display(), "no such folder"));
    }
    find(folder, name)?.ok_or_else(|| {
        let path = folder.join(name);
        Failure::file(path.display(), "no such file, neither plain nor .gz")
    })
}

/// Whether an error says that something is not there: nothing has a name that is too long for a file's.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}
