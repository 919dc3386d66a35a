//! Shapes: sizes per axis, inline, and the broadcasting rule.

use crate::error::{Error, ErrorKind, Result};
use core::fmt;
use core::ops::Deref;

/// The largest number of axes that a tensor has.
pub const MAX_RANK: usize = 6;

/// The sizes of a tensor's axes, outermost first. A `Copy` value without heap memory; it derefs to `[usize]`.
///
/// ```
/// use minitorch_core::shape::Shape;
/// let shape = Shape::from([2, 3, 4]);
/// assert_eq!((shape.rank(), shape[2]), (3, 4));
/// assert!(shape == [2, 3, 4] && &shape != [2, 3]);
/// assert_eq!(shape.elements(), Some(24));
/// assert!(Shape::new(&[1; 7]).is_err());
/// ```
#[derive(Clone, Copy, Eq, Hash)]
#[expect(clippy::derived_hash_with_manual_eq, reason = "both go by all fields")]
pub struct Shape {
    // Unused sizes stay 0, so that comparison and hash are right.
    sizes: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The shape of a scalar: no axes, one element.
    pub const SCALAR: Self = Self {
        sizes: [0; MAX_RANK],
        rank: 0,
    };

    /// A shape from a slice of run-time length.
    ///
    /// # Errors
    /// [`ErrorKind::Rank`] if there are more than [`MAX_RANK`] sizes.
    pub fn new(sizes: &[usize]) -> Result<Self> {
        if sizes.len() > MAX_RANK {
            return Err(Error::about(ErrorKind::Rank, "shape", sizes));
        }
        let mut shape = Self {
            rank: sizes.len(),
            ..Self::SCALAR
        };
        shape.sizes[..sizes.len()].copy_from_slice(sizes);
        Ok(shape)
    }

    /// The number of axes.
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// The number of elements: the product of the sizes, or `None` if it overflows `usize`.
    #[must_use]
    pub fn elements(&self) -> Option<usize> {
        // A zero anywhere makes the product zero, even beside sizes whose product alone would overflow.
        if self.contains(&0) {
            return Some(0);
        }
        self.iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
    }

    /// This shape with `axis` taken out.
    pub(crate) fn without(mut self, axis: usize) -> Self {
        self.sizes.copy_within(axis + 1..self.rank, axis);
        self.rank -= 1;
        self.sizes[self.rank] = 0;
        self
    }

    /// This shape with a new axis of `size` before position `axis`; the caller checks the rank.
    pub(crate) fn with(mut self, axis: usize, size: usize) -> Self {
        self.sizes.copy_within(axis..self.rank, axis + 1);
        self.sizes[axis] = size;
        self.rank += 1;
        self
    }

    /// The sizes, to be changed in place.
    pub(crate) fn sizes_mut(&mut self) -> &mut [usize] {
        &mut self.sizes[..self.rank]
    }
}

impl PartialEq for Shape {
    /// All sizes at once: a comparison of slices would be a call, which every operation would pay.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let differ = |axis: usize| self.sizes[axis] ^ other.sizes[axis];
        let sizes = (0..MAX_RANK).fold(0, |differ_at, axis| differ_at | differ(axis));
        sizes | (self.rank ^ other.rank) == 0
    }
}

/// `*x.shape() == [2, 3]`.
impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, sizes: &[usize; N]) -> bool {
        **self == sizes[..]
    }
}

/// `x.shape() == [2, 3]`.
impl<const N: usize> PartialEq<[usize; N]> for &Shape {
    fn eq(&self, sizes: &[usize; N]) -> bool {
        ***self == sizes[..]
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        const { assert!(N <= MAX_RANK, "a tensor has at most 6 axes") };
        let mut shape = Self {
            rank: N,
            ..Self::SCALAR
        };
        shape.sizes[..N].copy_from_slice(&sizes);
        shape
    }
}

impl From<usize> for Shape {
    fn from(size: usize) -> Self {
        Self::from([size])
    }
}

impl From<&Self> for Shape {
    fn from(shape: &Self) -> Self {
        *shape
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The product of sizes, in any order: 0 if one is 0, else it saturates at `usize::MAX`.
///
/// Sizes beside one that is 0 may be such that theirs alone overflows.
///
/// ```
/// use minitorch_core::shape::product;
/// assert_eq!(product([2, 3, 4]), 24);
/// assert_eq!(product([usize::MAX, usize::MAX, 0]), 0);
/// ```
pub fn product(sizes: impl IntoIterator<Item = usize>) -> usize {
    sizes.into_iter().fold(1, usize::saturating_mul)
}

/// The shape that `a` and `b` have in common after broadcasting (NumPy's rule, MiniTorch's `shape_broadcast`).
///
/// Axes are aligned at the right; where one size is 1 the other one counts; a missing axis counts as size 1.
///
/// # Errors
/// [`ErrorKind::Broadcast`] if two aligned sizes differ and neither is 1; [`ErrorKind::Rank`] beyond [`MAX_RANK`].
///
/// ```
/// use minitorch_core::shape::shape_broadcast;
/// assert_eq!(&*shape_broadcast(&[5, 1], &[3, 1, 4])?, &[3, 5, 4]);
/// assert!(shape_broadcast(&[5, 2], &[5]).is_err());
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub fn shape_broadcast(a: &[usize], b: &[usize]) -> Result<Shape> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut shape = Shape::new(long)?;
    let lead = long.len() - short.len();
    for (size, &other) in shape.sizes_mut()[lead..].iter_mut().zip(short) {
        match (*size, other) {
            (x, y) if x == y => {}
            (_, 1) => {}
            (1, y) => *size = y,
            _ => return Err(Error::between(ErrorKind::Broadcast, "broadcast", a, b)),
        }
    }
    Ok(shape)
}
