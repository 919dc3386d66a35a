//! What is wrong with a file, with a way to read a tensor, and with a list of tensors to write.

use super::Dtype;
use super::header::MAX_HEADER;
use super::load::Short;
use alloc::string::String;
use core::fmt::{self, Write};

/// Why bytes are not a safetensors file: a reason, the offset in the file where it was found, and the tensor it is about.
///
/// ```
/// use minitorch_core::state::SafeTensors;
///
/// let error = SafeTensors::parse(b"\x02\0\0\0\0\0\0\0[]").unwrap_err();
/// assert_eq!(error.to_string(), "expected `{`, at byte 8");
/// assert_eq!(error.offset(), 8);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormatError {
    offset: usize,
    reason: Reason,
    tensor: Option<String>,
}

impl FormatError {
    pub(super) fn new(offset: usize, reason: Reason) -> Self {
        Self {
            offset,
            reason,
            tensor: None,
        }
    }

    /// The same, about a tensor that a file calls `name`: without the name where there is no memory for it.
    pub(super) fn about(self, name: &str) -> Self {
        let mut text = String::new();
        let written = text.try_reserve_exact(Short::LONGEST).is_ok()
            && write!(text, "{}", Short(name)).is_ok();
        Self {
            tensor: written.then_some(text),
            ..self
        }
    }

    /// The byte of the file at which the problem is, counted from 0.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The problem.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The name of the tensor whose entry in the header has the problem, if it is one of a tensor and there was memory for
    /// the name; a long one is cut.
    #[must_use]
    pub fn tensor(&self) -> Option<&str> {
        self.tensor.as_deref()
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tensor) = &self.tensor {
            write!(f, "{tensor}: ")?;
        }
        write!(f, "{}, at byte {}", self.reason, self.offset)
    }
}

impl core::error::Error for FormatError {}

/// The problems that a file can have. Sizes and positions are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The file has no bytes.
    Empty,
    /// The file is too short for the length of its header.
    TooShort,
    /// The header does not fit into the file, or is longer than the format allows.
    HeaderLength {
        /// The length that the file states.
        stated: u64,
        /// The length that is possible.
        limit: usize,
    },
    /// The header is not UTF-8.
    Utf8,
    /// The header is not the JSON that it should be.
    Expected(&'static str),
    /// A name, key or field appears twice.
    Duplicate,
    /// A tensor lacks one of its three fields.
    Missing(&'static str),
    /// A type that the format does not have, or one of its types below a byte.
    UnknownDtype,
    /// A number, or a product of sizes, that this machine cannot count to.
    Overflow,
    /// A tensor whose data has not the size that its shape and type need.
    Size {
        /// The size of the data.
        stated: usize,
        /// The size that shape and type need.
        needed: usize,
    },
    /// Data that is not where the data before it ends.
    Place {
        /// The position in the data section that is stated.
        stated: usize,
        /// The position where the data before it ends.
        expected: usize,
    },
    /// Data that ends before it starts.
    Backwards,
    /// Data that ends after the file.
    Beyond {
        /// The end in the data section that is stated.
        stated: usize,
        /// The length of the data section.
        length: usize,
    },
    /// Bytes at the end of the file that no tensor uses.
    Unused {
        /// Their number.
        count: usize,
    },
    /// There is not enough memory for the names and shapes.
    Memory,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::TooShort => {
                f.write_str("the file is cut short: it ends within the 8 bytes that hold the length of the header")
            }
            Self::HeaderLength { stated, limit } => {
                write!(
                    f,
                    "the header is said to be {stated} bytes long, but can be at most {limit}"
                )?;
                match *limit < MAX_HEADER {
                    true => f.write_str(": the file is of another format, or cut short"),
                    false => Ok(()),
                }
            }
            Self::Utf8 => f.write_str("the header is not UTF-8"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Duplicate => f.write_str("the name appears twice"),
            Self::Missing(field) => write!(f, "the tensor has no `{field}`"),
            Self::UnknownDtype => f.write_str("the type of the elements is unknown"),
            Self::Overflow => f.write_str("the number is too large for this machine"),
            Self::Size { stated, needed } => {
                write!(
                    f,
                    "the tensor has {stated} bytes of data, but its shape and type need {needed}"
                )
            }
            Self::Place { stated, expected } => {
                write!(
                    f,
                    "the tensor's data starts at {stated}, but the data before it ends at {expected}"
                )
            }
            Self::Backwards => f.write_str("the tensor's data ends before it starts"),
            Self::Beyond { stated, length } => {
                write!(
                    f,
                    "the tensor's data ends at {stated}, but there are only {length} bytes of data: \
                     the file is cut short"
                )
            }
            Self::Unused { count } => {
                write!(f, "the last {count} bytes of the file belong to no tensor")
            }
            Self::Memory => f.write_str("there is not enough memory for the header"),
        }
    }
}

/// Why the elements of a tensor cannot be read into a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no conversion, see [`Value`](super::Value); for `I64` into `u64`, an element is negative.
    Type {
        /// The type in the file.
        found: Dtype,
        /// The Rust type.
        wanted: &'static str,
    },
    /// The destination has another number of elements.
    Length {
        /// The number of elements in the file.
        found: usize,
        /// The length of the destination.
        wanted: usize,
    },
    /// There is not enough memory for the elements.
    Memory,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type {
                found: Dtype::I64,
                wanted: "u64",
            } => f.write_str("a tensor of type I64 with negative elements cannot be read as u64"),
            Self::Type { found, wanted } => {
                write!(f, "a tensor of type {found} cannot be read as {wanted}")
            }
            Self::Length { found, wanted } => write!(
                f,
                "a tensor of {found} elements cannot be read into {wanted}"
            ),
            Self::Memory => f.write_str("there is not enough memory to read the tensor"),
        }
    }
}

impl core::error::Error for ReadError {}

/// Why a list of tensors cannot be written. `index` is the position in the list that was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// Two tensors have the same name.
    DuplicateName {
        /// One of the two.
        index: usize,
    },
    /// Two entries of the metadata have the same key.
    DuplicateKey {
        /// One of the two.
        index: usize,
    },
    /// The tensor is called `__metadata__`, which the format keeps for itself.
    ReservedName {
        /// The tensor.
        index: usize,
    },
    /// The tensor's data has not the size that its shape and type need.
    Size {
        /// The tensor.
        index: usize,
    },
    /// The header is longer than the 100 MB that the format allows.
    HeaderLength,
    /// The file is longer than this machine can count.
    Overflow,
    /// There is not enough memory.
    Memory,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateName { index } => write!(f, "the name of tensor {index} appears twice"),
            Self::DuplicateKey { index } => {
                write!(f, "the key of metadata entry {index} appears twice")
            }
            Self::ReservedName { index } => {
                write!(f, "tensor {index} has the reserved name `__metadata__`")
            }
            Self::Size { index } => write!(
                f,
                "the data of tensor {index} does not have the size of its shape"
            ),
            Self::HeaderLength => f.write_str("the names and shapes take more than 100 MB"),
            Self::Overflow => f.write_str("the file would be too large for this machine"),
            Self::Memory => f.write_str("there is not enough memory to write the tensors"),
        }
    }
}

impl core::error::Error for WriteError {}
