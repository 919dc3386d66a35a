//! Options that make no step: refused by a sentence that names them, before anything moves.

use minitorch_core::nn::Param;
use minitorch_core::optim::{
    Adadelta, Adam, AdamW, Optimizer, Schedule, Sgd, clip_grad_norm, max_norm,
};
use minitorch_core::{Cpu, Element, ErrorKind, Result, Tensor};

type Device = Cpu<f64>;

const START: [f64; 2] = [3.0, -4.0];

fn param<E: Element>() -> Param<Cpu<E>> {
    let values = START.map(E::from_f64);
    Param::new(Tensor::from_slice(&Cpu::default(), &values, [1, 2])).unwrap()
}

/// One step down the sum of squares, and where it leads.
fn step<E: Element>(optimizer: &mut dyn Optimizer<Cpu<E>>) -> (Result<()>, Vec<E>) {
    let mut param = param();
    let grads = param.value().square().sum_all().backward();
    let result = optimizer.try_step(&mut param, grads);
    (result, param.leaf().to_vec())
}

/// What is neither 0 nor above, and what no sum gets back from.
const NO_AMOUNTS: [f64; 4] = [-1e-300, f64::NEG_INFINITY, f64::INFINITY, f64::NAN];

fn assert_refused<E: Element>(optimizer: &mut dyn Optimizer<Cpu<E>>, sentence: &str) {
    let (result, values) = step(optimizer);
    let error = result.expect_err(sentence);
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    assert_eq!(error.to_string(), format!("step: {sentence}"));
    assert_eq!(values, START.map(E::from_f64), "{sentence}");
    assert!(optimizer.memory().get("").is_none(), "{sentence}");
}

fn sentence(option: &str) -> String {
    format!("{option} must be at least 0, and finite in the element type")
}

const EPSILON: &str = "epsilon must be at least 0, finite in the element type, and not so small that it becomes 0 there";

#[test]
fn amounts_are_finite_and_not_negative() {
    for wrong in NO_AMOUNTS {
        assert_amount::<f64>(wrong);
    }
}

/// What an option is rounded to is what counts.
#[test]
fn amounts_are_finite_in_the_element_type() {
    for wrong in [1e300, 3.5e38] {
        assert_amount::<f32>(wrong);
    }
    let (result, _) = step::<f64>(&mut Sgd::new(1e300).momentum(1e300).weight_decay(1e300));
    assert_eq!(result, Ok(()));
    let (result, _) = step::<f32>(&mut Sgd::new(3.4e38).momentum(3.4e38).weight_decay(3.4e38));
    assert_eq!(result, Ok(()));
}

fn assert_amount<E: Element>(wrong: f64) {
    let rate = sentence("the learning rate");
    assert_refused(&mut Sgd::<Cpu<E>>::new(wrong), &rate);
    assert_refused(&mut Adam::<Cpu<E>>::new(wrong), &rate);
    assert_refused(&mut AdamW::<Cpu<E>>::new(wrong), &rate);
    assert_refused(&mut Adadelta::<Cpu<E>>::new(wrong), &rate);
    let mut later = Sgd::<Cpu<E>>::new(0.1);
    later.set_rate(wrong);
    assert_refused(&mut later, &rate);

    let decay = sentence("weight_decay");
    assert_refused(&mut Sgd::<Cpu<E>>::new(0.1).weight_decay(wrong), &decay);
    assert_refused(&mut Adam::<Cpu<E>>::new(0.1).weight_decay(wrong), &decay);
    assert_refused(&mut AdamW::<Cpu<E>>::new(0.1).weight_decay(wrong), &decay);
    assert_refused(
        &mut Adadelta::<Cpu<E>>::new(0.1).weight_decay(wrong),
        &decay,
    );

    assert_refused(&mut Adam::<Cpu<E>>::new(0.1).epsilon(wrong), EPSILON);
    assert_refused(&mut AdamW::<Cpu<E>>::new(0.1).epsilon(wrong), EPSILON);
    assert_refused(&mut Adadelta::<Cpu<E>>::new(0.1).epsilon(wrong), EPSILON);

    assert_refused(
        &mut Sgd::<Cpu<E>>::new(0.1).momentum(wrong),
        &sentence("momentum"),
    );
}

