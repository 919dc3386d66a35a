//! Views: the same memory under another layout. Nothing is copied except by `reshape` where it must, and `contiguous`.

use super::{OrRaise, Tensor, plain_forms};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::shape::{MAX_RANK, Shape};

/// A tensor that was just made has its buffer for itself; should that ever fail, silence would be a wrong gradient.
const SHARED: Error = Error::new(ErrorKind::Device, "view", "a new buffer is shared");

impl<B: Backend> Tensor<B> {
    /// Reorders the axes: axis `i` of the result is axis `order[i]` of this tensor.
    ///
    /// # Errors
    /// As [`Layout::permute`].
    pub fn try_permute(&self, order: &[usize]) -> Result<Self> {
        let view = self.with_layout(self.layout().permute(order)?)?;
        let mut inverse = [0; MAX_RANK];
        for (to, &from) in order.iter().enumerate() {
            inverse[from] = to;
        }
        let rank = order.len();
        view.recorded("permute", [self], || {
            move |grad, sink| sink.add(0, || grad.try_permute(&inverse[..rank]))
        })
    }

    /// Swaps two axes.
    ///
    /// # Errors
    /// As [`Layout::transpose`].
    pub fn try_transpose(&self, a: usize, b: usize) -> Result<Self> {
        let view = self.with_layout(self.layout().transpose(a, b)?)?;
        view.recorded("transpose", [self], || {
            move |grad, sink| sink.add(0, || grad.try_transpose(a, b))
        })
    }

    /// The elements in row-major order under another shape: a view where strides allow it, else a copy.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if the number of elements differs.
    #[doc(alias = "flatten")]
    pub fn try_reshape(&self, shape: impl Into<Shape>) -> Result<Self> {
        self.reshaped(shape.into())
    }

    /// The code of [`Tensor::try_reshape`], once for all forms of a shape.
    fn reshaped(&self, shape: Shape) -> Result<Self> {
        let out = match self.layout().reshape(shape)? {
            Some(layout) => self.with_layout(layout)?,
            None => {
                let copy = self.detach().try_contiguous()?;
                copy.with_layout(Layout::contiguous(shape)?)?
            }
        };
        let before = *self.shape();
        out.recorded("reshape", [self], || {
            move |grad, sink| sink.add(0, || grad.try_reshape(before))
        })
    }

    /// MiniTorch's and PyTorch's `view`: as [`Tensor::try_reshape`], but never a copy.
    ///
    /// # Errors
    /// As there, and if the strides do not allow it.
    #[doc(alias = "view")]
    pub fn try_view_as(&self, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        if self.layout().reshape(shape)?.is_none() {
            return Err(
                Error::between(ErrorKind::Shape, "view", self.shape(), &shape)
                    .advise("the strides of this view need a copy; use reshape"),
            );
        }
        self.try_reshape(shape)
    }

    /// Stretches axes of size 1, and adds axes at the left, up to `shape`.
    ///
    /// # Errors
    /// As [`Layout::expand`].
    pub fn try_expand(&self, shape: impl Into<Shape>) -> Result<Self> {
        let view = self.with_layout(self.layout().expand(shape)?)?;
        // The sink sums the gradient back to the operand's shape.
        view.recorded("expand", [self], || |grad, sink| sink.add(0, || Ok(grad)))
    }

    /// Keeps the positions `start..start + count` of one axis.
    ///
    /// # Errors
    /// As [`Layout::narrow`].
    #[doc(alias("split", "chunk"))]
    pub fn try_narrow(&self, axis: usize, start: usize, count: usize) -> Result<Self> {
        let view = self.with_layout(self.layout().narrow(axis, start, count)?)?;
        self.embedded_grad("narrow", view, move |whole| {
            whole.narrow(axis, start, count)
        })
    }

    /// Keeps every `step`-th of the positions `start..` of one axis, `count` of them.
    ///
    /// # Errors
    /// As [`Layout::slice`].
    pub fn try_slice(&self, axis: usize, start: usize, count: usize, step: usize) -> Result<Self> {
        let view = self.with_layout(self.layout().slice(axis, start, count, step)?)?;
        self.embedded_grad("slice", view, move |whole| {
            whole.slice(axis, start, count, step)
        })
    }

    /// Shows index `at` of one axis, which is dropped.
    ///
    /// # Errors
    /// As [`Layout::narrow`].
    pub fn try_select(&self, axis: usize, at: usize) -> Result<Self> {
        let view = self.with_layout(self.layout().select(axis, at)?)?;
        self.embedded_grad("select", view, move |whole| whole.select(axis, at))
    }

