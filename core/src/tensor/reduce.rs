//! Reductions: sums, means, variances, products, extremes.

use super::{Index, Tensor, plain_forms};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::ops::binary::Equal;
use crate::ops::special::Where;
use crate::reduction::{Max, Min, Prod, Reduction, Sum};
use crate::shape::{MAX_RANK, Shape, product};

impl<B: Backend> Tensor<B> {
    /// The sum over `axes`, which are dropped. Its order is [`crate::reduction`]'s.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::from_slice(&dev, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
    /// assert_eq!(x.sum(&[0]).to_vec(), [5.0, 7.0, 9.0]);
    /// assert_eq!(x.sum_keepdim(&[1]).shape(), [2, 1]);
    /// assert_eq!(x.mean_all().item(), 3.5);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if an axis does not exist or is named twice; [`ErrorKind::Size`] if there are more sums, of no
    /// elements each, than can be counted.
    pub fn try_sum(&self, axes: &[usize]) -> Result<Self> {
        let (out, kept) = self.folded(Sum, axes)?;
        let shape = *self.shape();
        out.recorded("sum", [self], || {
            move |grad: Self, sink| sink.add(0, || grad.try_reshape(kept)?.try_expand(shape))
        })
    }

    /// The sum over `axes`, which stay as size 1: MiniTorch's `sum(dim)`.
    ///
    /// # Errors
    /// As [`Tensor::try_sum`].
    pub fn try_sum_keepdim(&self, axes: &[usize]) -> Result<Self> {
        self.try_sum(axes)?.try_reshape(self.kept("sum", axes)?.1)
    }

