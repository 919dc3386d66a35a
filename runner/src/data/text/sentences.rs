//! Sentences as numbers of words.

use std::collections::HashSet;

/// Sentences, each with whether it is positive. Words are numbers of a [`Vocabulary`](super::Vocabulary), all in one
/// piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentences {
    words: Vec<u32>,
    /// Where in `words` each sentence ends.
    ends: Vec<usize>,
    positive: Vec<bool>,
}

impl Sentences {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The words of one sentence.
    ///
    /// # Panics
    ///
    /// If there is no sentence `index`.
    pub fn words(&self, index: usize) -> &[u32] {
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.words[begin..self.ends[index]]
    }

    /// Whether each sentence is positive.
    pub fn positive(&self) -> &[bool] {
        &self.positive
    }

    /// Each sentence's words, and whether it is positive.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u32], bool)> {
        (0..self.len()).map(|index| (self.words(index), self.positive[index]))
    }

    /// The number of words of the longest sentence; 0 if there is none.
    pub fn longest(&self) -> usize {
        self.iter().map(|(words, _)| words.len()).max().unwrap_or(0)
    }

    /// Appends a sentence.
    pub fn push(&mut self, words: impl IntoIterator<Item = u32>, positive: bool) {
        self.words.extend(words);
        self.ends.push(self.words.len());
        self.positive.push(positive);
    }

    /// Keeps the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.ends.truncate(count);
        self.positive.truncate(count);
        self.words.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Keeps the first `count`, and returns the others.
    pub(super) fn split_off(&mut self, count: usize) -> Self {
        let mut others = Self::default();
        for index in count..self.len() {
            others.push(self.words(index).iter().copied(), self.positive[index]);
        }
        self.truncate(count);
        others
    }

    /// Leaves out every sentence that is one of `others` word for word, and returns how many these are.
    pub(super) fn leave_out(&mut self, others: &[Option<&Self>]) -> usize {
        let others = all(others.iter().copied().flatten());
        let mut kept = Self::default();
        for (words, positive) in self.iter().filter(|(words, _)| !others.contains(words)) {
            kept.push(words.iter().copied(), positive);
        }
        let left_out = self.len() - kept.len();
        *self = kept;
        left_out
    }

    /// How many are one of `others` word for word.
    pub(super) fn count_in(&self, others: &Self) -> usize {
        let others = all([others]);
        let words = self.iter().map(|(words, _)| words);
        words.filter(|words| others.contains(words)).count()
    }

    /// All words of all sentences, one after the other.
    pub(super) fn all_words(&self) -> &[u32] {
        &self.words
    }

    /// Gives each word another number.
    pub(super) fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        for word in &mut self.words {
            *word = number(*word);
        }
    }
}

/// The words of each sentence of some parts.
fn all<'a>(parts: impl IntoIterator<Item = &'a Sentences>) -> HashSet<&'a [u32]> {
    let sentences = parts.into_iter().flat_map(Sentences::iter);
    sentences.map(|(words, _)| words).collect()
}
