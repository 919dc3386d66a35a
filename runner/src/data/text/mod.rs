//! Sentences with their sentiment, and vectors of their words.
//!
//! [`Corpus::load`] reads both: the files of a folder, or what comes with the program. Each sentence is numbers of words,
//! and the words that have a vector come first:
//!
//! * word `i` of [`Corpus::words`] has row `i` of [`Corpus::vectors`], as long as there is such a row;
//! * the words after that are unknown: no vector was found for them.
//!
//! Both parts are in the order in which the words first appear in the training, the validation and then the test
//! sentences, so the same files give the same numbers on every machine.

mod embedded;
mod folder;
mod format;
mod lines;
mod sentences;
mod tokenize;
mod vectors;
mod vocabulary;

use std::path::PathBuf;

pub use embedded::{EMBEDDED_DIMENSION, EMBEDDED_TRAIN, EMBEDDED_VALID};
pub use format::{Format, LONGEST};
pub use sentences::Sentences;
pub use tokenize::tokenize;
pub use vectors::{Found, MOST_DIMENSIONS, Vectors};
pub use vocabulary::Vocabulary;

use crate::error::Failure;
use folder::{Files, Sources};

/// Where sentences and vectors come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The sentences and 50-dimensional vectors in the program.
    Embedded,
    /// The files of a folder.
    Folder {
        /// The folder: `--data`.
        folder: PathBuf,
        /// The file of the vectors, if it is not to be looked for: `--glove`.
        glove: Option<PathBuf>,
        /// Whether to train on phrases, where the folder has them.
        phrases: bool,
    },
}

/// What a run needs of a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it comes from.
    pub source: Source,
    /// The length of the vectors: `--embedding-dim`.
    pub dimension: usize,
    /// How many training sentences.
    pub train: Amount,
    /// How many validation sentences.
    pub valid: Amount,
}

/// How many sentences are used: the first so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// All there are.
    All,
    /// So many; where there are fewer, that is an error.
    Exactly(usize),
    /// So many, or all where there are fewer.
    AtMost(usize),
}

impl Request {
    /// The files that are read; none for what the program holds.
    ///
    /// # Errors
    ///
    /// A file that is missing.
    pub fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        match &self.source {
            Source::Embedded => Ok(Vec::new()),
            Source::Folder {
                folder,
                glove,
                phrases,
            } => {
                let sources = Sources::find(folder, glove.as_deref(), *phrases, self.dimension)?;
                Ok(sources.all().collect())
            }
        }
    }
}

/// Sentences to learn from and to be tested with, and the vectors of their words.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    /// Every word of the sentences once: first those with a vector.
    pub words: Vocabulary,
    /// The vectors of the first words, `[known, dimension]`.
    pub vectors: Vectors,
    /// Sentences to train on.
    pub train: Sentences,
    /// Sentences to choose by: the network never learns from them.
    pub valid: Sentences,
    /// Sentences to test with at the very end, where the source has them.
    pub test: Option<Sentences>,
    /// How many of the sentences to train on are phrases: none of the source's whole sentences.
    pub phrases: usize,
    /// Training phrases that were left out because they are a sentence to validate or test with.
    pub left_out: usize,
}

impl Corpus {
    /// The sentences and vectors that are asked for.
    ///
    /// # Errors
    ///
    /// Files that are missing or damaged; fewer sentences than asked for, and vectors of other than
    /// [`EMBEDDED_DIMENSION`] numbers out of the program (exit status 2).
    pub fn load(request: &Request) -> Result<Self, Failure> {
        if !(1..=MOST_DIMENSIONS).contains(&request.dimension) {
            return Err(Failure::usage(format!(
                "--embedding-dim {}: vectors have 1 to {MOST_DIMENSIONS} dimensions",
                request.dimension
            )));
        }
        match &request.source {
            Source::Embedded => {
                if request.dimension != EMBEDDED_DIMENSION {
                    return Err(Failure::usage(format!(
                        "--embedding-dim {}: the vectors in the program have {EMBEDDED_DIMENSION} dimensions;\n\
                         name others with --data DIR",
                        request.dimension
                    )));
                }
                Text::embedded()?.finish(request, "the program", embedded::vectors)
            }
            Source::Folder {
                folder,
                glove,
                phrases,
            } => {
                let sources = Sources::find(folder, glove.as_deref(), *phrases, request.dimension)?;
                let text = Text::read(sources.files, sources.phrases)?;
                let place = folder.display().to_string();
                text.finish(request, &place, |words| {
                    Found::read_file(&sources.vectors, request.dimension, words)
                })
            }
        }
    }

    /// How many words have a vector.
    pub fn known(&self) -> usize {
        self.vectors.len()
    }

    /// How many words have none.
    pub fn unknown(&self) -> usize {
        self.words.len() - self.known()
    }

