//! The JSON header of a safetensors file, on its own: the length that comes first is always right.

use super::safetensors;

/// Makes a file of a header and data, and checks it as [`safetensors::check`] does. The first two bytes are the length
/// of the data, little endian.
pub fn check(bytes: &[u8]) {
    let Some((length, header)) = bytes.split_first_chunk() else {
        return;
    };
    let data: Vec<u8> = (0..u16::from_le_bytes(*length)).map(|i| i as u8).collect();
    let prefix = (header.len() as u64).to_le_bytes();
    safetensors::check(&[&prefix, header, &data].concat());
}

/// The headers of the seeds of [`safetensors`].
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let cut = |file: Vec<u8>| {
        let (prefix, rest) = file.split_first_chunk().expect("a file has a prefix");
        let (header, data) = rest.split_at(u64::from_le_bytes(*prefix) as usize);
        [&(data.len() as u16).to_le_bytes(), header].concat()
    };
    safetensors::seeds().into_iter().map(cut).collect()
}
