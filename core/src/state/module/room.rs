//! Lists and texts that grow only where there is memory: else loading ends with an error, and not the program.

use super::super::load::push;
use super::StateError;
use crate::error::{Error, ErrorKind, Result};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// The error of a place for so many elements or bytes that is not there.
pub(super) fn no_memory(count: usize) -> Error {
    Error::about(ErrorKind::Memory, "load", &[count])
        .advise("a file is loaded beside the model: free memory first")
}

/// Adds to the end of a list.
pub(super) fn add<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    let count = list.len() + 1;
    push(list, item).map_err(|_| no_memory(count))
}

/// All items, or the first error.
pub(super) fn collect<T>(
    items: impl Iterator<Item = Result<T, StateError>>,
) -> Result<Vec<T>, StateError> {
    let mut list = Vec::new();
    for item in items {
        add(&mut list, item?)?;
    }
    Ok(list)
}

/// What this displays, in memory of its own.
pub(super) fn text(shown: fmt::Arguments<'_>) -> Result<String> {
    /// A string that grows only where there is memory.
    struct Text(String);

    impl Write for Text {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0.try_reserve(part.len()).map_err(|_| fmt::Error)?;
            self.0.push_str(part);
            Ok(())
        }
    }

    let mut text = Text(String::new());
    let written = text.write_fmt(shown);
    written.map_err(|_| no_memory(text.0.len()))?;
    Ok(text.0)
}