    /// The sum of all elements, as a tensor without axes.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_sum_all(&self) -> Result<Self> {
        self.try_sum(&ALL_AXES[..self.rank()])
    }

    /// The mean over `axes`, which are dropped: the sum, divided once by the count.
    ///
    /// # Errors
    /// As [`Tensor::try_sum`].
    pub fn try_mean(&self, axes: &[usize]) -> Result<Self> {
        let sum = self.try_sum(axes).map_err(|error| error.in_op("mean"))?;
        sum.try_div_scalar(self.count(axes) as f64)
    }

    /// The mean over `axes`, which stay as size 1.
    ///
    /// # Errors
    /// As [`Tensor::try_sum`].
    pub fn try_mean_keepdim(&self, axes: &[usize]) -> Result<Self> {
        self.try_mean(axes)?.try_reshape(self.kept("mean", axes)?.1)
    }

    /// The mean of all elements, as a tensor without axes.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_mean_all(&self) -> Result<Self> {
        self.try_mean(&ALL_AXES[..self.rank()])
    }

    /// The variance over `axes`, which are dropped: squared distances from the mean, summed, over `n - correction`.
    ///
    /// A `correction` of 1 gives the unbiased estimate (PyTorch's default), 0 the mean square.
    ///
    /// # Errors
    /// As [`Tensor::try_sum`].
    pub fn try_var(&self, axes: &[usize], correction: usize) -> Result<Self> {
        let mean = self
            .try_mean_keepdim(axes)
            .map_err(|error| error.in_op("var"))?;
        let squares = self.try_sub(&mean)?.try_square()?.try_sum(axes)?;
        squares.try_div_scalar(self.count(axes).saturating_sub(correction) as f64)
    }

    /// The product over `axes`, which are dropped. The gradient is exact where factors are 0, too.
    ///
    /// # Errors
    /// As [`Tensor::try_sum`].
    pub fn try_prod(&self, axes: &[usize]) -> Result<Self> {
        let (out, kept) = self.folded(Prod, axes)?;
        let (x, mut list) = (self.detach(), [0; MAX_RANK]);
        list[..axes.len()].copy_from_slice(axes);
        let count = axes.len();
        out.recorded("prod", [self], || {
            move |grad: Self, sink| {
                sink.add(0, || {
                    // The product of the others is p / x, except beside zeros: a single zero gets the product of the
                    // rest, and the rest, or several zeros, get nothing.
                    let axes = &list[..count];
                    let one = Self::try_ones(x.device(), [])?.try_expand(x.shape())?;
                    let zero = one.try_mul_scalar(0.0)?;
                    let is_zero = Self::map_plain(Equal, [&x, &zero])?;
                    let zeros = is_zero.try_sum_keepdim(axes)?.try_expand(x.shape())?;
                    let rest = Self::map_plain(Where, [&is_zero, &one, &x])?;
                    let product = rest
                        .try_prod(axes)?
                        .try_reshape(kept)?
                        .try_expand(x.shape())?;
                    // Selected and not multiplied by 0: products that overflow would leave NaN.
                    let [lone, none] = [zeros.try_eq(&one)?, zeros.try_eq(&zero)?];
                    let single = Self::map_plain(Where, [&lone, &product, &zero])?;
                    let none = Self::map_plain(Where, [&none, &product.try_div(&rest)?, &zero])?;
                    let others = Self::map_plain(Where, [&is_zero, &single, &none])?;
                    grad.try_reshape(kept)?.try_mul(&others)
                })
            }
        })
    }

    /// The largest element along one axis, which is dropped. The first of equal ones gets the gradient; MiniTorch gives
    /// it to each of them. Not a number wins over all numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if the axis does not exist; [`ErrorKind::Size`] if it has no elements, or if this is tracked and
    /// it has more than `2^32`.
    pub fn try_max(&self, axis: usize) -> Result<Self> {
        self.extreme(Max, axis, |x| x.try_argmax(axis))
    }

    /// The smallest element along one axis, which is dropped; otherwise as [`Tensor::try_max`].
    ///
    /// # Errors
    /// As [`Tensor::try_max`].
    pub fn try_min(&self, axis: usize) -> Result<Self> {
        self.extreme(Min, axis, |x| x.try_argmin(axis))
    }

    /// The largest element of all, as a tensor without axes. The first of equal ones gets the gradient; PyTorch's
    /// `max()` divides it among them.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if there are no elements.
    pub fn try_max_all(&self) -> Result<Self> {
        self.try_reshape(self.elements())?.try_max(0)
    }

    /// The smallest element of all, as a tensor without axes; otherwise as [`Tensor::try_max_all`].
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if there are no elements.
    pub fn try_min_all(&self) -> Result<Self> {
        self.try_reshape(self.elements())?.try_min(0)
    }

    /// The position of the first largest element along one axis, for each index of the other axes in row-major order.
    ///
    /// # Errors
    /// As [`Tensor::try_max`]; [`ErrorKind::Size`] if the axis is longer than `2^32`, the positions that an index can name.
    pub fn try_argmax(&self, axis: usize) -> Result<Index<B>> {
        let ([outer, n, inner], last) = self.positions("argmax", axis)?;
        let x = self.detach().try_reshape([outer, n, inner])?;
        Index::wrap(
            self.device(),
            self.device().arg_max(x.view())?,
            outer * inner,
            Some(last),
        )
    }

    /// The position of the first smallest element along one axis; otherwise as [`Tensor::try_argmax`].
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::from_slice(&dev, &[3.0, 1.0, 1.0, -2.0, f32::NAN, -5.0], [2, 3]);
    /// assert_eq!(x.argmin(1).to_vec(), [1, 1]); // not a number wins, as in PyTorch
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::try_argmax`].
    pub fn try_argmin(&self, axis: usize) -> Result<Index<B>> {
        self.positions("argmin", axis)?;
        let negated = self.detach().try_neg();
        let argmax = negated.and_then(|negated| negated.try_argmax(axis));
        argmax.map_err(|error| error.in_op("argmin"))
    }

    /// The elements of three groups of axes, as [`Tensor::around`] gives them, and the last position along the middle one.
    fn positions(&self, op: &'static str, axis: usize) -> Result<([usize; 3], u32)> {
        let around = self.around(op, axis)?;
        let last = u32::try_from(around[1] - 1).map_err(|_| {
            Error::about(ErrorKind::Size, op, self.shape())
                .advise("an index names at most 2^32 positions")
        })?;
        Ok((around, last))
    }

    /// One element along one axis, which is dropped: `index` has the position for each index of the other axes, in
    /// row-major order. What negative log-likelihood needs.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Index, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::arange(&dev, 0.0, 6, 1.0).reshape([2, 3]);
    /// let labels = Index::new(&dev, &[2, 0])?;
    /// assert_eq!(x.pick(1, &labels).to_vec(), [2.0, 3.0]);
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Axis`]; [`ErrorKind::Size`] if `index` has another number of entries; [`ErrorKind::Index`] if one
    /// of them lies outside of the axis.
    #[doc(alias = "gather")]
    pub fn try_pick(&self, axis: usize, index: &Index<B>) -> Result<Self> {
        let [outer, n, inner] = self.around("pick", axis)?;
        let positions = index.checked("pick", outer * inner, n)?;
        let x = self.detach().try_reshape([outer, n, inner])?;
        let out = Self::dense(
            self.device().pick(x.view(), positions)?,
            self.shape().without(axis),
        )?;
        self.placing("pick", out, [outer, n, inner], index)
    }

    fn extreme<R: Reduction>(
        &self,
        reduction: R,
        axis: usize,
        position: impl Fn(&Self) -> Result<Index<B>>,
    ) -> Result<Self> {
        if !self.is_tracked() {
            self.around(R::NAME, axis)?;
            return Ok(self.folded(reduction, &[axis])?.0);
        }
        let (around, _) = self.positions(R::NAME, axis)?;
        let (out, _) = self.folded(reduction, &[axis])?;
        let index = position(&self.detach()).map_err(|error| error.in_op(R::NAME))?;
        self.placing(R::NAME, out, around, &index)
    }

    /// Records `out`, one element along an axis, whose gradient goes to its position.
    fn placing(
        &self,
        op: &'static str,
        out: Self,
        [outer, n, inner]: [usize; 3],
        index: &Index<B>,
    ) -> Result<Self> {
        let shape = *self.shape();
        out.recorded(op, [self], || {
            let index = index.clone();
            move |grad: Self, sink| {
                sink.add(0, || {
                    let grad = grad.try_reshape([outer, inner])?;
                    let positions = index.checked(op, outer * inner, n)?;
                    let placed = grad.device().place(grad.view(), positions, n)?;
                    Self::dense(placed, shape)
                })
            }
        })
    }

    /// Folds `axes`, and says which shape the result has if they stay as size 1.
    fn folded<R: Reduction>(&self, reduction: R, axes: &[usize]) -> Result<(Self, Shape)> {
        let (marks, kept) = self.kept(R::NAME, axes)?;
        let mut dropped = *self.shape();
        for axis in (0..self.rank()).rev().filter(|&axis| marks[axis]) {
            dropped = dropped.without(axis);
        }
        // Without elements to fold there may be too many folds of them: an error before the device is asked.
        Layout::check(&dropped).map_err(|error| error.in_op(R::NAME))?;
        let buffer = self
            .device()
            .reduce(reduction, self.view(), &marks[..self.rank()])?;
        Ok((Self::dense(buffer, dropped)?, kept))
    }

    /// Which axes are folded, and the shape with them as size 1.
    fn kept(&self, op: &'static str, axes: &[usize]) -> Result<([bool; MAX_RANK], Shape)> {
        let (mut marks, mut kept) = ([false; MAX_RANK], *self.shape());
        for &axis in axes {
            if axis >= self.rank() || core::mem::replace(&mut marks[axis], true) {
                return Err(Error::between(ErrorKind::Axis, op, axes, self.shape()));
            }
            kept.sizes_mut()[axis] = 1;
        }
        Ok((marks, kept))
    }

    fn count(&self, axes: &[usize]) -> usize {
        product(axes.iter().map(|&axis| self.shape()[axis]))
    }

    /// The sizes before, along and after an axis that has elements.
    pub(crate) fn around(&self, op: &'static str, axis: usize) -> Result<[usize; 3]> {
        let [outer, n, inner] = self.sizes_around(op, axis)?;
        if n == 0 {
            return Err(Error::about(ErrorKind::Size, op, self.shape())
                .advise("an axis without elements has no extreme"));
        }
        Ok([outer, n, inner])
    }

    /// The sizes before, along and after any axis. Without elements, the products of others may overflow: such
    /// products saturate.
    pub(crate) fn sizes_around(&self, op: &'static str, axis: usize) -> Result<[usize; 3]> {
        let shape = self.shape();
        let Some(&n) = shape.get(axis) else {
            return Err(Error::between(ErrorKind::Axis, op, &[axis], shape));
        };
        let all = |sizes: &[usize]| product(sizes.iter().copied());
        Ok([all(&shape[..axis]), n, all(&shape[axis + 1..])])
    }
}

const ALL_AXES: [usize; MAX_RANK] = [0, 1, 2, 3, 4, 5];

plain_forms! {
    fn sum = try_sum(axes: &[usize]) -> Self;
    fn sum_keepdim = try_sum_keepdim(axes: &[usize]) -> Self;
    fn sum_all = try_sum_all() -> Self;
    fn mean = try_mean(axes: &[usize]) -> Self;
    fn mean_keepdim = try_mean_keepdim(axes: &[usize]) -> Self;
    fn mean_all = try_mean_all() -> Self;
    fn var = try_var(axes: &[usize], correction: usize) -> Self;
    fn prod = try_prod(axes: &[usize]) -> Self;
    fn max = try_max(axis: usize) -> Self;
    fn min = try_min(axis: usize) -> Self;
    fn max_all = try_max_all() -> Self;
    fn min_all = try_min_all() -> Self;
    fn argmax = try_argmax(axis: usize) -> Index<B>;
    fn argmin = try_argmin(axis: usize) -> Index<B>;
    fn pick = try_pick(axis: usize, index: &Index<B>) -> Self;
}
