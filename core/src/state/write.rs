//! Writing: the same bytes as the reference implementation, for the same tensors and metadata.

use super::Dtype;
use super::error::WriteError;
use super::header::{MAX_HEADER, METADATA, PREFIX};
use super::json::Quoted;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt::{self, Write};

/// The elements of a tensor to write: values of this machine, or bytes that are in the file's order already.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Data<'a> {
    /// Written as [`Dtype::F32`].
    F32(&'a [f32]),
    /// Written as [`Dtype::F64`].
    F64(&'a [f64]),
    /// Written as [`Dtype::U32`].
    U32(&'a [u32]),
    /// Written as [`Dtype::U64`].
    U64(&'a [u64]),
    /// Written as they are: little-endian elements of this type.
    Bytes(Dtype, &'a [u8]),
}

impl<'a> From<&'a [f32]> for Data<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::F32(values)
    }
}

impl<'a> From<&'a [f64]> for Data<'a> {
    fn from(values: &'a [f64]) -> Self {
        Self::F64(values)
    }
}

impl<'a> From<&'a [u32]> for Data<'a> {
    fn from(values: &'a [u32]) -> Self {
        Self::U32(values)
    }
}

impl<'a> From<&'a [u64]> for Data<'a> {
    fn from(values: &'a [u64]) -> Self {
        Self::U64(values)
    }
}

impl<'a> From<&'a [u8]> for Data<'a> {
    fn from(values: &'a [u8]) -> Self {
        Self::Bytes(Dtype::U8, values)
    }
}

impl Data<'_> {
    fn dtype(self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::U32(_) => Dtype::U32,
            Self::U64(_) => Dtype::U64,
            Self::Bytes(dtype, _) => dtype,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::F32(values) => size_of_val(values),
            Self::F64(values) => size_of_val(values),
            Self::U32(values) => size_of_val(values),
            Self::U64(values) => size_of_val(values),
            Self::Bytes(_, bytes) => bytes.len(),
        }
    }

    fn write<Error>(self, sink: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        match self {
            Self::F32(values) => encode(values, f32::to_le_bytes, sink),
            Self::F64(values) => encode(values, f64::to_le_bytes, sink),
            Self::U32(values) => encode(values, u32::to_le_bytes, sink),
            Self::U64(values) => encode(values, u64::to_le_bytes, sink),
            Self::Bytes(_, bytes) => sink(bytes),
        }
    }
}

/// Hands on values in blocks, so that a sink that goes to a file is not called for each of them.
fn encode<const N: usize, T: Copy, Error>(
    values: &[T],
    encode: impl Fn(T) -> [u8; N],
    sink: &mut impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    for values in values.chunks(128) {
        let mut block = [[0; N]; 128];
        for (to, &from) in block.iter_mut().zip(values) {
            *to = encode(from);
        }
        sink(block.get(..values.len()).unwrap_or_default().as_flattened())?;
    }
    Ok(())
}

/// One tensor to write.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    name: &'a str,
    shape: &'a [usize],
    data: Data<'a>,
}

impl<'a> Entry<'a> {
    /// Names elements, in row-major order, and gives them a shape.
    #[must_use]
    pub fn new(name: &'a str, shape: &'a [usize], data: impl Into<Data<'a>>) -> Self {
        Self {
            name,
            shape,
            data: data.into(),
        }
    }
}

/// A file ready to be written: everything is checked and the header is made, the data stays where it is.
///
/// Tensors are stored by element type, the widest first, in the reverse order of [`Dtype`], and then by name, so the
/// order of the list does not matter and every tensor is aligned; metadata is sorted by key. The header is padded with
/// spaces so that the data starts at a multiple of 8 bytes.
pub struct Writer<'a> {
    header: String,
    entries: Vec<&'a Entry<'a>>,
    data_len: usize,
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Writer({} tensors, {} bytes)",
            self.entries.len(),
            self.file_len()
        )
    }
}

