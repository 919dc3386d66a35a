//! Automatic differentiation of single numbers: the ideas of [`autodiff`](crate::autodiff) without any tensor, as in
//! MiniTorch's first module.
//!
//! A [`Scalar`] is a number, and perhaps a node of history. The graph, the backward pass and the operations are the same
//! ones that tensors have: the engine only asks of what flows through it that it can be added up, and a row of the tables
//! in [`crate::ops`] serves both.
//!
//! ```
//! use minitorch_core::Scalar;
//!
//! let (x, y) = (Scalar::tracked(2.0), Scalar::tracked(3.0));
//! let z = &x * &x * &y + 10.0 * x.sigmoid();
//! let derivatives = z.backward();
//! assert_eq!(derivatives.get(&y), Some(4.0)); // x * x
//! ```

mod check;
mod function;
mod operators;

pub use check::{central_difference, derivative_check};
pub use function::{Context, ScalarFunction, apply};

use crate::autodiff::{
    AddressMap, Gradient, Handle, LeafId, NodeInfo, Record, Sink, backward, chain_rule, sort,
};
use crate::error::Result;
use crate::tensor::OrRaise;
use alloc::vec::Vec;
use core::fmt;

/// A number in double precision, with or without history.
///
/// [`Scalar::new`] makes a constant and [`Scalar::tracked`] a variable. (In MiniTorch every scalar is a variable.)
#[derive(Clone)]
pub struct Scalar {
    data: f64,
    node: Option<Handle<f64>>,
}

impl Scalar {
    /// A constant: nothing is differentiated by it.
    #[must_use]
    pub const fn new(data: f64) -> Self {
        Self { data, node: None }
    }

    /// A variable: derivatives of what is computed from it reach it.
    ///
    /// # Panics
    /// If memory is out.
    #[must_use]
    #[track_caller]
    pub fn tracked(data: f64) -> Self {
        Self::try_tracked(data).or_raise()
    }

    /// As [`Scalar::tracked`].
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn try_tracked(data: f64) -> Result<Self> {
        let node = Record::handle("leaf", (), [], |_, _: &mut Sink<'_, f64>| Ok(()))?;
        Ok(Self {
            data,
            node: Some(node),
        })
    }

    /// The number.
    #[must_use]
    pub const fn data(&self) -> f64 {
        self.data
    }

    /// Whether derivatives flow to or through this number.
    #[must_use]
    pub const fn is_tracked(&self) -> bool {
        self.node.is_some()
    }

    /// Whether this is a variable, and not computed from others.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.node
            .as_ref()
            .is_some_and(|node| node.parents().is_empty())
    }

    /// The same number as a constant.
    #[must_use]
    pub const fn detach(&self) -> Self {
        Self::new(self.data)
    }

    /// The identity of this number in graphs, if it is tracked.
    #[must_use]
    pub fn leaf_id(&self) -> Option<LeafId> {
        self.node.as_ref().map(LeafId::of)
    }

    /// The derivatives of the operands of the last operation, each times `derivative`: one step of the chain rule. `None`
    /// stands for a constant.
    ///
    /// ```
    /// use minitorch_core::Scalar;
    /// let x = Scalar::tracked(3.0);
    /// assert_eq!((&x * 5.0).chain_rule(2.0)?, [Some(10.0)]);
    /// assert_eq!((&x * Scalar::new(5.0)).chain_rule(2.0)?, [Some(10.0), None]);
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the operation's rule.
    pub fn chain_rule(&self, derivative: f64) -> Result<Vec<Option<f64>>> {
        self.node
            .as_ref()
            .map_or(Ok(Vec::new()), |node| chain_rule(node, derivative))
    }

    /// The derivatives of this number by all variables that it was computed from.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if it was computed from none.
    pub fn try_backward(self) -> Result<Derivatives> {
        self.try_backward_with(1.0)
    }

    /// As [`Scalar::try_backward`], each derivative times `derivative`.
    ///
    /// # Errors
    /// As there.
    pub fn try_backward_with(self, derivative: f64) -> Result<Derivatives> {
        let mut leaves = AddressMap::default();
        backward(self.node, derivative, &mut |id, handle, derivative| {
            leaves.insert(id.address(), (handle, derivative));
            Ok(())
        })?;
        Ok(Derivatives { leaves })
    }

    /// As [`Scalar::try_backward`].
    ///
    /// # Panics
    /// With the text of the error.
    #[track_caller]
    pub fn backward(self) -> Derivatives {
        self.try_backward().or_raise()
    }

    /// This result of the operation `op`, with a node if one of the operands is tracked.
    fn recorded<const N: usize, F>(
        mut self,
        op: &'static str,
        operands: [&Self; N],
        rule: F,
    ) -> Result<Self>
    where
        F: Fn(f64, &mut Sink<'_, f64>) -> Result<()> + Send + Sync + 'static,
    {
        if operands.iter().any(|operand| operand.is_tracked()) {
            let parents = operands.map(|operand| operand.node.clone());
            self.node = Some(Record::handle(op, (), parents, rule)?);
        }
        Ok(self)
    }
}

/// A number has one form, so nothing is ever broadcast.
impl Gradient for f64 {
    type Form = ();

    fn summed_to(self, (): &()) -> Result<Self> {
        Ok(self)
    }

    fn accumulate(&mut self, other: Self) -> Result<()> {
        *self += other;
        Ok(())
    }
}

/// The derivatives of a number by variables.
#[must_use = "unread, the backward pass was for nothing"]
pub struct Derivatives {
    // The handle keeps the variable alive, so that its address stays its own.
    leaves: AddressMap<(Handle<f64>, f64)>,
}

impl core::fmt::Debug for Derivatives {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Derivatives({} variables)", self.len())
    }
}

impl Derivatives {
    /// The derivative by a variable, or `None` if the number did not depend on it.
    #[must_use]
    pub fn get(&self, variable: &Scalar) -> Option<f64> {
        let found = self.leaves.get(variable.leaf_id()?.address());
        found.map(|(_, derivative)| *derivative)
    }

    /// How many variables have a derivative.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether no variable has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The graph behind `root`, each node after all that use it: the order in which derivatives flow. Constants do not
/// appear.
///
/// ```
/// use minitorch_core::Scalar;
/// use minitorch_core::scalar::topological_sort;
/// let x = Scalar::tracked(1.0);
/// let order = topological_sort(&(&x * &x).exp());
/// assert_eq!(order.iter().map(|node| node.op).collect::<Vec<_>>(), ["exp", "mul", "leaf"]);
/// ```
#[must_use]
pub fn topological_sort(root: &Scalar) -> Vec<NodeInfo> {
    sort(root.node.as_ref())
}

impl From<f64> for Scalar {
    /// A constant.
    fn from(data: f64) -> Self {
        Self::new(data)
    }
}

impl fmt::Display for Scalar {
    /// The number, formatted as an `f64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.fmt(f)
    }
}

impl fmt::Debug for Scalar {
    /// As MiniTorch prints it: `Scalar(2.500000)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar({:.6})", self.data)
    }
}
