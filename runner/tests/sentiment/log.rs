//! What a run prints, as text and as JSON.

use serde_json::Value;

use crate::program::Folder;
use crate::{said, small};

#[test]
fn an_epoch_is_three_lines_and_the_end_a_summary() {
    let folder = Folder::new("sentiment-log");
    let checkpoint = folder.file("net.safetensors");
    let said = said(&small(&checkpoint, &[]));
    let lines: Vec<&str> = said.lines().collect();
    let mut best = 0.0f64;
    for epoch in 1..=3 {
        let [first, second, third] = lines[3 * (epoch - 1)..3 * epoch] else {
            panic!("{said}");
        };
        let start = format!("Epoch {epoch}, loss ");
        let (loss, train) = first
            .strip_prefix(&start)
            .and_then(|rest| rest.split_once(", train accuracy: "))
            .expect(first);
        let parsed: f64 = loss.parse().expect(loss);
        assert_eq!(parsed.to_string(), loss, "the shortest decimal");
        // Five batches, and answers that are near to 0 at first.
        if epoch == 1 {
            assert!((parsed - 5.0 * 2f64.ln()).abs() < 0.1, "{loss}");
        }
        let percent = |text: &str| -> f64 {
            let number = text.strip_suffix('%').expect(text);
            assert_eq!(
                number.split_once('.').map(|(_, digits)| digits.len()),
                Some(2),
                "{text}"
            );
            number.parse().expect(text)
        };
        percent(train);
        let valid = percent(second.strip_prefix("Validation accuracy: ").expect(second));
        best = best.max(valid);
        assert_eq!(
            percent(third.strip_prefix("Best Valid accuracy: ").expect(third)),
            best
        );
    }
    let end = lines[9..].join("\n");
    for part in [
        "Held-out accuracy: ",
        " of 20)\nTime: ",
        " sentences per second\n",
        &format!("Checkpoint: {checkpoint}\n"),
        "Next: cargo run -p runner -- ",
        "\nWeights hash: ",
    ] {
        assert!(end.contains(part), "{part} in {end}");
    }
}

#[test]
fn json_says_the_same_as_text() {
    let folder = Folder::new("sentiment-json");
    let checkpoint = folder.file("net.safetensors");
    let text = said(&small(&checkpoint, &[]));
    let json = said(&small(&checkpoint, &["--json"]));
    let events: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert_eq!(events.len(), 4);
    let texts: Vec<&str> = text.lines().collect();
    let lines = events.iter().zip(json.lines()).zip(texts.chunks(3));
    for ((event, line), lines) in lines.take(3) {
        assert_eq!(event["event"], "log");
        assert_eq!(event["epochs"], 3);
        // Parsing a number may lose its last bit.
        let (_, loss) = line.split_once("\"loss\":").expect(line);
        let (loss, _) = loss.split_once(',').expect(line);
        let percent = |key: &str| format!("{:.2}%", 100.0 * event[key].as_f64().expect(key));
        assert_eq!(
            lines,
            [
                format!(
                    "Epoch {}, loss {loss}, train accuracy: {}",
                    event["epoch"],
                    percent("train_accuracy")
                ),
                format!("Validation accuracy: {}", percent("valid_accuracy")),
                format!("Best Valid accuracy: {}", percent("best_valid_accuracy")),
            ]
        );
    }
    let end = &events[3];
    assert_eq!(end["event"], "end");
    let hash = format!("Weights hash: {}", end["hash"].as_str().expect("a hash"));
    assert_eq!(text.lines().last(), Some(&*hash));
}
