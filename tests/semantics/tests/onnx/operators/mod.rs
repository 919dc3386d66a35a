//! ONNX's operators in terms of MiniTorch's: a table for each subject.

mod activation;
mod attention;
mod convolution;
mod elementwise;
mod gather;
mod linear;
mod loss;
mod movement;
mod normalization;
mod pooling;
mod reduce;
mod shape;
mod training;
mod window;

use super::call::Call;
use super::{Outcome, T};

/// Computes the results of a node.
pub(super) type Operator = fn(&Call<'_>) -> Outcome;
type Table = &'static [(&'static str, Operator)];

const TABLES: &[Table] = &[
    activation::OPERATORS,
    attention::OPERATORS,
    convolution::OPERATORS,
    elementwise::OPERATORS,
    gather::OPERATORS,
    linear::OPERATORS,
    loss::OPERATORS,
    movement::OPERATORS,
    normalization::OPERATORS,
    pooling::OPERATORS,
    reduce::OPERATORS,
    shape::OPERATORS,
    training::OPERATORS,
];

/// The operator of a name, which begins with the domain if the operator is none of ONNX's own.
pub(super) fn find(domain: &str, name: &str) -> Option<Operator> {
    let full = match domain {
        "" => name.to_owned(),
        _ => format!("{domain}.{name}"),
    };
    let mut rows = TABLES.iter().copied().flatten();
    rows.find(|row| row.0 == full).map(|row| row.1)
}
