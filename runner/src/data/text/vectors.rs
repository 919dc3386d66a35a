//! Word vectors out of a text file in GloVe's form (Pennington, Socher, Manning 2014).
//!
//! Each line is a word and `d` numbers, with a space between them. The file may be far larger than memory: it is read
//! line by line, and only the vectors of words that are asked for are kept. In the large files of GloVe some words
//! have spaces in them, so the last `d` fields are the numbers. Of a word that comes twice the first vector counts. A first
//! line of two whole numbers, how many vectors there are and how long each is (word2vec's form), is skipped.

use std::io::Read;
use std::path::Path;

use super::Vocabulary;
use super::lines::{Limits, Line, Lines};
use crate::data::content::open;
use crate::error::Failure;

/// The longest vectors that can be read.
pub const MOST_DIMENSIONS: usize = 4096;
/// Bytes that a word may have, and each number of its vector.
const WORD: usize = 1024;
const NUMBER: usize = 32;
/// Bytes of a whole file: three times the largest of GloVe.
const CONTENT: u64 = 16 << 30;

/// Vectors of the same length, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    dimension: usize,
    values: Vec<f32>,
}

impl Vectors {
    /// How long each is.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values, `[len, dimension]` in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One vector.
    ///
    /// # Panics
    ///
    /// If there is no vector `index`.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimension..][..self.dimension]
    }
}

/// The vectors that were found for the words of a vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    vectors: Vectors,
    /// For each word the row of its vector, if there is one.
    rows: Vec<Option<u32>>,
}

impl Found {
    /// Without any vector yet.
    pub(super) fn none(words: &Vocabulary, dimension: usize) -> Self {
        Self {
            vectors: Vectors {
                dimension,
                values: Vec::new(),
            },
            rows: vec![None; words.len()],
        }
    }

    /// Reads vectors of `dimension` numbers for `words` from anything, plain or gzipped; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// No vector at all, a line of another number of values or with one that is no finite number, what is not UTF-8, a
    /// line over 1 KiB and 32 bytes for each number, a content over 16 GiB, and damaged compression.
    ///
    /// # Panics
    ///
    /// If `dimension` is 0 or over [`MOST_DIMENSIONS`].
    pub fn read(
        source: impl Read,
        name: &str,
        dimension: usize,
        words: &Vocabulary,
    ) -> Result<Self, Failure> {
        assert!((1..=MOST_DIMENSIONS).contains(&dimension));
        let mut lines = Lines::open(source, name, limits(dimension))?;
        let mut found = Self::none(words, dimension);
        let (mut vector, mut count) = (Vec::with_capacity(dimension), 0u64);
        while let Some(line) = lines.next()? {
            if line.number == 1 && is_header(&line, dimension)? {
                continue;
            }
            count += 1;
            let word = parse(&line, dimension, &mut vector)?;
            if let Some(id) = words.id(word) {
                found.keep(id, &vector);
            }
        }
        match count {
            0 => Err(lines.wrong_at_end("the file ends here, without a vector")),
            _ => Ok(found),
        }
    }

    /// Reads vectors from a file.
    ///
    /// # Errors
    ///
    /// As [`Found::read`], and when the file cannot be opened.
    pub fn read_file(path: &Path, dimension: usize, words: &Vocabulary) -> Result<Self, Failure> {
        Self::read(open(path)?, &path.display().to_string(), dimension, words)
    }

    /// Keeps the vector of a word that has none yet.
    pub(super) fn keep(&mut self, id: u32, vector: &[f32]) {
        let row = &mut self.rows[id as usize];
        if row.is_none() {
            *row = Some(self.vectors.len() as u32);
            self.vectors.values.extend_from_slice(vector);
        }
    }

    /// The vector of a word.
    pub fn vector(&self, id: u32) -> Option<&[f32]> {
        self.rows[id as usize].map(|row| self.vectors.row(row as usize))
    }

    /// The vectors of these words, of which every one has a vector.
    pub(super) fn gather(&self, ids: &[u32]) -> Vectors {
        Vectors {
            dimension: self.vectors.dimension,
            values: ids
                .iter()
                .filter_map(|&id| self.vector(id))
                .flatten()
                .copied()
                .collect(),
        }
    }
}

fn limits(dimension: usize) -> Limits {
    Limits {
        line: WORD + NUMBER * dimension,
        content: CONTENT,
    }
}

/// Whether a line is the header of word2vec's form.
fn is_header(line: &Line<'_>, dimension: usize) -> Result<bool, Failure> {
    let Some((count, length)) = line.text.trim_end().split_once(' ') else {
        return Ok(false);
    };
    // A vector of one number looks the same.
    let (Ok(_), Ok(found), 2..) = (count.parse::<u64>(), length.parse::<u64>(), dimension) else {
        return Ok(false);
    };
    if found != dimension as u64 {
        let what = format_args!("vectors of {found} values, but {dimension} are expected");
        return Err(line.wrong(line.text, what));
    }
    Ok(true)
}

/// The word of a line; its numbers go to `vector`.
fn parse<'a>(line: &Line<'a>, dimension: usize, vector: &mut Vec<f32>) -> Result<&'a str, Failure> {
    let text = line.text.trim_end_matches(' ');
    let mut rest = text;
    vector.clear();
    for found in 0..dimension {
        let Some((before, field)) = rest.rsplit_once(' ') else {
            let what = format_args!("{found} values, but {dimension} are expected");
            return Err(line.wrong(text, what));
        };
        vector.push(number(line, field)?);
        rest = before;
    }
    vector.reverse();
    // No word with spaces in it ends in a number; a longer vector does.
    if let Some((_, last)) = rest.rsplit_once(' ')
        && last.parse().is_ok_and(f32::is_finite)
    {
        let what = format_args!("more than {dimension} values");
        return Err(line.wrong(last, what));
    }
    match rest {
        "" => Err(line.wrong(text, "no word before the values")),
        word => Ok(word),
    }
}

fn number(line: &Line<'_>, field: &str) -> Result<f32, Failure> {
    match field.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(line.wrong(field, "a value that is not a finite number")),
    }
}

/// Whether a file looks like one of vectors of so many numbers: whether its first line is in order.
pub(super) fn is_text(path: &Path, dimension: usize) -> bool {
    let first = || {
        let name = path.display().to_string();
        let mut lines = Lines::open(open(path).ok()?, &name, limits(dimension)).ok()?;
        let line = lines.next().ok()??;
        let header = is_header(&line, dimension).ok()?;
        (header || parse(&line, dimension, &mut Vec::new()).is_ok()).then_some(())
    };
    first().is_some()
}
