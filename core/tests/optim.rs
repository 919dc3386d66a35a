//! Optimisers against scalar recurrences, schedules at known points, and clipping.

use minitorch_core::nn::{Layer, Linear, Module, Param, Path};
use minitorch_core::optim::{Adadelta, Adam, AdamW, Optimizer, Schedule, Sgd, clip_grad_norm};
use minitorch_core::state::{load, save};
use minitorch_core::{Backend, Cpu, Element, ErrorKind, Generator, Tensor, module};

const STEPS: usize = 50;
const COUNT: usize = 37;

/// The gradient's part that does not depend on the parameter.
fn force(step: usize, i: usize) -> f64 {
    0.4 * ((step * 3 + i * 7) as f64).sin() + 0.1
}

fn start(i: usize) -> f64 {
    (i as f64 * 0.7).cos()
}

/// The settings of all optimisers.
#[derive(Clone, Copy, Debug)]
struct Rule {
    rate: f64,
    momentum: f64,
    nesterov: bool,
    decay: f64,
    betas: (f64, f64),
}

const RULE: Rule = Rule {
    rate: 0.05,
    momentum: 0.0,
    nesterov: false,
    decay: 0.0,
    betas: (0.9, 0.999),
};

/// PyTorch's formulas for one number, as its documentation has them: `grad` is the gradient of a step at `p`.
fn sgd(rule: Rule, mut p: f64, grad: impl Fn(usize, f64) -> f64) -> f64 {
    let mut buffer = 0.0;
    for step in 0..STEPS {
        let mut g = grad(step, p) + rule.decay * p;
        if rule.momentum != 0.0 {
            buffer = if step == 0 {
                g
            } else {
                rule.momentum * buffer + g
            };
            g = if rule.nesterov {
                g + rule.momentum * buffer
            } else {
                buffer
            };
        }
        p -= rule.rate * g;
    }
    p
}

fn adam(rule: Rule, decoupled: bool, mut p: f64, grad: impl Fn(usize, f64) -> f64) -> f64 {
    let ((b1, b2), mut m, mut v) = (rule.betas, 0.0, 0.0);
    for step in 0..STEPS {
        let mut g = grad(step, p);
        if decoupled {
            p -= rule.rate * rule.decay * p;
        } else {
            g += rule.decay * p;
        }
        m = b1 * m + (1.0 - b1) * g;
        v = b2 * v + (1.0 - b2) * g * g;
        let t = step as i32 + 1;
        let denominator = v.sqrt() / (1.0 - b2.powi(t)).sqrt() + 1e-8;
        p -= rule.rate / (1.0 - b1.powi(t)) * m / denominator;
    }
    p
}

fn tensor<E: Element>(dev: &Cpu<E>, f: impl Fn(usize) -> f64) -> Tensor<Cpu<E>> {
    let values: Vec<E> = (0..COUNT).map(|i| E::from_f64(f(i))).collect();
    Tensor::from_slice(dev, &values, [COUNT])
}

/// Trains a parameter with the loss `bend * p^2 / 2 + force * p`, whose gradient is `bend * p + force`.
fn train<E: Element>(optimizer: &mut dyn Optimizer<Cpu<E>>, bend: f64) -> Vec<E> {
    let dev: Cpu<E> = Cpu::default();
    let mut param = Param::new(tensor(&dev, start)).unwrap();
    for step in 0..STEPS {
        let p = param.value();
        let mut loss = &p * tensor(&dev, |i| force(step, i));
        if bend != 0.0 {
            loss = loss + p.square() * (bend / 2.0);
        }
        drop(p);
        optimizer.step(&mut param, loss.sum_all().backward());
    }
    param.leaf().to_vec()
}

