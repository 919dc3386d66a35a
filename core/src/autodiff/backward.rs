//! The backward pass.

use super::node::{Handle, Node, Parent};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::binary::Add;
use crate::shape::Shape;
use crate::shared::Shared;
use crate::tensor::{OrRaise, Tensor};
use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hasher};
use hashbrown::HashMap;

/// The identity of a tracked tensor, by which its gradient is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeafId(usize);

/// The gradients of the leaves of a graph.
pub struct Gradients<B: Backend> {
    // The handle keeps the leaf alive, so that its address stays its own.
    leaves: AddressMap<(Handle<B>, Tensor<B>)>,
}

impl<B: Backend> Gradients<B> {
    /// The gradient of a tracked tensor, or `None` if the result did not depend on it.
    #[must_use]
    pub fn get(&self, leaf: &Tensor<B>) -> Option<&Tensor<B>> {
        self.leaves.get(leaf.leaf_id()?.0).map(|(_, grad)| grad)
    }

    /// As [`Gradients::get`], to change the gradient.
    pub fn get_mut(&mut self, leaf: &Tensor<B>) -> Option<&mut Tensor<B>> {
        self.leaves.get_mut(leaf.leaf_id()?.0).map(|(_, grad)| grad)
    }

    /// Takes the gradient of a tracked tensor out, so that its memory can be reused.
    pub fn take(&mut self, leaf: &Tensor<B>) -> Option<Tensor<B>> {
        self.leaves.remove(leaf.leaf_id()?.0).map(|(_, grad)| grad)
    }

    /// The number of leaves that have a gradient.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.0.len()
    }

    /// Whether no leaf has a gradient.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.0.is_empty()
    }

    /// Adds the gradients of another pass, leaf by leaf: a large batch in small parts.
    ///
    /// # Errors
    /// Those of the device.
    pub fn add(&mut self, other: Self) -> Result<()> {
        // Each leaf is a sum of its own, so the order of this loop has no influence on any of them.
        for (address, (handle, grad)) in other.leaves.0 {
            let sum = match self.leaves.remove(address) {
                Some((_, mine)) => mine.updated(Add, [&grad])?,
                None => grad,
            };
            self.leaves.insert(address, (handle, sum));
        }
        Ok(())
    }
}

/// Where a rule leaves the gradients of its operands.
pub(crate) struct Sink<'a, B: Backend> {
    parents: &'a [Parent<B>],
    pending: &'a mut AddressMap<Pending<B>>,
}

/// A node that waits until all that use it have been through.
struct Pending<B: Backend> {
    uses: usize,
    grad: Option<Tensor<B>>,
}

impl<B: Backend> Sink<'_, B> {
    /// Adds the gradient of operand `index`, computed only if somebody wants it. Broadcasting is undone here, once for
    /// all rules: the gradient is summed over the axes along which the operand was stretched.
    pub(crate) fn add(
        &mut self,
        index: usize,
        grad: impl FnOnce() -> Result<Tensor<B>>,
    ) -> Result<()> {
        let Some(Parent {
            node: Some(node),
            shape,
        }) = self.parents.get(index)
        else {
            return Ok(());
        };
        let grad = grad()?.summed_to(shape)?;
        let Some(pending) = self.pending.get_mut(Shared::address(node)) else {
            return Ok(());
        };
        pending.grad = Some(match pending.grad.take() {
            None => grad,
            Some(sum) => sum.updated(Add, [&grad])?,
        });
        Ok(())
    }
}

