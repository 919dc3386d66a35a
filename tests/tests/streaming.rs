//! Large files take little memory: a file of word vectors is read as a stream, and a hostile one costs no more than its
//! limits.

use std::io::{Read, Result};

use minitorch_tests::hostile::memory::{Counting, peak};
use runner::data::text::{Format, Found, Vocabulary};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file of `lines` lines that is made while it is read, in the memory of one.
struct Made<F> {
    lines: u64,
    next: u64,
    make: F,
    line: Vec<u8>,
    at: usize,
}

impl<F: Fn(u64, &mut Vec<u8>)> Made<F> {
    fn new(lines: u64, make: F) -> Self {
        Self {
            lines,
            next: 0,
            make,
            line: Vec::with_capacity(1024),
            at: 0,
        }
    }
}

impl<F: Fn(u64, &mut Vec<u8>)> Read for Made<F> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.at == self.line.len() {
            if self.next == self.lines {
                return Ok(0);
            }
            self.line.clear();
            self.at = 0;
            (self.make)(self.next, &mut self.line);
            self.next += 1;
        }
        let read = (&self.line[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[test]
fn vectors_stream_through_the_memory_of_those_that_are_kept() {
    const LINES: u64 = 400_000;
    let mut words = Vocabulary::default();
    for i in (0..LINES).step_by(1000) {
        words.add(&format!("w{i}"));
    }
    // As many lines as GloVe 6B has, 84 MB.
    let file = Made::new(LINES, |i, line| {
        line.extend(format!("w{i}").bytes());
        line.extend([*b" -0.12345"; 20].as_flattened());
        line.extend(format!(" {}\n", i % 97).bytes());
    });
    let mut found = None;
    let taken = peak(|| found = Some(Found::read(file, "made", 21, &words)));
    let found = found
        .and_then(std::result::Result::ok)
        .expect("a sound file");
    for id in 0..words.len() as u32 {
        let vector = found.vector(id).expect("every word is there");
        assert_eq!(vector[..20], [-0.12345; 20]);
        assert_eq!(vector[20], (u64::from(id) * 1000 % 97) as f32);
    }
    // Kept: 400 words of 21 numbers, 34 kB.
    assert!(taken < 256 << 10, "{taken} bytes");
}

#[test]
fn a_line_without_end_takes_no_more_than_a_line_may() {
    let words = Vocabulary::default();
    let taken = peak(|| {
        let endless = std::io::repeat(b'1');
        assert!(Found::read(endless, "endless", 300, &words).is_err());
    });
    assert!(taken < 256 << 10, "{taken} bytes");
}

#[test]
fn sentences_take_what_their_words_need() {
    const LINES: u64 = 100_000;
    let file = Made::new(LINES, |i, line| {
        line.extend(
            format!(
                "{} a sentence that goes on for ten words , w{}\n",
                i % 2,
                i % 100
            )
            .bytes(),
        );
    });
    let mut words = Vocabulary::default();
    let taken = peak(|| {
        let sentences = Format::Lines
            .read(file, "made", &mut words)
            .expect("a sound file");
        assert_eq!(sentences.len(), LINES as usize);
    });
    // Ten numbers of four bytes, an end and a label; growing takes as much again for a moment, and half of that.
    assert!(taken < 100_000 * 10 * 4 * 4, "{taken} bytes");
    assert_eq!(words.len(), 109);
}
