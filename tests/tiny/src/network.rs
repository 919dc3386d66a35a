//! The network: two convolutions, pooling, two linear layers; 2,615 parameters.

use minitorch_core::nn::{Conv2d, Dropout, Init, Layer, Linear};
use minitorch_core::{Backend, Generator, Padding, Pool, Result, Tensor, module};

/// `[b, 1, 28, 28]` to the logarithms of ten probabilities, `[b, 10]`.
///
/// conv 1->2 3x3, ReLU, conv 2->3 3x3, ReLU, pool 4x4, linear 147->16, ReLU, dropout 0.25, linear 16->10, log-softmax.
/// Convolutions keep the size, with their padding at the right and bottom.
pub struct Network<B: Backend> {
    conv1: Conv2d<B>,
    conv2: Conv2d<B>,
    fc1: Linear<B>,
    dropout: Dropout,
    fc2: Linear<B>,
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
    pub fn new(device: &B, seed: u64) -> Result<Self> {
        let (init, rng) = (Init::MiniTorch, &mut Generator::new(seed));
        let conv1 = Conv2d::with_init(device, 1, 2, [3, 3], init, rng)?;
        let conv2 = Conv2d::with_init(device, 2, 3, [3, 3], init, rng)?;
        Ok(Self {
            conv1: conv1.padding(Padding::MiniTorch).relu(),
            conv2: conv2
                .padding(Padding::MiniTorch)
                .relu()
                .pool(Pool::Avg([4, 4])),
            fc1: Linear::with_init(device, 147, 16, init, rng)?,
            fc2: Linear::with_init(device, 16, 10, init, rng)?,
            dropout: Dropout::new(0.25, rng)?,
        })
    }
}

impl<B: Backend> Layer<B> for Network<B> {
    fn try_forward(&self, images: &Tensor<B>) -> Result<Tensor<B>> {
        let x = self.conv1.try_forward(images)?;
        let x = self.conv2.try_forward(&x)?;
        let x = x.try_reshape([images.shape()[0], 147])?;
        let x = self.fc1.try_forward(&x)?.try_relu()?;
        let x = self.dropout.try_forward(&x)?;
        self.fc2.try_forward(&x)?.try_log_softmax(1)
    }
}
