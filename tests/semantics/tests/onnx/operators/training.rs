//! Steps of optimizers, in place as core's own optimizers take them.

use super::{Operator, Outcome, T};
use crate::call::Call;
use minitorch_core::Result;
use minitorch_core::ops::special::{AdamStep, AddScaled, Decay, DecaySquare};

pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("ai.onnx.preview.training.Adagrad", |c| each(c, adagrad)),
    ("ai.onnx.preview.training.Adam", |c| each(c, adam)),
    ("ai.onnx.preview.training.Momentum", |c| each(c, momentum)),
];

/// The step of one parameter: the rate, the number of steps so far, the gradient, and what changes, which is the
/// parameter and what is kept from step to step.
type Step = fn(&Call<'_>, f64, f64, &T, &mut [T]) -> Result<()>;

/// Operands are the rate, the number of steps so far, all parameters, all their gradients, and then what is kept.
fn each(c: &Call<'_>, step: Step) -> Outcome {
    let (rate, count) = (c.number(0)?, c.number(1)?);
    let operands = c.tensors()?;
    // All but the gradients come back.
    let parameters = c.operands() - 2 - c.results();
    let kinds = (c.operands() - 2) / parameters;
    let of = |kind: usize, at: usize| operands[2 + kind * parameters + at].clone();
    let mut out = vec![Vec::new(); kinds - 1];
    for at in 0..parameters {
        let mut gradient = of(1, at);
        let factor = c.float("norm_coefficient", 0.0);
        gradient.try_update(AddScaled { factor }, [&of(0, at)])?;
        let mut state = vec![of(0, at)];
        state.extend((2..kinds).map(|kind| of(kind, at)));
        step(c, rate, count, &gradient, &mut state)?;
        for (all, new) in out.iter_mut().zip(state) {
            all.push(new);
        }
    }
    Ok(out.concat())
}

/// Duchi, Hazan and Singer 2011.
fn adagrad(c: &Call<'_>, rate: f64, count: f64, g: &T, state: &mut [T]) -> Result<()> {
    let rate = rate / (1.0 + count * c.float("decay_factor", 0.0));
    let [x, squares] = state else { return Ok(()) };
    *squares = squares.try_add(&g.try_square()?)?;
    x.try_update(
        AdamStep {
            rate,
            scale: 1.0,
            epsilon: c.float("epsilon", 0.0),
        },
        [g, squares],
    )
}

/// Kingma and Ba 2015.
fn adam(c: &Call<'_>, rate: f64, count: f64, g: &T, state: &mut [T]) -> Result<()> {
    let (alpha, beta) = (c.float("alpha", 0.9), c.float("beta", 0.999));
    let correction = (1.0 - beta.powf(count)).sqrt() / (1.0 - alpha.powf(count));
    let [x, mean, squares] = state else {
        return Ok(());
    };
    let gain = 1.0 - alpha;
    mean.try_update(Decay { keep: alpha, gain }, [g])?;
    squares.try_update(DecaySquare { keep: beta }, [g])?;
    let rate = if count > 0.0 { rate * correction } else { rate };
    let epsilon = c.float("epsilon", 1e-6);
    x.try_update(
        AdamStep {
            rate,
            scale: 1.0,
            epsilon,
        },
        [mean, squares],
    )
}

/// Gradient descent with momentum, Polyak's or Nesterov's.
fn momentum(c: &Call<'_>, rate: f64, count: f64, g: &T, state: &mut [T]) -> Result<()> {
    let keep = c.float("alpha", 0.0);
    let gain = if count > 0.0 {
        c.float("beta", 0.0)
    } else {
        1.0
    };
    let [x, velocity] = state else { return Ok(()) };
    velocity.try_update(Decay { keep, gain }, [g])?;
    match c.text("mode", "standard") {
        "nesterov" => {
            let ahead = velocity.try_mul_scalar(keep)?.try_add(g)?;
            x.try_update(AddScaled { factor: -rate }, [&ahead])
        }
        _ => x.try_update(AddScaled { factor: -rate }, [velocity]),
    }
}