    /// Takes out an axis of size 1.
    ///
    /// # Errors
    /// As [`Layout::squeeze`].
    pub fn try_squeeze(&self, axis: usize) -> Result<Self> {
        self.try_reshape(self.layout().squeeze(axis)?.shape())
    }

    /// Adds an axis of size 1 before position `axis`.
    ///
    /// # Errors
    /// As [`Layout::unsqueeze`].
    pub fn try_unsqueeze(&self, axis: usize) -> Result<Self> {
        self.try_reshape(self.layout().unsqueeze(axis)?.shape())
    }

    /// Slides a window along one axis: `[.., n, ..]` becomes `[.., (n - size) / step + 1, .., size]`.
    ///
    /// Windows may overlap; each element's gradient is the sum over the windows that show it, in the order of its place
    /// within them.
    ///
    /// # Errors
    /// As [`Layout::window`].
    pub fn try_window(&self, axis: usize, size: usize, step: usize) -> Result<Self> {
        let view = self.with_layout(self.layout().window(axis, size, step)?)?;
        let shape = *self.shape();
        view.recorded("window", [self], || {
            move |grad: Self, sink| {
                sink.add(0, || {
                    // Element k of every window: these positions do not overlap, so they can be added in place.
                    let whole = Self::try_zeros(grad.device(), shape)?;
                    if grad.elements() == 0 {
                        return Ok(whole);
                    }
                    let last = grad.rank() - 1;
                    (0..size).try_fold(whole, |whole, k| {
                        let part = grad.try_select(last, k)?;
                        let place = whole.layout().slice(axis, k, part.shape()[axis], step)?;
                        whole.added_at(&place, &part)
                    })
                })
            }
        })
    }

    /// The same elements in dense row-major order: this tensor if it is so already, else a copy.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_contiguous(&self) -> Result<Self> {
        if self.layout().is_contiguous() {
            Ok(self.clone())
        } else {
            self.try_copied()
        }
    }

    /// Whether the elements lie in row-major order without gaps.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.layout().is_contiguous()
    }

    /// Records a view whose gradient goes into a tensor of zeros, at the place that `place` finds.
    fn embedded_grad(
        &self,
        op: &'static str,
        view: Self,
        place: impl Fn(&Layout) -> Result<Layout> + Send + Sync + 'static,
    ) -> Result<Self> {
        let shape = *self.shape();
        view.recorded(op, [self], || {
            move |grad: Self, sink| {
                sink.add(0, || {
                    let whole = Self::try_zeros(grad.device(), shape)?;
                    let layout = place(whole.layout())?;
                    whole.assigned(&layout, &grad)
                })
            }
        })
    }

    /// This new tensor with `part` written to the positions of `layout`.
    pub(crate) fn assigned(mut self, layout: &Layout, part: &Self) -> Result<Self> {
        let device = self.device().clone();
        let buffer = self.unique_buffer().ok_or(SHARED)?;
        device.assign(buffer, layout, part.view())?;
        Ok(self)
    }

    /// This new tensor with `part` added to the positions of `layout`, which do not overlap.
    fn added_at(mut self, layout: &Layout, part: &Self) -> Result<Self> {
        let device = self.device().clone();
        let buffer = self.unique_buffer().ok_or(SHARED)?;
        device.update(crate::ops::binary::Add, buffer, layout, [part.view()])?;
        Ok(self)
    }

    /// As [`Tensor::try_reshape`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Self {
        self.try_reshape(shape).or_raise()
    }

    /// As [`Tensor::try_view_as`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn view_as(&self, shape: impl Into<Shape>) -> Self {
        self.try_view_as(shape).or_raise()
    }

    /// As [`Tensor::try_expand`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn expand(&self, shape: impl Into<Shape>) -> Self {
        self.try_expand(shape).or_raise()
    }
}

plain_forms! {
    fn permute = try_permute(order: &[usize]) -> Self;
    fn transpose = try_transpose(a: usize, b: usize) -> Self;
    fn narrow = try_narrow(axis: usize, start: usize, count: usize) -> Self;
    fn slice = try_slice(axis: usize, start: usize, count: usize, step: usize) -> Self;
    fn select = try_select(axis: usize, at: usize) -> Self;
    fn squeeze = try_squeeze(axis: usize) -> Self;
    fn unsqueeze = try_unsqueeze(axis: usize) -> Self;
    fn window = try_window(axis: usize, size: usize, step: usize) -> Self;
    fn contiguous = try_contiguous() -> Self;
}
