//! From an index to a position and back: MiniTorch's functions, under their names.

use crate::error::{Error, ErrorKind, Result};
use crate::shape::MAX_RANK;

/// The position in a buffer of the element at `index`: the sum of `index[i] * strides[i]`.
///
/// ```
/// use minitorch_core::indexing::index_to_position;
/// assert_eq!(index_to_position(&[1, 2], &[3, 1]), 5);
/// ```
#[must_use]
pub fn index_to_position(index: &[usize], strides: &[usize]) -> usize {
    index
        .iter()
        .zip(strides)
        .map(|(index, stride)| index * stride)
        .sum()
}

/// The index of the `ordinal`-th element in row-major order, written into `index`.
///
/// The inverse of [`index_to_position`] for row-major strides; for other strides it still visits every index of
/// `shape` exactly once as `ordinal` runs over `0..elements`.
///
/// ```
/// use minitorch_core::indexing::to_index;
/// let mut index = [0; 2];
/// to_index(5, &[2, 3], &mut index);
/// assert_eq!(index, [1, 2]);
/// ```
pub fn to_index(ordinal: usize, shape: &[usize], index: &mut [usize]) {
    let mut rest = ordinal;
    for (out, &size) in index.iter_mut().zip(shape).rev() {
        let size = size.max(1);
        *out = rest % size;
        rest /= size;
    }
}

/// The index into a tensor of `shape` that shows at `big_index` of the larger, broadcast shape `big_shape`.
///
/// Axes are aligned at the right: leading axes of `big_index` are dropped, and an axis of size 1 is always read at 0.
///
/// # Errors
/// [`ErrorKind::Rank`] if `shape` has more axes than `big_shape` or one of the indices has another length than its shape.
///
/// ```
/// use minitorch_core::indexing::broadcast_index;
/// let mut index = [9; 2];
/// broadcast_index(&[4, 1, 2], &[5, 2, 3], &[1, 3], &mut index)?;
/// assert_eq!(index, [0, 2]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub fn broadcast_index(
    big_index: &[usize],
    big_shape: &[usize],
    shape: &[usize],
    index: &mut [usize],
) -> Result<()> {
    let lead = big_shape.len().checked_sub(shape.len());
    let (Some(lead), true, true) = (
        lead,
        big_index.len() == big_shape.len(),
        index.len() == shape.len(),
    ) else {
        return Err(Error::between(ErrorKind::Rank, "broadcast_index", big_shape, shape)
            .advise("the indices need as many entries as their shapes, and the big shape as many axes as the small one"));
    };
    for ((out, &size), &big) in index.iter_mut().zip(shape).zip(&big_index[lead..]) {
        *out = if size == 1 { 0 } else { big };
    }
    Ok(())
}

/// Every index of a shape in row-major order.
///
/// ```
/// use minitorch_core::indexing::Indices;
/// use minitorch_core::shape::Shape;
/// let all: Vec<Vec<usize>> = Indices::new(Shape::from([2, 2])).map(|index| index.to_vec()).collect();
/// assert_eq!(all, [[0, 0], [0, 1], [1, 0], [1, 1]]);
/// ```
#[derive(Clone, Debug)]
pub struct Indices {
    shape: crate::shape::Shape,
    next: usize,
    end: usize,
}

impl Indices {
    /// The indices of `shape`.
    #[must_use]
    pub fn new(shape: crate::shape::Shape) -> Self {
        Self {
            shape,
            next: 0,
            end: shape.elements().unwrap_or(usize::MAX),
        }
    }
}

impl Iterator for Indices {
    /// The index, with the shape's rank.
    type Item = crate::shape::Shape;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.end {
            return None;
        }
        let mut index = [0; MAX_RANK];
        to_index(self.next, &self.shape, &mut index[..self.shape.rank()]);
        self.next += 1;
        crate::shape::Shape::new(&index[..self.shape.rank()]).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl ExactSizeIterator for Indices {}
