//! What can go wrong: one inline value, made without allocating.
//!
//! Memory that grows with the elements of tensors is asked for, and a refusal is [`ErrorKind::Memory`]. Small lists that
//! grow with layers, parameters, operands, or nodes of a graph, and their names, are not: where even those find no room,
//! Rust's allocation failure ends the program.

use core::fmt;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why an operation refused its input, or a device failed.
///
/// It is a plain `Copy` value without heap memory, so it can be made when memory is out. [`Error::kind`] is for
/// programs; the text (`Display`) is for people: the operation, the shapes, what to do.
///
/// ```
/// use minitorch_core::{Cpu, ErrorKind, Tensor};
/// let dev: Cpu = Cpu::default();
/// let (a, b) = (Tensor::ones(&dev, [2, 3]), Tensor::ones(&dev, [4]));
/// let error = a.try_add(&b).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Broadcast);
/// assert_eq!(error.to_string(), "add: shapes [2, 3] and [4] do not broadcast; from the right, sizes must be equal or 1");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error {
    op: &'static str,
    kind: ErrorKind,
    left: Dims,
    right: Dims,
    detail: &'static str,
}

/// The reasons, for programs that react to them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Two shapes that do not broadcast with each other.
    Broadcast,
    /// A shape that does not fit the operation or the other operand.
    Shape,
    /// More than [`MAX_RANK`](crate::shape::MAX_RANK) axes, or a number of axes that the operation does not take.
    Rank,
    /// An axis that the tensor does not have, or one that is named twice.
    Axis,
    /// An index that lies outside of the tensor.
    Index,
    /// A number of elements that does not match the shape, or that overflows `usize`.
    Size,
    /// An argument that makes no sense, such as a stride of zero or a probability above one.
    Argument,
    /// The device has not enough memory.
    Memory,
    /// The device failed, or cannot do this.
    Device,
}

/// A list of sizes as an error keeps it: the first six of them, each as far as 32 bits go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Dims {
    sizes: [u32; crate::shape::MAX_RANK],
    /// How long the list is; the largest value stands for no list.
    rank: u8,
}

impl Dims {
    const NONE: Self = Self {
        sizes: [0; crate::shape::MAX_RANK],
        rank: u8::MAX,
    };

    fn new(sizes: &[usize]) -> Self {
        let mut dims = Self {
            sizes: [0; crate::shape::MAX_RANK],
            rank: sizes.len().min(usize::from(u8::MAX) - 1) as u8,
        };
        for (to, &from) in dims.sizes.iter_mut().zip(sizes) {
            *to = u32::try_from(from).unwrap_or(u32::MAX);
        }
        dims
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rank = usize::from(self.rank);
        f.write_str("[")?;
        for (axis, size) in self.sizes.iter().take(rank).enumerate() {
            f.write_str(if axis > 0 { ", " } else { "" })?;
            match *size {
                u32::MAX => f.write_str("over 4294967294")?,
                size => write!(f, "{size}")?,
            }
        }
        f.write_str(match rank > self.sizes.len() {
            true => ", ..]",
            false => "]",
        })
    }
}

impl Error {
    /// An error of `op` that no shape explains: `detail` is the sentence.
    #[must_use]
    pub const fn new(kind: ErrorKind, op: &'static str, detail: &'static str) -> Self {
        Self {
            op,
            kind,
            left: Dims::NONE,
            right: Dims::NONE,
            detail,
        }
    }

    /// An error of `op` about one list of sizes: a shape, an index, axes.
    #[must_use]
    pub fn about(kind: ErrorKind, op: &'static str, sizes: &[usize]) -> Self {
        Self {
            left: Dims::new(sizes),
            ..Self::new(kind, op, "")
        }
    }

    /// An error of `op` about two lists of sizes that do not go together.
    #[must_use]
    pub fn between(kind: ErrorKind, op: &'static str, left: &[usize], right: &[usize]) -> Self {
        Self {
            right: Dims::new(right),
            ..Self::about(kind, op, left)
        }
    }

    /// The same error with `detail` in place of the general advice.
    #[must_use]
    pub const fn advise(self, detail: &'static str) -> Self {
        Self { detail, ..self }
    }

    /// The reason, for programs.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that refused.
    #[must_use]
    pub const fn op(&self) -> &'static str {
        self.op
    }

    /// The same error, reported by the operation that the user called.
    #[must_use]
    pub(crate) const fn in_op(self, op: &'static str) -> Self {
        Self { op, ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            op, left, right, ..
        } = self;
        write!(f, "{op}: ")?;
        let advice = match self.kind {
            ErrorKind::Broadcast => {
                write!(f, "shapes {left} and {right} do not broadcast; ")?;
                "from the right, sizes must be equal or 1"
            }
            ErrorKind::Shape => {
                write!(f, "shape {left} does not fit {right}; ")?;
                "reshape, permute or narrow one of them"
            }
            ErrorKind::Rank => {
                write!(f, "{left} has a number of axes that this does not take; ")?;
                "tensors have at most 6 axes"
            }
            ErrorKind::Axis => {
                write!(f, "axes {left} of shape {right}; ")?;
                "each must exist and be named once"
            }
            ErrorKind::Index => {
                write!(f, "index {left} lies outside of {right}; ")?;
                "count from 0 to the size less 1"
            }
            ErrorKind::Size if *right == Dims::NONE => {
                write!(f, "{left}: ")?;
                "the number of elements is out of range"
            }
            ErrorKind::Size => {
                write!(f, "{left} elements do not fill {right}; ")?;
                "the counts must be equal"
            }
            ErrorKind::Memory => {
                write!(f, "out of memory for {left} elements; ")?;
                "use a smaller batch or model"
            }
            ErrorKind::Argument => "an argument is out of its range",
            ErrorKind::Device => "the device failed or does not support this",
        };
        f.write_str(if self.detail.is_empty() {
            advice
        } else {
            self.detail
        })
    }
}

/// The same text: it is what `main` prints of an error that it returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Error {}