    /// How many words have a vector or are in a training sentence: the first so many.
    pub fn trainable(&self) -> usize {
        let seen = self.train.all_words().iter().max();
        seen.map_or(0, |&word| word as usize + 1).max(self.known())
    }

    /// The number of words of the longest sentence of all.
    pub fn longest(&self) -> usize {
        let parts = [Some(&self.train), Some(&self.valid), self.test.as_ref()];
        parts
            .into_iter()
            .flatten()
            .map(Sentences::longest)
            .max()
            .unwrap_or(0)
    }
}

/// Sentences as they are read, with words in the order of the files.
#[derive(Default)]
struct Text {
    words: Vocabulary,
    train: Sentences,
    valid: Sentences,
    test: Option<Sentences>,
    /// The whole sentences, where phrases are trained on.
    whole: Option<Sentences>,
    left_out: usize,
}

impl Text {
    fn embedded() -> Result<Self, Failure> {
        let mut words = Vocabulary::default();
        let [train, valid] = embedded::sentences(&mut words)?;
        Ok(Self {
            words,
            train,
            valid,
            ..Self::default()
        })
    }

    /// Reads the files of a set, and trains on the phrases if there are any.
    fn read(files: Files, phrases: Option<(Format, PathBuf)>) -> Result<Self, Failure> {
        let mut words = Vocabulary::default();
        let are_phrases = phrases.is_some();
        let own = (files.format, files.train);
        let (format, path) = phrases.as_ref().unwrap_or(&own);
        let mut train = format.read_file(path, &mut words)?;
        let valid = files.format.read_file(&files.valid, &mut words)?;
        let test = files
            .test
            .map(|test| files.format.read_file(&test, &mut words));
        let test = test.transpose()?;
        let (whole, left_out) = match are_phrases {
            true => (
                Some(own.0.read_file(&own.1, &mut words)?),
                train.leave_out(&[Some(&valid), test.as_ref()]),
            ),
            false => (None, 0),
        };
        if train.is_empty() {
            return Err(Failure::file(
                path.display(),
                "all of it is validated or tested with too, and left out: nothing is left to train on",
            ));
        }
        Ok(Self {
            words,
            train,
            valid,
            test,
            whole,
            left_out,
        })
    }

    /// Keeps as many sentences as are asked for, and finds the vectors of their words.
    fn finish(
        mut self,
        request: &Request,
        place: &str,
        vectors: impl FnOnce(&Vocabulary) -> Result<Found, Failure>,
    ) -> Result<Corpus, Failure> {
        limit(
            &mut self.train,
            request.train,
            ["--train", "training"],
            place,
        )?;
        limit(
            &mut self.valid,
            request.valid,
            ["--valid", "validation"],
            place,
        )?;
        let phrases = |whole| self.train.len() - self.train.count_in(whole);
        let phrases = self.whole.as_ref().map_or(0, phrases);
        let found = vectors(&self.words)?;
        let ids = self.ids();
        let (known, unknown): (Vec<u32>, Vec<u32>) =
            ids.into_iter().partition(|&id| found.vector(id).is_some());
        let mut words = Vocabulary::default();
        let mut numbers = vec![0; self.words.len()];
        for &id in known.iter().chain(&unknown) {
            // A part of what was there cannot be too many.
            numbers[id as usize] = words.add(self.words.word(id)).unwrap_or_default();
        }
        let Self {
            mut train,
            mut valid,
            mut test,
            left_out,
            ..
        } = self;
        let parts = [Some(&mut train), Some(&mut valid), test.as_mut()];
        for part in parts.into_iter().flatten() {
            part.renumber(|id| numbers[id as usize]);
        }
        Ok(Corpus {
            words,
            vectors: found.gather(&known),
            train,
            valid,
            test,
            phrases,
            left_out,
        })
    }

    /// The words of all sentences, each where it first appears.
    fn ids(&self) -> Vec<u32> {
        let mut seen = vec![false; self.words.len()];
        let parts = [Some(&self.train), Some(&self.valid), self.test.as_ref()];
        let all = parts.into_iter().flatten().flat_map(Sentences::all_words);
        all.copied()
            .filter(|&id| !std::mem::replace(&mut seen[id as usize], true))
            .collect()
    }
}

/// Keeps as many sentences as an option asks for.
fn limit(
    sentences: &mut Sentences,
    wanted: Amount,
    [option, what]: [&str; 2],
    place: &str,
) -> Result<(), Failure> {
    let most = match wanted {
        Amount::All => return Ok(()),
        Amount::AtMost(most) => most,
        Amount::Exactly(wanted) if wanted > sentences.len() => {
            return Err(Failure::usage(format!(
                "{option} {wanted}: {place} holds {} {what} sentences",
                sentences.len()
            )));
        }
        Amount::Exactly(wanted) => wanted,
    };
    sentences.truncate(most);
    Ok(())
}