#[test]
fn f64_follows_pytorchs_formulas() {
    let usual = Rule {
        momentum: 0.9,
        ..RULE
    };
    let nesterov = Rule {
        nesterov: true,
        ..usual
    };
    let decay = |rule: Rule| Rule {
        decay: 0.02,
        ..rule
    };
    let other = Rule {
        betas: (0.8, 0.95),
        ..RULE
    };
    let check =
        |name: &str, optimizer: &mut dyn Optimizer<Cpu<f64>>, want: &dyn Fn(usize) -> f64| {
            for (i, got) in train(optimizer, 0.3).into_iter().enumerate() {
                let want = want(i);
                let error = (got - want).abs() / want.abs();
                assert!(error < 1e-12, "{name} {i}: {got} {want}");
            }
        };
    let grad = |i: usize| move |step, p: f64| 0.3 * p + force(step, i);
    for rule in [
        RULE,
        decay(RULE),
        usual,
        decay(usual),
        nesterov,
        decay(nesterov),
    ] {
        let mut optimizer = Sgd::new(rule.rate)
            .momentum(rule.momentum)
            .weight_decay(rule.decay);
        if rule.nesterov {
            optimizer = optimizer.nesterov();
        }
        check("sgd", &mut optimizer, &|i| sgd(rule, start(i), grad(i)));
    }
    for rule in [RULE, decay(RULE), other, decay(other)] {
        let (b1, b2) = rule.betas;
        let mut coupled = Adam::new(rule.rate).betas(b1, b2).weight_decay(rule.decay);
        check("adam", &mut coupled, &|i| {
            adam(rule, false, start(i), grad(i))
        });
        let mut decoupled = AdamW::new(rule.rate).betas(b1, b2).weight_decay(rule.decay);
        check("adamw", &mut decoupled, &|i| {
            adam(rule, true, start(i), grad(i))
        });
    }
    // The defaults.
    check("adam", &mut Adam::new(0.05), &|i| {
        adam(RULE, false, start(i), grad(i))
    });
    let rule = Rule {
        decay: 0.01,
        ..RULE
    };
    check("adamw", &mut AdamW::new(0.05), &|i| {
        adam(rule, true, start(i), grad(i))
    });
}

/// Trains in `f32` with gradients that are exactly `force`, and compares bits.
fn check_bits(
    optimizer: &mut dyn Optimizer<Cpu>,
    mut step: impl FnMut(usize, usize, f32, f32) -> f32,
) {
    let got = train(optimizer, 0.0);
    for (i, got) in got.into_iter().enumerate() {
        let mut p = start(i) as f32;
        for t in 0..STEPS {
            p = step(i, t, p, force(t, i) as f32);
        }
        assert_eq!(got.to_bits(), p.to_bits(), "{i}: {got} {p}");
    }
}

#[test]
fn f32_sgd_has_the_bits_of_its_definition() {
    let rate = -0.05f64 as f32;
    check_bits(&mut Sgd::new(0.05), |_, _, p, g| rate.mul_add(g, p));
    let decay = 0.02f32;
    check_bits(&mut Sgd::new(0.05).weight_decay(0.02), |_, _, p, g| {
        rate.mul_add(decay.mul_add(p, g), p)
    });
    let mut m = [0f32; COUNT];
    check_bits(&mut Sgd::new(0.05).momentum(0.9), |i, _, p, g| {
        m[i] = 0.9 * m[i] + g;
        rate.mul_add(m[i], p)
    });
    let mut m = [0f32; COUNT];
    let mut all = Sgd::new(0.05).momentum(0.9).nesterov().weight_decay(0.02);
    check_bits(&mut all, |i, _, p, g| {
        let g = decay.mul_add(p, g);
        m[i] = 0.9 * m[i] + g;
        rate.mul_add(0.9f32.mul_add(m[i], g), p)
    });
}

#[test]
fn f32_adam_has_the_bits_of_its_definition() {
    #[derive(Clone, Copy)]
    struct State {
        m: f32,
        v: f32,
        powers: [f64; 2],
    }
    const FRESH: State = State {
        m: 0.0,
        v: 0.0,
        powers: [1.0; 2],
    };
    // Scalars in f64, rounded once before they meet the numbers.
    fn step(state: &mut State, p: f32, g: f32) -> f32 {
        state.powers = [state.powers[0] * 0.9, state.powers[1] * 0.999];
        let [power1, power2] = state.powers;
        state.m = 0.9 * state.m + (1.0 - 0.9f64) as f32 * g;
        state.v = 0.999 * state.v + (1.0 - 0.999f64) as f32 * (g * g);
        let scale = (1.0 / (1.0 - power2).sqrt()) as f32;
        let rate = (0.05 / (1.0 - power1)) as f32;
        p - rate * (state.m / (state.v.sqrt() * scale + 1e-8))
    }
    let mut states = [FRESH; COUNT];
    check_bits(&mut Adam::new(0.05), |i, _, p, g| {
        step(&mut states[i], p, g)
    });
    let mut states = [FRESH; COUNT];
    check_bits(&mut Adam::new(0.05).weight_decay(0.02), |i, _, p, g| {
        step(&mut states[i], p, 0.02f32.mul_add(p, g))
    });
    let mut states = [FRESH; COUNT];
    let shrink = (1.0 - 0.05 * 0.02f64) as f32;
    check_bits(&mut AdamW::new(0.05).weight_decay(0.02), |i, _, p, g| {
        step(&mut states[i], p * shrink, g)
    });
}

