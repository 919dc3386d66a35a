//! What layers that are one operation have in common: their operands, and the gradient that their backward pass gets.

use crate::backend::{Backend, View};
use crate::error::Result;
use crate::layout::Layout;
use crate::ops::Grad;
use crate::ops::unary::Relu;

/// For each operand (input, weight, bias) something about its gradient.
pub type PerOperand<T> = [T; 3];

/// The gradient of a result.
pub enum Incoming<'a, B: Backend> {
    /// Somebody else may need it, too.
    Shared(View<'a, B>),
    /// Nobody else does, so it may be overwritten. It is contiguous.
    Owned(&'a mut B::Buffer, Layout),
}

impl<B: Backend> core::fmt::Debug for Incoming<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = match self {
            Self::Shared(_) => "Shared",
            Self::Owned(..) => "Owned",
        };
        write!(f, "{name}({:?})", self.view().layout)
    }
}

impl<B: Backend> Incoming<'_, B> {
    /// Its elements.
    #[must_use]
    pub const fn view(&self) -> View<'_, B> {
        let (buffer, layout): (&B::Buffer, _) = match self {
            Self::Shared(View { buffer, layout }) => (buffer, layout),
            Self::Owned(buffer, layout) => (buffer, layout),
        };
        View::new(buffer, *layout)
    }

    /// Takes it through the ReLU that gave `y`: in place if it may be overwritten, else into a new buffer, which is dense.
    pub(crate) fn through_relu(
        &mut self,
        backend: &B,
        y: View<'_, B>,
    ) -> Result<Option<B::Buffer>> {
        match self {
            Self::Shared(g) => backend.map(Grad(Relu), [y, *g]).map(Some),
            Self::Owned(g, layout) => backend.update(Grad(Relu), g, layout, [y]).map(|()| None),
        }
    }
}
