//! Which files of a folder are read, and what is missing in one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use runner::data::text::{Amount, Corpus, Request, Source};
use runner::error::Failure;

use super::text;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("runner-text-{}-{count}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        for (name, content) in files {
            let path = folder.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn load(folder: &Path, phrases: bool, glove: Option<&Path>) -> Result<Corpus, Failure> {
    Corpus::load(&Request {
        source: Source::Folder {
            folder: folder.to_path_buf(),
            glove: glove.map(Path::to_path_buf),
            phrases,
        },
        dimension: 2,
        train: Amount::All,
        valid: Amount::All,
    })
}

/// The text of the first training sentence.
fn first(corpus: &Corpus) -> String {
    text(corpus, &corpus.train, 0)
}

const TSV: &str = "sentence\tlabel\ntsv\t1\n";
const NESTED: &str = "sentence\tlabel\nnested\t1\n";
const GLOVE: (&str, &str) = ("glove.2d.txt", "tsv 1 2\n");

#[test]
fn sentences_are_looked_for_in_the_documented_order() {
    let all = [
        ("train.tsv", TSV),
        ("dev.tsv", TSV),
        ("stsa.binary.train", "1 lines\n"),
        ("stsa.binary.dev", "1 lines\n"),
        ("sst2/train.tsv", NESTED),
        ("sst2/dev.tsv", NESTED),
        GLOVE,
    ];
    for (skip, expected) in [(0, "tsv"), (2, "lines"), (4, "nested")] {
        let folder = Folder::new(&all[skip..]);
        assert_eq!(first(&load(&folder.0, false, None).unwrap()), expected);
    }
    // Whole sentences may have some to test with.
    let with_test = [&all[2..], &[("stsa.binary.test", "0 x\n1 y z\n")]].concat();
    let corpus = load(&Folder::new(&with_test).0, false, None).unwrap();
    assert_eq!(corpus.test.as_ref().map(|test| test.len()), Some(2));
    assert_eq!(
        (corpus.longest(), corpus.known(), corpus.unknown()),
        (2, 0, 4)
    );
}

#[test]
fn phrases_that_would_be_tested_with_are_left_out() {
    let whole = [
        ("a/stsa.binary.train", "1 whole\n"),
        ("a/stsa.binary.dev", "1 in dev\n"),
        ("a/stsa.binary.test", "0 in test\n0 -lrb-\n"),
        ("a/glove.2d.txt", "x 1 2\n"),
    ];
    let phrases = "sentence\tlabel\nIn test \t0\nin\t1\nin dev\t1\n(\t0\nin test too\t0\n";
    let lines = "1 own phrase\n0 in test\n";
    for place in ["a/train.tsv", "a/sst2/train.tsv", "sst2/train.tsv"] {
        let mut files = whole.to_vec();
        files.push((place, phrases));
        files.push(("a/dev.tsv", "sentence\tlabel\nx\t1\n"));
        let folder = Folder::new(&files);
        let corpus = load(&folder.0.join("a"), true, None).unwrap();
        let kept = (0..corpus.train.len()).map(|i| text(&corpus, &corpus.train, i));
        assert_eq!(kept.collect::<Vec<_>>(), ["in", "in test too"], "{place}");
        assert_eq!(corpus.left_out, 3);
        let without = load(&folder.0.join("a"), false, None).unwrap();
        let expected = match place {
            "a/train.tsv" => "in test",
            _ => "whole",
        };
        assert_eq!((first(&without).as_str(), without.left_out), (expected, 0));

        files.push(("a/stsa.binary.phrases.train", lines));
        let corpus = load(&Folder::new(&files).0.join("a"), true, None).unwrap();
        assert_eq!(
            (first(&corpus).as_str(), corpus.left_out),
            ("own phrase", 1)
        );
    }
    // Without any phrases whole sentences have to do.
    let corpus = load(&Folder::new(&whole).0.join("a"), true, None).unwrap();
    assert_eq!((first(&corpus).as_str(), corpus.left_out), ("whole", 0));
}

#[test]
fn vectors_are_looked_for_in_the_documented_order() {
    let sentences = [("a/train.tsv", TSV), ("a/dev.tsv", TSV)];
    let vectors = [
        // A list of words without vectors, and vectors of other lengths.
        ("a/glove.6B.2d.missing.txt", "tsv\n"),
        ("a/glove.6B.12d.txt", "tsv 9 9\n"),
        ("a/glove.6B.2d.txt.bak", "tsv 9 9\n"),
        ("a/glove.6B.2d.subset.txt", "tsv 1 0\n"),
        ("a/glove/glove.2d.txt", "tsv 2 0\n"),
        ("glove/glove-x.2d.txt", "tsv 3 0\n"),
    ];
    for (skip, expected) in [(0, 1.0), (4, 2.0), (5, 3.0)] {
        let folder = Folder::new(&[&sentences[..], &vectors[skip..]].concat());
        let corpus = load(&folder.0.join("a"), false, None).unwrap();
        assert_eq!(corpus.vectors.row(0), [expected, 0.0]);
        let other = folder.0.join("glove/glove-x.2d.txt");
        let corpus = load(&folder.0.join("a"), false, Some(&other)).unwrap();
        assert_eq!(corpus.vectors.row(0), [3.0, 0.0]);
    }
    // One that is all there is gets read, and says what is wrong with it.
    let folder = Folder::new(&[&sentences[..], &vectors[..1]].concat());
    let message = load(&folder.0.join("a"), false, None)
        .unwrap_err()
        .to_string();
    assert!(
        message.ends_with("missing.txt: byte 0: line 1: 0 values, but 2 are expected"),
        "{message}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let message = |files: &[(&str, &str)], remove: &str| {
        let folder = Folder::new(files);
        let failure = load(&folder.0.join(remove), false, None).unwrap_err();
        assert_eq!(failure.status() as u8, 1);
        let place = folder.0.display().to_string();
        failure.to_string().replace(&place, "DIR")
    };
    assert_eq!(message(&[], "none"), "DIR/none: no such folder");
    assert_eq!(
        message(&[GLOVE], ""),
        "DIR/: neither train.tsv (here or in sst2) nor stsa.binary.train is there, plain or .gz"
    );
    assert_eq!(
        message(&[GLOVE, ("train.tsv", TSV)], ""),
        "DIR/dev.tsv: no such file, neither plain nor .gz"
    );
    assert_eq!(
        message(&[GLOVE, ("stsa.binary.train", "1 a\n")], ""),
        "DIR/stsa.binary.dev: no such file, neither plain nor .gz"
    );
    let text = message(&[("a/train.tsv", TSV), ("a/dev.tsv", TSV)], "a");
    assert!(
        text.starts_with(
            "DIR/a: no glove*.2d*.txt, plain or .gz, here, in glove or in ../glove;\n"
        ),
        "{text}"
    );
    assert!(text.contains("--glove FILE"), "{text}");
}
