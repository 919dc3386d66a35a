//! The network on tensors: the engines `tensor`, in double precision on one thread, `fast`, in single precision on
//! all of them, and `cuda`, the same on a GPU.

use minitorch_core::nn::{Layer, Linear, Module, Param, try_bce_with_logits};
use minitorch_core::optim::{Optimizer, Sgd};
use minitorch_core::state::Fnv;
use minitorch_core::{Backend, Element, Result, Shape, Tensor, module};

use super::weights::{Dense, Weights};
use super::{Engine, Step};
use crate::args::toy::Recipe;
use crate::data::Point;
use crate::error::Failure;
use crate::train::is_finite;

/// Points `[b, 2]` to logits `[b, 1]`: two hidden layers with ReLU.
struct Network<B: Backend> {
    layer1: Linear<B>,
    layer2: Linear<B>,
    layer3: Linear<B>,
}
module!(Network {
    layer1,
    layer2,
    layer3
});

impl<B: Backend> Layer<B> for Network<B> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        let x = self.layer1.try_forward(x)?;
        let x = self.layer2.try_forward(&x)?;
        self.layer3.try_forward(&x)
    }
}

/// The network, and what teaches it.
pub(super) struct Tensors<B: Backend> {
    device: B,
    network: Network<B>,
    optimizer: Sgd<B>,
    epsilon: Option<f64>,
}

impl<B: Backend> Tensors<B> {
    pub(super) fn new(device: B, weights: &Weights, recipe: &Recipe) -> Result<Self> {
        let layer = |dense: &Dense| linear(&device, dense);
        let [first, second, third] = weights;
        Ok(Self {
            network: Network {
                layer1: layer(first)?.relu(),
                layer2: layer(second)?.relu(),
                layer3: layer(third)?,
            },
            device,
            optimizer: Sgd::new(recipe.rate),
            epsilon: recipe.epsilon,
        })
    }

    /// `[b, 2]` points and `[b, 1]` classes.
    fn upload(&self, points: &[Point]) -> Result<(Tensor<B>, Tensor<B>)> {
        let at: Vec<B::Elem> = points
            .iter()
            .flat_map(|point| point.at)
            .map(B::Elem::from_f64)
            .collect();
        let class: Vec<B::Elem> = points
            .iter()
            .map(|point| B::Elem::indicator(point.class))
            .collect();
        Ok((
            Tensor::try_from_slice(&self.device, &at, [points.len(), 2])?,
            Tensor::try_from_slice(&self.device, &class, [points.len(), 1])?,
        ))
    }

    /// The mean loss.
    fn loss(&self, logits: &Tensor<B>, class: &Tensor<B>) -> Result<Tensor<B>> {
        let Some(epsilon) = self.epsilon else {
            return try_bce_with_logits(logits, class);
        };
        // MiniTorch's form: the probability of the right answer, and an epsilon inside of the logarithm.
        let p = logits.try_sigmoid()?;
        let wrong = class.try_sub_from(1.0)?;
        let right = p
            .try_mul(class)?
            .try_add(&p.try_sub_from(1.0)?.try_mul(&wrong)?)?;
        right
            .try_add_scalar(epsilon)?
            .try_log()?
            .try_mean_all()?
            .try_neg()
    }
}

impl<B: Backend> Engine for Tensors<B> {
    fn step(&mut self, points: &[Point]) -> Result<Step, Failure> {
        let (x, class) = self.upload(points)?;
        let logits = self.network.try_forward(&x)?;
        let loss = self.loss(&logits, &class)?;
        let step = Step {
            loss: loss.try_item()?.to_f64() * points.len() as f64,
            correct: super::correct(&read(&logits)?, points),
        };
        self.optimizer
            .try_step(&mut self.network, loss.try_backward()?)?;
        Ok(step)
    }

    fn logits(&mut self, points: &[Point]) -> Result<Vec<f64>, Failure> {
        self.network.eval();
        let (x, _) = self.upload(points)?;
        let logits = read(&self.network.try_forward(&x)?)?;
        self.network.train();
        Ok(logits)
    }

    fn is_finite(&self) -> Result<bool, Failure> {
        is_finite(&self.network)
    }

    fn hash(&self) -> Result<Fnv, Failure> {
        Ok(self.network.try_weights_hash()?)
    }
}

fn read<B: Backend>(logits: &Tensor<B>) -> Result<Vec<f64>> {
    Ok(logits
        .try_to_vec()?
        .into_iter()
        .map(Element::to_f64)
        .collect())
}

fn linear<B: Backend>(device: &B, dense: &Dense) -> Result<Linear<B>> {
    let param = |values: &[f64], shape: Shape| {
        let values: Vec<B::Elem> = values
            .iter()
            .map(|&value| B::Elem::from_f64(value))
            .collect();
        Param::new(Tensor::try_from_slice(device, &values, shape)?)
    };
    let shape = Shape::from([dense.outputs(), dense.inputs()]);
    let weight = param(&dense.weight, shape)?;
    let bias = param(&dense.bias, Shape::from([dense.outputs()]))?;
    Ok(Linear::from_params(weight, Some(bias)))
}
