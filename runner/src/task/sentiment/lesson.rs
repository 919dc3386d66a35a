//! What the network learns from, batch by batch, and what is told of it.

use std::path::Path;

use minitorch_core::nn::{Module, try_bce_with_logits};
use minitorch_core::optim::{Adadelta, Optimizer, Schedule, Sgd, max_norm};
use minitorch_core::state::Numbers;
use minitorch_core::{Backend, Element, Tensor};

use super::batches::{Batch, batches};
use super::kept::{self, Kept};
use super::log::Log;
use super::network::Network;
use super::page::Answer;
use super::words;
use crate::args::sentiment::{Optimiser, Preset, Recipe, Settings, Unknown};
use crate::checkpoint::{self, Opened};
use crate::data::text::{Corpus, Sentences};
use crate::error::Failure;
use crate::output::Output;
use crate::train::{
    self, Fact, Mark, Plan, Position, Session, Unread, preset_of, typed, typed_preset,
};

/// What MiniTorch adds inside of its logarithm.
const EPSILON: f64 = 1e-6;

/// The numbers of a checkpoint in which presets differ, and no option of its own.
const MARKS: [Mark<Recipe>; 6] = [
    ("combine", |recipe| recipe.combine as u64),
    ("lead", |recipe| recipe.lead.into()),
    ("optimiser", |recipe| recipe.optimiser as u64),
    ("shuffle", |recipe| recipe.shuffle.into()),
    ("checks", |recipe| recipe.checks as u64),
    ("quirks", |recipe| recipe.quirks.into()),
];

/// The preset that a checkpoint is of, as it is typed.
fn preset(numbers: &Numbers) -> String {
    preset_of(numbers, &MARKS, |preset| {
        preset.map_or(Recipe::DEFAULT, Preset::recipe)
    })
}

/// The network, the sentences, and what is to be done with both.
pub(super) struct Lesson<'a, B: Backend> {
    device: &'a B,
    settings: &'a Settings,
    corpus: &'a Corpus,
    pub(super) network: Kept<B>,
    /// The sentences of each batch of the current epoch.
    batches: Vec<Vec<usize>>,
    /// The words of the longest sentence of all.
    longest: usize,
    /// How many words have a row of their own in the table of vectors: the first so many.
    known: usize,
    /// The sum of the losses of the epoch so far.
    loss: f64,
    /// Training sentences that were told right in the epoch so far, without those whose answers were not read.
    correct: usize,
    /// What was answered to the sentences in `asked`, batch by batch.
    answers: Unread<B>,
    asked: Vec<usize>,
    /// The most validation sentences that were told right in a check.
    best: usize,
}

/// A run that has not begun.
pub(super) fn session<'a, B: Backend>(
    device: &'a B,
    settings: &'a Settings,
    corpus: &'a Corpus,
) -> Result<Session<B, Lesson<'a, B>>, Failure> {
    let recipe = &settings.recipe;
    let plan = Plan {
        epochs: recipe.epochs,
        batches: corpus.train.len().div_ceil(recipe.batch),
        items: corpus.train.len(),
    };
    let lesson = Lesson {
        device,
        settings,
        corpus,
        network: Kept {
            now: network(device, settings, corpus)?,
            best: None,
        },
        batches: Vec::new(),
        longest: corpus.longest(),
        known: words::with_a_row(settings, corpus),
        loss: 0.0,
        correct: 0,
        answers: Unread::new(recipe.batch.min(corpus.train.len())),
        asked: Vec::new(),
        best: 0,
    };
    let rate = f64::from(recipe.rate);
    let schedule = Schedule::Constant { rate };
    Ok(Session::new(lesson, plan, optimizer(recipe), schedule))
}

fn optimizer<B: Backend>(recipe: &Recipe) -> Box<dyn Optimizer<B>> {
    let rate = f64::from(recipe.rate);
    match recipe.optimiser {
        Optimiser::Sgd => Box::new(Sgd::new(rate)),
        Optimiser::Adadelta => Box::new(Adadelta::new(rate).rho(0.95)),
    }
}

fn network<B: Backend>(
    device: &B,
    settings: &Settings,
    corpus: &Corpus,
) -> minitorch_core::Result<Network<B>> {
    let (vectors, dimension) = (corpus.vectors.values(), corpus.vectors.dimension());
    let own = words::with_a_row(settings, corpus) - corpus.known();
    let recipe = &settings.recipe;
    Network::new(device, recipe, (vectors, own), dimension, settings.seed)
}

