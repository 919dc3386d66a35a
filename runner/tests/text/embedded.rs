//! The sentences and vectors in the program.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use flate2::read::GzDecoder;
use ring::digest::{SHA256, digest};
use runner::data::text::{
    Amount, Corpus, EMBEDDED_DIMENSION, EMBEDDED_TRAIN, EMBEDDED_VALID, Request, Sentences, Source,
    tokenize,
};

use super::{data, text};

static SENTENCES: &[u8] = include_bytes!("../../data/sentences.gz");
static VECTORS: &[u8] = include_bytes!("../../data/vectors.gz");

fn embedded(train: usize, valid: usize) -> Corpus {
    Corpus::load(&Request {
        source: Source::Embedded,
        dimension: EMBEDDED_DIMENSION,
        train: Amount::Exactly(train),
        valid: Amount::Exactly(valid),
    })
    .unwrap()
}

fn all() -> Corpus {
    embedded(EMBEDDED_TRAIN, EMBEDDED_VALID)
}

#[test]
fn the_files_are_those_that_the_script_writes_and_stay_small() {
    assert!(SENTENCES.len() + VECTORS.len() < 2 << 20);
    for (file, size, sum) in [
        (
            SENTENCES,
            701_408,
            "ae8c2e130fb7ca67eea2d57730d28eed09354af28a1ae75180e34e50b198fe7d",
        ),
        (
            VECTORS,
            1_440_900,
            "95e0fe6f2dddb1eda88bb18747d7024b3e6952666002f9f1f3eb908aa2558448",
        ),
    ] {
        let mut content = Vec::new();
        GzDecoder::new(file).read_to_end(&mut content).unwrap();
        assert_eq!(content.len(), size);
        let found = digest(&SHA256, &content);
        let found: String = found.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(found, sum);
        // No name and no time of a file: the same content gives the same bytes.
        assert_eq!(file[3..8], [0; 5]);
    }
}

#[test]
fn any_first_part_is_half_positive() {
    let corpus = all();
    assert_eq!(corpus.train.len(), EMBEDDED_TRAIN);
    assert_eq!(corpus.valid.len(), EMBEDDED_VALID);
    assert_eq!(corpus.test, None);
    for part in [&corpus.train, &corpus.valid] {
        assert!(part.positive().chunks(2).all(|pair| pair[0] != pair[1]));
    }
    // Not in turn, though.
    let first = corpus.train.positive().iter().step_by(2);
    let positive = first.filter(|&&positive| positive).count();
    assert!((1100..1400).contains(&positive), "{positive}");
}

#[test]
fn the_first_sentences_are_a_part_of_all() {
    let (few, all) = (embedded(450, 100), all());
    for (few_part, all_part) in [(&few.train, &all.train), (&few.valid, &all.valid)] {
        for index in 0..few_part.len() {
            assert_eq!(text(&few, few_part, index), text(&all, all_part, index));
            assert_eq!(few_part.positive()[index], all_part.positive()[index]);
        }
    }
    assert_eq!((few.train.len(), few.valid.len()), (450, 100));
    for id in 0..few.known() {
        let twin = all.words.id(few.words.word(id as u32)).unwrap() as usize;
        assert_eq!(few.vectors.row(id), all.vectors.row(twin));
    }
    let failure = |train, valid| {
        let request = Request {
            source: Source::Embedded,
            dimension: EMBEDDED_DIMENSION,
            train: Amount::Exactly(train),
            valid: Amount::Exactly(valid),
        };
        Corpus::load(&request).unwrap_err()
    };
    for (train, valid, expected) in [
        (
            5001,
            1,
            "--train 5001: the program holds 5000 training sentences",
        ),
        (
            1,
            1001,
            "--valid 1001: the program holds 1000 validation sentences",
        ),
    ] {
        let failure = failure(train, valid);
        assert_eq!(
            (failure.to_string().as_str(), failure.status() as u8),
            (expected, 2)
        );
    }
}