/// Sends the gradient `seed` of `root` through the graph; `leaf` gets each leaf's gradient once it is complete.
///
/// Nodes are processed when the last of their users has been, with an explicit stack; a node that nobody else holds is
/// freed, with what it saved, as soon as it is through.
pub(crate) fn backward<B: Backend>(
    root: Tensor<B>,
    seed: Tensor<B>,
    leaf: &mut dyn FnMut(LeafId, Handle<B>, Tensor<B>) -> Result<()>,
) -> Result<()> {
    let untracked = Error::new(
        ErrorKind::Argument,
        "backward",
        "nothing to differentiate: no operand of it is tracked()",
    );
    let root = root.into_node().ok_or(untracked)?;
    let mut pending = count_uses(&root);
    let mut ready: Vec<(Handle<B>, Option<Tensor<B>>)> = Vec::from([(root, Some(seed))]);
    while let Some((mut handle, grad)) = ready.pop() {
        if handle.parents().is_empty() {
            if let Some(grad) = grad {
                leaf(LeafId(Shared::address(&handle)), handle, grad)?;
            }
            continue;
        }
        if let Some(grad) = grad {
            handle.backward(
                grad,
                &mut Sink {
                    parents: handle.parents(),
                    pending: &mut pending,
                },
            )?;
        }
        let mut release = |parent: Handle<B>| {
            let address = Shared::address(&parent);
            let Some(entry) = pending.get_mut(address) else {
                return;
            };
            entry.uses -= 1;
            if entry.uses == 0 {
                let grad = entry.grad.take();
                pending.remove(address);
                ready.push((parent, grad));
            }
        };
        match Shared::get_mut(&mut handle) {
            Some(node) => node
                .parents_mut()
                .iter_mut()
                .filter_map(|parent| parent.node.take())
                .for_each(&mut release),
            None => handle
                .parents()
                .iter()
                .filter_map(|parent| parent.node.clone())
                .for_each(&mut release),
        }
    }
    Ok(())
}

/// How many times each node below `root` is used as an operand.
fn count_uses<B: Backend>(root: &Handle<B>) -> AddressMap<Pending<B>> {
    let mut pending = AddressMap::default();
    let mut stack: Vec<&dyn Node<B>> = Vec::from([&**root]);
    while let Some(node) = stack.pop() {
        for parent in node
            .parents()
            .iter()
            .filter_map(|parent| parent.node.as_ref())
        {
            let address = Shared::address(parent);
            if pending.insert_new(
                address,
                Pending {
                    uses: 0,
                    grad: None,
                },
            ) {
                stack.push(&**parent);
            }
            if let Some(entry) = pending.get_mut(address) {
                entry.uses += 1;
            }
        }
    }
    pending
}

impl<B: Backend> Tensor<B> {
    /// The identity of this tensor as a leaf of graphs, if it is tracked.
    #[must_use]
    pub fn leaf_id(&self) -> Option<LeafId> {
        self.node().map(|node| LeafId(Shared::address(node)))
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
        self.backward_steps(seed, &mut |LeafId(address), handle, grad| {
            leaves.insert(address, (handle, grad));
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
        leaf: &mut dyn FnMut(LeafId, Handle<B>, Self) -> Result<()>,
    ) -> Result<()> {
        if seed.shape() != self.shape() {
            return Err(
                Error::between(ErrorKind::Shape, "backward", seed.shape(), self.shape())
                    .advise("the gradient needs the shape of the result"),
            );
        }
        backward(self, seed.detach(), leaf)
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

    /// The sum over the axes along which a tensor of `shape` was broadcast to this one's.
    fn summed_to(self, shape: &Shape) -> Result<Self> {
        if self.shape() == shape {
            return Ok(self);
        }
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

/// A map from addresses. It is only ever asked for single keys: no order comes from it.
pub(crate) struct AddressMap<V>(HashMap<usize, V, BuildHasherDefault<AddressHasher>>);

impl<V> Default for AddressMap<V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<V> AddressMap<V> {
    pub(crate) fn get(&self, address: usize) -> Option<&V> {
        self.0.get(&address)
    }

    fn get_mut(&mut self, address: usize) -> Option<&mut V> {
        self.0.get_mut(&address)
    }

    pub(crate) fn insert(&mut self, address: usize, value: V) {
        self.0.insert(address, value);
    }

    /// Inserts if the address is new, and says whether it was.
    pub(crate) fn insert_new(&mut self, address: usize, value: V) -> bool {
        self.0.try_insert(address, value).is_ok()
    }

    fn remove(&mut self, address: usize) -> Option<V> {
        self.0.remove(&address)
    }
}

/// Spreads the bits of an address: addresses of one size class differ in few of them.
#[derive(Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(byte.into());
        }
    }

    fn write_usize(&mut self, address: usize) {
        let spread = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}
