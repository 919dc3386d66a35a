//! Matrix products.

use super::{Operator, Outcome, T};
use crate::call::{Call, one};

pub(super) const OPERATORS: &[(&str, Operator)] =
    &[("MatMul", |c| c.zip(T::try_matmul)), ("Gemm", gemm)];

/// `alpha * A * B + beta * C`, where `A` and `B` may be transposed.
fn gemm(c: &Call<'_>) -> Outcome {
    let matrix = |at: usize, transposed: &str| -> Outcome<T> {
        let matrix = c.tensor(at)?;
        match c.flag(transposed) {
            true => Ok(matrix.try_transpose(0, 1)?),
            false => Ok(matrix.clone()),
        }
    };
    let product = matrix(0, "transA")?.try_matmul(&matrix(1, "transB")?)?;
    let product = product.try_mul_scalar(c.float("alpha", 1.0))?;
    match c.optional(2) {
        Some(bias) => one(product.try_add(&bias.try_mul_scalar(c.float("beta", 1.0))?)?),
        None => one(product),
    }
}
