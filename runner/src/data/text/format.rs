//! The two forms that files of labelled sentences have.
//!
//! | form | first line | then, on each line |
//! | --- | --- | --- |
//! | TSV, as in GLUE's SST-2 | `sentence<TAB>label` | a sentence, a tab, a label |
//! | lines, as in the Stanford Sentiment Treebank's `stsa` files | | a label, a space, a sentence |
//!
//! A label is `0` (negative) or `1` (positive). A sentence is words with white space between them, which become lower-case:
//! so are GloVe's. In the second form the Treebank's escapes are undone: `-lrb-` and `-rrb-` are brackets, `\/` and `\*`
//! are a slash and an asterisk.
//!
//! A sentence without a word is an error, not left out in silence: whoever counts lines would count wrongly.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::lines::{Limits, Line, Lines};
use super::{Sentences, Vocabulary};
use crate::data::content::open;
use crate::error::Failure;

/// The most words that a sentence may have: every sentence is padded to the longest.
pub const LONGEST: usize = 1000;

const LIMITS: Limits = Limits {
    line: 64 << 10,
    content: 64 << 20,
};
const HEADER: &str = "sentence\tlabel";

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header, then a sentence, a tab and a label on each line.
    Tsv,
    /// A label, a space and a sentence on each line.
    Lines,
}

impl Format {
    /// Reads sentences from anything, plain or gzipped, whose words are found in `words` or added to them; `name` is what
    /// errors call it.
    ///
    /// # Errors
    ///
    /// No sentence at all, a TSV file without its header, a line that is not a sentence and a label, a sentence without a
    /// word or with over [`LONGEST`], a line over 64 KiB, a content over 64 MiB, over [`Vocabulary::MOST`] different words,
    /// what is not UTF-8, and damaged compression.
    pub fn read(
        self,
        source: impl Read,
        name: &str,
        words: &mut Vocabulary,
    ) -> Result<Sentences, Failure> {
        let mut lines = Lines::open(source, name, LIMITS)?;
        if self == Self::Tsv
            && let Some(line) = lines.next()?
            && line.text != HEADER
        {
            return Err(line.wrong(line.text, "not the header, which is sentence<TAB>label"));
        }
        let mut sentences = Sentences::default();
        while let Some(line) = lines.next()? {
            let (text, label) = self.split(&line)?;
            let positive = match label {
                "0" => false,
                "1" => true,
                _ => return Err(line.wrong(label, "a label is 0 (negative) or 1 (positive)")),
            };
            let ids = self.words(&line, text, words)?;
            sentences.push(ids, positive);
        }
        if sentences.is_empty() {
            return Err(lines.wrong_at_end("the file ends here, without a sentence"));
        }
        Ok(sentences)
    }

    /// Reads sentences from a file.
    ///
    /// # Errors
    ///
    /// As [`Format::read`], and when the file cannot be opened.
    pub fn read_file(self, path: &Path, words: &mut Vocabulary) -> Result<Sentences, Failure> {
        let file: File = open(path)?;
        self.read(file, &path.display().to_string(), words)
    }

    /// A line's sentence and label.
    fn split<'a>(self, line: &Line<'a>) -> Result<(&'a str, &'a str), Failure> {
        let text = line.text;
        match self {
            Self::Tsv => match text.split_once('\t') {
                None => Err(line.wrong(text, "no tab between sentence and label")),
                Some((_, rest)) if rest.contains('\t') => {
                    Err(line.wrong(rest, "more than one tab"))
                }
                Some(parts) => Ok(parts),
            },
            Self::Lines => match text.split_once(' ') {
                None => Err(line.wrong(text, "no space between label and sentence")),
                Some((label, sentence)) => Ok((sentence, label)),
            },
        }
    }

    /// The numbers of a sentence's words.
    fn words(
        self,
        line: &Line<'_>,
        text: &str,
        words: &mut Vocabulary,
    ) -> Result<Vec<u32>, Failure> {
        let mut ids = Vec::new();
        for token in text.split_whitespace() {
            if ids.len() == LONGEST {
                return Err(line.wrong(token, format_args!("over {LONGEST} words in a sentence")));
            }
            let word = token.to_lowercase();
            let word = match self {
                Self::Tsv => Cow::Owned(word),
                Self::Lines => unescape(&word),
            };
            let id = words.add(&word).ok_or_else(|| {
                let most = Vocabulary::MOST;
                line.wrong(token, format_args!("over {most} different words"))
            })?;
            ids.push(id);
        }
        match ids.is_empty() {
            true => Err(line.wrong(text, "a sentence without a word")),
            false => Ok(ids),
        }
    }
}

/// A word of the Treebank without its escapes.
fn unescape(word: &str) -> Cow<'_, str> {
    match word {
        "-lrb-" => "(".into(),
        "-rrb-" => ")".into(),
        _ if word.contains('\\') => word.replace("\\/", "/").replace("\\*", "*").into(),
        _ => word.into(),
    }
}
