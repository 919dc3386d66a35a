//! Layouts: where in a buffer the elements of a tensor are. Every view is an edit of a layout.

use crate::error::{Error, ErrorKind, Result};
use crate::shape::{MAX_RANK, Shape};

/// A shape with a stride per axis and an offset, all in elements.
///
/// Element `[i, j, ..]` is at `offset + i * strides[0] + j * strides[1] + ..`. Strides are unsigned; a broadcast axis
/// has stride 0, and so have all of a new layout without elements; the stride of an axis of size 1 says nothing. Row-major
/// is the order of new tensors.
///
/// ```
/// use minitorch_core::layout::Layout;
/// let rows = Layout::contiguous([2, 3])?;
/// let columns = rows.permute(&[1, 0])?;
/// assert_eq!((columns.shape().to_vec(), columns.strides().to_vec()), (vec![3, 2], vec![1, 3]));
/// assert!(!columns.is_contiguous());
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    shape: Shape,
    strides: [usize; MAX_RANK],
    offset: usize,
}

impl Layout {
    /// The row-major layout of `shape` at offset 0.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if the number of elements overflows.
    #[inline]
    pub fn contiguous(shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        Self::check(&shape)?;
        Ok(Self::row_major(shape))
    }

    /// Refuses shapes of more elements than a buffer can have.
    #[inline]
    pub(crate) fn check(shape: &Shape) -> Result<()> {
        match shape.elements() {
            Some(count) if count <= isize::MAX as usize / 8 => Ok(()),
            _ => Err(Error::about(ErrorKind::Size, "shape", shape)
                .advise("elements are too many for this machine")),
        }
    }

    /// [`Layout::contiguous`] of a shape that was checked.
    #[inline]
    pub(crate) fn row_major(shape: Shape) -> Self {
        let mut strides = [0; MAX_RANK];
        let mut stride: usize = 1;
        for axis in (0..shape.rank()).rev() {
            strides[axis] = stride;
            stride = stride.saturating_mul(shape[axis]);
        }
        if stride == 0 {
            // Without elements strides say nothing, and sizes may be such that multiples of them overflow.
            strides = [0; MAX_RANK];
        }
        Self {
            shape,
            strides,
            offset: 0,
        }
    }

    /// The sizes of the axes.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The strides of the axes, in elements.
    #[must_use]
    pub fn strides(&self) -> &[usize] {
        &self.strides[..self.shape.rank()]
    }

    /// The position of the first element.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The number of elements that the view shows (a broadcast element counts each time).
    #[must_use]
    pub fn elements(&self) -> usize {
        // Every constructor checked the product.
        self.shape.elements().unwrap_or(usize::MAX)
    }

    /// One past the largest position that the view reads; 0 without elements.
    #[must_use]
    pub fn end(&self) -> usize {
        if self.elements() == 0 {
            return 0;
        }
        self.offset
            + self
                .strides()
                .iter()
                .zip(self.shape.iter())
                .map(|(stride, size)| stride * (size - 1))
                .sum::<usize>()
            + 1
    }

