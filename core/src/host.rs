//! Memory of the host that grows with tensors: asked for, so that a refusal is an error.

use crate::error::{Error, ErrorKind, Result};
use alloc::vec::Vec;

/// An empty list with room for `count` items.
pub(crate) fn reserved<T>(op: &'static str, count: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(count)
        .map_err(|_| Error::about(ErrorKind::Memory, op, &[count]))?;
    Ok(list)
}

/// `count` times `value`.
pub(crate) fn filled<T: Clone>(op: &'static str, count: usize, value: T) -> Result<Vec<T>> {
    let mut list = reserved(op, count)?;
    list.resize(count, value);
    Ok(list)
}
