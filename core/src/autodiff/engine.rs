//! The backward pass, over any graph: of tensors, or of single numbers.

use super::address::AddressMap;
use super::node::{Handle, Node, Parent};
use crate::error::{Error, ErrorKind, Result};
use crate::shared::Shared;
use alloc::vec::Vec;

/// What flows backwards through a graph: a [`Tensor`](crate::Tensor), or one number.
pub(crate) trait Gradient: Sized + Send + Sync + 'static {
    /// What an operand is remembered by, so that its gradient can be given its form: the shape of a tensor.
    type Form: Copy + Send + Sync + 'static;

    /// Undoes broadcasting: the sum over what the operand of this form was stretched along.
    fn summed_to(self, form: &Self::Form) -> Result<Self>;
    /// `self + other`, of one form.
    fn accumulated(self, other: Self) -> Result<Self>;
}

/// The identity of a tracked tensor or scalar, by which its gradient is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    target: Target<'a, G>,
}

enum Target<'a, G> {
    /// The sums of a backward pass, by node.
    Graph(&'a mut AddressMap<Pending<G>>),
    /// A place for each operand.
    Operands(&'a mut [Option<G>]),
}

/// A node that waits until all that use it have been through.
struct Pending<G> {
    uses: usize,
    grad: Option<G>,
}

impl<G: Gradient> Sink<'_, G> {
    /// Adds the gradient of operand `index`, computed only if somebody wants it. Broadcasting is undone here, once for
    /// all rules.
    pub(crate) fn add(&mut self, index: usize, grad: impl FnOnce() -> Result<G>) -> Result<()> {
        let Some(Parent {
            node: Some(node),
            form,
        }) = self.parents.get(index)
        else {
            return Ok(());
        };
        let grad = grad()?.summed_to(form)?;
        let place = match &mut self.target {
            Target::Graph(pending) => pending
                .get_mut(Shared::address(node))
                .map(|pending| &mut pending.grad),
            Target::Operands(grads) => grads.get_mut(index),
        };
        if let Some(place) = place {
            *place = Some(match place.take() {
                None => grad,
                Some(sum) => sum.accumulated(grad)?,
            });
        }
        Ok(())
    }
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
    let mut pending = count_uses(&root);
    let mut ready: Vec<(Handle<G>, Option<G>)> = Vec::from([(root, Some(seed))]);
    while let Some((mut handle, grad)) = ready.pop() {
        if handle.parents().is_empty() {
            if let Some(grad) = grad {
                leaf(LeafId::of(&handle), handle, grad)?;
            }
            continue;
        }
        if let Some(grad) = grad {
            handle.backward(
                grad,
                &mut Sink {
                    parents: handle.parents(),
                    target: Target::Graph(&mut pending),
                },
            )?;
        }
        let mut release = |parent: Handle<G>| {
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

/// The gradients of the operands of one node by its own rule; none for operands that are not tracked.
pub(crate) fn chain_rule<G: Gradient>(node: &Handle<G>, grad: G) -> Result<Vec<Option<G>>> {
    let parents = node.parents();
    let mut grads: Vec<Option<G>> = parents.iter().map(|_| None).collect();
    let target = Target::Operands(&mut grads);
    node.backward(grad, &mut Sink { parents, target })?;
    Ok(grads)
}

/// How many times each node below `root` is used as an operand.
fn count_uses<G: Gradient>(root: &Handle<G>) -> AddressMap<Pending<G>> {
    let mut pending = AddressMap::default();
    let mut stack: Vec<&dyn Node<G>> = Vec::from([&**root]);
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
