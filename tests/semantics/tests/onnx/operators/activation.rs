//! Activation functions and softmax.

use super::elementwise::{if_positive, scalar};
use super::{Operator, Outcome, T};
use crate::call::Call;
use minitorch_core::Result;

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("Relu", |c| c.map(T::try_relu)),
    ("Sigmoid", |c| c.map(T::try_sigmoid)),
    ("Tanh", |c| c.map(T::try_tanh)),
    ("Softplus", |c| c.map(softplus)),
    ("Softsign", |c| {
        c.map(|x| x.try_div(&x.try_abs()?.try_add_scalar(1.0)?))
    }),
    ("Mish", |c| c.map(|x| x.try_mul(&softplus(x)?.try_tanh()?))),
    ("Gelu", gelu),
    ("Elu", |c| c.map(|x| elu(x, c.float("alpha", 1.0), 1.0))),
    ("Celu", |c| {
        let alpha = c.float("alpha", 1.0);
        c.map(|x| elu(x, alpha, alpha))
    }),
    ("Selu", |c| {
        // Klambauer et al. 2017; ONNX has both in single precision.
        let alpha = c.float("alpha", 1.673_263_192_176_818_8);
        let gamma = c.float("gamma", 1.050_701_022_148_132_3);
        c.map(|x| elu(x, alpha, 1.0)?.try_mul_scalar(gamma))
    }),
    ("LeakyRelu", |c| {
        let alpha = c.float("alpha", 0.01);
        c.map(|x| if_positive(x, x, &x.try_mul_scalar(alpha)?))
    }),
    ("PRelu", |c| {
        c.zip(|x, slope| if_positive(x, x, &x.try_mul(slope)?))
    }),
    ("ThresholdedRelu", |c| {
        let alpha = c.float("alpha", 1.0);
        c.map(|x| if_positive(&x.try_add_scalar(-alpha)?, x, &scalar(x, 0.0)?))
    }),
    ("HardSigmoid", |c| {
        let (alpha, beta) = (c.float("alpha", 0.2), c.float("beta", 0.5));
        c.map(|x| hard_sigmoid(x, alpha, beta))
    }),
    ("HardSwish", |c| {
        c.map(|x| x.try_mul(&hard_sigmoid(x, 1.0 / 6.0, 0.5)?))
    }),
    ("Swish", |c| {
        let alpha = c.float("alpha", 1.0);
        c.map(|x| x.try_mul(&x.try_mul_scalar(alpha)?.try_sigmoid()?))
    }),
    ("Shrink", shrink),
    ("Softmax", |c| along(c, T::try_softmax)),
    ("LogSoftmax", |c| along(c, T::try_log_softmax)),
    ("Hardmax", |c| along(c, hardmax)),
];

/// `log(1 + exp(x))`, with an exponent that never overflows.
fn softplus(x: &T) -> Result<T> {
    let tail = x.try_abs()?.try_neg()?.try_exp()?;
    x.try_relu()?.try_add(&log_of_one_and(&tail)?)
}

/// `log(1 + x)`, with what the sum lost: the rest over the sum is nearly how much the logarithm lacks.
fn log_of_one_and(x: &T) -> Result<T> {
    let sum = x.try_add_scalar(1.0)?;
    let lost = x.try_sub(&sum.try_add_scalar(-1.0)?)?;
    sum.try_log()?.try_add(&lost.try_div(&sum)?)
}

/// `x` above 0, else `alpha * (exp(x / width) - 1)`.
fn elu(x: &T, alpha: f64, width: f64) -> Result<T> {
    let below = x.try_div_scalar(width)?.try_exp()?.try_add_scalar(-1.0)?;
    if_positive(x, x, &below.try_mul_scalar(alpha)?)
}

fn hard_sigmoid(x: &T, alpha: f64, beta: f64) -> Result<T> {
    x.try_mul_scalar(alpha)?
        .try_add_scalar(beta)?
        .try_clamp(0.0, 1.0)
}

fn gelu(c: &Call<'_>) -> Outcome {
    match c.text("approximate", "none") {
        "none" => c.map(T::try_gelu),
        "tanh" => c.map(|x| {
            let cubic = x.try_square()?.try_mul_scalar(0.044_715)?;
            let inner = x.try_mul(&cubic.try_add_scalar(1.0)?)?;
            let root = std::f64::consts::FRAC_2_PI.sqrt();
            let both = inner
                .try_mul_scalar(root)?
                .try_tanh()?
                .try_add_scalar(1.0)?;
            x.try_mul(&both)?.try_mul_scalar(0.5)
        }),
        other => Err(format!("no approximation {other}").into()),
    }
}

/// What lies within `lambd` of 0 becomes 0; the rest comes closer to it by `bias`.
fn shrink(c: &Call<'_>) -> Outcome {
    let (lambda, bias) = (c.float("lambd", 0.5), c.float("bias", 0.0));
    c.map(|x| {
        let above = if_positive(
            &x.try_add_scalar(-lambda)?,
            &x.try_add_scalar(-bias)?,
            &scalar(x, 0.0)?,
        )?;
        let below = x.try_neg()?.try_add_scalar(-lambda)?;
        if_positive(&below, &x.try_add_scalar(bias)?, &above)
    })
}

/// Along an axis, the last one if none is named.
fn along(c: &Call<'_>, function: fn(&T, usize) -> Result<T>) -> Outcome {
    let axis = c.axis(-1)?;
    c.map(|x| function(x, axis))
}

/// 1 at the first largest element along an axis, else 0.
pub(super) fn hardmax(x: &T, axis: usize) -> Result<T> {
    let last = x.rank() - 1;
    let rows = x.try_transpose(axis, last)?;
    let best = T::try_one_hot(x.device(), &rows.try_argmax(last)?, rows.shape()[last])?;
    best.try_reshape(rows.shape())?.try_transpose(axis, last)
}
