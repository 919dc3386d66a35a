//! Reading: [`SafeTensors`] checks a whole file once and lends the tensors in it.

use super::error::{FormatError, ReadError, Reason};
use super::header::{METADATA, PREFIX, Pair, Record, place, push, read_metadata, split};
use super::json::Reader;
use super::{Dtype, Value};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

/// A file of named tensors: names and shapes in memory, the data where it was.
#[derive(Clone)]
pub struct SafeTensors<'a> {
    /// In the order of their data.
    views: Vec<View<'a>>,
    /// Indices into `views`, sorted by name.
    by_name: Vec<usize>,
    /// Sorted by key.
    metadata: Vec<Pair<'a>>,
}

/// One tensor of a file.
#[derive(Clone)]
pub struct View<'a> {
    name: Cow<'a, str>,
    dtype: Dtype,
    shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> View<'a> {
    /// The name, such as `fc.weight`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The sizes of the axes; none for a single number.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order, little endian, at any alignment.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / self.dtype.size()
    }

    /// Whether there are no elements, because an axis has size 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Reads all elements; [`Value`] says which types convert.
    ///
    /// # Errors
    /// [`ReadError::Type`] when the types do not convert, [`ReadError::Memory`] when memory is out.
    pub fn read<T: Value>(&self) -> Result<Vec<T>, ReadError> {
        let mut values = Vec::new();
        values
            .try_reserve_exact(self.len())
            .map_err(|_| ReadError::Memory)?;
        values.resize(self.len(), T::default());
        self.read_into(&mut values)?;
        Ok(values)
    }

    /// Reads all elements into memory that is there already.
    ///
    /// # Errors
    /// [`ReadError::Length`] unless `out` has [`len`](View::len) elements, [`ReadError::Type`] when the types do not
    /// convert.
    pub fn read_into<T: Value>(&self, out: &mut [T]) -> Result<(), ReadError> {
        if out.len() != self.len() {
            return Err(ReadError::Length {
                found: self.len(),
                wanted: out.len(),
            });
        }
        T::decode(self.dtype, self.data, out).ok_or(ReadError::Type {
            found: self.dtype,
            wanted: T::NAME,
        })
    }
}

impl<'a> SafeTensors<'a> {
    /// Checks a file and lists what is in it.
    ///
    /// The header must be an object of at most 100 MB with unique keys, each tensor must have exactly the three fields
    /// of the format, and the data must cover the rest of the file without holes or overlaps. Data may be unaligned.
    ///
    /// # Errors
    /// A [`FormatError`] for the first thing that is wrong.
    pub fn parse(file: &'a [u8]) -> Result<Self, FormatError> {
        let (header, data) = split(file)?;
        let mut reader = Reader::new(header, PREFIX);
        let (mut records, mut metadata) = (Vec::new(), None);
        reader.object(|reader, name, at| {
            if name != METADATA {
                push(&mut records, Record::read(reader, name, at)?, at)
            } else if metadata.is_none() {
                metadata = Some(read_metadata(reader)?);
                Ok(())
            } else {
                Err(FormatError::new(at, Reason::Duplicate))
            }
        })?;
        reader.end()?;

        let by_name = place(&mut records, data, PREFIX + header.len())?;
        let mut views = Vec::new();
        views
            .try_reserve_exact(records.len())
            .map_err(|_| FormatError::new(PREFIX, Reason::Memory))?;
        views.extend(records.into_iter().map(|record| View {
            name: record.name,
            dtype: record.dtype,
            shape: record.shape,
            data: data.get(record.start..record.end).unwrap_or_default(),
        }));
        Ok(Self {
            views,
            by_name,
            metadata: metadata.unwrap_or_default(),
        })
    }

    /// The tensors, in the order of their data.
    #[must_use]
    pub fn views(&self) -> &[View<'a>] {
        &self.views
    }

    /// The index of a tensor in [`views`](Self::views).
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let found = self
            .by_name
            .binary_search_by(|&index| self.name(index).cmp(name))
            .ok()?;
        self.by_name.get(found).copied()
    }

    /// A tensor by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&View<'a>> {
        self.views.get(self.position(name)?)
    }

    /// The texts that the file carries beside its tensors, sorted by key.
    #[must_use]
    pub fn metadata(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(key, value)| (&**key, &**value))
    }

    /// One of the texts that the file carries beside its tensors.
    #[must_use]
    pub fn metadata_value(&self, key: &str) -> Option<&str> {
        let found = self
            .metadata
            .binary_search_by(|entry| (*entry.0).cmp(key))
            .ok()?;
        self.metadata.get(found).map(|entry| &*entry.1)
    }

    fn name(&self, index: usize) -> &str {
        self.views.get(index).map_or("", View::name)
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} {:?}", self.name, self.dtype, self.shape)
    }
}

impl fmt::Debug for SafeTensors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SafeTensors")
            .field("views", &self.views)
            .field("metadata", &self.metadata)
            .finish()
    }
}
