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
    /// [`ErrorKind::Broadcast`] if leading axes do not go together; [`ErrorKind::Size`] if the number of elements
    /// overflows.
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

impl<B: Backend> Tensor<B> {
    /// The largest product of each of some vectors with rows, as a convolution has it over time: `x` `[b, n, k]` and
    /// `vectors` `[m, k]` give `[b, m]`,
    ///
    /// ```text
    /// out[b, m] = max over n of  sum over k of  x[b, n, k] * vectors[m, k]
    /// ```
    ///
    /// The bits, also of the gradients, are those of [`Tensor::try_matmul`] of all rows, `x` as `[b * n, k]`, with the
    /// transposed vectors, and [`Tensor::try_max`] over axis 1 of the products as `[b, n, m]`. But a vector's gradient
    /// comes from one row in `n`, the first of the largest, and only those rows are multiplied.
    ///
    /// Besides its results, a pass needs memory for `b * n * m` elements: forward for the products, backward for the
    /// gradient of `x`, and for that of `vectors` where leaving out rows could change a bit: if elements are infinite,
    /// not numbers, or so small that products of them are no normal numbers. Whoever has to know before counts them.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::arange(&dev, 0.0, 6, 1.0).reshape([1, 3, 2]);
    /// let vectors = Tensor::from_slice(&dev, &[1.0, 1.0, -1.0, 0.0], [2, 2]).tracked();
    /// let out = x.matmul_max(&vectors);
    /// assert_eq!(out.to_vec(), [9.0, 0.0]); // rows [4, 5] and [0, 1]
    /// let grads = out.sum_all().backward();
    /// assert_eq!(grads.get(&vectors).unwrap().to_vec(), [4.0, 5.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Rank`] if `x` has not three axes and `vectors` two; [`ErrorKind::Shape`] if their last sizes
    /// differ; [`ErrorKind::Size`] if there are no rows.
    pub fn try_matmul_max(&self, vectors: &Self) -> Result<Self> {
        let (&[b, n, k], &[m, terms]) = (&**self.shape(), &**vectors.shape()) else {
            let error = Error::between(ErrorKind::Rank, OP, self.shape(), vectors.shape());
            return Err(error.advise("[b, n, k] and [m, k] are needed"));
        };
        if k != terms {
            let error = Error::between(ErrorKind::Shape, OP, self.shape(), vectors.shape());
            return Err(error.advise("rows and vectors must have as many elements"));
        }
        if n == 0 {
            let error = Error::between(ErrorKind::Size, OP, self.shape(), vectors.shape());
            return Err(error.advise("there must be rows"));
        }
        // Without elements there may be more rows than a number can count: the product of so many is an error.
        let rows = b.saturating_mul(n);
        let x = self.detach().try_reshape([rows, k])?;
        let all = vectors.detach();
        let products = x
            .try_matmul(&all.try_transpose(0, 1)?)?
            .try_reshape([b, n, m])?;
        let out = products.try_max(1)?;
        if !self.is_tracked() && !vectors.is_tracked() {
            return Ok(out);
        }
        let index = products.try_argmax(1)?;
        let shape = *self.shape();
        out.recorded(OP, [self, vectors], || {
            move |grad: Self, sink| {
                let positions = index.checked(OP, b * m, n)?;
                let device = grad.device();
                sink.add(0, || {
                    let placed = device.place(grad.view(), positions, n)?;
                    let placed = Self::dense(placed, [rows, m])?;
                    placed.try_matmul(&all)?.try_reshape(shape)
                })?;
                sink.add(1, || {
                    let product = device.place_matmul(grad.view(), positions, n, x.view())?;
                    Self::dense(product, [m, k])
                })
            }
        })
    }
}

/// What errors and histories call [`Tensor::try_matmul_max`].
const OP: &str = "matmul_max";

plain_forms! {
    fn matmul = try_matmul(other: &Self) -> Self;
    fn matmul_max = try_matmul_max(vectors: &Self) -> Self;
}
