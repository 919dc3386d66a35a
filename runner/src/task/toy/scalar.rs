//! The network on single numbers with history: the engine `scalar`, as clear and as slow as it gets.

use minitorch_core::isa::Portable;
use minitorch_core::nn::BceWithLogits;
use minitorch_core::scalar::Derivatives;
use minitorch_core::state::Fnv;
use minitorch_core::{Element, Result, Scalar};

use super::weights::{Dense, Weights};
use super::{Engine, Step};
use crate::args::toy::Recipe;
use crate::data::Point;
use crate::error::Failure;

/// A parameter: the variable that graphs are made of, and the sum of its derivatives.
struct Parameter {
    value: Scalar,
    derivative: f64,
}

impl Parameter {
    fn new(value: f64) -> Result<Self> {
        Ok(Self {
            value: Scalar::try_tracked(value)?,
            derivative: 0.0,
        })
    }
}

/// A fully connected layer.
struct Layer {
    /// One row for each output.
    weight: Vec<Vec<Parameter>>,
    bias: Vec<Parameter>,
}

impl Layer {
    fn new(dense: &Dense) -> Result<Self> {
        let row = |row: &[f64]| row.iter().map(|&value| Parameter::new(value)).collect();
        Ok(Self {
            weight: dense
                .weight
                .chunks_exact(dense.inputs())
                .map(row)
                .collect::<Result<_>>()?,
            bias: row(&dense.bias)?,
        })
    }

    /// `bias + sum of input * weight` for each output.
    fn forward(&self, inputs: &[Scalar]) -> Result<Vec<Scalar>> {
        let rows = self.weight.iter().zip(&self.bias);
        rows.map(|(row, bias)| {
            row.iter()
                .zip(inputs)
                .try_fold(bias.value.clone(), |sum, (weight, input)| {
                    sum.try_add(&input.try_mul(&weight.value)?)
                })
        })
        .collect()
    }

    fn parameters(&mut self) -> impl Iterator<Item = &mut Parameter> {
        self.weight.iter_mut().flatten().chain(&mut self.bias)
    }
}

/// The network, and what teaches it.
pub(super) struct Scalars {
    layers: Vec<Layer>,
    rate: f64,
    epsilon: Option<f64>,
}

impl Scalars {
    pub(super) fn new(weights: &Weights, recipe: &Recipe) -> Result<Self> {
        Ok(Self {
            layers: weights.iter().map(Layer::new).collect::<Result<_>>()?,
            rate: recipe.rate,
            epsilon: recipe.epsilon,
        })
    }

    fn logit(&self, at: [f64; 2]) -> Result<Scalar> {
        let mut values: Vec<Scalar> = at.map(Scalar::new).into();
        for (index, layer) in self.layers.iter().enumerate() {
            values = layer.forward(&values)?;
            if index + 1 < self.layers.len() {
                values = values.iter().map(Scalar::try_relu).collect::<Result<_>>()?;
            }
        }
        // The last layer has one output.
        Ok(values.swap_remove(0))
    }

    fn loss(&self, logit: &Scalar, class: bool) -> Result<Scalar> {
        let Some(epsilon) = self.epsilon else {
            return logit.try_zip(&Scalar::new(f64::indicator(class)), BceWithLogits);
        };
        let p = logit.try_sigmoid()?;
        let right = if class { p } else { 1.0 - p };
        (right + epsilon).try_log()?.try_neg()
    }

    fn accumulate(&mut self, derivatives: &Derivatives) {
        for parameter in self.layers.iter_mut().flat_map(Layer::parameters) {
            parameter.derivative += derivatives.get(&parameter.value).unwrap_or(0.0);
        }
    }

    fn update(&mut self) -> Result<()> {
        for parameter in self.layers.iter_mut().flat_map(Layer::parameters) {
            let moved =
                f64::fma::<Portable>(-self.rate, parameter.derivative, parameter.value.data());
            *parameter = Parameter::new(moved)?;
        }
        Ok(())
    }
}

impl Engine for Scalars {
    fn step(&mut self, points: &[Point]) -> Result<Step, Failure> {
        let mut step = Step::default();
        for point in points {
            let logit = self.logit(point.at)?;
            step.correct += super::correct(&[logit.data()], &[*point]);
            let loss = self.loss(&logit, point.class)?;
            step.loss += loss.data();
            let derivatives = (loss / points.len() as f64).try_backward()?;
            self.accumulate(&derivatives);
        }
        self.update()?;
        Ok(step)
    }

    fn logits(&mut self, points: &[Point]) -> Result<Vec<f64>, Failure> {
        let logit = |point: &Point| Ok(self.logit(point.at)?.data());
        points.iter().map(logit).collect()
    }

    fn is_finite(&self) -> Result<bool, Failure> {
        let layers = self.layers.iter();
        let mut parameters = layers
            .flat_map(|layer| layer.weight.iter().chain([&layer.bias]))
            .flatten();
        Ok(parameters.all(|parameter| parameter.value.data().is_finite()))
    }

    fn hash(&self) -> Result<Fnv, Failure> {
        let mut hash = Fnv::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let values = |row: &[Parameter]| {
                row.iter()
                    .map(|p| p.value.data() as f32)
                    .collect::<Vec<_>>()
            };
            let (outputs, inputs) = (layer.bias.len(), layer.weight[0].len());
            let weight: Vec<f32> = layer.weight.iter().flat_map(|row| values(row)).collect();
            let name = format!("layer{}", index + 1);
            hash.write_parameter(&format!("{name}.weight"), &[outputs, inputs], weight);
            hash.write_parameter(&format!("{name}.bias"), &[outputs], values(&layer.bias));
        }
        Ok(hash)
    }
}
