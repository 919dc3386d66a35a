//! The backward pass of layers that are one operation.

use super::Tensor;
use crate::autodiff::Sink;
use crate::backend::Backend;
use crate::error::Result;
use crate::fused::{Incoming, PerOperand};
use crate::shape::Shape;

impl<B: Backend> Tensor<B> {
    /// Adds to `sink` what `grads` makes of `self`, the gradient of a layer: gradients of its operands, of those `shapes`.
    pub(super) fn pull_layer(
        mut self,
        sink: &mut Sink<'_, Self>,
        shapes: PerOperand<Shape>,
        grads: impl FnOnce(
            &B,
            Incoming<'_, B>,
            PerOperand<bool>,
        ) -> Result<PerOperand<Option<B::Buffer>>>,
    ) -> Result<()> {
        let device = self.device().clone();
        let wanted = core::array::from_fn(|operand| sink.wants(operand));
        let grads = if self.layout().is_contiguous()
            && let Some((buffer, &layout)) = self.unique_memory()
        {
            grads(&device, Incoming::Owned(buffer, layout), wanted)?
        } else {
            grads(&device, Incoming::Shared(self.view()), wanted)?
        };
        for (operand, (buffer, shape)) in grads.into_iter().zip(shapes).enumerate() {
            if let Some(buffer) = buffer {
                sink.add(operand, || Self::dense(buffer, shape))?;
            }
        }
        Ok(())
    }
}
