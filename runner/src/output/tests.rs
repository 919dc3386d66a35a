//! What a run says, to the letter.

use std::sync::{Arc, Mutex};

use super::*;
use crate::task::mnist::Log;

/// A place to write to that the test can look into, and that can be made to fail.
#[derive(Clone, Default)]
struct Page {
    text: Arc<Mutex<Vec<u8>>>,
    error: Option<io::ErrorKind>,
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.error {
            Some(kind) => Err(kind.into()),
            None => self.text.lock().unwrap().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(style: Style, speak: impl Fn(&mut Output) -> Result<(), Failure>) -> String {
    let page = Page::default();
    speak(&mut Output::to(page.clone(), style)).unwrap();
    let text = page.text.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

fn line(loss: f64) -> Log {
    Log {
        epoch: 1,
        epochs: 20,
        loss,
        correct: 5,
        of: 16,
        batches: 5,
        done: 0.5,
    }
}

fn summary() -> Summary<'static> {
    Summary {
        split: "Held-out",
        items: "images",
        correct: 477,
        of: 500,
        parts: None,
        trained: 1000,
        time: Duration::from_millis(2500),
        peak_bytes: Some(12_345_678),
        checkpoint: Some(Path::new("./mnist.safetensors")),
        hash: 0x0123_4567_89ab_cdef,
        next: "runner mnist --help",
    }
}

const TEXT: Style = Style {
    quiet: false,
    json: false,
    hash: false,
};
const JSON: Style = Style {
    quiet: false,
    json: true,
    hash: false,
};

#[test]
fn a_log_line_has_the_shortest_decimal_that_reads_back() {
    let lines = [11.500264654360581, 11.5, 3.0, 0.1 + 0.2, 1e-7, f64::NAN]
        .map(|loss| said(TEXT, |o| o.log(&line(loss))));
    assert_eq!(
        lines[0],
        "Epoch: 1/20, loss: 11.500264654360581, correct: 5\n"
    );
    assert_eq!(lines[1], "Epoch: 1/20, loss: 11.5, correct: 5\n");
    assert_eq!(lines[2], "Epoch: 1/20, loss: 3, correct: 5\n");
    assert_eq!(
        lines[3],
        "Epoch: 1/20, loss: 0.30000000000000004, correct: 5\n"
    );
    assert_eq!(lines[4], "Epoch: 1/20, loss: 0.0000001, correct: 5\n");
    assert_eq!(lines[5], "Epoch: 1/20, loss: NaN, correct: 5\n");
}

#[test]
fn a_json_log_line_is_one_object() {
    let text = said(JSON, |o| o.log(&line(11.500264654360581)));
    assert_eq!(
        text,
        "{\"event\":\"log\",\"epoch\":1,\"epochs\":20,\"loss\":11.500264654360581,\"correct\":5,\"of\":16}\n"
    );
    let text = said(JSON, |o| o.log(&line(f64::INFINITY)));
    assert!(text.contains("\"loss\":null"), "{text}");
}

#[test]
fn the_summary_ends_with_the_hash_only_when_asked() {
    let text = said(TEXT, |o| o.end(&summary()));
    assert_eq!(
        text,
        "Held-out accuracy: 95.40% (477 of 500)\nTime: 2.5 s, 400 images per second\nPeak memory: 12.3 MB\n\
         Checkpoint: ./mnist.safetensors\nNext: runner mnist --help\n"
    );
    let hashed = said(Style { hash: true, ..TEXT }, |o| o.end(&summary()));
    assert_eq!(hashed, text + "Weights hash: 0123456789abcdef\n");
    let full = said(TEXT, |o| {
        o.end(&Summary {
            split: "Test",
            correct: 9905,
            of: 10_000,
            ..summary()
        })
    });
    assert!(
        full.starts_with("Test accuracy: 99.05% (9905 of 10000)\n"),
        "{full}"
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let unknown = Summary {
        peak_bytes: None,
        checkpoint: None,
        ..summary()
    };
    let text = said(TEXT, |o| o.end(&unknown));
    assert!(
        !text.contains("Peak") && !text.contains("Checkpoint"),
        "{text}"
    );
    let text = said(JSON, |o| o.end(&unknown));
    assert!(
        text.contains("\"peak_bytes\":null,\"checkpoint\":null"),
        "{text}"
    );
}

#[test]
fn the_json_summary_has_every_key() {
    let text = said(JSON, |o| o.end(&summary()));
    assert_eq!(
        text,
        "{\"event\":\"end\",\"accuracy\":0.954,\"hash\":\"0123456789abcdef\",\"seconds\":2.5,\
         \"peak_bytes\":12345678,\"checkpoint\":\"./mnist.safetensors\"}\n"
    );
}

#[test]
fn quiet_drops_log_lines_and_never_the_summary() {
    for style in [
        Style {
            quiet: true,
            ..TEXT
        },
        Style {
            quiet: true,
            ..JSON
        },
    ] {
        assert_eq!(said(style, |o| o.log(&line(1.5))), "");
        assert!(said(style, |o| o.end(&summary())).contains("ccuracy"));
    }
}

#[test]
fn a_reader_that_went_away_gets_silence_and_a_full_disk_a_message() {
    let broken = Page {
        error: Some(io::ErrorKind::BrokenPipe),
        ..Page::default()
    };
    assert_eq!(
        Output::to(broken, TEXT).log(&line(1.5)),
        Err(Failure::unheard())
    );
    let full = Page {
        error: Some(io::ErrorKind::StorageFull),
        ..Page::default()
    };
    let failure = Output::to(full, TEXT).log(&line(1.5)).unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("standard output: cannot write"),
        "{failure}"
    );
}
