//! `runner sentiment`: what it prints, that it goes on to the same bits, and that its network can be asked.

mod program;

use std::process::Output;

use program::{Folder, program};
use serde_json::Value;

/// A run that is over in a moment.
const SMALL: [&str; 9] = [
    "sentiment",
    "--train",
    "45",
    "--valid",
    "20",
    "--epochs",
    "3",
    "--maps",
    "10",
];

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().expect("the program starts")
}

/// Standard output of a run that has to succeed.
fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Standard error of a run that has to fail.
fn refused(arguments: &[&str], status: i32) -> String {
    let output = run(arguments);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {errors}"
    );
    assert!(
        errors.starts_with("error: ") && errors.lines().count() <= 4,
        "{errors}"
    );
    errors
}

/// The small run with more options and its checkpoint in a folder.
fn small<'a>(checkpoint: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], &["--hash", "--checkpoint", checkpoint], options].concat()
}

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

#[test]
fn one_run_has_one_hash() {
    let folder = Folder::new("sentiment-hash");
    let checkpoint = folder.file("net.safetensors");
    for preset in [&[][..], &["--preset", "minitorch"], &["--preset", "kim"]] {
        let last = |options: &[&str]| {
            let said = said(&small(
                &checkpoint,
                &[preset, options, &["--quiet"]].concat(),
            ));
            said.lines().last().map(str::to_string)
        };
        let one = last(&["--threads", "1"]);
        for options in [
            &["--threads", "3"][..],
            &["--backend", "serial", "--isa", "portable"],
        ] {
            assert_eq!(last(options), one, "{preset:?} {options:?}");
        }
        assert_ne!(last(&["--seed", "1"]), one, "{preset:?}");
    }
}

