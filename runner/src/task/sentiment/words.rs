//! The words that have a vector, as numbers of a checkpoint: with them a network reads any text, without the data.

use std::path::Path;

use minitorch_core::state::Numbers;

use crate::args::sentiment::{Settings, Unknown};
use crate::checkpoint::{self, Program};
use crate::data::text::{Corpus, Vocabulary};
use crate::error::Failure;

/// The name of these numbers.
pub(super) const NAME: &str = Program::SENTIMENT.mark;

/// How many words have a row of their own in the table of vectors.
pub(super) fn with_a_row(settings: &Settings, corpus: &Corpus) -> usize {
    match settings.recipe.unknown {
        Unknown::Shared => corpus.known(),
        Unknown::Own => corpus.trainable(),
    }
}

/// The words that have a row, in the order of the rows: first how many bytes of text follow, then the text, in UTF-8
/// with a line for each word, eight bytes in a number, the first one lowest.
pub(super) fn pack(settings: &Settings, corpus: &Corpus) -> Vec<u64> {
    let count = with_a_row(settings, corpus);
    let words: Vec<&str> = corpus.words.iter().take(count).collect();
    let text = words.join("\n").into_bytes();
    let number = |bytes: &[u8]| {
        let mut number = [0; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(number)
    };
    let numbers = text.chunks(8).map(number);
    [text.len() as u64].into_iter().chain(numbers).collect()
}

/// What [`pack`] made.
///
/// # Errors
///
/// If the numbers are missing, or are no words, each once.
pub(super) fn unpack(path: &Path, numbers: &Numbers) -> Result<Vocabulary, Failure> {
    let damaged = || {
        let what = format_args!("@{NAME} are not words: not a checkpoint of this program");
        Failure::file(path.display(), what)
    };
    let [length, rest @ ..] = checkpoint::numbers(path, numbers, NAME)? else {
        return Err(damaged());
    };
    let mut bytes: Vec<u8> = rest
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    match usize::try_from(*length) {
        Ok(length) if length.div_ceil(8) == rest.len() => bytes.truncate(length),
        _ => return Err(damaged()),
    }
    let text = String::from_utf8(bytes).map_err(|_| damaged())?;
    let mut words = Vocabulary::default();
    for (place, word) in text.lines().enumerate() {
        if words.add(word) != u32::try_from(place).ok() {
            return Err(damaged());
        }
    }
    Ok(words)
}
