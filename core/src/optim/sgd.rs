//! Stochastic gradient descent.

use super::option::{RATE, WEIGHT_DECAY, demand, is_amount};
use super::{Memory, Optimizer};
use crate::backend::Backend;
use crate::error::Result;
use crate::nn::{Param, Path};
use crate::ops::special::{AddScaled, Decay};
use crate::tensor::Tensor;

/// Stochastic gradient descent, with momentum and weight decay if they are set: PyTorch's `SGD`.
///
/// ```text
/// g = fma(weight_decay, p, g)                    if weight_decay is not 0
/// m = momentum * m + g, from m = 0               if momentum is not 0; then
/// g = fma(momentum, m, g) with Nesterov, else m
/// p = fma(-rate, g, p)
/// ```
///
/// Without momentum nothing is remembered or saved, and a step allocates nothing.
///
/// A step is an [`ErrorKind::Argument`](crate::ErrorKind::Argument) unless `rate`, `momentum` and `weight_decay` are at
/// least 0 and finite in the element type, and `momentum` is above 0 with Nesterov.
///
/// ```
/// use minitorch_core::Cpu;
/// use minitorch_core::optim::Sgd;
/// let plain: Sgd<Cpu> = Sgd::new(0.01);
/// let usual: Sgd<Cpu> = Sgd::new(0.01).momentum(0.9).nesterov().weight_decay(5e-4);
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<B: Backend> {
    rate: f64,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    memory: Memory<B>,
}

const MOMENTUM: &str = "momentum must be at least 0, and finite in the element type";
const NESTEROV: &str = "nesterov needs a momentum above 0";

impl<B: Backend> Sgd<B> {
    /// Plain gradient descent with this learning rate.
    #[must_use]
    pub const fn new(rate: f64) -> Self {
        Self {
            rate,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            memory: Memory::new(&[], &[]),
        }
    }

    /// Keeps this share of the last step's direction (Polyak 1964). 0.9 is usual. Steps that were already made are
    /// forgotten.
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        let tensors: &[&str] = if momentum == 0.0 {
            &[]
        } else {
            &["momentum_buffer"]
        };
        Self {
            momentum,
            memory: Memory::new(tensors, &[]),
            ..self
        }
    }

    /// Looks one step of momentum ahead (Nesterov 1983).
    #[must_use]
    pub fn nesterov(self) -> Self {
        Self {
            nesterov: true,
            ..self
        }
    }

    /// Adds this multiple of the parameter to its gradient, as a penalty on squares would.
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self {
            weight_decay,
            ..self
        }
    }
}

impl<B: Backend> Optimizer<B> for Sgd<B> {
    fn try_update(
        &mut self,
        path: &Path<'_>,
        param: &mut Param<B>,
        mut grad: Tensor<B>,
    ) -> Result<()> {
        let is_nesterov = self.momentum > 0.0 || !self.nesterov;
        let options = [
            (is_amount::<B::Elem>(self.rate), RATE),
            (is_amount::<B::Elem>(self.momentum), MOMENTUM),
            (is_nesterov, NESTEROV),
            (is_amount::<B::Elem>(self.weight_decay), WEIGHT_DECAY),
        ];
        demand("step", &options)?;
        let descend = AddScaled { factor: -self.rate };
        if self.weight_decay != 0.0 {
            let factor = self.weight_decay;
            grad.try_update(AddScaled { factor }, [param.leaf()])?;
        }
        if self.momentum == 0.0 {
            return param.try_update(descend, [&grad]);
        }
        let ([average], []) = self.memory.of(path, param)?.parts()?;
        let keep = self.momentum;
        average.try_update(Decay { keep, gain: 1.0 }, [&grad])?;
        if self.nesterov {
            grad.try_update(AddScaled { factor: keep }, [average])?;
            param.try_update(descend, [&grad])
        } else {
            param.try_update(descend, [average])
        }
    }

    fn rate(&self) -> f64 {
        self.rate
    }

    fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    fn memory(&self) -> &Memory<B> {
        &self.memory
    }

    fn memory_mut(&mut self) -> &mut Memory<B> {
        &mut self.memory
    }
}
