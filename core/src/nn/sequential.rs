//! Layers one after the other.

use super::{Layer, Module, Path, Visitor, VisitorMut};
use crate::backend::Backend;
use crate::error::Result;
use crate::tensor::Tensor;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Layers one after the other, chosen at run time. Paths are `0.weight`, `2.bias`, as in PyTorch.
///
/// A tuple of layers does the same without boxes, and can be cloned: `(linear, Relu, other)`.
///
/// ```
/// use minitorch_core::nn::{Layer, Linear, Module, Relu, Sequential};
/// use minitorch_core::{Cpu, Generator, Tensor};
/// let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
/// let mut net = Sequential::new().then(Linear::new(&dev, 2, 8, &mut rng)?).then(Relu);
/// for _ in 0..3 {
///     net = net.then(Linear::new(&dev, 8, 8, &mut rng)?).then(Relu);
/// }
/// assert_eq!(net.named_parameters()[2].0, "2.weight");
/// assert_eq!(net.forward(&Tensor::ones(&dev, [5, 2])).shape(), [5, 8]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub struct Sequential<B: Backend> {
    layers: Vec<Box<dyn Layer<B> + Send + Sync>>,
}

impl<B: Backend> Sequential<B> {
    /// No layers: what goes in comes out.
    #[must_use]
    pub const fn new() -> Self {
        Self { layers: Vec::new() }
    }

    /// These layers and `layer` after them.
    #[must_use]
    pub fn then(mut self, layer: impl Layer<B> + Send + Sync + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }
}

impl<B: Backend> core::fmt::Debug for Sequential<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Sequential({} layers)", self.layers.len())
    }
}

impl<B: Backend> Default for Sequential<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> Module<B> for Sequential<B> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        self.layers.visit(path, visitor)
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        self.layers.visit_mut(path, visitor)
    }
}

impl<B: Backend> Layer<B> for Sequential<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let mut layers = self.layers.iter();
        layers.try_fold(x.clone(), |x, layer| layer.try_forward(&x))
    }
}