impl<B: Backend> Lesson<'_, B> {
    fn logits(
        &self,
        sentences: &Sentences,
        which: impl Iterator<Item = usize> + Clone,
        training: bool,
    ) -> Result<Tensor<B>, Failure> {
        let rows = which.map(|sentence| sentences.words(sentence));
        let around = self.network.now.around();
        let batch = Batch::new(self.device, rows, self.known, self.longest, around)?;
        let present = (training && self.settings.recipe.train_embeddings).then_some(&batch.present);
        let network = &self.network.now;
        Ok(network.forward(&batch.words, batch.shape, present)?)
    }

    /// What the network answers to each of `sentences`, the shortest first; less if interrupted.
    pub(super) fn answers(
        &mut self,
        sentences: &Sentences,
        interrupted: impl Fn() -> bool,
    ) -> Result<Vec<Answer>, Failure> {
        self.network.now.set_training(false);
        // Sorted by length, few of the words are fillers.
        let mut order: Vec<usize> = (0..sentences.len()).collect();
        order.sort_by_key(|&sentence| sentences.words(sentence).len());
        let mut answers = Vec::with_capacity(sentences.len());
        for group in order.chunks(super::EVALUATION_BATCH) {
            if interrupted() {
                break;
            }
            let logits = self.logits(sentences, group.iter().copied(), false)?;
            let logits = logits.try_to_vec()?.into_iter().map(Element::to_f64);
            answers.extend(group.iter().copied().zip(logits));
        }
        self.network.now.set_training(true);
        Ok(answers)
    }

    /// A copy of the network as it is now, in memory that both share until one changes.
    fn copy(&self) -> Result<Network<B>, Failure> {
        let mut values = self.network.now.named_parameters().into_iter();
        let mut copy = network(self.device, self.settings, self.corpus)?;
        copy.each_param_mut(&mut |_, param| match values.next() {
            Some((_, value)) => param.try_set(&value),
            None => Ok(()),
        })?;
        Ok(copy)
    }
}

