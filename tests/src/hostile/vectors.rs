//! Text files of word vectors.

use super::{NAME, check_refusal};
use runner::data::text::{Found, Vocabulary};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const WORDS: [&str; 4] = ["a", "b c", "\u{e9}", "1"];

/// Reads the bytes after the first one, which says how long vectors are: what is found of a few words is what the first
/// line of each says, and nothing is accepted that has a line that is not a word and its vector.
pub fn check(bytes: &[u8]) {
    let Some((&kind, file)) = bytes.split_first() else {
        return;
    };
    if file.starts_with(&GZIP) {
        return; // `gz` looks at the same reader
    }
    let dimension = usize::from(kind % 3) + 1;
    let mut words = Vocabulary::default();
    for word in WORDS {
        words.add(word);
    }
    match Found::read(file, NAME, dimension, &words) {
        Ok(found) => {
            let lines = lines(file, dimension).expect("a file that was accepted");
            for (id, word) in WORDS.iter().enumerate() {
                let first = lines.iter().find(|(other, _)| other == word);
                let expected = first.map(|(_, vector)| &vector[..]);
                assert_eq!(found.vector(id as u32), expected);
            }
        }
        Err(failure) => {
            check_refusal(&failure, file.len());
            assert_eq!(lines(file, dimension), None, "{failure}");
        }
    }
}

/// The words and vectors of a file, by the plainest means; `None` if anything is wrong with it.
fn lines(file: &[u8], dimension: usize) -> Option<Vec<(String, Vec<f32>)>> {
    let text = std::str::from_utf8(file).ok()?;
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop_if(|last| last.is_empty());
    let mut found = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.len() > 1024 + 32 * dimension {
            return None;
        }
        let fields: Vec<&str> = line.trim_end_matches(' ').split(' ').collect();
        if index == 0
            && dimension > 1
            && let [count, length] = line.trim_end().split(' ').collect::<Vec<_>>()[..]
            && let (Ok(_), Ok(length)) = (count.parse::<u64>(), length.parse::<u64>())
        {
            if length == dimension as u64 {
                continue;
            }
            return None;
        }
        let (word, numbers) = fields.split_at(fields.len().checked_sub(dimension)?);
        let numbers: Result<Vec<f32>, _> = numbers.iter().map(|number| number.parse()).collect();
        let numbers = numbers
            .ok()
            .filter(|numbers| numbers.iter().all(|x| x.is_finite()))?;
        let is_number = |field: &&str| field.parse().is_ok_and(f32::is_finite);
        let joined = word.join(" ");
        if joined.is_empty() || (word.len() > 1 && word.last().is_some_and(is_number)) {
            return None;
        }
        found.push((joined, numbers));
    }
    Some(found).filter(|found| !found.is_empty())
}

/// Files with vectors of one, two and three numbers.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "\0a 1\nb c -2.5e-3\na 7\n",
        "\x012 2\na 0.1 0.2\n\u{e9} 3 4 \r\n",
        "\x01400000 2\nx y z 1 2\nb c 5 6",
        "\x02a 1 2 3\n1 .5 1. 1e3\n",
    ]
    .map(|seed| seed.as_bytes().to_vec())
    .into()
}
