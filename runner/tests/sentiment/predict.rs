//! Asking a trained network, and a file that only claims to be one.

use serde_json::Value;

use crate::program::Folder;
use crate::{refused, run, said};

#[test]
fn a_trained_network_reads_text() {
    let folder = Folder::new("sentiment-predict");
    let net = folder.file("net.safetensors");
    let train = [
        "--train", "2000", "--valid", "20", "--epochs", "3", "--rate", "0.1", "--quiet",
    ];
    said(&[&["sentiment", "--checkpoint", &net][..], &train].concat());
    let good = "A wonderful, moving and beautiful film.";
    let bad = "A dull, stupid and boring mess xyzzy.";
    let answers = said(&["predict", good, bad, "--json", "--checkpoint", &net]);
    let events: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let positive: Vec<&Value> = events.iter().map(|event| &event["positive"]).collect();
    assert_eq!(positive, [true, false], "{answers}");
    assert_eq!(events[1]["unknown"], Value::from(vec!["xyzzy"]));
    assert_eq!(events[0]["text"], good);

    let text = said(&["predict", bad, "--checkpoint", &net]);
    let share = 100.0 * (1.0 - events[1]["probability"].as_f64().expect("a probability"));
    let expected = format!("{bad}: negative ({share:.2}%)\n  words without a vector: xyzzy\n");
    assert_eq!(text, expected);

    // The name of a picture is no text, and the rest is still answered.
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/digit.png");
    let output = run(&["predict", picture, good, "--checkpoint", &net]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.starts_with(&format!("error: {picture}: this is a file, and"))
            && errors.lines().count() == 2,
        "{errors}"
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with(&format!("{good}: positive (")), "{said}");

    let error = refused(&["predict", good, "--pool", "max", "--checkpoint", &net], 2);
    assert!(error.starts_with("error: --pool is for weights"), "{error}");

    // Standard input, here /dev/null, has none.
    let output = run(&["predict", "-", good, "--quiet", "--checkpoint", &net]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        errors,
        "error: standard input: there is no text; give one a line\n"
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with(&format!("{good}: positive (")), "{said}");

    // Alone, and after a text of nothing: the rest is still answered.
    let output = run(&["predict", " ", good, "--quiet", "--checkpoint", &net]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        errors,
        "error: \" \": a text of 1 to 1000 words is needed; this one has 0\n"
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with(&format!("{good}: positive (")), "{said}");
}

#[test]
fn a_checkpoint_that_lies_about_its_size_is_refused() {
    use minitorch_core::nn::Linear;
    use minitorch_core::{Cpu, Generator};

    let folder = Folder::new("sentiment-lies");
    let net = folder.file("net.safetensors");
    let part = Linear::new(&Cpu::<f32>::default(), 3, 2, &mut Generator::new(0)).expect("room");
    let widths = [64; 16];
    let honest: [(&str, &[u64]); 6] = [
        ("words", &[3, u64::from_le_bytes(*b"a\nb\0\0\0\0\0")]),
        ("dimension", &[4096]),
        ("maps", &[4096]),
        ("filters", &widths),
        ("combine", &[1]),
        ("lead", &[0]),
    ];
    let told = |name: &str, numbers: &[u64]| {
        let lie = honest.map(|(of, truth)| (of, if of == name { numbers } else { truth }));
        let file = minitorch_core::state::save(&part, None, &lie).expect("a file");
        std::fs::write(&net, file).expect("the file");
        refused(&["predict", "a", "--checkpoint", &net], 1)
    };
    // 17 GB of kernels in a file of a kilobyte.
    assert!(told("", &[]).contains("@dimension is out of range"));
    for (name, numbers) in [
        ("dimension", &[0][..]),
        ("dimension", &[u64::MAX]),
        ("maps", &[5000]),
        ("filters", &[]),
        ("filters", &[65]),
        ("combine", &[2]),
        ("lead", &[2]),
    ] {
        let errors = told(name, numbers);
        assert!(
            errors.contains(&format!("@{name} is out of range")),
            "{errors}"
        );
    }
    for numbers in [
        &[][..],
        &[9],
        &[u64::MAX, 0],
        &[3, 0xff],
        &[3, u64::from_le_bytes(*b"a\na\0\0\0\0\0")],
    ] {
        let errors = told("words", numbers);
        assert!(errors.contains("@words are not words"), "{errors}");
    }
}
