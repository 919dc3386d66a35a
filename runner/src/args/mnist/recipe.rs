//! How a network learns: the one place where every hyper-parameter has its value.

use clap::ValueEnum;
use minitorch_core::nn::Init;

/// How wide the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Net {
    /// As wide as MiniTorch's: 26,138 parameters.
    Minitorch,
    /// Narrow enough to be trained in the memory of a microcontroller: 2,615 parameters.
    Tiny,
}

impl Net {
    /// How many outputs the first convolution, the second, and the first linear layer have.
    pub const fn widths(self) -> [usize; 3] {
        match self {
            Self::Minitorch => [4, 8, 64],
            Self::Tiny => [2, 3, 16],
        }
    }
}

/// Which pooling the network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pool {
    /// The mean of each 4x4 square, as in MiniTorch.
    Avg,
    /// The largest value of each 4x4 square.
    Max,
}

/// How weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimiser {
    /// Stochastic gradient descent without momentum.
    Sgd,
    /// Adam with betas 0.9 and 0.999 and epsilon 1e-8.
    Adam,
}

/// How the rate changes during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// One cycle (Smith 2018): up to the rate, then down to almost nothing.
    OneCycle,
}

/// How the MNIST network learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// How wide the network is.
    pub net: Net,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images in a training step.
    pub batch: usize,
    /// Learning rate; under a schedule the largest.
    pub rate: f32,
    /// The pooling layer.
    pub pool: Pool,
    /// How weights start.
    pub init: Init,
    /// How weights follow their gradients.
    pub optimiser: Optimiser,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Whether pixels are brought to mean 0 and deviation 1; otherwise they are 0 to 255.
    pub normalise: bool,
    /// Whether each epoch has the images in another order.
    pub shuffle: bool,
    /// By how many pixels, at most, each image is moved up or down, and left or right, anew in each epoch.
    pub shift: u8,
    /// Whether MiniTorch's own departures are kept: dropout stays on in evaluation, log(x) is log(x + 1e-6).
    pub quirks: bool,
}

impl Recipe {
    /// MiniTorch's settings without its bugs.
    pub const DEFAULT: Self = Self {
        net: Net::Minitorch,
        epochs: 20,
        batch: 16,
        rate: 0.01,
        pool: Pool::Avg,
        init: Init::MiniTorch,
        optimiser: Optimiser::Sgd,
        schedule: Schedule::Constant,
        normalise: false,
        shuffle: false,
        shift: 0,
        quirks: false,
    };

    /// MiniTorch as it is: `--preset minitorch`.
    pub const MINITORCH: Self = Self {
        quirks: true,
        ..Self::DEFAULT
    };

    /// The same network taught better: `--preset accurate`.
    pub const ACCURATE: Self = Self {
        net: Net::Minitorch,
        epochs: 30,
        batch: 64,
        rate: 0.005,
        pool: Pool::Max,
        init: Init::FanIn,
        optimiser: Optimiser::Adam,
        schedule: Schedule::OneCycle,
        normalise: true,
        shuffle: true,
        shift: 1,
        quirks: false,
    };
}
