//! Files of word vectors, sound and otherwise.

use runner::data::text::{Found, Vocabulary};

fn words(words: &[&str]) -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    for word in words {
        vocabulary.add(word).unwrap();
    }
    vocabulary
}

fn read(file: &[u8], dimension: usize, words: &Vocabulary) -> Result<Found, String> {
    Found::read(file, "F", dimension, words).map_err(|failure| failure.to_string())
}

#[test]
fn only_words_that_are_asked_for_are_kept_and_the_first_of_two_counts() {
    let words = words(&["good", "\u{e9}t\u{e9}", "no", "at you"]);
    let file = "the 9 9\n\u{e9}t\u{e9} 1.5 -2e-1\ngood 0 1\nat you 3 4 \r\ngood 5 5";
    let found = read(file.as_bytes(), 2, &words).unwrap();
    let expected: [Option<&[f32]>; 4] = [
        Some(&[0.0, 1.0]),
        Some(&[1.5, -0.2]),
        None,
        Some(&[3.0, 4.0]),
    ];
    for (id, expected) in expected.into_iter().enumerate() {
        assert_eq!(found.vector(id as u32), expected);
    }
}

#[test]
fn numbers_are_read_to_the_nearest() {
    let words = words(&["w"]);
    for text in [
        "0.1",
        "-0.00066023",
        "3.4028235e38",
        "1e-45",
        "16777217",
        ".5",
        "1.",
    ] {
        let found = read(format!("w {text}\n").as_bytes(), 1, &words).unwrap();
        let expected: f32 = text.parse().unwrap();
        assert_eq!(found.vector(0).unwrap()[0].to_bits(), expected.to_bits());
    }
}

#[test]
fn a_header_is_skipped_if_it_fits() {
    let words = words(&["w", "400000"]);
    let with = read(b"400000 2\nw 1 2\n", 2, &words).unwrap();
    assert_eq!(with.vector(0), Some(&[1.0, 2.0][..]));
    assert_eq!(with.vector(1), None);
    assert_eq!(
        read(b"400000 300\nw 1 2\n", 2, &words),
        Err("F: byte 0: line 1: vectors of 300 values, but 2 are expected".into())
    );
    // One number is a vector, and so is a later line that is another word's.
    assert_eq!(
        read(b"400000 50\n", 1, &words).unwrap().vector(1),
        Some(&[50.0][..])
    );
}

#[test]
fn each_mistake_has_its_sentence() {
    let words = words(&["w"]);
    let long = [b"w 1 ", &[b'0'; 3000][..], b"\n"].concat();
    for (file, expected) in [
        (&b""[..], "byte 0: the file ends here, without a vector"),
        (b"9 2\n", "byte 4: the file ends here, without a vector"),
        (
            b"w 1 2\nw 1\n",
            "byte 6: line 2: 1 values, but 2 are expected",
        ),
        (b"w\n", "byte 0: line 1: 0 values, but 2 are expected"),
        (
            b"w 1 2\n\nw 1 2\n",
            "byte 6: line 2: 0 values, but 2 are expected",
        ),
        (b"w 1 2 3\n", "byte 2: line 1: more than 2 values"),
        (
            b"w 1 two\n",
            "byte 4: line 1: a value that is not a finite number",
        ),
        (
            b"w 1 nan\n",
            "byte 4: line 1: a value that is not a finite number",
        ),
        (
            b"w inf 2\n",
            "byte 2: line 1: a value that is not a finite number",
        ),
        (
            b"w 1e39 2\n",
            "byte 2: line 1: a value that is not a finite number",
        ),
        (
            b"w 1  2\n",
            "byte 4: line 1: a value that is not a finite number",
        ),
        (b" 1 2\n", "byte 0: line 1: no word before the values"),
        (b"w 1 2\nx\x80 1 2\n", "byte 7: line 2: not UTF-8"),
        (&long, "byte 0: line 1: over 1088 bytes long"),
    ] {
        assert_eq!(read(file, 2, &words), Err(format!("F: {expected}")));
    }
}
