//! The sentences and vectors in the program.
//!
//! 5,000 snippets of film reviews to train on and 1,000 that are held out, from the data of VADER (Hutto and Gilbert 2014):
//! positive if the mean rating of at least 20 people is at least 0.5, negative if it is at most -0.5. Either part is half
//! positive, and so is each two sentences from the first on. Held-out sentences have no near-duplicate among the others.
//! The vectors are GloVe's of 50 dimensions, in half precision. `scripts/embed_sentences.py` has made both files.
//!
//! The snippets quote the same reviews as the sentence polarity data (MR) and the Stanford Sentiment Treebank (SST-2), and
//! nearly all have a twin there. They are embedded under the MIT licence of VADER, whose notice is in `runner/data`. What
//! was trained on them must not be tested on MR or SST-2, and no such result is quoted.

use minitorch_core::state::SafeTensors;

use super::{Format, Found, Vocabulary};
use crate::data::content::Content;
use crate::error::Failure;

/// Sentences to train on.
pub const EMBEDDED_TRAIN: usize = 5000;
/// Sentences that are held out.
pub const EMBEDDED_VALID: usize = 1000;
/// The length of the vectors.
pub const EMBEDDED_DIMENSION: usize = 50;

static SENTENCES: &[u8] = include_bytes!("../../../data/sentences.gz");
static VECTORS: &[u8] = include_bytes!("../../../data/vectors.gz");
const SENTENCES_NAME: &str = "embedded sentences.gz";
const VECTORS_NAME: &str = "embedded vectors.gz";
/// More than the file of the vectors has.
const MOST: usize = 4 << 20;

/// The sentences, those to train on and those that are held out.
///
/// # Errors
///
/// None, unless the program itself is damaged.
pub(super) fn sentences(words: &mut Vocabulary) -> Result<[super::Sentences; 2], Failure> {
    let mut train = Format::Lines.read(SENTENCES, SENTENCES_NAME, words)?;
    if train.len() != EMBEDDED_TRAIN + EMBEDDED_VALID {
        return Err(damaged(SENTENCES_NAME));
    }
    let valid = train.split_off(EMBEDDED_TRAIN);
    Ok([train, valid])
}

/// The vectors of the words.
///
/// # Errors
///
/// None, unless the program itself is damaged.
pub(super) fn vectors(words: &Vocabulary) -> Result<Found, Failure> {
    let file = Content::open(VECTORS, VECTORS_NAME)?.bytes(MOST)?;
    let mut found = Found::none(words, EMBEDDED_DIMENSION);
    read(&file, words, &mut found).ok_or_else(|| damaged(VECTORS_NAME))?;
    Ok(found)
}

fn read(file: &[u8], words: &Vocabulary, found: &mut Found) -> Option<()> {
    let file = SafeTensors::parse(file).ok()?;
    let view = |name| file.views().iter().find(|view| view.name() == name);
    let values = view("vectors")?.read::<f32>().ok()?;
    let text = view("words")?.read::<u8>().ok()?;
    let mut rows = values.chunks_exact(EMBEDDED_DIMENSION);
    for word in std::str::from_utf8(&text).ok()?.split('\n') {
        let row = rows.next()?;
        if let Some(id) = words.id(word) {
            found.keep(id, row);
        }
    }
    rows.next().is_none().then_some(())
}

fn damaged(name: &str) -> Failure {
    Failure::file(name, "not what this program was built with")
}