/// What meets a tensor may be infinite where neither of its factors is.
#[test]
fn what_options_make_together_is_finite_in_the_element_type() {
    let rate = "the learning rate over 1 - beta1 must be finite in the element type";
    assert_refused::<f32>(&mut Adam::new(1e38), rate);
    assert_refused::<f32>(&mut AdamW::new(1e38), rate);
    let decay = "the learning rate times weight_decay must be finite in the element type";
    assert_refused::<f32>(&mut AdamW::new(1e30).weight_decay(1e30), decay);
    for mut optimizer in [Adam::new(1e37), Adam::new(1e30).weight_decay(1e30)] {
        assert_eq!(step::<f32>(&mut optimizer).0, Ok(()));
    }
}

/// Epsilon is there for gradients of 0. One that the element type has no number for would leave 0 / 0.
#[test]
fn an_epsilon_does_not_become_zero() {
    let still = |optimizer: &mut dyn Optimizer<Cpu>| {
        let mut param = param::<f32>();
        let grads = (param.value() * 0.0).sum_all().backward();
        optimizer.step(&mut param, grads);
        param.leaf().to_vec()
    };
    assert_refused::<f32>(&mut Adam::new(0.1).epsilon(1e-46), EPSILON);
    assert_refused::<f32>(&mut AdamW::new(0.1).epsilon(1e-300), EPSILON);
    assert_refused::<f32>(&mut Adadelta::new(0.1).epsilon(1e-46), EPSILON);
    assert_eq!(still(&mut Adam::new(0.1).epsilon(1e-45)), [3.0, -4.0]);
    assert_eq!(still(&mut Adadelta::new(0.1).epsilon(1e-45)), [3.0, -4.0]);
    // Who asks for none gets none, as in PyTorch: right as long as no gradient is 0.
    let (result, values) = step::<f32>(&mut Adam::new(0.1).epsilon(0.0));
    assert_eq!(result, Ok(()));
    assert!((values[0] - 2.9).abs() < 1e-5, "{values:?}");
    assert!(still(&mut Adam::new(0.1).epsilon(0.0))[0].is_nan());
}

#[test]
fn shares_stay_in_their_ranges() {
    for wrong in [-0.1, 1.0, f64::NAN] {
        let sentence = |beta| format!("{beta} must be at least 0 and below 1");
        assert_refused::<f64>(&mut Adam::new(0.1).betas(wrong, 0.9), &sentence("beta1"));
        assert_refused::<f64>(&mut AdamW::new(0.1).betas(0.9, wrong), &sentence("beta2"));
    }
    for wrong in [-0.1, 1.1, f64::NAN] {
        let sentence = "rho must lie in 0..=1";
        assert_refused::<f64>(&mut Adadelta::new(1.0).rho(wrong), sentence);
    }
    let sentence = "nesterov needs a momentum above 0";
    assert_refused::<f64>(&mut Sgd::new(0.1).nesterov(), sentence);
    assert_refused::<f64>(&mut Sgd::new(0.1).momentum(0.0).nesterov(), sentence);
}

/// The ends of all ranges make a step, and with a rate of 0, as at the end of a schedule, it leads nowhere.
#[test]
fn the_ends_of_ranges_are_allowed() {
    let schedule = Schedule::Cosine {
        peak: 0.1,
        floor: 0.0,
        warmup: 0,
        steps: 10,
    };
    let all: [(&str, Box<dyn Optimizer<Device>>); 5] = [
        ("sgd", Box::new(Sgd::new(0.1).weight_decay(0.0))),
        (
            "nesterov",
            Box::new(Sgd::new(0.1).momentum(1e-300).nesterov()),
        ),
        (
            "adam",
            Box::new(Adam::new(0.1).betas(0.0, 0.0).epsilon(0.0)),
        ),
        ("adamw", Box::new(AdamW::new(0.1).weight_decay(0.0))),
        ("adadelta", Box::new(Adadelta::new(0.1).rho(0.0))),
    ];
    for (name, mut optimizer) in all {
        let (result, values) = step::<f64>(&mut *optimizer);
        assert_eq!(result, Ok(()), "{name}");
        assert!(
            values[0] < 3.0 && values[1] > -4.0 && values.iter().all(|value| value.is_finite()),
            "{name}: {values:?}"
        );
        optimizer.set_rate(schedule.rate(10));
        assert_eq!(
            step::<f64>(&mut *optimizer),
            (Ok(()), vec![3.0, -4.0]),
            "{name}"
        );
    }
    let (result, _) = step::<f64>(&mut Adadelta::new(0.1).rho(1.0));
    assert_eq!(result, Ok(()));
}

