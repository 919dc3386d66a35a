//! Files of sentences, sound and otherwise.

use std::io::{Read, Write};

use flate2::{Compression, write::GzEncoder};
use runner::data::text::{Format, LONGEST, Sentences, Vocabulary};

fn read(format: Format, file: &[u8]) -> Result<(Vocabulary, Sentences), String> {
    let mut words = Vocabulary::default();
    let sentences = format.read(file, "F", &mut words);
    let sentences = sentences.map_err(|failure| failure.to_string())?;
    Ok((words, sentences))
}

fn texts((words, sentences): &(Vocabulary, Sentences)) -> Vec<(String, bool)> {
    let text = |ids: &[u32]| {
        ids.iter()
            .map(|&id| words.word(id))
            .collect::<Vec<_>>()
            .join(" ")
    };
    sentences
        .iter()
        .map(|(ids, positive)| (text(ids), positive))
        .collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn both_forms_say_the_same() {
    let expected = [
        ("a ( bad ) and/or * one".to_string(), false),
        ("\u{e9}t\u{e9} a".to_string(), true),
    ];
    let tsv = "sentence\tlabel\nA ( bad ) and/or * one \t0\n\u{c9}t\u{e9}  a\t1\n";
    let lines = "0 a -LRB- bad -rrb- and\\/or \\* one\n1 \u{e9}t\u{e9} a\n";
    for (format, file) in [(Format::Tsv, tsv), (Format::Lines, lines)] {
        let found = read(format, file.as_bytes()).unwrap();
        assert_eq!(texts(&found), expected);
        // Numbers in the order of first appearance: "a" is the first word, and the last one of the second sentence.
        assert_eq!(found.1.words(1), [7, 0]);
        assert_eq!((found.0.len(), found.1.longest()), (8, 7));
        // As from Windows, without a last line feed, and compressed.
        let windows = file.replace('\n', "\r\n");
        for other in [
            windows.as_bytes(),
            file.trim_end().as_bytes(),
            &gzip(file.as_bytes()),
        ] {
            assert_eq!(read(format, other).as_ref(), Ok(&found));
        }
    }
    // In TSV nothing is escaped.
    let (words, _) = read(Format::Tsv, b"sentence\tlabel\n-lrb- \\*\t1").unwrap();
    assert_eq!(words.iter().collect::<Vec<_>>(), ["-lrb-", "\\*"]);
}

#[test]
fn each_mistake_has_its_sentence() {
    let long = format!("1 {}\n", "x ".repeat(LONGEST + 1));
    let wide = format!("1 {}\n", "x".repeat(64 << 10));
    for (format, file, expected) in [
        (
            Format::Tsv,
            &b""[..],
            "byte 0: the file ends here, without a sentence",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\n",
            "byte 15: the file ends here, without a sentence",
        ),
        (
            Format::Tsv,
            b"good film\t1\n",
            "byte 0: line 1: not the header, which is sentence<TAB>label",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\na b 1\n",
            "byte 15: line 2: no tab between sentence and label",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\na\tb\t1\n",
            "byte 17: line 2: more than one tab",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\na\t1\nb\t2\n",
            "byte 21: line 3: a label is 0 (negative) or 1 (positive)",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\na\t\n",
            "byte 17: line 2: a label is 0 (negative) or 1 (positive)",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\n \t1\n",
            "byte 15: line 2: a sentence without a word",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\na\t1\n\n",
            "byte 19: line 3: no tab between sentence and label",
        ),
        (
            Format::Tsv,
            b"sentence\tlabel\na\xff\t1\n",
            "byte 16: line 2: not UTF-8",
        ),
        (
            Format::Lines,
            b"",
            "byte 0: the file ends here, without a sentence",
        ),
        (
            Format::Lines,
            b"1\n",
            "byte 0: line 1: no space between label and sentence",
        ),
        (
            Format::Lines,
            b"1 \n",
            "byte 2: line 1: a sentence without a word",
        ),
        (
            Format::Lines,
            b"1 a\n-1 b\n",
            "byte 4: line 2: a label is 0 (negative) or 1 (positive)",
        ),
        (Format::Lines, b"1 a\n1 \xc3", "byte 6: line 2: not UTF-8"),
        (
            Format::Lines,
            long.as_bytes(),
            "byte 2002: line 1: over 1000 words in a sentence",
        ),
        (
            Format::Lines,
            wide.as_bytes(),
            "byte 0: line 1: over 65536 bytes long",
        ),
    ] {
        assert_eq!(read(format, file), Err(format!("F: {expected}")));
        // A position is that of the content.
        if !file.is_empty() {
            assert_eq!(read(format, &gzip(file)), Err(format!("F: {expected}")));
        }
    }
    let just = format!("1 {}\n", "x ".repeat(LONGEST));
    assert_eq!(
        read(Format::Lines, just.as_bytes()).unwrap().1.longest(),
        LONGEST
    );
}

#[test]
fn damaged_compression_is_told() {
    let content: Vec<u8> = (0..5000u32)
        .flat_map(|i| format!("{} w{i}\n", i % 2).into_bytes())
        .collect();
    let file = gzip(&content);
    read(Format::Lines, &file).unwrap();
    for cut in [3, 10, file.len() / 2, file.len() - 1] {
        let message = read(Format::Lines, &file[..cut]).unwrap_err();
        assert!(
            message.contains("damaged or incomplete gzip data"),
            "{message}"
        );
    }
    let trailing = [&file[..], b"1 trailing\n"].concat();
    let message = read(Format::Lines, &trailing).unwrap_err();
    assert!(
        message.contains("damaged or incomplete gzip data"),
        "{message}"
    );
    let mut flipped = file.clone();
    let end = file.len() - 6;
    flipped[end] ^= 1;
    let message = read(Format::Lines, &flipped).unwrap_err();
    assert!(
        message.contains("damaged or incomplete gzip data"),
        "{message}"
    );
}

#[test]
fn a_file_without_end_is_cut_off() {
    // Sentences for ever.
    let mut words = Vocabulary::default();
    let endless = Repeat(b"1 a very good film\n", 0);
    let failure = Format::Lines.read(endless, "F", &mut words).unwrap_err();
    let expected = "F: byte 67108864: over 64 MiB, more than this program reads";
    assert_eq!(failure.to_string(), expected);
    // One line for ever.
    let failure = Format::Lines
        .read(std::io::repeat(b'1'), "F", &mut words)
        .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "F: byte 0: line 1: over 65536 bytes long"
    );
}

/// Bytes over and over.
struct Repeat(&'static [u8], usize);

impl Read for Repeat {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in &mut *buffer {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn there_are_not_more_words_than_there_may_be() {
    let mut words = Vocabulary::default();
    for i in 0..Vocabulary::MOST {
        assert_eq!(words.add(&i.to_string()), Some(i as u32));
    }
    assert_eq!(words.add("one more"), None);
    assert_eq!(words.add("7"), Some(7));
    let failure = Format::Lines
        .read(&b"1 7 one\n"[..], "F", &mut words)
        .unwrap_err();
    let expected = "F: byte 4: line 1: over 1048576 different words";
    assert_eq!(failure.to_string(), expected);
}
