//! Changes in place: what optimisers do to parameters.

use super::Tensor;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
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
        if let Some(node) = &self.node
            && !node.parents().is_empty()
        {
            let detail = "a computed tensor cannot change; detach it first";
            return Err(Error::new(ErrorKind::Argument, O::NAME, detail));
        }
        if let Some(other) = operands.iter().find(|other| other.shape() != self.shape()) {
            return Err(Error::between(
                ErrorKind::Shape,
                O::NAME,
                other.shape(),
                self.shape(),
            ));
        }
        let device = self.device().clone();
        if !self.layout().is_contiguous() || !Shared::is_unique(&self.storage) {
            self.replace(self.detach().try_copied()?);
        }
        let views = operands.map(Tensor::view);
        match self.unique_memory() {
            Some((buffer, layout)) => device.update(op, buffer, layout, views),
            None => Err(Error::new(
                ErrorKind::Device,
                O::NAME,
                "the copy of a buffer is shared",
            )),
        }
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
