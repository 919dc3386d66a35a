//! The checkpoint that is there already, where a run is about to save.

use std::fs;
use std::path::Path;

use minitorch_core::Backend;

use super::Lesson;
use crate::args::Files;
use crate::checkpoint::{Keeper, Opened};
use crate::error::Failure;
use crate::output::Output;

/// Warns if a run of so many epochs will replace what it does not lead to itself: the state of a run with other options,
/// or with more epochs. A run that is only repeated, or goes on, replaces its state by the same or a later one.
pub(crate) fn warn_of_replacing<B: Backend, L: Lesson<B>>(
    lesson: &L,
    epochs: usize,
    files: &Files,
    keeper: &Keeper,
    output: &Output,
) {
    let there =
        |path: &&Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
    let Some(path) = keeper.path().filter(there) else {
        return;
    };
    // Nothing in a checkpoint says which weights its run started from, so that one of a run that had --init is not told
    // from another.
    if files.init.is_none() && leads_to(lesson, epochs, path).is_ok_and(|leads| leads) {
        return;
    }
    output.warn(&format!(
        "{}: this run will replace what another one has saved; to keep that, copy it or name another --checkpoint",
        path.display()
    ));
}

/// Whether the state in the file is one that the run has, too, now or later.
fn leads_to<B: Backend, L: Lesson<B>>(
    lesson: &L,
    epochs: usize,
    path: &Path,
) -> Result<bool, Failure> {
    let file = Opened::read(path)?;
    let same = lesson
        .fixed()
        .iter()
        .all(|fact| fact.check(path, file.numbers()).is_ok());
    Ok(same && file.number("epoch")? <= epochs as u64)
}
