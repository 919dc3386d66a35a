//! The gradients of tensors.

use super::address::AddressMap;
use super::engine::{Gradient, LeafId, backward};
use super::node::{Handle, NodeInfo, sort};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::binary::Add;
use crate::shape::Shape;
use crate::tensor::{OrRaise, Tensor};
use alloc::vec::Vec;

/// The gradients of the leaves of a graph.
#[must_use = "unread, the backward pass was for nothing"]
pub struct Gradients<B: Backend> {
    // The handle keeps the leaf alive, so that its address stays its own.
    leaves: AddressMap<(Handle<Tensor<B>>, Tensor<B>)>,
}

impl<B: Backend> core::fmt::Debug for Gradients<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Gradients({} leaves)", self.len())
    }
}

impl<B: Backend> Gradients<B> {
    /// The gradient of a tracked tensor, or `None` if the result did not depend on it.
    #[must_use]
    pub fn get(&self, leaf: &Tensor<B>) -> Option<&Tensor<B>> {
        self.leaves
            .get(leaf.leaf_id()?.address())
            .map(|(_, grad)| grad)
    }

    /// As [`Gradients::get`], to change the gradient.
    pub fn get_mut(&mut self, leaf: &Tensor<B>) -> Option<&mut Tensor<B>> {
        self.leaves
            .get_mut(leaf.leaf_id()?.address())
            .map(|(_, grad)| grad)
    }

    /// Takes the gradient of a tracked tensor out, so that its memory can be reused.
    pub fn take(&mut self, leaf: &Tensor<B>) -> Option<Tensor<B>> {
        self.leaves
            .remove(leaf.leaf_id()?.address())
            .map(|(_, grad)| grad)
    }

    /// The number of leaves that have a gradient.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether no leaf has a gradient.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.len() == 0
    }

    /// Adds the gradients of another pass, leaf by leaf: a large batch in small parts.
    ///
    /// # Errors
    /// As [`Tensor::try_update`]. Each gradient that was here stays, with or without its part of `other`; the rest of
    /// `other` is lost.
    pub fn try_add(&mut self, other: Self) -> Result<()> {
        // Each leaf is a sum of its own, so the order of this loop has no influence on any of them.
        for (address, (handle, grad)) in other.leaves.into_entries() {
            match self.leaves.get_mut(address) {
                Some((_, sum)) => sum.try_update(Add, [&grad])?,
                None => self.leaves.insert(address, (handle, grad)),
            }
        }
        Ok(())
    }

    /// As [`Gradients::try_add`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    pub fn add(&mut self, other: Self) {
        self.try_add(other).or_raise();
    }
}

/// The graph behind `root`, each node after all that use it: the order in which gradients flow.
///
/// The first entry is the root's node; untracked tensors (MiniTorch's constants) do not appear.
///
/// ```
/// use minitorch_core::autodiff::topological_sort;
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// let x = Tensor::ones(&dev, [1]).tracked();
/// let y = (&x * &x).exp();
/// let order = topological_sort(&y);
/// assert_eq!(order.iter().map(|node| node.op).collect::<Vec<_>>(), ["exp", "mul", "leaf"]);
/// assert_eq!(order[1].parents, [2, 2]);
/// ```
#[must_use]
pub fn topological_sort<B: Backend>(root: &Tensor<B>) -> Vec<NodeInfo> {
    sort(root.node())
}

impl<B: Backend> Tensor<B> {
    /// The identity of this tensor as a leaf of graphs, if it is tracked.
    #[must_use]
    pub fn leaf_id(&self) -> Option<LeafId> {
        self.node().map(LeafId::of)
    }

    /// Differentiates this tensor, of one element, by all tracked tensors that it was computed from.
    ///
    /// The graph is freed on the way, except for what is still held elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if there is more than one element; [`ErrorKind::Argument`] if nothing is tracked.
    pub fn try_backward(self) -> Result<Gradients<B>> {
        let seed = self.backward_seed()?;
        self.try_backward_with(seed)
    }

    /// The gradient of this tensor, of one element, by itself.
    pub(crate) fn backward_seed(&self) -> Result<Self> {
        if self.layout().elements() != 1 {
            return Err(Error::between(ErrorKind::Shape, "backward", self.shape(), &[])
                .advise("reduce to one element first (sum_all, mean_all), or give a gradient to backward_with"));
        }
        Self::try_ones(self.device(), *self.shape())
    }

    /// Differentiates the sum of this tensor times `seed`, of the same shape, by all tracked tensors behind it.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the shapes differ; [`ErrorKind::Argument`] if nothing is tracked.
    pub fn try_backward_with(self, seed: Self) -> Result<Gradients<B>> {
        let mut leaves = AddressMap::default();
        self.backward_steps(seed, &mut |id, handle, grad| {
            leaves.insert(id.address(), (handle, grad));
            Ok(())
        })?;
        Ok(Gradients { leaves })
    }

    /// As [`Tensor::try_backward_with`], but hands each leaf's gradient to `sink` as soon as it is complete.
    ///
    /// An optimiser that takes them one by one never holds all gradients at the same time.
    ///
    /// # Errors
    /// As there, and the first one that `sink` returns.
    pub fn try_backward_into(
        self,
        seed: Self,
        sink: &mut dyn FnMut(LeafId, Self) -> Result<()>,
    ) -> Result<()> {
        self.backward_steps(seed, &mut |id, _, grad| sink(id, grad))
    }

    fn backward_steps(
        self,
        seed: Self,
        leaf: &mut dyn FnMut(LeafId, Handle<Self>, Self) -> Result<()>,
    ) -> Result<()> {
        if seed.shape() != self.shape() {
            return Err(
                Error::between(ErrorKind::Shape, "backward", seed.shape(), self.shape())
                    .advise("the gradient needs the shape of the result"),
            );
        }
        backward(self.into_node(), seed.detach(), leaf)
    }

    /// As [`Tensor::try_backward`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    pub fn backward(self) -> Gradients<B> {
        self.try_backward().or_raise()
    }

    /// As [`Tensor::try_backward_with`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    pub fn backward_with(self, seed: Self) -> Gradients<B> {
        self.try_backward_with(seed).or_raise()
    }
}

impl<B: Backend> Gradient for Tensor<B> {
    type Form = Shape;

    #[inline]
    fn summed_to(self, shape: &Shape) -> Result<Self> {
        if self.shape() == shape {
            return Ok(self);
        }
        self.sum_stretched(shape)
    }

    /// In the memory of `self` if nobody else holds it. Every rule has a call, and few ever come here.
    #[inline(never)]
    fn accumulate(&mut self, other: Self) -> Result<()> {
        self.renew(Add, [&other])
    }
}

impl<B: Backend> Tensor<B> {
    /// The sum over the axes along which a tensor of `shape` was broadcast to this one's.
    #[inline(never)]
    fn sum_stretched(&self, shape: &Shape) -> Result<Self> {
        let lead = self.shape().rank() - shape.rank();
        let stretched = |axis: &usize| *axis < lead || shape[*axis - lead] != self.shape()[*axis];
        let mut axes = [0; crate::shape::MAX_RANK];
        let mut count = 0;
        for axis in (0..self.shape().rank()).filter(stretched) {
            axes[count] = axis;
            count += 1;
        }
        self.try_sum(&axes[..count])?.try_reshape(shape)
    }
}
