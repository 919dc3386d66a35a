//! Saving between steps: it changes nothing, and what it saves is enough to go on.
//! And what tells presets apart.

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum as _;
use minitorch_core::nn::Init;
use minitorch_core::{Cpu, Index};

use super::super::Trained;
use super::super::network::{FIRST, NOTHING, UNKNOWN};
use super::*;
use crate::args::{Files, Task, parse};
use crate::checkpoint::Program;
use crate::files::scratch::Scratch;
use crate::train::Lesson as _;
use crate::train::witness::Witness;

#[test]
fn saving_between_steps_changes_nothing_and_is_enough_to_go_on() {
    const NEVER: Duration = Duration::MAX;
    for preset in ["minitorch", "kim"] {
        let options =
            "runner sentiment --train 33 --valid 20 --batch 8 --epochs 4 --maps 4 --preset";
        let Ok(Task::Sentiment(settings)) = parse(options.split(' ').chain([preset])) else {
            panic!("{options} {preset}");
        };
        let corpus = Corpus::load(&settings.data).unwrap();
        let scratch = Scratch::new(&format!("sentences-{preset}"));
        let device: Cpu = Cpu::default();
        let train = |resume: Option<&Path>, name: &str, every| {
            let witness = Witness::new(scratch.join(name));
            let session = session(&device, &settings, &corpus).unwrap();
            let outcome = witness.watch(session, resume, every);
            (outcome, witness)
        };
        let (whole, _) = train(None, "rarely", NEVER);
        assert_eq!(whole.0.len(), 4, "{whole:?}");
        let (often, witness) = train(None, "often", Duration::ZERO);
        assert_eq!(often, whole, "{preset}");
        for line in 0..whole.0.len() {
            // The copy is older than the last step of its epoch.
            let (rest, _) = train(Some(&witness.copy(line)), "resumed", NEVER);
            assert_eq!(rest.0, whole.0[line..], "{preset}, line {line}");
            assert_eq!(rest.1, whole.1, "{preset}, line {line}");
        }
    }
}

#[test]
fn of_a_run_that_was_interrupted_the_best_weights_count() {
    let options = "runner sentiment --train 33 --valid 20 --batch 8 --epochs 6 --maps 4";
    let Ok(Task::Sentiment(mut settings)) = parse(options.split(' ').chain(["--preset", "kim"]))
    else {
        panic!("{options}");
    };
    // Log lines tell every check, and the first steps matter.
    settings.recipe.checks = 1;
    settings.recipe.zeroed = false;
    settings.recipe.init = Init::FanIn;
    settings.recipe.spread = None;
    let corpus = Corpus::load(&settings.data).unwrap();
    let scratch = Scratch::new("interrupted");
    let witness = Witness::new(scratch.join("net"));
    let device: Cpu = Cpu::default();
    let run = session(&device, &settings, &corpus).unwrap();
    let (lines, hash) = witness.watch(run, None, Duration::ZERO);
    let best = |line: &String| line.lines().last().map(str::to_string);
    let at = lines.iter().position(|line| best(line) == best(&lines[5]));
    let at = at.unwrap();
    assert!(
        (1..5).contains(&at),
        "neither the first nor the last epoch is the best: {lines:?}"
    );

    for line in 0..lines.len() {
        let path = witness.copy(line);
        let file = Opened::read(&path).unwrap();
        assert!(Trained::open(&device, &path, &file).is_ok(), "line {line}");
        let files = Files {
            init: Some(path.clone()),
            ..Files::default()
        };
        let mut session = session(&device, &settings, &corpus).unwrap();
        session.start_from(&files, &Program::SENTIMENT).unwrap();
        let begun = session.lesson.network.weights_hash().finish();
        // The copy is older than its line.
        assert_eq!(begun == hash, line > at, "line {line}: {lines:?}");
    }
}

#[test]
fn fillers_change_not_a_bit() {
    let options = "runner sentiment --train 20 --maps 8";
    let Ok(Task::Sentiment(mut settings)) = parse(options.split(' ')) else {
        panic!("{options}");
    };
    // It draws anew each time.
    settings.recipe.dropout = 0.0;
    let corpus = Corpus::load(&settings.data).unwrap();
    let device: Cpu = Cpu::default();
    let network = network(&device, &settings, &corpus).unwrap();
    let sentences = || (0..20).map(|sentence| corpus.train.words(sentence));
    let (known, longest) = (corpus.known(), corpus.longest());
    let [_, tail] = network.around();
    let short = Batch::new(&device, sentences(), known, longest, [0, tail]).unwrap();
    let whole: Vec<Vec<u32>> = sentences()
        .map(|words| {
            let row = words.iter().map(|&word| match (word as usize) < known {
                true => word + FIRST,
                false => UNKNOWN,
            });
            let mut row: Vec<u32> = row.collect();
            row.resize(longest + tail, NOTHING);
            row
        })
        .collect();
    assert!(short.shape[1] < longest + tail);
    let whole = Index::new(&device, &whole.concat()).unwrap();
    let gradients = |words: &Index<Cpu>, shape: [usize; 2]| {
        let logits = network.forward(words, shape, None).unwrap();
        let mut all = vec![logits.to_vec()];
        let grads = logits.try_square().unwrap().sum_all().backward();
        network
            .each_param(&mut |_, param| {
                all.extend(grads.get(param.leaf()).map(|grad| grad.to_vec()));
                Ok(())
            })
            .unwrap();
        all
    };
    let bits = |all: Vec<Vec<f32>>| -> Vec<Vec<u32>> {
        let all = all.into_iter();
        all.map(|values| values.into_iter().map(f32::to_bits).collect())
            .collect()
    };
    let [few, many] = [
        gradients(&short.words, short.shape),
        gradients(&whole, [20, longest + tail]),
    ];
    assert_eq!(few.len(), 9, "logits, three widths and the last layer");
    assert!(bits(few) == bits(many), "more fillers, other bits");
}

