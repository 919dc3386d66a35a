//! Each optimiser over 20 steps, each schedule over 20 rates, in double precision.

use super::case::{Case, tensor};
use super::reference::{close, numbers, reference, sixteenths};
use minitorch_core::nn::{Init, Layer, Linear, Module, mse};
use minitorch_core::optim::{
    Adadelta, Adam, AdamW, Optimizer, Schedule, Sgd, clip_grad_norm, max_norm,
};
use minitorch_core::{Cpu, Generator};

/// Rounding of `f64` over 20 steps. Seen: 7.9e-16.
const TOLERANCE: f64 = 1e-14;

#[test]
fn steps_and_rates() {
    let file = reference!("optimizers");
    for view in file.views() {
        let case = Case::new(view.name());
        let actual = match case.name {
            "sgd" | "adam" | "adamw" | "adadelta" => descent(&case),
            _ => (0..20).map(|step| schedule(&case).rate(step)).collect(),
        };
        let expected = numbers(&file, view.name());
        close(view.name(), &actual, &expected, TOLERANCE);
    }
    assert_eq!(file.views().len(), 22);
}

/// 20 losses of a small regression, and the weights at the end.
fn descent(case: &Case<'_>) -> Vec<f64> {
    let device = Cpu::<f64>::default();
    let some =
        |seed, sizes: [usize; 2]| tensor(&device, &sixteenths(seed, sizes[0] * sizes[1]), &sizes);
    let init = Init::Constant(0.0);
    let mut layer = Linear::with_init(&device, 6, 3, init, &mut Generator::new(0)).expect("room");
    layer.weight.try_set(&some(1, [3, 6])).expect("its shape");
    let bias = layer.bias.as_mut().expect("a bias");
    bias.try_set(&some(2, [3, 1]).reshape([3]))
        .expect("its shape");

    let (x, y) = (some(3, [8, 6]), some(4, [8, 3]));
    let (mut optimizer, mut numbers) = (optimizer(case), Vec::new());
    for _ in 0..20 {
        let loss = mse(&layer.forward(&x).tanh(), &y);
        numbers.push(loss.item());
        let mut grads = loss.backward();
        if case.option("clip").is_some() {
            clip_grad_norm(&layer, &mut grads, case.number("clip")).expect("a norm");
        }
        optimizer.step(&mut layer, grads);
        if case.option("max_norm").is_some() {
            max_norm(&mut layer.weight, case.number("max_norm")).expect("a norm");
        }
    }
    let weights = layer.named_parameters().into_iter();
    numbers.extend(weights.flat_map(|(_, weight)| weight.to_vec()));
    numbers
}

fn optimizer(case: &Case<'_>) -> Box<dyn Optimizer<Cpu<f64>>> {
    let given = |key| case.option(key).map(|_| case.number::<f64>(key));
    let rate = case.number("rate");
    /// `AdamW` has the methods of `Adam`.
    macro_rules! adam {
        ($kind:ident) => {{
            let mut adam = $kind::new(rate);
            if let Some(beta1) = given("beta1") {
                adam = adam.betas(beta1, case.number("beta2"));
                adam = adam.epsilon(case.number("epsilon"));
            }
            if let Some(decay) = given("decay") {
                adam = adam.weight_decay(decay);
            }
            Box::new(adam)
        }};
    }
    match case.name {
        "sgd" => {
            let sgd = Sgd::new(rate)
                .momentum(given("momentum").unwrap_or(0.0))
                .weight_decay(given("decay").unwrap_or(0.0));
            Box::new(match case.option("nesterov") {
                Some(_) => sgd.nesterov(),
                None => sgd,
            })
        }
        "adadelta" => {
            let mut adadelta = Adadelta::new(rate).weight_decay(given("decay").unwrap_or(0.0));
            if let Some(rho) = given("rho") {
                adadelta = adadelta.rho(rho).epsilon(case.number("epsilon"));
            }
            Box::new(adadelta)
        }
        "adam" => adam!(Adam),
        _ => adam!(AdamW),
    }
}

fn schedule(case: &Case<'_>) -> Schedule {
    match case.name {
        "one-cycle" => Schedule::OneCycle {
            peak: case.number("peak"),
            steps: case.number("steps"),
        },
        "step-decay" => Schedule::StepDecay {
            rate: case.number("rate"),
            factor: case.number("factor"),
            every: case.number("every"),
        },
        "cosine" => Schedule::Cosine {
            peak: case.number("peak"),
            floor: case.number("floor"),
            warmup: case.number("warmup"),
            steps: case.number("steps"),
        },
        other => panic!("{other} is not a schedule"),
    }
}