impl<'a> Writer<'a> {
    /// Checks the tensors and makes the header. Without metadata there is no `__metadata__` in it.
    ///
    /// # Errors
    /// A [`WriteError`] for names or keys that are not unique, data that does not fit its shape, and sizes beyond the
    /// format's or this machine's.
    pub fn new(entries: &'a [Entry<'a>], metadata: &[(&str, &str)]) -> Result<Self, WriteError> {
        let data_len = check(entries)?;
        let texts = sorted(metadata, |entry| entry.0)?;
        if let Some(index) = twice(metadata, |entry| entry.0)? {
            return Err(WriteError::DuplicateKey { index });
        }
        let entries = sorted(entries, |entry| (Reverse(entry.data.dtype()), entry.name))?;

        // Once for the length and once for the text.
        let mut length = Length(0);
        write_header(&mut length, &entries, &texts).map_err(|_| WriteError::Overflow)?;
        // The limit is a multiple of the padding, so the padded header keeps it, too.
        if length.0 > MAX_HEADER {
            return Err(WriteError::HeaderLength);
        }
        let padded = length.0.next_multiple_of(PREFIX);
        let mut header = String::new();
        header
            .try_reserve_exact(padded)
            .map_err(|_| WriteError::Memory)?;
        write_header(&mut header, &entries, &texts).map_err(|_| WriteError::Memory)?;
        header.extend((length.0..padded).map(|_| ' '));
        if data_len.checked_add(PREFIX + padded).is_none() {
            return Err(WriteError::Overflow);
        }
        Ok(Self {
            header,
            entries,
            data_len,
        })
    }

    /// The length of the file in bytes.
    #[must_use]
    pub fn file_len(&self) -> usize {
        PREFIX + self.header.len() + self.data_len
    }

    /// Hands the file to `sink`, piece by piece, with nothing but a block on the stack.
    ///
    /// ```
    /// use minitorch_core::state::{Entry, Writer};
    /// use std::io::Write;
    ///
    /// let entries = [Entry::new("steps", &[], &[17u64][..])];
    /// let mut file = Vec::new(); // or a `std::fs::File`
    /// Writer::new(&entries, &[])?.write(|bytes| file.write_all(bytes))?;
    /// assert_eq!(file.last_chunk(), Some(&17u64.to_le_bytes()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first error of `sink`.
    pub fn write<Error>(
        &self,
        mut sink: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        sink(&(self.header.len() as u64).to_le_bytes())?;
        sink(self.header.as_bytes())?;
        self.entries
            .iter()
            .try_for_each(|entry| entry.data.write(&mut sink))
    }
}

/// Makes a file in memory, see [`Writer`].
///
/// # Errors
/// As [`Writer::new`], and [`WriteError::Memory`] when the file does not fit into memory.
pub fn serialize(entries: &[Entry<'_>], metadata: &[(&str, &str)]) -> Result<Vec<u8>, WriteError> {
    let writer = Writer::new(entries, metadata)?;
    let mut file = Vec::new();
    file.try_reserve_exact(writer.file_len())
        .map_err(|_| WriteError::Memory)?;
    writer.write(|bytes| {
        file.extend_from_slice(bytes);
        Ok::<(), WriteError>(())
    })?;
    Ok(file)
}

/// Checks names and sizes; returns the length of all data.
fn check(entries: &[Entry<'_>]) -> Result<usize, WriteError> {
    let mut total = 0usize;
    for (index, entry) in entries.iter().enumerate() {
        if entry.name == METADATA {
            return Err(WriteError::ReservedName { index });
        }
        let bytes = entry.data.bytes();
        if entry.data.dtype().bytes(entry.shape) != Some(bytes) {
            return Err(WriteError::Size { index });
        }
        // Different entries may share their values, so the sum is not bounded by memory.
        total = total.checked_add(bytes).ok_or(WriteError::Overflow)?;
    }
    match twice(entries, |entry| entry.name)? {
        Some(index) => Err(WriteError::DuplicateName { index }),
        None => Ok(total),
    }
}

/// References to the items in the order of a key.
fn sorted<'a, T, K: Ord>(
    items: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Result<Vec<&'a T>, WriteError> {
    let mut list = Vec::new();
    list.try_reserve_exact(items.len())
        .map_err(|_| WriteError::Memory)?;
    list.extend(items);
    list.sort_unstable_by_key(|item| key(item));
    Ok(list)
}

/// The index of an item whose key another one has, too.
fn twice<'a, T>(
    items: &'a [T],
    key: impl Fn(&'a T) -> &'a str,
) -> Result<Option<usize>, WriteError> {
    let order = sorted(items, &key)?;
    let pair = order.windows(2).find(|pair| key(pair[0]) == key(pair[1]));
    Ok(pair.and_then(|pair| items.iter().position(|item| core::ptr::eq(item, pair[0]))))
}

/// Writes the header without its padding.
fn write_header(
    out: &mut impl Write,
    entries: &[&Entry<'_>],
    metadata: &[&(&str, &str)],
) -> fmt::Result {
    let mut comma = "";
    out.write_char('{')?;
    if !metadata.is_empty() {
        write!(out, "{}:{{", Quoted(METADATA))?;
        for (key, value) in metadata {
            write!(out, "{comma}{}:{}", Quoted(key), Quoted(value))?;
            comma = ",";
        }
        out.write_char('}')?;
    }
    let mut start = 0;
    for entry in entries {
        write!(
            out,
            "{comma}{}:{{\"dtype\":\"{}\",\"shape\":[",
            Quoted(entry.name),
            entry.data.dtype()
        )?;
        comma = "";
        for size in entry.shape {
            write!(out, "{comma}{size}")?;
            comma = ",";
        }
        let end = start + entry.data.bytes();
        write!(out, "],\"data_offsets\":[{start},{end}]}}")?;
        comma = ",";
        start = end;
    }
    out.write_char('}')
}

/// Counts what is written to it.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_add(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}