#[test]
fn limits_on_norms_are_not_negative() {
    let grads = |param: &Param<Device>| param.value().square().sum_all().backward();
    for wrong in [-1.0, f64::NEG_INFINITY, f64::NAN] {
        let mut param = param();
        let mut gradient = grads(&param);
        let error = clip_grad_norm(&param, &mut gradient, wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert_eq!(
            error.to_string(),
            "clip_grad_norm: max_norm must be at least 0"
        );
        assert_eq!(gradient.get(param.leaf()).unwrap().to_vec(), [6.0, -8.0]);
        let error = max_norm(&mut param, wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert_eq!(error.to_string(), "max_norm: the limit must be at least 0");
        assert_eq!(param.leaf().to_vec(), [3.0, -4.0]);
    }
    // Infinity limits nothing, which is how a norm is only asked for; 0 leaves nothing.
    for (limit, share) in [(f64::INFINITY, 1.0), (0.0, 0.0)] {
        let mut param = param();
        let mut gradient = grads(&param);
        assert_eq!(clip_grad_norm(&param, &mut gradient, limit), Ok(10.0));
        let clipped = gradient.get(param.leaf()).unwrap().to_vec();
        assert_eq!(clipped, [6.0 * share, -8.0 * share]);
        assert_eq!(max_norm(&mut param, limit), Ok(()));
        assert_eq!(param.leaf().to_vec(), [3.0 * share, -4.0 * share]);
    }
    // So does what is infinity in the element type.
    let mut param = self::param::<f32>();
    let mut gradient = param.value().square().sum_all().backward();
    assert_eq!(clip_grad_norm(&param, &mut gradient, 1e300), Ok(10.0));
    assert_eq!(gradient.get(param.leaf()).unwrap().to_vec(), [6.0, -8.0]);
    assert_eq!(max_norm(&mut param, 1e300), Ok(()));
    assert_eq!(param.leaf().to_vec(), [3.0, -4.0]);
}

#[test]
fn schedules_that_make_no_rates_are_refused() {
    let rate = |name| format!("schedule: {name} must be finite and at least 0");
    let with = |option: f64| {
        let (steps, warmup, every) = (10, 2, 5);
        let cosine = |peak, floor| Schedule::Cosine {
            peak,
            floor,
            warmup,
            steps,
        };
        let stairs = |rate, factor| Schedule::StepDecay {
            rate,
            factor,
            every,
        };
        [
            (Schedule::Constant { rate: option }, "the rate"),
            (stairs(option, 0.5), "the rate"),
            (stairs(0.1, option), "the factor"),
            (cosine(option, 0.0), "the peak"),
            (cosine(0.1, option), "the floor"),
            (
                Schedule::OneCycle {
                    peak: option,
                    steps,
                },
                "the peak",
            ),
        ]
    };
    for (schedule, name) in NO_AMOUNTS.into_iter().flat_map(with) {
        // At the first step, and not only when the wrong rate is due.
        for step in [0, 5, 20] {
            let error = schedule.try_rate(step).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
            assert_eq!(error.to_string(), rate(name), "{schedule:?}");
        }
    }
    for (schedule, _) in with(0.0) {
        assert!(schedule.try_rate(20).is_ok(), "{schedule:?}");
    }
    let growing = Schedule::StepDecay {
        rate: 0.1,
        factor: 2.0,
        every: 1,
    };
    assert_eq!(growing.try_rate(1), Ok(0.2));
    let error = growing.try_rate(1100).unwrap_err();
    assert_eq!(
        error.to_string(),
        "schedule: the rate of this step is not finite"
    );
}

#[test]
#[should_panic(expected = "schedule: the factor must be finite and at least 0")]
fn the_plain_form_of_a_schedule_panics_with_the_sentence() {
    let schedule = Schedule::StepDecay {
        rate: 0.1,
        factor: -1.0,
        every: 5,
    };
    let _ = schedule.rate(0);
}