#[test]
fn f32_adadelta_has_the_bits_of_its_definition() {
    let gain = (1.0 - 0.95f64) as f32;
    let mut states = [[0.0f32; 2]; COUNT];
    let mut step = |i: usize, p: f32, g: f32| {
        let [v, u] = &mut states[i];
        *v = 0.95 * *v + gain * (g * g);
        let d = (*u + 1e-6).sqrt() / (*v + 1e-6).sqrt() * g;
        *u = 0.95 * *u + gain * (d * d);
        (-1.0f32).mul_add(d, p)
    };
    let mut adadelta = Adadelta::new(1.0).rho(0.95).weight_decay(0.02);
    check_bits(&mut adadelta, |i, _, p, g| {
        step(i, p, 0.02f32.mul_add(p, g))
    });
}

#[test]
fn schedules_pass_their_known_points() {
    let near =
        |got: f64, want: f64| assert!((got - want).abs() <= 1e-15 + want * 1e-13, "{got} {want}");
    let cycle = Schedule::OneCycle {
        peak: 0.5,
        steps: 110,
    };
    near(cycle.rate(0), 0.5 / 25.0);
    near(cycle.rate(16), (0.5 / 25.0 + 0.5) / 2.0);
    near(cycle.rate(32), 0.5); // 30 % of the steps are done
    near(cycle.rate(109), 0.5 / 25.0 / 1e4);
    near(cycle.rate(1000), 0.5 / 25.0 / 1e4);
    assert!((1..33).all(|step| cycle.rate(step) > cycle.rate(step - 1)));
    assert!((33..110).all(|step| cycle.rate(step) < cycle.rate(step - 1)));
    // PyTorch: `OneCycleLR(SGD([p], 1.0), max_lr=1.0, total_steps=10)`.
    let ten = Schedule::OneCycle {
        peak: 1.0,
        steps: 10,
    };
    near(ten.rate(1), 0.52);
    near(ten.rate(2), 1.0);
    let cosine = |at: f64| 4e-6 + (1.0 - 4e-6) / 2.0 * (1.0 + (std::f64::consts::PI * at).cos());
    (3..=9).for_each(|step| near(ten.rate(step), cosine((step - 2) as f64 / 7.0)));

    let warm = Schedule::Cosine {
        peak: 0.2,
        floor: 0.02,
        warmup: 4,
        steps: 104,
    };
    for (step, rate) in [
        (0, 0.05),
        (1, 0.1),
        (3, 0.2),
        (4, 0.2),
        (54, 0.11),
        (104, 0.02),
        (200, 0.02),
    ] {
        near(warm.rate(step), rate);
    }
    near(warm.rate(29), 0.02 + 0.09 * (1.0 + 0.5f64.sqrt()));
    let stairs = Schedule::StepDecay {
        rate: 0.8,
        factor: 0.5,
        every: 10,
    };
    for (step, rate) in [
        (0, 0.8),
        (9, 0.8),
        (10, 0.4),
        (19, 0.4),
        (20, 0.2),
        (105, 0.8 / 1024.0),
    ] {
        assert_eq!(stairs.rate(step), rate);
    }
    assert_eq!(Schedule::Constant { rate: 0.3 }.rate(u64::MAX), 0.3);
    // Degenerate lengths give a rate all the same.
    for steps in 0..5 {
        let odd = [
            Schedule::OneCycle { peak: 1.0, steps },
            Schedule::Cosine {
                peak: 1.0,
                floor: 0.0,
                warmup: 3,
                steps,
            },
            Schedule::StepDecay {
                rate: 1.0,
                factor: 0.5,
                every: 0,
            },
        ];
        for (schedule, step) in odd
            .iter()
            .flat_map(|schedule| (0..8).map(move |at| (schedule, at)))
        {
            assert!(
                (0.0..=1.0).contains(&schedule.rate(step)),
                "{schedule:?} {step}"
            );
        }
    }
}

struct Pair<B: Backend> {
    a: Param<B>,
    b: Param<B>,
    unused: Param<B>,
}
module!(Pair { a, b, unused });

fn pair() -> Pair<Cpu<f64>> {
    let dev = Cpu::default();
    let param =
        |values: &[f64]| Param::new(Tensor::from_slice(&dev, values, [values.len()])).unwrap();
    Pair {
        a: param(&[3.0, -2.0]),
        b: param(&[6.0]),
        unused: param(&[1.0, 1.0, 1.0]),
    }
}

