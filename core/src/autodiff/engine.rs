//! The backward pass, over any graph: of tensors, or of single numbers.

use super::address::AddressMap;
use super::node::{Handle, Parent};
use crate::error::{Error, ErrorKind, Result};
use crate::shared::Shared;
use alloc::vec::Vec;

/// What flows backwards through a graph: a [`Tensor`](crate::Tensor), or one number.
pub(crate) trait Gradient: Sized + Send + Sync + 'static {
    /// What a result is remembered by, so that its gradient can be given the same form: the shape of a tensor.
    type Form: Copy + Send + Sync + 'static;

    /// Undoes broadcasting: the sum over what an operand of this form was stretched along.
    fn summed_to(self, form: &Self::Form) -> Result<Self>;
    /// `self += other`, of one form.
    fn accumulate(&mut self, other: Self) -> Result<()>;
}

/// The identity of a tracked tensor or scalar, by which its gradient is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LeafId(usize);

impl LeafId {
    pub(crate) fn of<G: Gradient>(node: &Handle<G>) -> Self {
        Self(Shared::address(node))
    }

    /// What [`AddressMap`] knows the leaf by.
    pub(crate) const fn address(self) -> usize {
        self.0
    }
}

/// Where a rule leaves the gradients of its operands.
pub(crate) struct Sink<'a, G: Gradient> {
    parents: &'a [Parent<G>],
    grads: &'a mut [Option<G>],
}

impl<G: Gradient> Sink<'_, G> {
    /// Whether somebody wants the gradient of operand `index`.
    pub(crate) fn wants(&self, index: usize) -> bool {
        matches!(self.parents.get(index), Some(Some(_)))
    }

    /// Adds the gradient of operand `index`, computed only if somebody wants it. Broadcasting is undone here, once for
    /// all rules.
    pub(crate) fn add(&mut self, index: usize, grad: impl FnOnce() -> Result<G>) -> Result<()> {
        if let Some(Some(node)) = self.parents.get(index)
            && let Some(place) = self.grads.get_mut(index)
        {
            add(place, grad()?.summed_to(node.form())?)?;
        }
        Ok(())
    }
}

/// Adds a gradient to the sum of those before; the first one is moved.
#[inline(always)]
fn add<G: Gradient>(sum: &mut Option<G>, grad: G) -> Result<()> {
    match sum {
        Some(sum) => sum.accumulate(grad),
        None => {
            *sum = Some(grad);
            Ok(())
        }
    }
}

/// A node that waits until all that use it have been through.
struct Pending<G> {
    uses: usize,
    grad: Option<G>,
}

/// Sends the gradient `seed` of `root` through the graph; `leaf` gets each leaf's gradient once it is complete.
///
/// Nodes are processed when the last of their users has been, with an explicit stack; a node that nobody else holds is
/// freed, with what it saved, as soon as it is through.
pub(crate) fn backward<G: Gradient>(
    root: Option<Handle<G>>,
    seed: G,
    leaf: &mut dyn FnMut(LeafId, Handle<G>, G) -> Result<()>,
) -> Result<()> {
    let untracked = Error::new(
        ErrorKind::Argument,
        "backward",
        "nothing to differentiate: no operand of it is tracked()",
    );
    let root = root.ok_or(untracked)?;
    let mut shared = count_uses(&root);
    let mut ready: Vec<(Handle<G>, Option<G>)> = Vec::with_capacity(4);
    ready.push((root, Some(seed)));
    let mut grads: Vec<Option<G>> = Vec::new();
    while let Some((mut handle, grad)) = ready.pop() {
        let parents = handle.parents();
        if parents.is_empty() {
            if let Some(grad) = grad {
                leaf(LeafId::of(&handle), handle, grad)?;
            }
            continue;
        }
        grads.resize_with(parents.len(), || None);
        if let Some(grad) = grad {
            let grads = &mut grads;
            handle.backward(grad, &mut Sink { parents, grads })?;
        }
        let mut pass = |parent: Handle<G>, mut grad: Option<G>| -> Result<()> {
            // A node that is not in the map has no other user.
            if let Some(entry) = shared.get_mut(Shared::address(&parent)) {
                entry.uses -= 1;
                if let Some(grad) = grad {
                    add(&mut entry.grad, grad)?;
                }
                if entry.uses > 0 {
                    return Ok(());
                }
                grad = entry.grad.take();
            }
            ready.push((parent, grad));
            Ok(())
        };
        match Shared::get_mut(&mut handle) {
            Some(node) => node
                .parents_mut()
                .iter_mut()
                .zip(grads.drain(..))
                .filter_map(|(parent, grad)| Some((parent.take()?, grad)))
                .try_for_each(|(parent, grad)| pass(parent, grad))?,
            None => handle
                .parents()
                .iter()
                .zip(grads.drain(..))
                .filter_map(|(parent, grad)| Some((parent.clone()?, grad)))
                .try_for_each(|(parent, grad)| pass(parent, grad))?,
        }
    }
    Ok(())
}

/// The gradients of the operands of one node by its own rule; none for operands that are not tracked.
pub(crate) fn chain_rule<G: Gradient>(node: &Handle<G>, grad: G) -> Result<Vec<Option<G>>> {
    let parents = node.parents();
    let mut grads: Vec<Option<G>> = parents.iter().map(|_| None).collect();
    let sink = &mut Sink {
        parents,
        grads: &mut grads,
    };
    node.backward(grad, sink)?;
    Ok(grads)
}

/// How many times each node below `root` is used as an operand. A node with a single owner is left out: the owner is the
/// operation that uses it.
fn count_uses<G: Gradient>(root: &Handle<G>) -> AddressMap<Pending<G>> {
    let mut shared = AddressMap::default();
    let mut stack = Vec::from([root.parents()]);
    while let Some(parents) = stack.pop() {
        for parent in parents.iter().flatten() {
            if !Shared::is_unique(parent) {
                let address = Shared::address(parent);
                if let Some(Pending { uses, .. }) = shared.get_mut(address) {
                    *uses += 1;
                    continue;
                }
                let (uses, grad) = (1, None);
                shared.insert(address, Pending { uses, grad });
            }
            let parents = parent.parents();
            if !parents.is_empty() {
                stack.push(parents);
            }
        }
    }
    shared
}
