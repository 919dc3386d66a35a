//! The published files, where this machine has them.

use std::path::PathBuf;

use runner::data::text::{Amount, Corpus, Request, Sentences, Source};

use super::{data, text};

fn load(folder: PathBuf, dimension: usize, phrases: bool, counts: Option<[usize; 2]>) -> Corpus {
    let source = Source::Folder {
        folder,
        glove: None,
        phrases,
    };
    let request = Request {
        source,
        dimension,
        train: counts.map_or(Amount::All, |[train, _]| Amount::Exactly(train)),
        valid: counts.map_or(Amount::All, |[_, valid]| Amount::Exactly(valid)),
    };
    Corpus::load(&request).unwrap()
}

/// How many there are, and how many of them are positive.
fn counts(sentences: &Sentences) -> [usize; 2] {
    let positive = sentences.positive().iter().filter(|&&positive| positive);
    [sentences.len(), positive.count()]
}

#[test]
fn glue_in_minitorchs_setting() {
    let Some(data) = data("glue_in_minitorchs_setting", "sst2/ and glove/") else {
        return;
    };
    let corpus = load(data.join("sst2"), 50, false, Some([450, 100]));
    assert_eq!(counts(&corpus.train), [450, 231]);
    assert_eq!(counts(&corpus.valid), [100, 52]);
    assert_eq!(corpus.test, None);
    assert_eq!((corpus.train.longest(), corpus.longest()), (51, 51));
    assert_eq!(
        text(&corpus, &corpus.train, 0),
        "hide new secretions from the parental units"
    );
    assert_eq!(
        text(&corpus, &corpus.valid, 0),
        "it 's a charming and often affecting journey ."
    );
    assert_eq!(corpus.words.word(0), "hide");
    assert_eq!(corpus.train.words(0), [0, 1, 2, 3, 4, 5, 6]);
    let the = corpus.words.id("the").unwrap() as usize;
    let expected = [0.418, 0.24968, -0.41242, 0.1217, 0.34527];
    assert_eq!(corpus.vectors.row(the)[..5], expected);
    // The folder above has both parts too.
    assert!(load(data, 50, false, Some([450, 100])) == corpus);
}

#[test]
fn whole_sentences_with_phrases_to_train_on() {
    let Some(data) = data(
        "whole_sentences_with_phrases_to_train_on",
        "sst2/, sst2-sentence/ and glove/",
    ) else {
        return;
    };
    let folder = data.join("sst2-sentence");
    let whole = load(folder.clone(), 100, false, None);
    assert_eq!(counts(&whole.train), [6920, 3610]);
    assert_eq!(counts(&whole.valid), [872, 444]);
    assert_eq!(counts(whole.test.as_ref().unwrap()), [1821, 909]);
    for escape in ["-lrb-", "-rrb-", "\\/", "\\*"] {
        assert!(!whole.words.iter().any(|word| word.contains(escape)));
    }
    let corpus = load(folder, 100, true, None);
    assert_eq!((corpus.train.len(), corpus.left_out), (67_349 - 1, 1));
    assert_eq!(corpus.vectors.dimension(), 100);
}