#[test]
fn words_are_numbered_as_documented() {
    let corpus = embedded(450, 100);
    let parts = [&corpus.train, &corpus.valid];
    let (mut known, mut unknown) = (0, corpus.known() as u32);
    for id in parts
        .iter()
        .flat_map(|part| part.iter())
        .flat_map(|(words, _)| words)
    {
        let next = if (*id as usize) < corpus.known() {
            &mut known
        } else {
            &mut unknown
        };
        assert!(*id <= *next, "{id} comes before {next}");
        *next = (*next).max(id + 1);
    }
    assert_eq!(known as usize, corpus.known());
    assert_eq!(unknown as usize, corpus.words.len());
    assert_eq!(corpus.unknown(), corpus.words.len() - corpus.known());
    assert!(
        corpus.unknown() * 50 < corpus.known(),
        "{}",
        corpus.unknown()
    );
    for (id, word) in corpus.words.iter().enumerate() {
        assert_eq!(corpus.words.id(word), Some(id as u32));
    }
}

/// The words of each sentence that have a letter or a digit, sorted.
fn sets(corpus: &Corpus, sentences: &Sentences) -> Vec<Vec<u32>> {
    let counts = |&id: &u32| corpus.words.word(id).chars().any(char::is_alphanumeric);
    let set = |words: &[u32]| {
        let set: HashSet<u32> = words.iter().copied().filter(counts).collect();
        let mut set: Vec<u32> = set.into_iter().collect();
        set.sort_unstable();
        set
    };
    sentences.iter().map(|(words, _)| set(words)).collect()
}

#[test]
fn no_sentence_has_a_near_duplicate_on_the_other_side() {
    let corpus = all();
    let (train, valid) = (sets(&corpus, &corpus.train), sets(&corpus, &corpus.valid));
    let mut holders: HashMap<u32, Vec<usize>> = HashMap::new();
    for (number, set) in train.iter().enumerate() {
        for &id in set {
            holders.entry(id).or_default().push(number);
        }
    }
    let mut nearest = 0.0f64;
    for set in &valid {
        let mut common = vec![0usize; train.len()];
        for id in set {
            for &number in holders.get(id).into_iter().flatten() {
                common[number] += 1;
            }
        }
        for (other, common) in train.iter().zip(common) {
            let union = set.len() + other.len() - common;
            nearest = nearest.max(common as f64 / union as f64);
        }
    }
    assert!(nearest < 0.6, "{nearest}");
    // The check sees something: no two long texts are without any word in common.
    assert!(nearest > 0.2, "{nearest}");
}

#[test]
fn sentences_are_cut_into_words_already() {
    let corpus = all();
    for part in [&corpus.train, &corpus.valid] {
        for index in 0..part.len() {
            let text = text(&corpus, part, index);
            assert_eq!(tokenize(&text).join(" "), text);
        }
    }
}

#[test]
fn sentences_and_vectors_are_the_published_ones() {
    let Some(data) = data(
        "sentences_and_vectors_are_the_published_ones",
        "vader/ and glove/",
    ) else {
        return;
    };
    let corpus = all();
    let plain = |name: &str| {
        let (file, mut text) = (std::fs::read(data.join(name)).unwrap(), String::new());
        GzDecoder::new(Cursor::new(file))
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let snippets = plain("vader/movieReviewSnippets_GroundTruth.txt.gz");
    let mut ratings: HashMap<String, f64> = HashMap::new();
    for line in snippets.split("\r\n") {
        let fields: Vec<&str> = line.split('\t').collect();
        let rating: f64 = fields[1].parse().unwrap();
        if rating.abs() >= 0.5 {
            ratings
                .entry(tokenize(fields[2]).join(" "))
                .or_insert(rating);
        }
    }
    for part in [&corpus.train, &corpus.valid] {
        for index in 0..part.len() {
            let rating = ratings
                .remove(&text(&corpus, part, index))
                .expect("a snippet, and once only");
            assert_eq!(rating > 0.0, part.positive()[index]);
        }
    }
    let glove = plain("glove/glove.6B.50d.subset.txt.gz");
    let mut seen = 0;
    for line in glove.lines() {
        let (word, values) = line.split_once(' ').unwrap();
        let Some(id) = corpus.words.id(word) else {
            continue;
        };
        seen += 1;
        for (value, half) in values.split(' ').zip(corpus.vectors.row(id as usize)) {
            let value: f32 = value.parse().unwrap();
            // Half precision: 11 bits, and 2^-24 near 0.
            assert!(
                (value - half).abs() <= (value.abs() / 2048.0).max(3e-8),
                "{word}"
            );
        }
    }
    assert_eq!(seen, corpus.known());
}
