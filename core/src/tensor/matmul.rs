//! Matrix multiplication.

use super::{Tensor, plain_forms};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::shape::{Shape, shape_broadcast};

impl<B: Backend> Tensor<B> {
    /// The matrix product `[.., i, k] x [.., k, j] -> [.., i, j]`; leading axes broadcast.
    ///
    /// An operand with a single axis counts as a row (left) or a column (right), and that axis is dropped from the
    /// result, as in PyTorch. Each element of the result sums over `k` in ascending order, fused (R3 of the canonical
    /// arithmetic).
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let a = Tensor::arange(&dev, 0.0, 6, 1.0).reshape([2, 3]);
    /// let v = Tensor::ones(&dev, [3]);
    /// assert_eq!(a.matmul(&v).to_vec(), [3.0, 12.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the inner sizes differ; [`ErrorKind::Rank`] if an operand has no axes;
    /// [`ErrorKind::Broadcast`] if leading axes do not go together.
    pub fn try_matmul(&self, other: &Self) -> Result<Self> {
        let mismatch = Error::between(ErrorKind::Shape, "matmul", self.shape(), other.shape())
            .advise("columns of the left must equal rows of the right");
        match (self.rank(), other.rank()) {
            (0, _) | (_, 0) => Err(Error::about(ErrorKind::Rank, "matmul", &[])
                .advise("both operands need one axis or more; use mul for numbers")),
            (1, 1) if self.shape() != other.shape() => Err(mismatch),
            (1, 1) => self
                .try_unsqueeze(0)?
                .try_matrices(&other.try_unsqueeze(1)?, mismatch)?
                .try_reshape([]),
            (1, _) => {
                let out = self.try_unsqueeze(0)?.try_matrices(other, mismatch)?;
                out.try_squeeze(out.rank() - 2)
            }
            (_, 1) => {
                let out = self.try_matrices(&other.try_unsqueeze(1)?, mismatch)?;
                out.try_squeeze(out.rank() - 1)
            }
            _ => self.try_matrices(other, mismatch),
        }
    }

    fn try_matrices(&self, other: &Self, mismatch: Error) -> Result<Self> {
        let (a, b) = (self.shape(), other.shape());
        let (a_lead, b_lead) = (a.rank() - 2, b.rank() - 2);
        let (i, k, j) = (a[a_lead], a[a_lead + 1], b[b_lead + 1]);
        if k != b[b_lead] {
            return Err(mismatch);
        }
        let lead = shape_broadcast(&a[..a_lead], &b[..b_lead]).map_err(|_| {
            Error::between(ErrorKind::Broadcast, "matmul", a, b)
                .advise("leading axes must be equal or 1")
        })?;
        let matrix = |rows, columns| lead.with(lead.rank(), rows).with(lead.rank() + 1, columns);
        let expand =
            |tensor: &Self, shape: Shape| tensor.with_layout(tensor.layout().expand(shape)?);
        // Too many elements are an error before the device is asked.
        Layout::contiguous(matrix(i, j))?;
        let (left, right) = (expand(self, matrix(i, k))?, expand(other, matrix(k, j))?);
        let out = Self::dense(
            self.device().matmul(left.view(), right.view())?,
            matrix(i, j),
        )?;
        out.recorded("matmul", [self, other], || {
            let (a, b) = (self.detach(), other.detach());
            move |grad: Self, sink| {
                sink.add(0, || grad.try_matmul(&b.try_transpose(b_lead, b_lead + 1)?))?;
                sink.add(1, || a.try_transpose(a_lead, a_lead + 1)?.try_matmul(&grad))
            }
        })
    }
}

plain_forms! {
    fn matmul = try_matmul(other: &Self) -> Self;
}
