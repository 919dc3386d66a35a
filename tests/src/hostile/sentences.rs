//! Files of labelled sentences.

use super::{NAME, check_refusal};
use runner::data::text::{Format, LONGEST, Vocabulary};

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The most bytes of a line.
const LINE: usize = 64 << 10;

/// Reads the bytes after the first one, which says in which form: exactly what the table of the forms describes is
/// accepted, and each sentence is read to its words and its label.
pub fn check(bytes: &[u8]) {
    let Some((&kind, file)) = bytes.split_first() else {
        return;
    };
    if file.starts_with(&GZIP) {
        return; // `gz` looks at the same reader
    }
    let format = [Format::Tsv, Format::Lines][usize::from(kind % 2)];
    let mut words = Vocabulary::default();
    let read = format.read(file, NAME, &mut words);
    let expected = sentences(format, file);
    match read {
        Ok(read) => {
            let text = |ids: &[u32]| ids.iter().map(|&id| words.word(id).to_string()).collect();
            let found: Vec<(Vec<String>, bool)> = read
                .iter()
                .map(|(ids, positive)| (text(ids), positive))
                .collect();
            assert_eq!(Some(found), expected);
        }
        Err(failure) => {
            check_refusal(&failure, file.len());
            assert_eq!(expected, None, "{failure}");
        }
    }
}

/// The sentences of a file, by the plainest means; `None` if anything is wrong with it.
fn sentences(format: Format, file: &[u8]) -> Option<Vec<(Vec<String>, bool)>> {
    let text = std::str::from_utf8(file).ok()?;
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop_if(|last| last.is_empty());
    let lines = lines
        .into_iter()
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let mut lines = lines.collect::<Vec<_>>();
    if lines.iter().any(|line| line.len() > LINE) {
        return None;
    }
    if format == Format::Tsv {
        if lines.first() != Some(&"sentence\tlabel") {
            return None;
        }
        lines.remove(0);
    }
    let sentence = |line: &str| {
        let (text, label) = match format {
            Format::Tsv => {
                let fields: Vec<&str> = line.split('\t').collect();
                let &[text, label] = &fields[..] else {
                    return None;
                };
                (text, label)
            }
            Format::Lines => (line.get(2..)?, line.get(..1)?),
        };
        let separated = format == Format::Tsv || line.get(1..2)? == " ";
        let words: Vec<String> = text
            .split_whitespace()
            .map(|word| unescaped(format, word.to_lowercase()))
            .collect();
        let sound = separated && ["0", "1"].contains(&label);
        (sound && (1..=LONGEST).contains(&words.len())).then_some((words, label == "1"))
    };
    let sentences: Option<Vec<_>> = lines.into_iter().map(sentence).collect();
    sentences.filter(|sentences| !sentences.is_empty())
}

fn unescaped(format: Format, word: String) -> String {
    match (format, &*word) {
        (Format::Lines, "-lrb-") => "(".into(),
        (Format::Lines, "-rrb-") => ")".into(),
        (Format::Lines, _) => word.replace("\\/", "/").replace("\\*", "*"),
        (Format::Tsv, _) => word,
    }
}

/// Files of either form.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "\0sentence\tlabel\na good film \t1\nnot a Good one \t0\n",
        "\0sentence\tlabel\r\n\u{c9}t\u{e9} -lrb- \\/\t1\r\n",
        "\x011 a good film\n0 -lrb- not -rrb- a\\/an good \\* one\n",
        "\x010 \u{c9}t\u{e9}\u{a0}x\r\n1 1 0",
    ]
    .map(|seed| seed.as_bytes().to_vec())
    .into()
}