#[test]
fn nothing_is_left_to_do_for_a_run_that_ended() {
    let folder = Folder::new("sentiment-resume");
    let net = folder.file("net.safetensors");
    for preset in [&[][..], &["--preset", "kim"]] {
        let first = said(&small(&net, preset));
        let again = said(&[&small(&net, preset)[..], &["--resume", &net]].concat());
        assert_eq!(first.lines().last(), again.lines().last(), "{preset:?}");
        assert!(!again.contains("Epoch "), "{again}");
        let accuracy = |said: &str| {
            let mut lines = said.lines();
            lines
                .find(|line| line.starts_with("Held-out"))
                .map(str::to_string)
        };
        assert_eq!(accuracy(&first), accuracy(&again), "{preset:?}");
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = Folder::new("sentiment-other");
    let [net, digits] = ["net", "digits"].map(|name| folder.file(name));
    said(&small(&net, &[]));
    let resume = |options: &[&'static str]| {
        let checkpoint = folder.file("other");
        refused(
            &[&small(&checkpoint, options)[..], &["--resume", &net]].concat(),
            1,
        )
    };
    for (options, expected) in [
        (
            &["--rate", "0.5"][..],
            "--rate 0.01, but this one has --rate 0.5",
        ),
        (
            &["--filters", "2,3"],
            "--filters 3,4,5, but this one has --filters 2,3",
        ),
        (&["--seed", "7"], "--seed 0, but this one has --seed 7"),
        (&["--train-embeddings"], "--train-embeddings=false, but"),
        (
            &["--unknown", "own"],
            "--unknown shared, but this one has --unknown own",
        ),
        (
            &["--embedding-dropout", "0.25"],
            "--embedding-dropout 0, but this one has --embedding-dropout 0.25",
        ),
        (&["--preset", "minitorch"], "another --preset"),
    ] {
        let errors = resume(options);
        assert!(
            errors.contains(expected) && errors.contains(&net),
            "{errors}"
        );
    }
    let train = [
        "mnist",
        "--train",
        "32",
        "--epochs",
        "1",
        "--quiet",
        "--checkpoint",
        &digits,
    ];
    said(&train);
    let checkpoint = folder.file("other");
    let errors = refused(
        &[&small(&checkpoint, &[])[..], &["--resume", &digits]].concat(),
        1,
    );
    assert!(errors.contains(&digits), "{errors}");
    let errors = refused(
        &[
            "mnist",
            "--quiet",
            "--resume",
            &net,
            "--checkpoint",
            &checkpoint,
        ],
        1,
    );
    assert!(errors.contains(&net), "{errors}");
}

#[test]
fn a_run_that_kept_its_best_weights_is_at_its_end() {
    let folder = Folder::new("sentiment-end");
    let [net, other] = ["net", "other"].map(|name| folder.file(name));
    let kim = "sentiment --preset kim --train 45 --valid 20 --maps 5";
    let kim: Vec<&str> = kim.split(' ').collect();
    let longer = [&kim[..], &["--checkpoint", &other, "--epochs", "4"]].concat();
    said(&[&kim[..], &["--checkpoint", &net, "--epochs", "3"]].concat());
    let errors = refused(&[&longer[..], &["--resume", &net]].concat(), 1);
    assert!(
        errors.contains(&net) && errors.contains("--epochs 3, but this one has --epochs 4"),
        "{errors}"
    );
    said(&[&longer[..], &["--init", &net]].concat());
}

#[test]
fn weights_of_other_words_are_no_beginning() {
    let folder = Folder::new("sentiment-words");
    let [net, other] = ["net", "other"].map(|name| folder.file(name));
    said(&small(&net, &[]));
    said(&small(&other, &["--init", &net, "--seed", "1"]));
    let mut shorter = small(&other, &["--init", &net]);
    shorter[2] = "44";
    let errors = refused(&shorter, 1);
    assert!(
        errors.contains(&net) && errors.contains("its words are not those"),
        "{errors}"
    );
}

#[test]
fn mistakes_are_told() {
    for (arguments, status, expected) in [
        (
            &["--train", "5001"][..],
            2,
            "the program holds 5000 training sentences",
        ),
        (
            &["--valid", "1001"],
            2,
            "the program holds 1000 validation sentences",
        ),
        (&["--embedding-dim", "100"], 2, "have 50 dimensions"),
        (&["--filters", "3,0"], 2, "1 to 64"),
        (&["--filters", ""], 2, "1 to 64"),
        (&["--maps", "0"], 2, "1 to 4096"),
        (&["--batch", "0"], 2, "--batch"),
        (&["--preset", "lecun"], 2, "lecun"),
        (&["--glove", "x"], 2, "--data"),
        (&["--train-embeddings=maybe"], 2, "maybe"),
        (&["--unknown", "zero"], 2, "zero"),
        (&["--embedding-dropout", "1"], 2, "from 0 to less than 1"),
        (&["--embedding-dropout", "-0.1"], 2, "from 0 to less than 1"),
        (&["--embedding-dropout", "nan"], 2, "from 0 to less than 1"),
        (
            &["--data", "/no/such/folder"],
            1,
            "/no/such/folder: no such folder",
        ),
    ] {
        let errors = refused(&[&["sentiment"], arguments].concat(), status);
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
}

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
fn a_word_with_a_vector_of_its_own_is_known() {
    let folder = Folder::new("sentiment-own");
    let [net, again] = ["net", "again"].map(|name| folder.file(name));
    for (name, content) in [
        (
            "train.tsv",
            "sentence\tlabel\ngood xyzzy\t1\nbad plugh\t0\n",
        ),
        ("dev.tsv", "sentence\tlabel\ngood frotz\t1\n"),
        ("glove.2d.txt", "good 1 2\nbad -1 0.5\n"),
    ] {
        std::fs::write(folder.file(name), content).expect("a file");
    }
    let data = folder.path().display().to_string();
    let train = |options: &[&str]| {
        let fixed =
            "--train 2 --valid 1 --embedding-dim 2 --maps 3 --quiet --hash --train-embeddings";
        let fixed: Vec<&str> = fixed.split(' ').collect();
        said(&[&["sentiment", "--data", &data], &fixed[..], options].concat())
    };
    for (kind, expected) in [
        ("own", &["frotz"][..]),
        ("shared", &["xyzzy", "plugh", "frotz"]),
    ] {
        train(&["--unknown", kind, "--epochs", "2", "--checkpoint", &net]);
        let json = said(&[
            "predict",
            "Xyzzy plugh frotz good",
            "--json",
            "--checkpoint",
            &net,
        ]);
        let event: Value = serde_json::from_str(&json).expect(&json);
        assert_eq!(event["unknown"], Value::from(expected), "{kind}");

        let last = |said: String| said.lines().last().map(str::to_string);
        let longer = ["--unknown", kind, "--epochs", "5", "--checkpoint", &again];
        let whole = last(train(&longer));
        let resumed = last(train(&[&longer[..], &["--resume", &net]].concat()));
        assert_eq!(resumed, whole, "{kind}");
    }
}

/// Numbers that nobody typed give way to what is there, and the page's command can be typed.
#[test]
fn a_folder_with_fewer_sentences_than_usual_is_used_whole() {
    let folder = Folder::new("sentiment-few");
    let [net, page] = ["net", "page.html"].map(|name| folder.file(name));
    for (name, content) in [
        ("train.tsv", "sentence\tlabel\ngood film\t1\nbad film\t0\n"),
        ("dev.tsv", "sentence\tlabel\ngood\t1\n"),
        ("glove.2d.txt", "good 1 2\nbad -1 0.5\n"),
    ] {
        std::fs::write(folder.file(name), content).expect("a file");
    }
    let data = folder.path().display().to_string();
    let options = [
        "sentiment",
        "--data",
        &data,
        "--embedding-dim",
        "2",
        "--checkpoint",
        &net,
    ];
    let short = [&options[..], &["--epochs", "1", "--report", &page]].concat();
    let output = run(&short);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        errors,
        "warning: 2 training sentences are all there are; 450 are usual\n\
         warning: 1 validation sentences are all there are; 100 are usual\n"
    );
    let page = std::fs::read_to_string(page).expect("the page");
    for typed in ["--train 2<", "--valid 1<"] {
        assert!(page.contains(typed), "{page}");
    }
    for (option, expected) in [
        ("--train", "holds 2 training sentences"),
        ("--valid", "holds 1 validation sentences"),
    ] {
        let errors = refused(&[&options[..], &[option, "3"]].concat(), 2);
        assert!(errors.contains(expected), "{errors}");
    }
}

#[test]
fn phrases_are_named_where_they_are_trained_on() {
    let folder = Folder::new("sentiment-phrases");
    let [net, page] = ["net", "page.html"].map(|name| folder.file(name));
    for (name, content) in [
        ("stsa.binary.train", "1 a good film\n0 a bad film\n"),
        (
            "stsa.binary.phrases.train",
            "1 a good film\n1 good\n0 bad\n0 dull\n",
        ),
        ("stsa.binary.dev", "0 dull\n"),
        ("glove.2d.txt", "good 1 2\nbad -1 0.5\n"),
    ] {
        std::fs::write(folder.file(name), content).expect("a file");
    }
    let data = folder.path().display().to_string();
    let fixed = "--embedding-dim 2 --maps 3 --epochs 1 --quiet --preset kim --checkpoint";
    let fixed: Vec<&str> = fixed.split(' ').chain([&*net]).collect();
    let train =
        |options: &[&str]| said(&[&["sentiment", "--data", &data], &fixed[..], options].concat());
    let text = train(&["--report", &page]);
    assert!(
        text.contains("\nTrained on: 1 sentences and 2 phrases\n"),
        "{text}"
    );
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.contains("1 sentences and 2 phrases"), "{page}");
    let json: Value = serde_json::from_str(&train(&["--json"])).expect("an object");
    assert_eq!(
        json["trained_on"],
        serde_json::json!({"sentences": 1, "phrases": 2})
    );

    std::fs::remove_file(folder.file("stsa.binary.phrases.train")).expect("the file");
    assert!(!train(&[]).contains("Trained on"));
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
