//! Adam and AdamW.

use super::option::{EPSILON, RATE, WEIGHT_DECAY, demand, is_amount, is_epsilon, is_finite};
use super::{Memory, Optimizer};
use crate::backend::Backend;
use crate::error::Result;
use crate::math::double::sqrt;
use crate::nn::{Param, Path};
use crate::ops::special::{AdamStep, AddScaled, Decay, DecaySquare};
use crate::ops::unary::MulScalar;
use crate::tensor::Tensor;

/// How weights are kept small.
#[derive(Clone, Copy, PartialEq, Debug)]
enum WeightDecay {
    /// A penalty on squares: part of the gradient.
    Penalty(f64),
    /// A factor on the weights, apart from the gradient.
    Decoupled(f64),
}

/// What [`Adam`] and [`AdamW`] have in common: all but the weight decay.
#[derive(Clone, Debug)]
struct Moments<B: Backend> {
    rate: f64,
    betas: [f64; 2],
    epsilon: f64,
    decay: WeightDecay,
    memory: Memory<B>,
}

const BETA1: &str = "beta1 must be at least 0 and below 1";
const BETA2: &str = "beta2 must be at least 0 and below 1";
const CORRECTED: &str = "the learning rate over 1 - beta1 must be finite in the element type";
const SHRINKS: &str = "the learning rate times weight_decay must be finite in the element type";

impl<B: Backend> Moments<B> {
    const fn new(rate: f64, decay: WeightDecay) -> Self {
        Self {
            rate,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            decay,
            memory: Memory::new(
                &["exp_avg", "exp_avg_sq"],
                &[("beta1_power", 1.0), ("beta2_power", 1.0)],
            ),
        }
    }

    fn try_update(
        &mut self,
        path: &Path<'_>,
        param: &mut Param<B>,
        mut grad: Tensor<B>,
    ) -> Result<()> {
        let [beta1, beta2] = self.betas;
        let (decay, shrinks_by) = match self.decay {
            WeightDecay::Penalty(decay) => (decay, 0.0),
            WeightDecay::Decoupled(decay) => (decay, self.rate * decay),
        };
        let options = [
            (is_amount::<B::Elem>(self.rate), RATE),
            ((0.0..1.0).contains(&beta1), BETA1),
            ((0.0..1.0).contains(&beta2), BETA2),
            (is_epsilon::<B::Elem>(self.epsilon), EPSILON),
            (is_amount::<B::Elem>(decay), WEIGHT_DECAY),
            // Of the steps from the beginning on, the first one has the largest correction.
            (is_finite::<B::Elem>(self.rate / (1.0 - beta1)), CORRECTED),
            (is_finite::<B::Elem>(shrinks_by), SHRINKS),
        ];
        demand("step", &options)?;
        let ([mean, square], [power1, power2]) = self.memory.of(path, param)?.parts()?;
        match self.decay {
            WeightDecay::Penalty(factor) if factor != 0.0 => {
                grad.try_update(AddScaled { factor }, [param.leaf()])?;
            }
            WeightDecay::Decoupled(factor) if factor != 0.0 => {
                let c = 1.0 - shrinks_by;
                param.try_update(MulScalar { c }, [])?;
            }
            _ => {}
        }
        *power1 *= beta1;
        *power2 *= beta2;
        let gain = 1.0 - beta1;
        mean.try_update(Decay { keep: beta1, gain }, [&grad])?;
        square.try_update(DecaySquare { keep: beta2 }, [&grad])?;
        let step = AdamStep {
            rate: self.rate / (1.0 - *power1),
            scale: 1.0 / sqrt(1.0 - *power2),
            epsilon: self.epsilon,
        };
        param.try_update(step, [mean, square])
    }
}

macro_rules! optimizers {
    ($($(#[$doc:meta])* $name:ident: $decay:ident($default:literal), $decay_doc:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<B: Backend>(Moments<B>);

        impl<B: Backend> $name<B> {
            /// The optimiser with this learning rate (0.001 is usual), betas 0.9 and 0.999, epsilon 1e-8.
            #[must_use]
            pub const fn new(rate: f64) -> Self {
                Self(Moments::new(rate, WeightDecay::$decay($default)))
            }

            /// The shares of the averages that stay at each step.
            #[must_use]
            pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
                self.0.betas = [beta1, beta2];
                self
            }

            /// What is added to the root of the mean square.
            ///
            /// 0 is allowed, as in PyTorch, and makes steps of about the learning rate at first; but where a gradient
            /// has been 0 in all steps, as behind a ReLU that is closed, it leaves 0 / 0, and the parameter is NaN.
            #[must_use]
            pub fn epsilon(mut self, epsilon: f64) -> Self {
                self.0.epsilon = epsilon;
                self
            }

            #[doc = $decay_doc]
            #[must_use]
            pub fn weight_decay(mut self, weight_decay: f64) -> Self {
                self.0.decay = WeightDecay::$decay(weight_decay);
                self
            }
        }

        impl<B: Backend> Optimizer<B> for $name<B> {
            fn try_update(
                &mut self,
                path: &Path<'_>,
                param: &mut Param<B>,
                grad: Tensor<B>,
            ) -> Result<()> {
                self.0.try_update(path, param, grad)
            }

            fn rate(&self) -> f64 {
                self.0.rate
            }

            fn set_rate(&mut self, rate: f64) {
                self.0.rate = rate;
            }

            fn memory(&self) -> &Memory<B> {
                &self.0.memory
            }

            fn memory_mut(&mut self) -> &mut Memory<B> {
                &mut self.0.memory
            }
        }
    )*};
}

optimizers! {
    /// Adam (Kingma and Ba 2014): steps of about the learning rate, whatever the size of the gradients. PyTorch's
    /// `Adam` with its defaults.
    ///
    /// ```text
    /// g = fma(weight_decay, p, g)                    if weight_decay is not 0
    /// m = beta1 * m + (1 - beta1) * g
    /// v = beta2 * v + (1 - beta2) * (g * g)
    /// p = p - rate / (1 - beta1^t) * (m / (sqrt(v) * (1 / sqrt(1 - beta2^t)) + epsilon))
    /// ```
    ///
    /// `t` counts the steps of each parameter; the powers are products of `t` factors. Scalars are computed in `f64`
    /// and rounded to the element type before they meet a tensor.
    ///
    /// A step is an [`ErrorKind::Argument`](crate::ErrorKind::Argument) unless `rate`, `epsilon` and `weight_decay` are
    /// at least 0 and finite in the element type, `epsilon` does not become 0 there, and `beta1` and `beta2` are at least
    /// 0 and below 1; so must be finite what is made of them, `rate / (1 - beta1)`.
    Adam: Penalty(0.0),
        "Adds this multiple of the parameter to its gradient, as a penalty on squares would; 0 unless set.";
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2017): PyTorch's `AdamW` with its defaults.
    ///
    /// As [`Adam`] without the first line, after `p = p * (1 - rate * weight_decay)`, with the same ranges, and
    /// `rate * weight_decay` finite.
    AdamW: Decoupled(0.01),
        "Shrinks the parameter by this multiple of the learning rate at each step; 0.01 unless set.";
}
