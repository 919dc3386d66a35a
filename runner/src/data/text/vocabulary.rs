//! Words and their numbers.

use std::collections::HashMap;
use std::sync::Arc;

/// Different words, numbered from 0 in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    words: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, u32>,
}

impl Vocabulary {
    /// The most words that there can be, which bounds the memory that a hostile file takes.
    pub const MOST: usize = 1 << 20;

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The number of a word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.ids.get(word).copied()
    }

    /// The word with this number.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn word(&self, id: u32) -> &str {
        &self.words[id as usize]
    }

    /// All words in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().map(|word| &**word)
    }

    /// The number of a word, which is added if it is new; `None` if there are too many already.
    pub fn add(&mut self, word: &str) -> Option<u32> {
        if let Some(id) = self.id(word) {
            return Some(id);
        }
        if self.len() == Self::MOST {
            return None;
        }
        let id = self.len() as u32;
        let word: Arc<str> = word.into();
        self.words.push(word.clone());
        self.ids.insert(word, id);
        Some(id)
    }
}
