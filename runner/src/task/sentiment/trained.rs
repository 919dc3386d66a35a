//! A network that has learnt, read from its checkpoint, which holds the words it knows, too.

use std::path::Path;

use minitorch_core::math::double::sigmoid;
use minitorch_core::{Backend, Element};

use super::batches::Batch;
use super::kept::Kept;
use super::network::Network;
use super::words;
use crate::args::sentiment::{Combine, MOST_FILTERS, MOST_MAPS, Recipe, WIDEST};
use crate::checkpoint::{Opened, numbers};
use crate::data::text::{LONGEST, MOST_DIMENSIONS, Vocabulary, tokenize};
use crate::error::Failure;

/// A trained network that reads one text after the other. Dropout is off, whatever the recipe.
pub struct Trained<B: Backend> {
    device: B,
    network: Network<B>,
    words: Vocabulary,
}

/// What a network makes of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Whether it is positive: a logit over 0.
    pub positive: bool,
    /// The probability that it is.
    pub probability: f64,
    /// Its words that the network has no vector for.
    pub unknown: Vec<String>,
}

impl<B: Backend> Trained<B> {
    /// The network of a checkpoint.
    ///
    /// # Errors
    ///
    /// A file of another network, or one that does not fit together.
    pub fn open(device: &B, path: &Path, file: &Opened<'_>) -> Result<Self, Failure> {
        let words = words::unpack(path, file.numbers())?;
        let damaged = |what: &str| {
            let what = format_args!("@{what} is out of range: not a checkpoint of this program");
            Failure::file(path.display(), what)
        };
        let small = |number: u64, most: usize, what: &str| match usize::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(damaged(what)),
        };
        let dimension = small(file.number("dimension")?, MOST_DIMENSIONS, "dimension")?;
        let maps = small(file.number("maps")?, MOST_MAPS, "maps")?;
        let widths = numbers(path, file.numbers(), "filters")?.iter();
        let filters: Vec<usize> = widths
            .map(|&width| small(width, WIDEST, "filters"))
            .collect::<Result<_, _>>()?;
        if !(1..=MOST_FILTERS).contains(&filters.len()) {
            return Err(damaged("filters"));
        }
        let combine = match file.number("combine")? {
            n if n == Combine::Sum as u64 => Combine::Sum,
            n if n == Combine::Concat as u64 => Combine::Concat,
            _ => return Err(damaged("combine")),
        };
        let lead = match file.number("lead")? {
            0 => false,
            1 => true,
            _ => return Err(damaged("lead")),
        };
        let recipe = Recipe {
            lead,
            filters: filters.into(),
            maps,
            combine,
            ..Recipe::DEFAULT
        };
        // Each of these counts is small enough, but their product may be more than memory holds, and more than the file does.
        let windows: usize = recipe.filters.iter().sum();
        let needed = dimension.saturating_mul(words.len() + maps * windows);
        if needed > file.room() {
            return Err(damaged("dimension"));
        }
        let vectors = vec![0.0; words.len() * dimension];
        let build = || Network::new(device, &recipe, (&vectors, 0), dimension, 0);
        let mut network = Kept::read(file, build)?;
        network.set_training(false);
        Ok(Self {
            device: device.clone(),
            network,
            words,
        })
    }

    /// What the network makes of a text.
    ///
    /// # Errors
    ///
    /// A text without a word, or with more than a sentence may have; if the device fails; and if weights that are too
    /// large leave no answer.
    pub fn read(&self, text: &str) -> Result<Opinion, Failure> {
        let words = tokenize(text);
        if words.is_empty() || words.len() > LONGEST {
            return Err(Failure::new(format!(
                "a text of 1 to {LONGEST} words is needed; this one has {}",
                words.len()
            )));
        }
        let number = |word: &String| self.words.id(word).unwrap_or(u32::MAX);
        let row: Vec<u32> = words.iter().map(number).collect();
        let known = self.words.len();
        let rows = std::iter::once(&*row);
        let around = self.network.around();
        let batch = Batch::new(&self.device, rows, known, usize::MAX, around)?;
        let logits = self.network.forward(&batch.words, batch.shape, None)?;
        let logit = logits.try_item()?.to_f64();
        let probability = sigmoid(logit);
        if probability.is_nan() {
            return Err(Failure::new(
                "the network has no answer: its weights are too large",
            ));
        }
        let mut unknown: Vec<String> = Vec::new();
        for word in words {
            if self.words.id(&word).is_none() && !unknown.contains(&word) {
                unknown.push(word);
            }
        }
        Ok(Opinion {
            positive: logit > 0.0,
            probability,
            unknown,
        })
    }
}
