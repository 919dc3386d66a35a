//! Losses of labels.

use super::{Operator, Outcome, T};
use crate::call::{Call, sizes};
use minitorch_core::nn::{try_cross_entropy, try_nll};

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("NegativeLogLikelihoodLoss", |c| {
        Ok(vec![likelihood(c, c.tensor(0)?, try_nll)?])
    }),
    ("SoftmaxCrossEntropyLoss", |c| {
        let log_p = c.tensor(0)?.try_log_softmax(1)?;
        Ok(vec![likelihood(c, &log_p, try_cross_entropy)?, log_p])
    }),
];

type Mean = fn(&T, &minitorch_core::Index<crate::Device>) -> minitorch_core::Result<T>;

/// `-log_p` at each label, times the weight of the label, and 0 where it is the one to ignore. `mean` is what core has
/// for the mean over a batch without any of this.
fn likelihood(c: &Call<'_>, log_p: &T, mean: Mean) -> Outcome<T> {
    let (labels, ignored) = (c.tensor(1)?, c.given("ignore_index"));
    // Any label stands for the one to ignore, which may be none of them.
    let counted = |label: i64| if Some(label) == ignored { 0 } else { label };
    let places: Vec<i64> = c.integers(1)?.into_iter().map(counted).collect();
    let index = c.index(&sizes(&places)?)?;
    let reduction = c.text("reduction", "mean");
    let plain = c.optional(2).is_none() && ignored.is_none() && log_p.rank() == 2;
    if plain && reduction == "mean" {
        return Ok(mean(c.tensor(0)?, &index)?);
    }
    let weight = match c.optional(2) {
        Some(weights) => weights
            .try_reshape([weights.elements(), 1])?
            .try_rows(&index)?,
        None => T::try_ones(c.device, *labels.shape())?,
    };
    let mut weight = weight.try_reshape(*labels.shape())?;
    if let Some(ignored) = ignored {
        let ignored = T::try_full(c.device, [], ignored as f64)?;
        weight = weight.try_mul(&labels.try_ne(&ignored)?)?;
    }
    let losses = log_p.try_pick(1, &index)?.try_neg()?.try_mul(&weight)?;
    match reduction {
        "none" => Ok(losses),
        "sum" => Ok(losses.try_sum_all()?),
        _ => Ok(losses.try_sum_all()?.try_div(&weight.try_sum_all()?)?),
    }
}