#[test]
fn clipping_limits_the_norm_of_all_gradients() {
    let net = pair();
    // Gradients are half squares' : the values themselves.
    let grads = || (net.a.value().square().sum_all() + net.b.value().square().sum_all()) * 0.5;
    for (limit, factor) in [
        (3.5, 3.5 / (7.0 + 1e-6)),
        (7.0, 7.0 / (7.0 + 1e-6)),
        (8.0, 1.0),
    ] {
        let mut grads = grads().backward();
        assert_eq!(clip_grad_norm(&net, &mut grads, limit).unwrap(), 7.0);
        assert_eq!(
            grads.get(net.a.leaf()).unwrap().to_vec(),
            [3.0 * factor, -2.0 * factor]
        );
        assert_eq!(grads.get(net.b.leaf()).unwrap().to_vec(), [6.0 * factor]);
        assert!(grads.get(net.unused.leaf()).is_none());
    }
    let mut infinite = (grads() + net.b.value().sum_all() * f64::INFINITY).backward();
    assert_eq!(
        clip_grad_norm(&net, &mut infinite, 1.0).unwrap(),
        f64::INFINITY
    );
    assert_eq!(infinite.get(net.a.leaf()).unwrap().to_vec(), [3.0, -2.0]);
}

#[test]
fn a_step_moves_only_what_has_a_gradient() {
    let mut net = pair();
    let mut adam = Adam::new(0.1);
    let loss = |net: &Pair<_>| net.a.value().square().sum_all();
    let grads = loss(&net).backward();
    adam.step(&mut net, grads);
    assert_ne!(net.a.leaf().to_vec(), [3.0, -2.0]);
    assert_eq!(
        (net.b.leaf().to_vec(), net.unused.leaf().to_vec()),
        (vec![6.0], vec![1.0; 3])
    );
    assert!(adam.memory().get("a").is_some() && adam.memory().get("b").is_none());
    // Collected gradients step as handed-over ones do.
    let (mut other, mut again) = (pair(), Adam::new(0.1));
    for _ in 0..2 {
        let half = (other.a.value().square().sum_all() * 0.5).backward();
        other.accumulate(half);
    }
    again.step_accumulated(&mut other);
    assert_eq!(other.a.leaf().to_vec(), net.a.leaf().to_vec());
    assert!(other.a.grad().is_some());
    // Another model's gradients are no step.
    let error = adam
        .try_step(&mut net, loss(&pair()).backward())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    assert!(
        error
            .to_string()
            .starts_with("step: no gradient belongs to a parameter of this module")
    );
    adam.set_rate(0.25);
    assert_eq!(adam.rate(), 0.25);
    let wrong = Tensor::rand(&Cpu::default(), [5], &mut Generator::new(0));
    let path = Path::ROOT.child("a");
    let error = adam.try_update(&path, &mut net.a, wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

/// A network of the same names and other shapes is another one.
#[test]
fn what_is_remembered_of_another_network_is_told() {
    let pair_of = |first: &[f64]| {
        let net = pair();
        let a = Tensor::from_slice(&Cpu::default(), first, [first.len()]);
        let a = Param::new(a).unwrap();
        Pair { a, ..net }
    };
    let loss = |net: &Pair<_>| net.a.value().square().sum_all();
    let mut all: [Box<dyn Optimizer<Cpu<f64>>>; 4] = [
        Box::new(Sgd::new(0.1).momentum(0.9)),
        Box::new(Adam::new(0.1)),
        Box::new(AdamW::new(0.1)),
        Box::new(Adadelta::new(0.1)),
    ];
    for optimizer in &mut all {
        let (mut net, mut other) = (pair(), pair_of(&[1.0, 2.0, 3.0]));
        let grads = loss(&net).backward();
        optimizer.step(&mut net, grads);
        let grads = loss(&other).backward();
        let error = optimizer.try_step(&mut other, grads).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        assert_eq!(
            error.to_string(),
            "step: shape [2] does not fit [3]; this optimiser remembers steps of another network: use one optimiser for \
             each, or clear its memory"
        );
        assert_eq!(other.a.leaf().to_vec(), [1.0, 2.0, 3.0]);
        // It does what it says.
        optimizer.memory_mut().clear();
        let grads = loss(&other).backward();
        optimizer.step(&mut other, grads);
        assert!(other.a.leaf().to_vec()[0] < 1.0);
    }
}

/// A step without momentum remembers nothing, so a file has no buffers and asks for none.
#[test]
fn plain_descent_saves_weights_alone() {
    let device = Cpu::<f32>::default();
    let mut model = Linear::new(&device, 2, 1, &mut Generator::new(1)).unwrap();
    for (mut optimizer, buffers) in [
        (Sgd::new(0.1), false),
        (Sgd::new(0.1).momentum(0.9).momentum(0.0), false),
        (Sgd::new(0.1).momentum(0.9), true),
    ] {
        let loss = model.forward(&Tensor::ones(&device, [1, 2])).sum_all();
        optimizer.step(&mut model, loss.backward());
        let file = save(&model, Some(&optimizer), &[]).unwrap();
        let named = file.windows(15).any(|part| part == b"momentum_buffer");
        assert_eq!(named, buffers);
        load(&file, &mut model, Some(&mut optimizer)).unwrap();
    }
}
