//! The softmax family and dropout.

use super::{OrRaise, Tensor, plain_forms};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::binary::Mul;
use crate::ops::special::{Keep, Where};
use crate::random::Generator;

impl<B: Backend> Tensor<B> {
    /// `exp(x - m) / sum(exp(x - m))` along one axis, with the maximum `m` of that axis taken off first, so that large
    /// values do not overflow.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if the axis does not exist.
    pub fn try_softmax(&self, axis: usize) -> Result<Self> {
        let shifted = self.shifted("softmax", axis)?;
        let exp = shifted.try_exp()?;
        let out = exp.try_div(&exp.try_sum_keepdim(&[axis])?)?;
        let y = out.clone();
        out.recorded("softmax", [self], || {
            move |grad: Self, sink| {
                sink.add(0, || {
                    let mean = grad.try_mul(&y)?.try_sum_keepdim(&[axis])?;
                    grad.try_sub(&mean)?.try_mul(&y)
                })
            }
        })
    }

    /// `x - m - log(sum(exp(x - m)))` along one axis: the logarithm of [`Tensor::try_softmax`], accurate where that
    /// underflows.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu<f64> = Cpu::default();
    /// let x = Tensor::from_slice(&dev, &[1000.0, 0.0], [1, 2]);
    /// assert_eq!(x.log_softmax(1).to_vec(), [0.0, -1000.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if the axis does not exist.
    pub fn try_log_softmax(&self, axis: usize) -> Result<Self> {
        let shape = *self.shape();
        let around = self.sizes_around("log_softmax", axis)?;
        let x = self.detach().try_reshape(around)?;
        let y = Self::dense(self.device().log_softmax(x.view())?, around)?;
        let out = y.try_reshape(shape)?;
        out.recorded("log_softmax", [self], || {
            move |grad: Self, sink| {
                sink.add(0, || {
                    let grad = grad.try_reshape(around)?;
                    let by_x = grad.device().log_softmax_grad(y.view(), grad.view())?;
                    Self::dense(by_x, shape)
                })
            }
        })
    }

    /// `m + log(sum(exp(x - m)))` along one axis, which is dropped, with its maximum `m`, or 0 if that is infinite:
    /// `-inf` if all elements are, or if there are none, and `inf` if one is.
    ///
    /// # Errors
    /// [`ErrorKind::Axis`] if the axis does not exist.
    pub fn try_logsumexp(&self, axis: usize) -> Result<Self> {
        let maximum = self.largest("logsumexp", axis)?;
        // `inf - inf` would be no number. A number is finite if taking it from itself leaves 0.
        let zero = Self::try_zeros(self.device(), [])?.try_expand(maximum.shape())?;
        let finite = maximum.try_sub(&maximum)?.try_eq(&zero)?;
        let maximum = Self::map_plain(Where, [&finite, &maximum, &zero])?;
        let log = self
            .detach()
            .try_sub(&maximum)?
            .try_exp()?
            .try_sum_keepdim(&[axis])?
            .try_log()?
            .try_add(&maximum)?;
        let out = log.try_reshape(self.shape().without(axis))?;
        let (x, kept) = (self.detach(), *maximum.shape());
        out.recorded("logsumexp", [self], || {
            move |grad: Self, sink| {
                sink.add(0, || grad.try_reshape(kept)?.try_mul(&x.try_softmax(axis)?))
            }
        })
    }

    /// `x - m`, without history, where `m` is the maximum along an axis.
    fn shifted(&self, op: &'static str, axis: usize) -> Result<Self> {
        self.detach().try_sub(&self.largest(op, axis)?)
    }

    /// The maximum along an axis, which stays as size 1, without history.
    fn largest(&self, op: &'static str, axis: usize) -> Result<Self> {
        if axis >= self.rank() {
            return Err(Error::between(ErrorKind::Axis, op, &[axis], self.shape()));
        }
        let mut kept = *self.shape();
        kept.sizes_mut()[axis] = 1;
        match self.shape()[axis] {
            // Nothing is to be kept from overflowing.
            0 => Self::try_zeros(self.device(), kept),
            _ => self.detach().try_max(axis)?.try_reshape(kept),
        }
    }

    /// Sets each element to 0 with probability `p` and multiplies the others by `1 / (1 - p)`.
    ///
    /// An element stays if its uniform number is at least `p`, so `p = 0` changes nothing and `p = 1` gives zeros.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if `p` is not in `0..=1`.
    pub fn try_dropout(&self, p: f64, rng: &mut Generator) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::new(
                ErrorKind::Argument,
                "dropout",
                "the probability must lie in 0..=1",
            ));
        }
        let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
        let [out, mask] = self.device().dropout(self.view(), Keep { p, scale }, rng)?;
        rng.skip(self.elements() as u64);
        let mask = Self::dense(mask, self.shape())?;
        Self::dense(out, self.shape())?.recorded("dropout", [self], || {
            move |grad: Self, sink| sink.add(0, || grad.updated(Mul, [&mask]))
        })
    }

    /// As [`Tensor::try_dropout`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn dropout(&self, p: f64, rng: &mut Generator) -> Self {
        self.try_dropout(p, rng).or_raise()
    }
}

plain_forms! {
    fn softmax = try_softmax(axis: usize) -> Self;
    fn log_softmax = try_log_softmax(axis: usize) -> Self;
    fn logsumexp = try_logsumexp(axis: usize) -> Self;
}
