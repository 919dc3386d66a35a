//! Sentences and word vectors: what is in the program, what is in the published files, and files that lie.

mod embedded;
mod folder;
mod format;
mod real;
mod vectors;

use std::io::Write as _;
use std::path::PathBuf;

use runner::data::text::{Corpus, Sentences};

/// The folder of the large data sets, which should hold `what`.
fn data(test: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MINITORCH_DATA").map(PathBuf::from);
    if folder.is_none() {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: set MINITORCH_DATA to a folder that holds {what}"
        );
    }
    folder
}

/// The words of a sentence with spaces between them.
fn text(corpus: &Corpus, sentences: &Sentences, index: usize) -> String {
    let words = sentences.words(index).iter();
    let words: Vec<&str> = words.map(|&id| corpus.words.word(id)).collect();
    words.join(" ")
}