impl<B: Backend> train::Lesson<B> for Lesson<'_, B> {
    fn network(&self) -> &dyn Module<B> {
        &self.network
    }

    fn network_mut(&mut self) -> &mut dyn Module<B> {
        &mut self.network
    }

    fn init(&mut self, file: &Opened<'_>) -> Result<(), Failure> {
        // A file of weights alone does not say which word a row is of.
        let words = file.numbers().get(words::NAME);
        if words.is_some_and(|words| words != words::pack(self.settings, self.corpus)) {
            return Err(Failure::file(
                file.path().display(),
                "its words are not those of these sentences;\n\
                 start with the --data, --train, --valid and --embedding-dim that it is of",
            ));
        }
        let build = || network(self.device, self.settings, self.corpus);
        self.network.now = Kept::read(file, build)?;
        Ok(())
    }

    fn begin(&mut self, position: Position) -> Result<(), Failure> {
        let Settings { recipe, seed, .. } = self.settings;
        self.batches = batches(&self.corpus.train, recipe, *seed, position.epoch);
        if position.batch == 0 {
            (self.loss, self.correct) = (0.0, 0);
        }
        Ok(())
    }

    fn loss(&mut self, batch: usize) -> Result<Tensor<B>, Failure> {
        let (train, batch) = (&self.corpus.train, &self.batches[batch]);
        let logits = self.logits(train, batch.iter().copied(), true)?;
        self.answers.push(&logits)?;
        self.asked.extend(batch);
        let label = |&sentence: &usize| match train.positive()[sentence] {
            true => B::Elem::ONE,
            false => B::Elem::ZERO,
        };
        let labels: Vec<B::Elem> = batch.iter().map(label).collect();
        let labels = Tensor::try_from_slice(self.device, &labels, [batch.len()])?;
        let loss = match self.settings.recipe.quirks {
            false => try_bce_with_logits(&logits, &labels)?,
            true => bce_with_epsilon(&logits, &labels)?,
        };
        Ok(loss)
    }

    fn add(&mut self, loss: f64) {
        self.loss += loss;
    }

    fn read(&mut self) -> Result<(), Failure> {
        let answers = self.asked.drain(..).zip(self.answers.take()?);
        self.correct += correct(&self.corpus.train, answers);
        Ok(())
    }

    fn constrain(&mut self) -> Result<(), Failure> {
        match self.settings.recipe.max_norm {
            Some(limit) => Ok(max_norm(self.network.now.last(), limit)?),
            None => Ok(()),
        }
    }

    fn is_due(&self, position: Position) -> bool {
        is_due(
            position.batch,
            self.batches.len(),
            self.settings.recipe.checks,
        )
    }

    fn log(&mut self, position: Position, output: &mut Output) -> Result<(), Failure> {
        let (done, all) = (position.batch, self.batches.len());
        let corpus = self.corpus;
        let answers = self.answers(&corpus.valid, || false)?;
        let correct = correct(&corpus.valid, answers);
        // Of equal ones the first counts.
        if self.settings.recipe.keep_best && (correct > self.best || self.network.best.is_none()) {
            self.network.best = Some(self.copy()?);
        }
        self.best = self.best.max(correct);
        if done < all {
            return Ok(());
        }
        let share = |correct: usize, of: &Sentences| correct as f64 / of.len().max(1) as f64;
        output.log(&Log {
            epoch: position.epoch + 1,
            epochs: self.settings.recipe.epochs,
            loss: self.loss,
            batches: all,
            train_accuracy: share(self.correct, &corpus.train),
            valid_accuracy: share(correct, &corpus.valid),
            best_valid_accuracy: share(self.best, &corpus.valid),
        })
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.network.choose();
        Ok(())
    }

    fn fixed(&self) -> Vec<Fact> {
        let recipe = &self.settings.recipe;
        let mine = typed_preset(self.settings.preset());
        let marks =
            MARKS.map(|(name, number)| Fact::of_preset(name, number(recipe), preset, mine.clone()));
        let mut fixed = Vec::from(marks);
        fixed.extend([
            Fact::list("filters", recipe.filters.iter().map(|&n| n as u64), |n| {
                let widths: Vec<String> = n.iter().map(u64::to_string).collect();
                format!("--filters {}", widths.join(","))
            }),
            Fact::new("maps", recipe.maps as u64, |n| format!("--maps {n}")),
            Fact::new("dimension", self.corpus.vectors.dimension() as u64, |n| {
                format!("--embedding-dim {n}")
            }),
            Fact::new("train-embeddings", recipe.train_embeddings.into(), |n| {
                format!("--train-embeddings={}", n != 0)
            }),
            Fact::new(
                "embedding-dropout",
                recipe.embedding_dropout.to_bits(),
                |n| format!("--embedding-dropout {}", f64::from_bits(n)),
            ),
            Fact::new("unknown", recipe.unknown as u64, |n| {
                typed::<Unknown>("--unknown", n, |unknown| unknown as u64)
            }),
            Fact::new("rate", recipe.rate.to_bits().into(), |n| {
                format!("--rate {}", f32::from_bits(n as u32))
            }),
            Fact::new("batch-size", recipe.batch as u64, |n| {
                format!("--batch {n}")
            }),
            Fact::new("sentences", self.corpus.train.len() as u64, |n| {
                format!("--train {n}")
            }),
            Fact::new("validation", self.corpus.valid.len() as u64, |n| {
                format!("--valid {n}")
            }),
            Fact::new("seed", self.settings.seed, |n| format!("--seed {n}")),
            Fact::list("words", words::pack(self.settings, self.corpus), |_| {
                "other sentences or vectors".into()
            }),
        ]);
        if recipe.keep_best {
            // The last epoch gives way to the best one, from which nothing goes on.
            fixed.push(Fact::new("epochs", recipe.epochs as u64, |n| {
                format!("--epochs {n}")
            }));
        }
        fixed
    }

    fn numbers(&self) -> Vec<(&'static str, Vec<u64>)> {
        vec![
            ("loss", vec![self.loss.to_bits()]),
            ("correct", vec![self.correct as u64]),
            ("best", vec![self.best as u64]),
            (kept::NAME, vec![self.network.best.is_some().into()]),
        ]
    }

    fn restore(&mut self, path: &Path, numbers: &Numbers) -> Result<(), Failure> {
        let number = |name| checkpoint::number(path, numbers, name);
        // What is too large to count to is no less wrong afterwards.
        let count = |name| number(name).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        self.loss = f64::from_bits(number("loss")?);
        self.correct = count("correct")?.min(self.corpus.train.len());
        self.best = count("best")?.min(self.corpus.valid.len());
        self.network.best = match number(kept::NAME)? {
            0 => None,
            _ => Some(self.copy()?),
        };
        Ok(())
    }
}

/// Whether one of `checks` checks, evenly spread over an epoch of so many batches, comes after the batch that is done: the
/// last one comes after the last.
const fn is_due(done: usize, batches: usize, checks: usize) -> bool {
    done * checks / batches > (done - 1) * checks / batches
}

/// How many answers are right: a logit over 0 stands for a positive sentence.
pub(super) fn correct(sentences: &Sentences, answers: impl IntoIterator<Item = Answer>) -> usize {
    let is_right = |&(sentence, logit): &Answer| (logit > 0.0) == sentences.positive()[sentence];
    answers.into_iter().filter(is_right).count()
}

/// Binary cross-entropy with MiniTorch's epsilon inside of its logarithm.
fn bce_with_epsilon<B: Backend>(
    logits: &Tensor<B>,
    labels: &Tensor<B>,
) -> minitorch_core::Result<Tensor<B>> {
    let p = logits.try_sigmoid()?;
    let other = p.try_sub_from(1.0)?.try_mul(&labels.try_sub_from(1.0)?)?;
    let right = p.try_mul(labels)?.try_add(&other)?;
    let log = right.try_add_scalar(EPSILON)?.try_log()?;
    log.try_mean_all()?.try_neg()
}

#[cfg(test)]
mod pytorch;
#[cfg(test)]
mod tests;
