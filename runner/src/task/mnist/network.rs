//! The network: two convolutions, pooling, two linear layers; with MiniTorch's widths 26,138 parameters.

use minitorch_core::nn::{Conv2d, Dropout, Layer, Linear};
use minitorch_core::{Backend, Generator, Padding, Pool, Result, Tensor, module};

use crate::args::mnist::{self, Recipe};
use crate::data::PIXELS;

/// Pixels of a channel after pooling.
const POOLED: usize = 7 * 7;

/// What MiniTorch adds inside of its logarithm.
const EPSILON: f64 = 1e-6;

/// `[b, 1, 28, 28]` to the logarithms of ten probabilities, `[b, 10]`.
///
/// conv 1->4 3x3, ReLU, conv 4->8 3x3, ReLU, pool 4x4, linear 392->64, ReLU, dropout 0.25, linear 64->10, log-softmax;
/// other [`Net`](crate::args::mnist::Net)s put their own widths for 4, 8 and 64. Convolutions keep the size; as in MiniTorch,
/// their padding lies at the right and bottom.
pub struct Network<B: Backend> {
    conv1: Conv2d<B>,
    conv2: Conv2d<B>,
    fc1: Linear<B>,
    dropout: Dropout,
    fc2: Linear<B>,
    quirks: bool,
}
module!(Network {
    conv1,
    conv2,
    fc1,
    dropout,
    fc2
});

impl<B: Backend> Network<B> {
    /// A network with the initial weights of `seed`.
    ///
    /// # Errors
    ///
    /// If the device has no room for it.
    pub fn new(device: &B, recipe: &Recipe, seed: u64) -> Result<Self> {
        let rng = &mut Generator::new(seed);
        let init = recipe.init;
        let [first, second, hidden] = recipe.net.widths();
        let conv = |inputs, outputs, rng: &mut Generator| -> Result<Conv2d<B>> {
            let layer = Conv2d::with_init(device, inputs, outputs, [3, 3], init, rng)?;
            Ok(layer.padding(Padding::MiniTorch).relu())
        };
        let pool = match recipe.pool {
            mnist::Pool::Avg => Pool::Avg([4, 4]),
            mnist::Pool::Max => Pool::Max([4, 4]),
        };
        Ok(Self {
            conv1: conv(1, first, rng)?,
            conv2: conv(first, second, rng)?.pool(pool),
            fc1: Linear::with_init(device, second * POOLED, hidden, init, rng)?.relu(),
            fc2: Linear::with_init(device, hidden, 10, init, rng)?,
            dropout: Dropout::new(0.25, rng)?,
            quirks: recipe.quirks,
        })
    }

    /// How many numbers a step of training has on the device for each image, about: the image, the maps of both
    /// convolutions before and after ReLU's gradient, that of the second one's input, and the gradients of the kernels.
    pub const fn numbers_of_a_step(recipe: &Recipe) -> usize {
        let [first, second, _] = recipe.net.widths();
        PIXELS * (1 + 3 * first + 2 * second) + 9 * first * (1 + second)
    }

    /// The weights of the first convolution, `[channels, 1, 3, 3]`.
    pub fn filters(&self) -> &Tensor<B> {
        self.conv1.weight.leaf()
    }

    /// What the first convolution makes of images `[b, 1, 28, 28]`, after ReLU: `[b, channels, 28, 28]`.
    ///
    /// # Errors
    ///
    /// If the images have another shape, or the device fails.
    pub fn first_maps(&self, images: &Tensor<B>) -> Result<Tensor<B>> {
        self.conv1.try_forward(images)
    }

    /// What the second convolution makes of the first one's maps, after ReLU: `[b, channels, 28, 28]`.
    ///
    /// # Errors
    ///
    /// If the maps have another shape, or the device fails.
    pub fn second_maps(&self, maps: &Tensor<B>) -> Result<Tensor<B>> {
        self.conv2.try_maps(maps)
    }

    /// The logarithm of each digit's probability: images `[b, 1, 28, 28]` to `[b, 10]`.
    ///
    /// # Errors
    ///
    /// If the images have another shape, or the device fails.
    pub fn forward(&self, images: &Tensor<B>) -> Result<Tensor<B>> {
        let x = self.first_maps(images)?;
        let x = self.conv2.try_forward(&x)?;
        let x = x.try_reshape([images.shape()[0], x.shape()[1] * POOLED])?;
        let x = self.fc1.try_forward(&x)?;
        let x = self.dropout.try_forward(&x)?;
        let logits = self.fc2.try_forward(&x)?;
        if self.quirks {
            log_softmax_with_epsilon(&logits)
        } else {
            logits.try_log_softmax(1)
        }
    }
}

/// MiniTorch's log-softmax, whose logarithm has an epsilon inside.
fn log_softmax_with_epsilon<B: Backend>(logits: &Tensor<B>) -> Result<Tensor<B>> {
    let maximum = logits.detach().try_max(1)?.try_unsqueeze(1)?;
    let shifted = logits.try_sub(&maximum)?;
    let sum = shifted.try_exp()?.try_sum_keepdim(&[1])?;
    shifted.try_sub(&sum.try_add_scalar(EPSILON)?.try_log()?)
}
