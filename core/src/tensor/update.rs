//! Changes in place: what optimisers do to parameters.

use super::Tensor;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::ops::Op;
use crate::shared::Shared;
use core::cmp::Ordering;

impl<B: Backend> Tensor<B> {
    /// Replaces each element by `op` of itself, as operand number [`Op::IN_PLACE`] (as a rule the first), and of the
    /// operands, which have the same shape; `M` is `N + 1`.
    ///
    /// Memory that other tensors or graphs share is copied first, so nobody else sees the change. Otherwise, after
    /// [`Tensor::backward`] has consumed the graph, nothing is allocated. A leaf stays the same leaf.
    ///
    /// ```
    /// use minitorch_core::ops::special::AddScaled;
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let mut x = Tensor::from_slice(&dev, &[1.0, 2.0], [2]);
    /// let (before, grad) = (x.clone(), Tensor::ones(&dev, [2]));
    /// x.try_update(AddScaled { factor: -0.5 }, [&grad])?;
    /// assert_eq!((x.to_vec(), before.to_vec()), (vec![0.5, 1.5], vec![1.0, 2.0]));
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the shapes differ; [`ErrorKind::Argument`] if this tensor was computed from tracked
    /// ones, whose gradients the change would make wrong.
    pub fn try_update<const N: usize, const M: usize, O: Op<M>>(
        &mut self,
        op: O,
        operands: [&Self; N],
    ) -> Result<()> {
        const { assert!(M == N + 1, "an update takes the old value and the operands") };
        if let Some(other) = operands.iter().find(|other| other.shape() != self.shape()) {
            return Err(Error::between(
                ErrorKind::Shape,
                O::NAME,
                other.shape(),
                self.shape(),
            ));
        }
        let device = self.device().clone();
        let (buffer, layout) = self.own_memory(O::NAME)?;
        device.update(op, buffer, layout, operands.map(Tensor::view))
    }

    /// Copies `part` to the positions from `start` on of one axis, in place; otherwise as [`Tensor::try_update`].
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let mut all = Tensor::zeros(&dev, [2, 3]);
    /// let before = all.clone();
    /// all.try_put(1, 2, &Tensor::from_slice(&dev, &[5.0, 6.0], [2, 1]))?;
    /// assert_eq!(all.to_vec(), [0.0, 0.0, 5.0, 0.0, 0.0, 6.0]);
    /// assert_eq!(before.sum_all().item(), 0.0);
    /// assert!(all.try_put(1, 3, &Tensor::zeros(&dev, [2, 1])).is_err()); // beyond the end
    /// assert!(all.try_put(1, 0, &Tensor::zeros(&dev, [1, 1])).is_err()); // another number of rows
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Layout::narrow`](crate::Layout::narrow); [`ErrorKind::Shape`] if other sizes than that of the axis differ;
    /// [`ErrorKind::Argument`] as there.
    #[doc(alias = "slice_assign")]
    pub fn try_put(&mut self, axis: usize, start: usize, part: &Self) -> Result<()> {
        let count = part.shape().get(axis).copied().unwrap_or_default();
        let place = self.layout().narrow(axis, start, count);
        let place = place.map_err(|error| error.in_op("put"))?;
        if *place.shape() != *part.shape() {
            return Err(
                Error::between(ErrorKind::Shape, "put", part.shape(), self.shape())
                    .advise("all sizes but that of the axis must be equal"),
            );
        }
        let device = self.device().clone();
        let (buffer, layout) = self.own_memory("put")?;
        let place = layout.narrow(axis, start, count)?;
        device.assign(buffer, &place, part.view())
    }

    /// Refuses tensors whose history a change would make wrong.
    pub(super) fn refuse_computed(&self, op: &'static str) -> Result<()> {
        match &self.node {
            Some(node) if !node.parents().is_empty() => Err(Error::new(
                ErrorKind::Argument,
                op,
                "a computed tensor cannot change; detach it first",
            )),
            _ => Ok(()),
        }
    }

    /// The memory of this tensor, which nobody else sees, and its layout: a copy, where it is shared.
    fn own_memory(&mut self, op: &'static str) -> Result<(&mut B::Buffer, &Layout)> {
        self.refuse_computed(op)?;
        if !self.layout().is_contiguous() || !Shared::is_unique(&self.storage) {
            self.replace(self.detach().try_copied()?);
        }
        let shared = Error::new(ErrorKind::Device, op, "the copy of a buffer is shared");
        self.unique_memory().ok_or(shared)
    }

    /// What [`Tensor::try_update`] makes of this tensor, without history: in its own memory if nobody else holds that, else
    /// in new memory. The operands have the same shape.
    pub(crate) fn updated<const N: usize, const M: usize, O: Op<M>>(
        mut self,
        op: O,
        operands: [&Self; N],
    ) -> Result<Self> {
        self.node = None;
        self.renew(op, operands)?;
        Ok(self)
    }

    /// As [`Tensor::updated`], of a tensor without history, which becomes the result.
    pub(crate) fn renew<const N: usize, const M: usize, O: Op<M>>(
        &mut self,
        op: O,
        operands: [&Self; N],
    ) -> Result<()> {
        const { assert!(M == N + 1, "an update takes the old value and the operands") };
        if self.layout().is_contiguous() && Shared::is_unique(&self.storage) {
            // An operand knows the device as well, and is not about to be changed.
            let device = match operands.first() {
                Some(other) => other.device(),
                None => &self.device().clone(),
            };
            if let Some((buffer, layout)) = self.unique_memory() {
                return device.update(op, buffer, layout, operands.map(Self::view));
            }
        }
        let views = core::array::from_fn(|k| match k.cmp(&O::IN_PLACE) {
            Ordering::Less => operands[k].view(),
            Ordering::Equal => self.view(),
            Ordering::Greater => operands[k - 1].view(),
        });
        *self = Self::dense(self.device().map(op, views)?, self.shape())?;
        Ok(())
    }

    /// Takes over the elements of `other`, of the same shape. A leaf stays the same leaf.
    pub(crate) fn replace(&mut self, other: Self) {
        self.storage = other.storage;
        self.view = other.view;
    }
}
