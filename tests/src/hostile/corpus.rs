//! Inputs in one file for each target: each as its length (`u32`, little endian) and its bytes, the shortest first.

use super::Target;
use std::io;
use std::path::PathBuf;

/// Joins inputs; of equal ones, one stays.
///
/// # Panics
///
/// If an input is longer than `u32::MAX` bytes.
#[must_use]
pub fn pack(mut inputs: Vec<Vec<u8>>) -> Vec<u8> {
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    inputs.dedup();
    let mut file = Vec::new();
    for input in inputs {
        let length = u32::try_from(input.len()).expect("an input is small");
        file.extend(length.to_le_bytes());
        file.extend(input);
    }
    file
}

/// The inputs that [`pack`] joined.
///
/// # Panics
///
/// If the file ends within an input.
#[must_use]
pub fn unpack(mut file: &[u8]) -> Vec<&[u8]> {
    let mut inputs = Vec::new();
    while !file.is_empty() {
        let (length, rest) = file.split_first_chunk().expect("a length");
        let (input, rest) = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .expect("as many bytes as the length says");
        inputs.push(input);
        file = rest;
    }
    inputs
}

/// Where the corpus of a target is.
#[must_use]
pub fn path(target: &Target) -> PathBuf {
    let name = format!("corpus/{}.bin", target.name);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The corpus of a target, packed.
///
/// # Errors
///
/// If there is none.
pub fn stored(target: &Target) -> io::Result<Vec<u8>> {
    std::fs::read(path(target))
}
