//! A line that a person draws: the engine `manual`, which learns nothing.

use minitorch_core::nn::BceWithLogits;
use minitorch_core::state::Fnv;
use minitorch_core::{Result, Scalar};

use super::{Engine, Step, correct};
use crate::data::Point;
use crate::error::Failure;

/// The logit `a x + b y + c`.
pub(super) struct Manual {
    pub(super) weights: [f64; 2],
    pub(super) bias: f64,
}

impl Manual {
    fn logit(&self, point: &Point) -> f64 {
        let [a, b] = self.weights;
        a * point.at[0] + b * point.at[1] + self.bias
    }

    fn loss(&self, point: &Point) -> Result<f64> {
        let class = Scalar::new(f64::from(u8::from(point.class)));
        let loss = Scalar::new(self.logit(point)).try_zip(&class, BceWithLogits)?;
        Ok(loss.data())
    }
}

impl Engine for Manual {
    /// The loss of the line, which stays as it is.
    fn step(&mut self, points: &[Point]) -> Result<Step, Failure> {
        let mut loss = 0.0;
        for point in points {
            loss += self.loss(point)?;
        }
        let correct = correct(&self.logits(points)?, points);
        Ok(Step { loss, correct })
    }

    fn logits(&mut self, points: &[Point]) -> Result<Vec<f64>, Failure> {
        Ok(points.iter().map(|point| self.logit(point)).collect())
    }

    fn is_finite(&self) -> Result<bool, Failure> {
        Ok(self
            .weights
            .iter()
            .chain([&self.bias])
            .all(|value| value.is_finite()))
    }

    fn hash(&self) -> Result<Fnv, Failure> {
        let mut hash = Fnv::new();
        hash.write_parameter("weight", &[1, 2], self.weights.map(|value| value as f32));
        hash.write_parameter("bias", &[1], [self.bias as f32]);
        Ok(hash)
    }
}
