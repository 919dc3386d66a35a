//! The nodes of the graph.

use super::address::AddressMap;
use super::engine::{Gradient, LeafId, Sink};
use crate::error::{Error, ErrorKind, Result};
use crate::shared::Shared;
use alloc::vec::Vec;

/// A reference to a node.
pub(crate) type Handle<G> = Shared<dyn Node<G>>;

/// One operation of the graph, or a leaf.
pub(crate) trait Node<G: Gradient>: Send + Sync {
    /// The name of the operation.
    fn op(&self) -> &'static str;
    /// The form of the result, and so of its gradient.
    fn form(&self) -> &G::Form;
    /// Where the operands came from.
    fn parents(&self) -> &[Parent<G>];
    /// The same, for taking the graph apart.
    fn parents_mut(&mut self) -> &mut [Parent<G>];
    /// Turns the gradient of the result into those of the operands.
    fn backward(&self, grad: G, sink: &mut Sink<'_, G>) -> Result<()>;
}

/// Where an operand came from: its node, if it is tracked.
pub(crate) type Parent<G> = Option<Handle<G>>;

/// A node: operands and rule in one allocation. A leaf is one without operands.
pub(crate) struct Record<G: Gradient, P: AsMut<[Parent<G>]>, F> {
    op: &'static str,
    form: G::Form,
    parents: P,
    rule: F,
}

impl<G, P, F> Record<G, P, F>
where
    G: Gradient,
    P: AsRef<[Parent<G>]> + AsMut<[Parent<G>]> + Send + Sync + 'static,
    F: Fn(G, &mut Sink<'_, G>) -> Result<()> + Send + Sync + 'static,
{
    /// A new node, of a result of this form. `rule` gets the gradient of the result and adds those of the operands to
    /// the sink.
    pub(crate) fn handle(
        op: &'static str,
        form: G::Form,
        parents: P,
        rule: F,
    ) -> Result<Handle<G>> {
        let record = Self {
            op,
            form,
            parents,
            rule,
        };
        Shared::try_new_unsized::<dyn Node<G>>(record, |slot| slot).map_err(|_| {
            Error::about(ErrorKind::Memory, op, &[size_of::<Self>()])
                .advise("out of memory for a node")
        })
    }
}

impl<G, P, F> Node<G> for Record<G, P, F>
where
    G: Gradient,
    P: AsRef<[Parent<G>]> + AsMut<[Parent<G>]> + Send + Sync,
    F: Fn(G, &mut Sink<'_, G>) -> Result<()> + Send + Sync,
{
    fn op(&self) -> &'static str {
        self.op
    }

    fn form(&self) -> &G::Form {
        &self.form
    }

    fn parents(&self) -> &[Parent<G>] {
        self.parents.as_ref()
    }

    fn parents_mut(&mut self) -> &mut [Parent<G>] {
        self.parents.as_mut()
    }

    fn backward(&self, grad: G, sink: &mut Sink<'_, G>) -> Result<()> {
        (self.rule)(grad, sink)
    }
}

/// Drops a graph with a loop: dropping parents from inside of their children would overflow the stack on a long chain.
impl<G: Gradient, P: AsMut<[Parent<G>]>, F> Drop for Record<G, P, F> {
    fn drop(&mut self) {
        let mut orphans: Vec<Handle<G>> = Vec::new();
        let adopt = |parents: &mut [Parent<G>], orphans: &mut Vec<Handle<G>>| {
            orphans.extend(parents.iter_mut().filter_map(Option::take));
        };
        adopt(self.parents.as_mut(), &mut orphans);
        while let Some(mut node) = orphans.pop() {
            if let Some(node) = Shared::get_mut(&mut node) {
                adopt(node.parents_mut(), &mut orphans);
            }
        }
    }
}

/// What [`topological_sort`](super::topological_sort) tells of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// The identity of the tensor or scalar that the operation gave.
    pub id: LeafId,
    /// The operation: `"leaf"` for a tracked tensor or scalar.
    pub op: &'static str,
    /// The positions, in the sorted list, of the nodes of its tracked operands, in order.
    pub parents: Vec<usize>,
}

/// The graph behind `root`, each node after all that use it.
pub(crate) fn sort<G: Gradient>(root: Option<&Handle<G>>) -> Vec<NodeInfo> {
    let Some(root) = root else {
        return Vec::new();
    };
    // Depth first, with a stack of (node, next parent to visit): a node is finished after all of its ancestors, so the
    // reverse of the finishing order is the one wanted.
    let mut places = AddressMap::<Option<usize>>::default();
    let mut finished: Vec<&Handle<G>> = Vec::new();
    let mut stack: Vec<(&Handle<G>, usize)> = Vec::from([(root, 0)]);
    places.insert(Shared::address(root), None);
    while let Some((node, next)) = stack.last_mut() {
        if let Some(parent) = node.parents().get(*next) {
            *next += 1;
            if let Some(parent) = parent
                && places.insert_new(Shared::address(parent), None)
            {
                stack.push((parent, 0));
            }
        } else {
            places.insert(Shared::address(node), Some(finished.len()));
            finished.push(node);
            stack.pop();
        }
    }
    let place = |node: &Handle<G>| {
        let finished_at = places.get(Shared::address(node)).copied().flatten();
        finished.len() - 1 - finished_at.unwrap_or(0)
    };
    let info = |node: &&Handle<G>| NodeInfo {
        id: LeafId::of(node),
        op: node.op(),
        parents: node.parents().iter().flatten().map(place).collect(),
    };
    finished.iter().rev().map(info).collect()
}