#[test]
fn what_stands_for_no_word_stays_zero() {
    let options = "runner sentiment --preset kim --train 60 --valid 20 --batch 8 --maps 8";
    let Ok(Task::Sentiment(settings)) = parse(options.split(' ')) else {
        panic!("{options}");
    };
    let corpus = Corpus::load(&settings.data).unwrap();
    let device: Cpu = Cpu::default();
    let Session { mut lesson, .. } = session(&device, &settings, &corpus).unwrap();
    let mut optimizer = optimizer(&settings.recipe);
    let table = |lesson: &Lesson<'_, Cpu>| -> Vec<f32> {
        let mut all = lesson.network.named_parameters().into_iter();
        let (_, table) = all.find(|(name, _)| name == "embedding.weight").unwrap();
        table.to_vec()
    };
    let before = table(&lesson);
    for epoch in 0..2 {
        lesson.begin(Position { epoch, batch: 0 }).unwrap();
        for batch in 0..lesson.batches.len() {
            let loss = lesson.loss(batch).unwrap();
            optimizer.step(lesson.network_mut(), loss.backward());
            lesson.constrain().unwrap();
        }
    }
    let after = table(&lesson);
    let row = |table: &[f32], row: u32| -> Vec<u32> {
        let d = corpus.vectors.dimension();
        let values = &table[row as usize * d..][..d];
        values.iter().map(|value| value.to_bits()).collect()
    };
    assert!(row(&after, NOTHING).iter().all(|&bits| bits == 0));
    let first = FIRST + corpus.train.words(0)[0];
    assert_ne!(row(&after, first), row(&before, first), "words are trained");
}

#[test]
fn words_of_training_sentences_have_a_row_of_their_own() {
    let options = "runner sentiment --train 700 --valid 300 --maps 1";
    let device: Cpu = Cpu::default();
    for kind in ["shared", "own"] {
        let Ok(Task::Sentiment(settings)) = parse(options.split(' ').chain(["--unknown", kind]))
        else {
            panic!("{options} {kind}");
        };
        let corpus = Corpus::load(&settings.data).unwrap();
        let (known, trainable) = (corpus.known(), corpus.trainable());
        // There are words without a vector of both kinds.
        assert!(known < trainable && trainable < corpus.words.len());
        let rows = if kind == "own" { trainable } else { known };
        let Session { lesson, .. } = session(&device, &settings, &corpus).unwrap();
        let table = lesson.network.now.named_parameters().into_iter();
        let table = table.map(|(_, value)| *value.shape()).next().unwrap();
        assert_eq!(table[0], rows + FIRST as usize);
        for (sentences, trained) in [(&corpus.train, true), (&corpus.valid, false)] {
            for sentence in 0..sentences.len() {
                let words = sentences.words(sentence);
                let batch = Batch::new(&device, std::iter::once(words), lesson.known, 0, [0, 0]);
                for (row, &word) in batch.unwrap().words.to_vec().into_iter().zip(words) {
                    let has = (word as usize) < rows;
                    assert_eq!(row, if has { FIRST + word } else { UNKNOWN });
                    assert!(
                        has || kind == "shared" || !trained,
                        "{}",
                        corpus.words.word(word)
                    );
                }
            }
        }
    }
}

#[test]
fn checks_are_spread_over_an_epoch() {
    for batches in 1..30 {
        for checks in 1..6 {
            let due = (1..=batches).filter(|&done| is_due(done, batches, checks));
            assert_eq!(due.count(), checks.min(batches), "{batches} {checks}");
            assert!(is_due(batches, batches, checks));
        }
    }
    let due: Vec<usize> = (1..=10).filter(|&done| is_due(done, 10, 4)).collect();
    assert_eq!(due, [3, 5, 8, 10]);
}

/// Else an error would name the wrong one.
#[test]
fn marks_tell_all_presets_apart() {
    let marks = |preset: Option<Preset>| {
        let recipe = preset.map_or(Recipe::DEFAULT, Preset::recipe);
        MARKS.map(|(_, number)| number(&recipe))
    };
    let presets = Preset::value_variants().iter().copied().map(Some);
    let all: Vec<_> = std::iter::once(None).chain(presets).map(marks).collect();
    for (n, one) in all.iter().enumerate() {
        assert!(!all[..n].contains(one), "{n}: {one:?}");
    }
}
