//! The network taught here and by PyTorch, from the same weights, with the same batches, without dropout.
//! `scripts/pytorch_reference.py` wrote PyTorch's losses; `tests/semantics/tests/pytorch` says how far they can be compared.

use minitorch_core::Cpu;
use minitorch_core::state::SafeTensors;

use super::*;
use crate::args::{Task, parse};
use crate::train::Lesson as _;

const FILE: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/data/pytorch/sentiment.safetensors"
));
/// Each case with options that are not those of its preset.
const CASES: [(&str, &str); 3] = [
    ("default", "--train 145 --epochs 3 --rate 0.125"),
    (
        "minitorch",
        "--train 145 --epochs 3 --rate 0.125 --preset minitorch",
    ),
    ("kim", "--train 260 --epochs 5 --preset kim"),
];

/// The losses of a case here, and PyTorch's.
fn losses<E: Element>(case: &str, options: &str) -> [Vec<f64>; 2] {
    let command = format!("runner sentiment --valid 20 --maps 8 {options}");
    let Ok(Task::Sentiment(mut settings)) = parse(command.split(' ')) else {
        panic!("{command}");
    };
    let recipe = &mut settings.recipe;
    (recipe.dropout, recipe.embedding_dropout) = (0.0, 0.0);
    recipe.shuffle = false;
    // PyTorch's network has the vectors as they are, and one for all words without.
    recipe.spread = None;
    recipe.unknown = Unknown::Shared;
    // Low enough to be reached, at step 24.
    recipe.max_norm = recipe.max_norm.map(|_| 0.5);
    let file = SafeTensors::parse(FILE).unwrap();
    let numbers = |name: &str| -> Vec<f64> {
        let name = format!("{case} {name}");
        file.get(&name).expect(&name).read().unwrap()
    };

    let corpus = Corpus::load(&settings.data).unwrap();
    let device = Cpu::<E>::default();
    let Session { mut lesson, .. } = session(&device, &settings, &corpus).unwrap();
    let given = lesson.network.each_param_mut(&mut |path, param| {
        let path = path.to_string();
        let shape = *param.shape();
        let values = match &*path {
            "embedding.weight" => {
                let mut table = param.value().to_vec();
                let unknown = numbers("unknown").into_iter().map(E::from_f64);
                let d = shape[1];
                table.splice(d..2 * d, unknown);
                table
            }
            _ => numbers(&path).into_iter().map(E::from_f64).collect(),
        };
        param.try_set(&Tensor::try_from_slice(&device, &values, shape)?)
    });
    given.unwrap();

    let mut optimizer = optimizer(&settings.recipe);
    let mut losses = Vec::new();
    for epoch in 0..settings.recipe.epochs {
        lesson.begin(Position { epoch, batch: 0 }).unwrap();
        for batch in 0..lesson.batches.len() {
            let loss = lesson.loss(batch).unwrap();
            losses.push(loss.item().to_f64());
            optimizer.step(lesson.network_mut(), loss.backward());
            lesson.constrain().unwrap();
        }
    }
    [losses, numbers("losses")]
}

/// Demands that no loss differs by more than this, relative to PyTorch's.
#[track_caller]
fn close<E: Element>(tolerance: f64) {
    for (case, options) in CASES {
        let [ours, theirs] = losses::<E>(case, options);
        assert_eq!(ours.len(), theirs.len(), "{case}");
        assert!(theirs[theirs.len() - 1] < 0.65, "{case} learns");
        for (step, (a, b)) in (1..).zip(ours.iter().zip(&theirs)) {
            let off = (a - b).abs() / b;
            println!("{off:.1e} {case}, step {step}");
            assert!(off <= tolerance, "{case}, step {step}: {a}, not {b}");
        }
    }
}

#[test]
fn losses_in_double_precision() {
    /// Rounding of `f64` over 45 steps. Seen: 3.6e-16.
    const TOLERANCE: f64 = 1e-14;
    close::<f64>(TOLERANCE);
}

#[test]
fn losses_in_single_precision() {
    /// Rounding of `f32`, without a ReLU or a maximum that decides otherwise. Seen: 1.4e-7.
    const TOLERANCE: f64 = 1e-6;
    close::<f32>(TOLERANCE);
}
