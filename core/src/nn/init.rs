//! Initial values of parameters.

use super::Param;
use crate::backend::Backend;
use crate::error::Result;
use crate::math::double::sqrt;
use crate::ops::unary::{AddScalar, MulScalar};
use crate::random::Generator;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// How a layer's parameters start.
///
/// With `u` uniform in `[0, 1)` and `n` normal, one draw an element, each operation rounded once:
///
/// | | weight | bias |
/// | --- | --- | --- |
/// | `Constant(c)` | `c` | `c` |
/// | `Uniform { low, high }` | `u * (high - low) + low` | the same |
/// | `Normal { mean, std }` | `n * std + mean` | the same |
/// | `MiniTorch` | `(u - 0.5) * 0.1` | the same |
/// | `FanIn`, as PyTorch's layers (LeCun 1998) | uniform in `± 1 / sqrt(fan_in)` | the same |
/// | `KaimingUniform { gain }` (He 2015) | uniform in `± gain * sqrt(3 / fan_in)` | 0 |
/// | `KaimingNormal { gain }` | normal, deviation `gain / sqrt(fan_in)` | 0 |
/// | `XavierUniform { gain }` (Glorot 2010) | uniform in `± gain * sqrt(6 / (fan_in + fan_out))` | 0 |
/// | `XavierNormal { gain }` | normal, deviation `gain * sqrt(2 / (fan_in + fan_out))` | 0 |
///
/// Bounds and deviations that would be divided by fans of 0 are 0. The usual gain is [`Init::RELU`] before ReLU, 5/3
/// before tanh, else 1. The weight is drawn before the bias.
///
/// ```
/// use minitorch_core::nn::{Fans, Init};
/// use minitorch_core::{Cpu, Generator, Tensor};
/// let (dev, fans): (Cpu, _) = (Cpu::default(), Fans { fan_in: 4, fan_out: 4 });
/// let x = Init::MiniTorch.weight(&dev, [2, 2], fans, &mut Generator::new(1))?;
/// let u = Tensor::rand(&dev, [2, 2], &mut Generator::new(1)).to_vec();
/// assert_eq!(x.to_vec(), u.iter().map(|u| 0.1f32 * (u - 0.5)).collect::<Vec<_>>());
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Init {
    /// One value everywhere.
    Constant(f64),
    /// Uniform in `[low, high)`.
    Uniform {
        /// The smallest value.
        low: f64,
        /// The bound above.
        high: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// MiniTorch's `0.1 * (rand() - 0.5)`.
    MiniTorch,
    /// Uniform, by the number of inputs: what PyTorch's layers do (`kaiming_uniform_` with `a = sqrt(5)`).
    #[default]
    FanIn,
    /// PyTorch's `kaiming_uniform_`.
    KaimingUniform {
        /// The factor that makes up for the activation.
        gain: f64,
    },
    /// PyTorch's `kaiming_normal_`.
    KaimingNormal {
        /// The factor that makes up for the activation.
        gain: f64,
    },
    /// PyTorch's `xavier_uniform_`.
    XavierUniform {
        /// The factor that makes up for the activation.
        gain: f64,
    },
    /// PyTorch's `xavier_normal_`.
    XavierNormal {
        /// The factor that makes up for the activation.
        gain: f64,
    },
}

/// How many inputs an output of a layer sums over, and the reverse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fans {
    /// Inputs of each output: of a convolution, channels times the size of the kernel.
    pub fan_in: usize,
    /// Outputs of each input.
    pub fan_out: usize,
}

impl Init {
    /// The gain before ReLU, which halves the variance: `sqrt(2)`.
    pub const RELU: f64 = core::f64::consts::SQRT_2;

    /// Draws a weight.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn weight<B: Backend>(
        self,
        device: &B,
        shape: impl Into<Shape>,
        fans: Fans,
        rng: &mut Generator,
    ) -> Result<Tensor<B>> {
        let fan_in = fans.fan_in as f64;
        let both = fan_in + fans.fan_out as f64;
        let uniform = |bound: f64| Self::Uniform {
            low: -bound,
            high: bound,
        };
        let normal = |std: f64| Self::Normal { mean: 0.0, std };
        let over = |x: f64, fan: f64| if fan == 0.0 { 0.0 } else { x / fan };
        match self {
            Self::Constant(value) => Tensor::try_full(device, shape, value),
            Self::Uniform { low, high } => Tensor::try_rand(device, shape, rng)?
                .updated(MulScalar { c: high - low }, [])?
                .updated(AddScalar { c: low }, []),
            Self::Normal { mean, std } => Tensor::try_randn(device, shape, rng)?
                .updated(MulScalar { c: std }, [])?
                .updated(AddScalar { c: mean }, []),
            Self::MiniTorch => Tensor::try_rand(device, shape, rng)?
                .updated(AddScalar { c: -0.5 }, [])?
                .updated(MulScalar { c: 0.1 }, []),
            Self::FanIn => uniform(over(1.0, sqrt(fan_in))).weight(device, shape, fans, rng),
            Self::KaimingUniform { gain } => {
                uniform(gain * sqrt(over(3.0, fan_in))).weight(device, shape, fans, rng)
            }
            Self::KaimingNormal { gain } => {
                normal(over(gain, sqrt(fan_in))).weight(device, shape, fans, rng)
            }
            Self::XavierUniform { gain } => {
                uniform(gain * sqrt(over(6.0, both))).weight(device, shape, fans, rng)
            }
            Self::XavierNormal { gain } => {
                normal(gain * sqrt(over(2.0, both))).weight(device, shape, fans, rng)
            }
        }
    }

    /// Draws a bias. The rules of Kaiming and Xavier are for weights; with them it is 0.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn bias<B: Backend>(
        self,
        device: &B,
        shape: impl Into<Shape>,
        fans: Fans,
        rng: &mut Generator,
    ) -> Result<Tensor<B>> {
        match self {
            Self::KaimingUniform { .. }
            | Self::KaimingNormal { .. }
            | Self::XavierUniform { .. }
            | Self::XavierNormal { .. } => Tensor::try_zeros(device, shape),
            other => other.weight(device, shape, fans, rng),
        }
    }

    /// Draws weight and bias of a layer whose weight's first axis is its outputs.
    pub(super) fn weight_and_bias<B: Backend>(
        self,
        device: &B,
        shape: Shape,
        fans: Fans,
        rng: &mut Generator,
    ) -> Result<(Param<B>, Option<Param<B>>)> {
        let outputs = shape.first().copied().unwrap_or(1);
        let weight = Param::new(self.weight(device, shape, fans, rng)?)?;
        let bias = Param::new(self.bias(device, outputs, fans, rng)?)?;
        Ok((weight, Some(bias)))
    }
}