    /// Whether the elements lie in row-major order without gaps (from any offset).
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.elements() == 0
            || (0..self.shape.rank()).rev().all(|axis| {
                let (size, stride) = (self.shape[axis], self.strides[axis]);
                let fits = size == 1 || stride == expected;
                expected *= size;
                fits
            })
    }

    /// Reorders the axes: axis `i` of the result is axis `order[i]` of this one.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if `order` is not a permutation of all axes.
    pub fn permute(&self, order: &[usize]) -> Result<Self> {
        let mut seen = [false; MAX_RANK];
        let rank = self.shape.rank();
        let valid = order.len() == rank
            && order
                .iter()
                .all(|&axis| axis < rank && !core::mem::replace(&mut seen[axis], true));
        if !valid {
            return Err(Error::between(
                ErrorKind::Axis,
                "permute",
                order,
                &self.shape,
            ));
        }
        let mut view = *self;
        for (to, &from) in order.iter().enumerate() {
            view.shape.sizes_mut()[to] = self.shape[from];
            view.strides[to] = self.strides[from];
        }
        Ok(view)
    }

    /// Swaps two axes.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if one of them does not exist.
    pub fn transpose(&self, a: usize, b: usize) -> Result<Self> {
        self.check_axis("transpose", a)?;
        self.check_axis("transpose", b)?;
        let mut view = *self;
        view.shape.sizes_mut().swap(a, b);
        view.strides.swap(a, b);
        Ok(view)
    }

    /// The same elements in row-major order under another shape, or `None` if only a copy can have that shape.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if the number of elements differs.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Option<Self>> {
        let mut view = Self {
            offset: self.offset,
            ..Self::contiguous(shape)?
        };
        if view.elements() != self.elements() {
            return Err(
                Error::between(ErrorKind::Size, "reshape", &self.shape, &view.shape)
                    .advise("the new shape must have as many elements"),
            );
        }
        if self.is_contiguous() {
            return Ok(Some(view));
        }
        // Walk both shapes from the right in groups of equal product. Inside a group of old axes the elements must be
        // evenly spaced; the new axes of the group then divide that spacing.
        let (mut old, mut new) = (self.shape.rank(), view.shape.rank());
        while new > 0 {
            let mut group = view.shape[new - 1];
            if group == 1 {
                new -= 1;
                continue;
            }
            while old > 0 && self.shape[old - 1] == 1 {
                old -= 1;
            }
            let Some(last) = old.checked_sub(1) else {
                return Ok(None);
            };
            let mut stride = self.strides[last];
            let mut available = self.shape[last];
            let mut spacing = stride * available;
            old = last;
            let mut first = new - 1;
            while available != group {
                if available < group {
                    let Some(next) = old.checked_sub(1) else {
                        return Ok(None);
                    };
                    old = next;
                    if self.shape[old] == 1 {
                        continue;
                    }
                    if self.strides[old] != spacing {
                        return Ok(None);
                    }
                    available *= self.shape[old];
                    spacing *= self.shape[old];
                } else {
                    let Some(next) = first.checked_sub(1) else {
                        return Ok(None);
                    };
                    first = next;
                    group *= view.shape[first];
                }
            }
            for axis in (first..new).rev() {
                view.strides[axis] = stride;
                stride *= view.shape[axis];
            }
            new = first;
        }
        Ok(Some(view))
    }

    /// Stretches axes of size 1, and adds axes at the left, up to `shape`: the strides there become 0.
    ///
    /// # Errors
    /// [`ErrorKind::Broadcast`] if another size would have to change.
    pub fn expand(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        let refused = Error::between(ErrorKind::Broadcast, "expand", &self.shape, &shape);
        let lead = shape.rank().checked_sub(self.shape.rank()).ok_or(refused)?;
        let mut view = Self {
            shape,
            strides: [0; MAX_RANK],
            offset: self.offset,
        };
        for (axis, &size) in self.shape.iter().enumerate() {
            let wanted = shape[lead + axis];
            view.strides[lead + axis] = match size {
                _ if size == wanted => self.strides[axis],
                1 => 0,
                _ => return Err(refused),
            };
        }
        if shape.elements().is_none() {
            return Err(Error::about(ErrorKind::Size, "expand", &shape)
                .advise("elements are too many for this machine"));
        }
        Ok(view)
    }

    /// Keeps every `step`-th of the positions `start..` of one axis, `count` of them.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`], or [`ErrorKind::Index`] if a position lies outside, or `step` is 0.
    pub fn slice(&self, axis: usize, start: usize, count: usize, step: usize) -> Result<Self> {
        self.check_axis("slice", axis)?;
        let last = count
            .checked_sub(1)
            .map_or(Some(start), |n| n.checked_mul(step)?.checked_add(start));
        let inside = last.is_some_and(|last| {
            if count == 0 {
                start <= self.shape[axis]
            } else {
                last < self.shape[axis]
            }
        });
        if step == 0 || !inside {
            return Err(Error::between(
                ErrorKind::Index,
                "slice",
                &[start, count, step],
                &self.shape,
            )
            .advise("start, count and step must stay inside of the axis"));
        }
        let mut view = *self;
        view.shape.sizes_mut()[axis] = count;
        if count > 1 {
            view.strides[axis] *= step;
        }
        // A view without elements starts nowhere: its offset could lie beyond the buffer.
        view.offset = if view.elements() == 0 {
            0
        } else {
            self.offset + start * self.strides[axis]
        };
        Ok(view)
    }

    /// Keeps the positions `start..start + count` of one axis.
    ///
    /// # Errors
    /// As [`Layout::slice`].
    pub fn narrow(&self, axis: usize, start: usize, count: usize) -> Result<Self> {
        self.slice(axis, start, count, 1)
            .map_err(|error| error.in_op("narrow"))
    }

    /// Takes out an axis of size 1.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if there is no such axis; [`ErrorKind::Shape`] if its size is not 1.
    pub fn squeeze(&self, axis: usize) -> Result<Self> {
        self.check_axis("squeeze", axis)?;
        if self.shape[axis] != 1 {
            return Err(Error::between(
                ErrorKind::Shape,
                "squeeze",
                &self.shape,
                &self.shape.without(axis),
            )
            .advise("only an axis of size 1 can be taken out"));
        }
        Ok(self.remove(axis))
    }

    /// Adds an axis of size 1 before position `axis` (`axis` equal to the rank adds it at the end).
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] beyond the rank, [`ErrorKind::Rank`] if there is no room for another axis.
    pub fn unsqueeze(&self, axis: usize) -> Result<Self> {
        if axis > self.shape.rank() {
            return Err(Error::between(
                ErrorKind::Axis,
                "unsqueeze",
                &[axis],
                &self.shape,
            ));
        }
        self.insert(axis, 1, 0)
            .map_err(|error| error.in_op("unsqueeze"))
    }

    /// Slides a window along one axis: `[.., n, ..]` becomes `[.., (n - size) / step + 1, .., size]`.
    ///
    /// Position `p` of the axis then shows the elements `p * step + k` for `k` in `0..size` along the new last axis.
    /// Windows may overlap; nothing is copied.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`]; [`ErrorKind::Rank`] without room for another axis; [`ErrorKind::Argument`] if `size` or
    /// `step` is 0 or the window is longer than the axis.
    ///
    /// ```
    /// use minitorch_core::layout::Layout;
    /// let row = Layout::contiguous([5])?;
    /// let pairs = row.window(0, 2, 1)?;
    /// assert_eq!((pairs.shape().to_vec(), pairs.strides().to_vec()), (vec![4, 2], vec![1, 1]));
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    pub fn window(&self, axis: usize, size: usize, step: usize) -> Result<Self> {
        self.check_axis("window", axis)?;
        if size == 0 || step == 0 || size > self.shape[axis] {
            return Err(Error::new(
                ErrorKind::Argument,
                "window",
                "size and step must be at least 1, and the window no longer than the axis",
            ));
        }
        let mut view = self
            .insert(self.shape.rank(), size, self.strides[axis])
            .map_err(|error| error.in_op("window"))?;
        view.shape.sizes_mut()[axis] = (self.shape[axis] - size) / step + 1;
        if view.shape[axis] > 1 {
            view.strides[axis] *= step;
        }
        if view.shape.elements().is_none() {
            return Err(Error::about(ErrorKind::Size, "window", &view.shape)
                .advise("elements are too many for this machine"));
        }
        Ok(view)
    }

    /// Shows only index `at` of `axis` and takes the axis out.
    pub(crate) fn select(&self, axis: usize, at: usize) -> Result<Self> {
        self.check_axis("select", axis)?;
        if at >= self.shape[axis] {
            let size = [self.shape[axis]];
            return Err(Error::between(ErrorKind::Index, "select", &[at], &size));
        }
        Ok(self.narrow(axis, at, 1)?.remove(axis))
    }

    /// The same strides under other sizes and another offset; the caller keeps within the buffer.
    pub(crate) const fn with_sizes(&self, shape: Shape, offset: usize) -> Self {
        Self {
            shape,
            strides: self.strides,
            offset,
        }
    }

    fn remove(mut self, axis: usize) -> Self {
        self.strides.copy_within(axis + 1.., axis);
        // Unused strides stay 0, so that the derived comparison is right.
        self.strides[MAX_RANK - 1] = 0;
        self.shape = self.shape.without(axis);
        self
    }

    fn insert(mut self, axis: usize, size: usize, stride: usize) -> Result<Self> {
        if self.shape.rank() == MAX_RANK {
            return Err(Error::about(ErrorKind::Rank, "insert", &self.shape));
        }
        self.strides.copy_within(axis..MAX_RANK - 1, axis + 1);
        self.strides[axis] = stride;
        self.shape = self.shape.with(axis, size);
        Ok(self)
    }

    fn check_axis(&self, op: &'static str, axis: usize) -> Result<()> {
        if axis < self.shape.rank() {
            Ok(())
        } else {
            Err(Error::between(ErrorKind::Axis, op, &[axis], &self.shape))
        }
    }
}
