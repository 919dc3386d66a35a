//! Adadelta.

use super::option::{EPSILON, RATE, WEIGHT_DECAY, demand, is_amount, is_epsilon};
use super::{Memory, Optimizer};
use crate::backend::Backend;
use crate::error::Result;
use crate::nn::{Param, Path};
use crate::ops::special::{AdadeltaStep, AddScaled, DecaySquare};
use crate::tensor::Tensor;

/// Adadelta (Zeiler 2012): steps as long as the last ones were, in units of the gradient's own size, so that a learning
/// rate of 1 fits. PyTorch's `Adadelta`.
///
/// ```text
/// g = fma(weight_decay, p, g)                    if weight_decay is not 0
/// v = rho * v + (1 - rho) * (g * g)              from v = 0
/// d = sqrt(u + epsilon) / sqrt(v + epsilon) * g
/// u = rho * u + (1 - rho) * (d * d)              from u = 0
/// p = fma(-rate, d, p)
/// ```
///
/// A step is an [`ErrorKind::Argument`](crate::ErrorKind::Argument) unless `rate`, `epsilon` and `weight_decay` are at
/// least 0 and finite in the element type, `epsilon` does not become 0 there, and `rho` lies in 0..=1.
///
/// ```
/// use minitorch_core::Cpu;
/// use minitorch_core::optim::Adadelta;
/// let kim2014: Adadelta<Cpu> = Adadelta::new(1.0).rho(0.95).epsilon(1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct Adadelta<B: Backend> {
    rate: f64,
    rho: f64,
    epsilon: f64,
    weight_decay: f64,
    memory: Memory<B>,
}

impl<B: Backend> Adadelta<B> {
    /// The optimiser with this learning rate (1 is usual), rho 0.9, epsilon 1e-6.
    #[must_use]
    pub const fn new(rate: f64) -> Self {
        Self {
            rate,
            rho: 0.9,
            epsilon: 1e-6,
            weight_decay: 0.0,
            memory: Memory::new(&["square_avg", "acc_delta"], &[]),
        }
    }

    /// The share of the averages that stays at each step.
    #[must_use]
    pub fn rho(self, rho: f64) -> Self {
        Self { rho, ..self }
    }

    /// What is added to the averages before their roots. The first steps have the length `sqrt(epsilon / (1 - rho))`.
    ///
    /// 0 is allowed, as in PyTorch, for steps that go on from remembered ones: from the beginning it leads nowhere, and
    /// to NaN where a gradient has been 0 in all steps.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
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

impl<B: Backend> Optimizer<B> for Adadelta<B> {
    fn try_update(
        &mut self,
        path: &Path<'_>,
        param: &mut Param<B>,
        mut grad: Tensor<B>,
    ) -> Result<()> {
        let options = [
            (is_amount::<B::Elem>(self.rate), RATE),
            ((0.0..=1.0).contains(&self.rho), "rho must lie in 0..=1"),
            (is_epsilon::<B::Elem>(self.epsilon), EPSILON),
            (is_amount::<B::Elem>(self.weight_decay), WEIGHT_DECAY),
        ];
        demand("step", &options)?;
        if self.weight_decay != 0.0 {
            let factor = self.weight_decay;
            grad.try_update(AddScaled { factor }, [param.leaf()])?;
        }
        let average = DecaySquare { keep: self.rho };
        let ([square, steps], []) = self.memory.of(path, param)?.parts()?;
        square.try_update(average, [&grad])?;
        let epsilon = self.epsilon;
        grad.try_update(AdadeltaStep { epsilon }, [square, steps])?;
        steps.try_update(average, [&grad])?;
        param.try_update(AddScaled { factor: -self.rate }, [&grad])
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
