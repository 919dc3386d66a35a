//! Joining tensors, one-hot rows, and reading rows of a table.

use super::{Index, OrRaise, Tensor, plain_forms};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use alloc::vec::Vec;

impl<B: Backend> Tensor<B> {
    /// Joins tensors along an axis; their other sizes must be equal.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let (a, b) = (Tensor::zeros(&dev, [2, 1]), Tensor::ones(&dev, [2, 2]));
    /// assert_eq!(Tensor::cat(&[a, b], 1).to_vec(), [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] without tensors; [`ErrorKind::Axis`]; [`ErrorKind::Shape`] if other sizes differ.
    pub fn try_cat(tensors: &[Self], axis: usize) -> Result<Self> {
        let [first, ..] = tensors else {
            return Err(Error::new(
                ErrorKind::Argument,
                "cat",
                "at least one tensor is needed",
            ));
        };
        if axis >= first.rank() {
            return Err(Error::between(
                ErrorKind::Axis,
                "cat",
                &[axis],
                first.shape(),
            ));
        }
        let mut shape = *first.shape();
        shape.sizes_mut()[axis] = 0;
        for tensor in tensors {
            if tensor.rank() != first.rank()
                || tensor.shape().without(axis) != first.shape().without(axis)
            {
                return Err(
                    Error::between(ErrorKind::Shape, "cat", tensor.shape(), first.shape())
                        .advise("all sizes but that of the joined axis must be equal"),
                );
            }
            let size = &mut shape.sizes_mut()[axis];
            *size = size.saturating_add(tensor.shape()[axis]);
        }
        let mut out = Self::try_zeros(first.device(), shape)?;
        let mut start = 0;
        for tensor in tensors {
            let size = tensor.shape()[axis];
            let place = out.layout().narrow(axis, start, size)?;
            out = out.assigned(&place, tensor)?;
            start += size;
        }
        out.recorded_many("cat", tensors, || {
            let sizes: Vec<usize> = tensors.iter().map(|tensor| tensor.shape()[axis]).collect();
            move |grad: Self, sink| {
                let mut start = 0;
                for (index, &size) in sizes.iter().enumerate() {
                    sink.add(index, || grad.try_narrow(axis, start, size))?;
                    start += size;
                }
                Ok(())
            }
        })
    }

    /// Joins tensors of one shape along a new axis before position `axis`.
    ///
    /// # Errors
    /// As [`Tensor::try_cat`] and [`Tensor::try_unsqueeze`].
    pub fn try_stack(tensors: &[Self], axis: usize) -> Result<Self> {
        let expanded: Vec<Self> = tensors
            .iter()
            .map(|tensor| tensor.try_unsqueeze(axis))
            .collect::<Result<_>>()?;
        Self::try_cat(&expanded, axis).map_err(|error| error.in_op("stack"))
    }

    /// `[n, classes]` with a 1 in each row at the position that `labels` says, and 0 elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::Index`] if a label is not below `classes`.
    pub fn try_one_hot(device: &B, labels: &Index<B>, classes: usize) -> Result<Self> {
        let count = labels.len();
        let ones = Self::try_ones(device, [count, 1])?;
        let positions = labels.checked("one_hot", count, classes)?;
        Layout::contiguous([count, classes])?;
        Self::dense(
            device.place(ones.view(), positions, classes)?,
            [count, classes],
        )
    }

    /// Rows of this table `[v, d]`, one for each number of `index`: `[n, d]`. The gradients of rows that are read
    /// several times add up in ascending order of their place.
    ///
    /// # Errors
    /// [`ErrorKind::Rank`] if this is not a matrix; [`ErrorKind::Index`] if a number is not below `v`;
    /// [`ErrorKind::Size`] if the number of elements overflows.
    #[doc(alias = "index_select")]
    pub fn try_rows(&self, index: &Index<B>) -> Result<Self> {
        let [rows, width] = self.shape()[..] else {
            return Err(Error::about(ErrorKind::Rank, "rows", self.shape())
                .advise("the table must have two axes"));
        };
        let count = index.len();
        let positions = index.checked("rows", count, rows)?;
        // Before the device is asked: the table may be a stretched one, whose rows are longer than any buffer.
        Layout::contiguous([count, width]).map_err(|error| error.in_op("rows"))?;
        let out = Self::dense(
            self.device().rows(self.view(), positions, count)?,
            [count, width],
        )?;
        out.recorded("rows", [self], || {
            let index = index.clone();
            move |grad: Self, sink| {
                sink.add(0, || {
                    let positions = index.checked("rows", count, rows)?;
                    Self::dense(
                        grad.device().rows_add(grad.view(), positions, rows)?,
                        [rows, width],
                    )
                })
            }
        })
    }

    /// As [`Tensor::try_cat`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn cat(tensors: &[Self], axis: usize) -> Self {
        Self::try_cat(tensors, axis).or_raise()
    }

    /// As [`Tensor::try_stack`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn stack(tensors: &[Self], axis: usize) -> Self {
        Self::try_stack(tensors, axis).or_raise()
    }

    /// As [`Tensor::try_one_hot`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn one_hot(device: &B, labels: &Index<B>, classes: usize) -> Self {
        Self::try_one_hot(device, labels, classes).or_raise()
    }
}

plain_forms! {
    fn rows = try_rows(index: &Index<B>) -> Self;
}
