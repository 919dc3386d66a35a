//! [`Path`]: where in a model something is.

use alloc::string::String;
use core::fmt::{self, Write};

/// The place of a part in a model, such as `layers.0.weight`.
///
/// A walk makes one on the stack at each step, linked to the one before: nothing is allocated, and the text is written
/// only where somebody wants it.
///
/// ```
/// use minitorch_core::nn::Path;
/// let layers = Path::ROOT.child("layers");
/// let first = layers.item(0);
/// assert_eq!(first.child("weight").to_string(), "layers.0.weight");
/// ```
#[derive(Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Segment<'a>,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The model itself; as text it is empty.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        segment: Segment::Name(""),
    };

    /// The field `name` of what is here.
    #[must_use]
    pub const fn child(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            segment: Segment::Name(name),
        }
    }

    /// The element `index` of the list that is here.
    #[must_use]
    pub const fn item(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            segment: Segment::Index(index),
        }
    }

    /// Writes the text over `buffer`, which grows if it must and can be used again.
    pub fn write_to<'b>(&self, buffer: &'b mut String) -> &'b str {
        buffer.clear();
        // A string takes all that is written to it.
        let _ = write!(buffer, "{self}");
        buffer
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        if parent.parent.is_some() {
            write!(f, "{parent}.")?;
        }
        match self.segment {
            Segment::Name(name) => f.write_str(name),
            Segment::Index(index) => write!(f, "{index}"),
        }
    }
}

impl fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}
