//! The nodes of the graph.

use super::Sink;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::shape::Shape;
use crate::shared::Shared;
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// A reference to a node.
pub(crate) type Handle<B> = Shared<dyn Node<B>>;

/// One operation of the graph, or a leaf.
pub(crate) trait Node<B: Backend>: Send + Sync {
    /// The name of the operation.
    fn op(&self) -> &'static str;
    /// Where the operands came from.
    fn parents(&self) -> &[Parent<B>];
    /// The same, for taking the graph apart.
    fn parents_mut(&mut self) -> &mut [Parent<B>];
    /// Turns the gradient of the result into those of the operands.
    fn backward(&self, grad: Tensor<B>, sink: &mut Sink<'_, B>) -> Result<()>;
}

/// Where an operand came from: its node, if it is tracked, and its shape, to which its gradient is summed.
pub(crate) struct Parent<B: Backend> {
    pub(crate) node: Option<Handle<B>>,
    pub(crate) shape: Shape,
}

impl<B: Backend> Parent<B> {
    pub(crate) fn of(tensor: &Tensor<B>) -> Self {
        Self {
            node: tensor.node().cloned(),
            shape: *tensor.shape(),
        }
    }
}

/// A node: operands and rule in one allocation. A leaf is one without operands.
pub(crate) struct Record<B: Backend, P: AsMut<[Parent<B>]>, F> {
    op: &'static str,
    parents: P,
    rule: F,
    backend: core::marker::PhantomData<fn() -> B>,
}

impl<B, P, F> Record<B, P, F>
where
    B: Backend,
    P: AsRef<[Parent<B>]> + AsMut<[Parent<B>]> + Send + Sync + 'static,
    F: Fn(Tensor<B>, &mut Sink<'_, B>) -> Result<()> + Send + Sync + 'static,
{
    /// A new node. `rule` gets the gradient of the result and adds those of the operands to the sink.
    pub(crate) fn handle(op: &'static str, parents: P, rule: F) -> Result<Handle<B>> {
        let record = Self {
            op,
            parents,
            rule,
            backend: core::marker::PhantomData,
        };
        Shared::try_new_unsized::<dyn Node<B>>(record, |slot| slot).map_err(|_| {
            Error::about(ErrorKind::Memory, op, &[size_of::<Self>()])
                .advise("out of memory for a node")
        })
    }
}

impl<B, P, F> Node<B> for Record<B, P, F>
where
    B: Backend,
    P: AsRef<[Parent<B>]> + AsMut<[Parent<B>]> + Send + Sync,
    F: Fn(Tensor<B>, &mut Sink<'_, B>) -> Result<()> + Send + Sync,
{
    fn op(&self) -> &'static str {
        self.op
    }

    fn parents(&self) -> &[Parent<B>] {
        self.parents.as_ref()
    }

    fn parents_mut(&mut self) -> &mut [Parent<B>] {
        self.parents.as_mut()
    }

    fn backward(&self, grad: Tensor<B>, sink: &mut Sink<'_, B>) -> Result<()> {
        (self.rule)(grad, sink)
    }
}

/// Drops a graph with a loop: dropping parents from inside of their children would overflow the stack on a long chain.
impl<B: Backend, P: AsMut<[Parent<B>]>, F> Drop for Record<B, P, F> {
    fn drop(&mut self) {
        let mut orphans: Vec<Handle<B>> = Vec::new();
        let adopt = |parents: &mut [Parent<B>], orphans: &mut Vec<Handle<B>>| {
            orphans.extend(parents.iter_mut().filter_map(|parent| parent.node.take()));
        };
        adopt(self.parents.as_mut(), &mut orphans);
        while let Some(mut node) = orphans.pop() {
            if let Some(node) = Shared::get_mut(&mut node) {
                adopt(node.parents_mut(), &mut orphans);
            }
        }
    }
}

/// What [`topological_sort`] tells of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// The operation: `"leaf"` for a tracked tensor.
    pub op: &'static str,
    /// The positions, in the sorted list, of the nodes of its tracked operands, in order.
    pub parents: Vec<usize>,
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
    let Some(root) = root.node() else {
        return Vec::new();
    };
    // Depth first, with a stack of (node, next parent to visit): a node is finished after all of its ancestors, so the
    // reverse of the finishing order is the one wanted.
    let mut places = super::backward::AddressMap::<Option<usize>>::default();
    let mut finished: Vec<&dyn Node<B>> = Vec::new();
    let mut stack: Vec<(&Handle<B>, usize)> = Vec::from([(root, 0)]);
    places.insert(Shared::address(root), None);
    while let Some((node, next)) = stack.last_mut() {
        if let Some(parent) = node.parents().get(*next) {
            *next += 1;
            if let Some(parent) = &parent.node
                && places.insert_new(Shared::address(parent), None)
            {
                stack.push((parent, 0));
            }
        } else {
            places.insert(Shared::address(node), Some(finished.len()));
            finished.push(&***node);
            stack.pop();
        }
    }
    let place = |node: &Handle<B>| {
        let finished_at = places.get(Shared::address(node)).copied().flatten();
        finished.len() - 1 - finished_at.unwrap_or(0)
    };
    let info = |node: &&dyn Node<B>| NodeInfo {
        op: node.op(),
        parents: node
            .parents()
            .iter()
            .filter_map(|parent| parent.node.as_ref())
            .map(place)
            .collect(),
    };
    finished.iter().rev().map(info).collect()
}
