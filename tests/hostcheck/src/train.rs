//! A small convolution network learns four patterns. This text is compiled twice: into a program without std, and into
//! the test that compares the hash of its weights with what the same training gives there.

use minitorch_core::nn::{Conv2d, Init, Layer, Linear, Module, try_nll};
use minitorch_core::optim::{Optimizer, Sgd};
use minitorch_core::{Backend, Cpu, Generator, Index, Padding, Result, Tensor, module};

/// Side of a pattern.
const SIDE: usize = 8;
/// How many patterns there are: a cross, a frame, stripes across and stripes down.
const PATTERNS: usize = 4;

struct Net<B: Backend> {
    conv: Conv2d<B>,
    out: Linear<B>,
}
module!(Net { conv, out });

impl<B: Backend> Layer<B> for Net<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let x = self.conv.try_forward(x)?.try_relu()?;
        let x = x.try_max_pool2d([2, 2], [2, 2])?;
        let x = x.try_reshape([x.shape()[0], 3 * SIDE * SIDE / 4])?;
        self.out.try_forward(&x)?.try_log_softmax(1)
    }
}

fn pixel(pattern: usize, row: usize, column: usize) -> f32 {
    let last = SIDE - 1;
    let on = match pattern {
        0 => row == column || row + column == last,
        1 => row == 0 || column == 0 || row == last || column == last,
        2 => row.is_multiple_of(2),
        _ => column.is_multiple_of(2),
    };
    if on { 1.0 } else { 0.0 }
}

/// Trains on `device` for 60 steps. Returns the hash of the weights and how many patterns are told right.
pub(crate) fn train(device: &Cpu) -> Result<(u64, usize)> {
    let mut rng = Generator::new(1);
    let conv = Conv2d::with_init(device, 1, 3, [3, 3], Init::FanIn, &mut rng)?;
    let mut net = Net {
        conv: conv.padding(Padding::Symmetric([1, 1])),
        out: Linear::with_init(device, 3 * SIDE * SIDE / 4, PATTERNS, Init::FanIn, &mut rng)?,
    };
    let mut images = [0.0; PATTERNS * SIDE * SIDE];
    for (place, value) in images.iter_mut().enumerate() {
        let (pattern, at) = (place / (SIDE * SIDE), place % (SIDE * SIDE));
        *value = pixel(pattern, at / SIDE, at % SIDE);
    }
    let images = Tensor::try_from_slice(device, &images, [PATTERNS, 1, SIDE, SIDE])?;
    let labels = [0, 1, 2, 3];
    let index = Index::new(device, &labels)?;
    let mut optimizer = Sgd::new(0.1).momentum(0.9);
    for _ in 0..60 {
        let loss = try_nll(&net.try_forward(&images)?, &index)?;
        optimizer.try_step(&mut net, loss.try_backward()?)?;
    }
    net.eval();
    let read = net.try_forward(&images)?.try_argmax(1)?.to_vec()?;
    let right = read.iter().zip(&labels).filter(|(a, b)| a == b).count();
    Ok((net.try_weights_hash()?.finish(), right))
}
