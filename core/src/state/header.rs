//! The header of a file: reading what it says about each tensor, and checking it against the data.

use super::Dtype;
use super::error::{FormatError, Reason};
use super::json::Reader;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The longest header that the format allows, in bytes.
pub(super) const MAX_HEADER: usize = 100_000_000;
/// The bytes before the header, which hold its length.
pub(super) const PREFIX: usize = 8;
/// The key in the header that is not a tensor.
pub(super) const METADATA: &str = "__metadata__";

/// A key and its text in the metadata.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Splits a file into its header and its data.
pub(super) fn split(file: &[u8]) -> Result<(&str, &[u8]), FormatError> {
    let Some((prefix, rest)) = file.split_first_chunk::<PREFIX>() else {
        let reason = match file {
            [] => Reason::Empty,
            _ => Reason::TooShort,
        };
        return Err(FormatError::new(file.len(), reason));
    };
    let stated = u64::from_le_bytes(*prefix);
    let limit = rest.len().min(MAX_HEADER);
    let parts = usize::try_from(stated)
        .ok()
        .filter(|&n| n <= limit)
        .and_then(|n| rest.split_at_checked(n));
    let Some((header, data)) = parts else {
        return Err(FormatError::new(0, Reason::HeaderLength { stated, limit }));
    };
    match core::str::from_utf8(header) {
        Ok(text) => Ok((text, data)),
        Err(error) => Err(FormatError::new(PREFIX + error.valid_up_to(), Reason::Utf8)),
    }
}

/// What the header says about one tensor, and where it says so.
pub(super) struct Record<'a> {
    pub(super) name: Cow<'a, str>,
    at: usize,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Record<'a> {
    /// Reads `{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`, in any order.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        name: Cow<'a, str>,
        at: usize,
    ) -> Result<Self, FormatError> {
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        reader.object(|reader, field, at| match &*field {
            "dtype" => {
                let at_type = reader.offset();
                let found = Dtype::from_name(&reader.string()?);
                let found = found
                    .ok_or_else(|| FormatError::new(at_type, Reason::UnknownDtype).about(&name))?;
                once(&mut dtype, found, at)
            }
            "shape" => once(&mut shape, read_integers(reader)?, at),
            "data_offsets" => once(&mut offsets, read_integers(reader)?, at),
            _ => Err(FormatError::new(
                at,
                Reason::Expected("`dtype`, `shape` or `data_offsets`"),
            )),
        })?;
        let wrong = |reason| FormatError::new(at, reason).about(&name);
        let missing = |field| move || wrong(Reason::Missing(field));
        let dtype = dtype.ok_or_else(missing("dtype"))?;
        let shape = shape.ok_or_else(missing("shape"))?;
        let offsets = offsets.ok_or_else(missing("data_offsets"))?;
        let &[start, end] = offsets.as_slice() else {
            return Err(wrong(Reason::Expected("two `data_offsets`")));
        };
        Ok(Self {
            name,
            at,
            dtype,
            shape,
            start,
            end,
        })
    }

    fn error<T>(&self, reason: Reason) -> Result<T, FormatError> {
        Err(FormatError::new(self.at, reason).about(&self.name))
    }
}

/// Sorts the records by their data and checks that the data is covered, each byte once; `base` is where the data
/// starts in the file. Returns the order by name.
pub(super) fn place(
    records: &mut [Record<'_>],
    data: &[u8],
    base: usize,
) -> Result<Vec<usize>, FormatError> {
    // The position in the header decides between tensors without elements.
    records.sort_unstable_by_key(|record| (record.start, record.end, record.at));
    let mut expected = 0;
    for record in records.iter() {
        let Some(stated) = record.end.checked_sub(record.start) else {
            return record.error(Reason::Backwards);
        };
        let Some(needed) = record.dtype.bytes(&record.shape) else {
            return record.error(Reason::Overflow);
        };
        if stated != needed {
            return record.error(Reason::Size { stated, needed });
        }
        if record.start != expected {
            return record.error(Reason::Place {
                stated: record.start,
                expected,
            });
        }
        if record.end > data.len() {
            return record.error(Reason::Beyond {
                stated: record.end,
                length: data.len(),
            });
        }
        expected = record.end;
    }
    if expected < data.len() {
        return Err(FormatError::new(
            base + expected,
            Reason::Unused {
                count: data.len() - expected,
            },
        ));
    }

    let mut by_name = Vec::new();
    by_name
        .try_reserve_exact(records.len())
        .map_err(|_| FormatError::new(PREFIX, Reason::Memory))?;
    by_name.extend(0..records.len());
    let name = |index: &usize| records.get(*index).map(|record| (&*record.name, record.at));
    by_name.sort_unstable_by_key(name);
    for pair in by_name.windows(2) {
        if let [Some((first, _)), Some((second, at))] = [name(&pair[0]), name(&pair[1])]
            && first == second
        {
            return Err(FormatError::new(at, Reason::Duplicate));
        }
    }
    Ok(by_name)
}

/// Reads `{"key":"value"}` into a list sorted by key.
pub(super) fn read_metadata<'a>(reader: &mut Reader<'a>) -> Result<Vec<Pair<'a>>, FormatError> {
    let (mut entries, start) = (Vec::new(), reader.offset());
    reader.object(|reader, key, at| {
        let value = reader.string()?;
        push(&mut entries, (key, value), at)
    })?;
    entries.sort_unstable();
    if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(FormatError::new(start, Reason::Duplicate));
    }
    Ok(entries)
}

fn read_integers(reader: &mut Reader<'_>) -> Result<Vec<usize>, FormatError> {
    let mut integers = Vec::new();
    reader.array(|reader| {
        let at = reader.offset();
        push(&mut integers, reader.integer()?, at)
    })?;
    Ok(integers)
}

/// Sets a field that must not be set yet.
fn once<T>(field: &mut Option<T>, value: T, at: usize) -> Result<(), FormatError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(FormatError::new(at, Reason::Duplicate)),
    }
}

/// Appends, with an error when memory is out.
pub(super) fn push<T>(list: &mut Vec<T>, value: T, at: usize) -> Result<(), FormatError> {
    list.try_reserve(1)
        .map_err(|_| FormatError::new(at, Reason::Memory))?;
    list.push(value);
    Ok(())
}
