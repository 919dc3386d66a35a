//! The programs on points in a square, as a person runs them: MiniTorch's own numbers, what is learnt, and one hash.

use std::process::{Command, Output, Stdio};

const PATTERNS: [&str; 6] = ["simple", "diag", "split", "xor", "circle", "spiral"];

fn run(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// The lines of a run that has to succeed.
fn said(arguments: &str) -> Vec<String> {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {error}");
    assert_eq!(error, "", "{arguments}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_string).collect()
}

fn hash(arguments: &str) -> String {
    let lines = said(&format!("{arguments} --quiet --hash"));
    let last = lines.last().expect("a line");
    assert!(last.starts_with("Weights hash: "), "{arguments}: {last}");
    last.clone()
}

/// The number after `word` in a log line.
fn number(line: &str, word: &str) -> f64 {
    let mut words = line.split_whitespace().skip_while(|other| *other != word);
    words.nth(1).expect(word).parse().expect(line)
}

/// What MiniTorch itself prints for seed 0 (`run_scalar.py` and `run_tensor.py` after `random.seed(0)`).
#[test]
fn the_preset_gives_minitorchs_published_losses() {
    const PUBLISHED: [(f64, f64); 3] = [
        (10.0, 32.40666979299185),
        (20.0, 31.7576935418952),
        (30.0, 30.917717641215226),
    ];
    for engine in ["scalar", "tensor"] {
        let lines = said(&format!(
            "simple --engine {engine} --preset minitorch --seed 0"
        ));
        for ((epoch, loss), line) in PUBLISHED.iter().zip(&lines) {
            assert_eq!(number(line, "Epoch"), *epoch);
            let ours = number(line, "loss");
            assert!((ours / loss - 1.0).abs() < 1e-12, "{engine}: {line}");
        }
        let logs = lines.iter().filter(|line| line.starts_with("Epoch  "));
        assert_eq!(logs.count(), 50, "every 10 of 500 epochs");
    }
}

#[test]
fn both_engines_learn_every_pattern() {
    for pattern in PATTERNS {
        for engine in ["tensor", "fast"] {
            let lines = said(&format!("{pattern} --engine {engine} --quiet"));
            let right = lines[0].split_once('(').and_then(|(_, of)| {
                let (right, all) = of.strip_suffix(')')?.split_once(" of ")?;
                Some((right.parse::<usize>().ok()?, all.parse::<usize>().ok()?))
            });
            let (right, all) = right.unwrap_or_else(|| panic!("{}", lines[0]));
            assert!(all == 50 && right >= 49, "{pattern} {engine}: {}", lines[0]);
        }
    }
}

#[test]
fn one_run_has_one_hash() {
    let recipe = "spiral --engine fast --epochs 20 --hidden 33 --seed 3";
    let first = hash(recipe);
    for way in [
        "--backend serial",
        "--threads 1",
        "--threads 3",
        "--isa portable",
    ] {
        assert_eq!(hash(&format!("{recipe} {way}")), first, "{way}");
    }
    assert_ne!(
        hash("spiral --engine fast --epochs 20 --hidden 33 --seed 4"),
        first
    );
    let double = hash("xor --engine tensor --epochs 20");
    assert_eq!(
        hash("xor --engine tensor --epochs 20 --isa portable"),
        double
    );
}

/// The engines round differently (tensors multiply and add in one step), but in double precision: a few epochs on, the
/// weights are still the same in single precision, which is what the hash is of.
#[test]
fn scalars_and_tensors_learn_the_same_weights() {
    for pattern in PATTERNS {
        let recipe = format!("{pattern} --epochs 12 --hidden 6");
        let scalar = hash(&format!("{recipe} --engine scalar"));
        assert_eq!(
            hash(&format!("{recipe} --engine tensor")),
            scalar,
            "{pattern}"
        );
    }
}

#[test]
fn a_log_line_has_minitorchs_form() {
    let lines = said("xor --epochs 25 --hash");
    let epochs: Vec<_> = lines
        .iter()
        .take(3)
        .map(|line| number(line, "Epoch"))
        .collect();
    assert_eq!(epochs, [10.0, 20.0, 25.0], "and the last");
    let (loss, correct) = (number(&lines[0], "loss"), number(&lines[0], "correct"));
    assert_eq!(
        lines[0],
        format!("Epoch  10  loss  {loss} correct {correct}")
    );
    assert!(lines[3].starts_with("Training accuracy: "), "{}", lines[3]);
    assert!(lines[lines.len() - 1].starts_with("Weights hash: "));
}

#[test]
fn json_lines_have_the_keys_of_the_other_programs() {
    let lines = said("simple --epochs 10 --json");
    let [log, end] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert!(
        log.starts_with("{\"event\":\"log\",\"epoch\":10,\"epochs\":10,\"loss\":")
            && log.ends_with(",\"of\":50}"),
        "{log}"
    );
    assert!(end.starts_with("{\"event\":\"end\",\"accuracy\":"), "{end}");
}

/// The loss of a line is the sum of its cross-entropies, `ln 2` a point where it is undecided.
#[test]
fn the_manual_engine_looks_once_and_learns_nothing() {
    let lines = said("simple --engine manual --weights -1000,0 --bias 500");
    assert!(
        lines[0].starts_with("Epoch  0  loss  ") && lines[0].ends_with(" correct 50"),
        "{}",
        lines[0]
    );
    assert!(
        number(&lines[0], "loss") < 1.0,
        "a steep line between the classes"
    );
    let wrong = said("simple --engine manual --weights 1000,0 --bias=-500");
    assert!(wrong[0].ends_with(" correct 0"), "{}", wrong[0]);
    let undecided = said("simple --engine manual --weights 0,0 --points 8");
    assert!((number(&undecided[0], "loss") - 8.0 * 2f64.ln()).abs() < 1e-14);
}

/// As of the engines that learn.
#[test]
fn a_line_without_a_loss_is_a_failure() {
    for (bias, loss) in [("1e308", "NaN"), ("-1e308", "inf")] {
        let output = run(&format!(
            "simple --engine manual --weights 1e308,1e308 --bias {bias}"
        ));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        let expected = format!("error: the loss is {loss}; try smaller --weights and --bias\n");
        assert_eq!(error, expected);
        assert!(output.stdout.is_empty());
    }
}

/// What is 0 in the engine's numbers would change no weight.
#[test]
fn a_rate_that_the_engine_cannot_hold_is_refused() {
    for (rate, why) in [
        ("1e-60", "where this is 0"),
        ("1e39", "where this is infinite"),
    ] {
        let output = run(&format!("simple --engine fast --epochs 1 --rate {rate}"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(why), "{error}");
        let output = run(&format!("simple --engine tensor --epochs 1 --rate {rate}"));
        assert!(output.status.success(), "{rate}");
    }
}

/// No loss has seen the weights that the last update makes.
#[test]
fn a_last_update_that_overflows_is_a_failure() {
    let output = run("xor --engine fast --epochs 1 --batch 50 --hidden 500 --rate 3e38");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(
        error,
        "error: after epoch 1: the weights are no finite numbers any more; \
         try a smaller --rate (this program saves nothing)\n"
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("Next: "));
}

/// Double precision has room for a loss of 1e30: still a number, but nobody should be told to go on from there.
#[test]
fn a_loss_that_explodes_is_no_success_to_build_on() {
    let output = run("xor --epochs 3 --rate 1e6 --quiet");
    let error = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(
        error.starts_with("warning: the loss has grown from ")
            && error.ends_with("try a smaller --rate\n")
            && error.lines().count() == 1,
        "{error}"
    );
    assert!(
        said.contains("Next: cargo run -p runner -- xor\n"),
        "{said}"
    );
    // What has only begun to learn is no such case.
    for engine in ["tensor", "fast"] {
        said_of_nothing_wrong(&format!(
            "spiral --preset minitorch --epochs 2 --engine {engine}"
        ));
    }
}

fn said_of_nothing_wrong(arguments: &str) {
    let lines = said(arguments);
    assert!(
        lines.iter().any(|line| line.starts_with("Next: cargo")),
        "{lines:?}"
    );
}

#[test]
fn mistakes_are_short_sentences() {
    for (arguments, expected) in [
        ("simple --points 0", "--points"),
        ("simple --points 2000000", "1000000"),
        ("spiral --points 7", "even number"),
        ("xor --hidden 100000", "2048"),
        ("xor --rate nan", "finite number"),
        ("xor --batch 0", "--batch"),
        ("xor --engine quick", "--engine"),
        ("xor --preset kim", "--preset"),
        ("xor --weights 1,2", "--engine manual"),
        ("xor --engine manual", "--weights"),
        ("xor --engine manual --weights 1", "comma"),
        ("xor --checkpoint a", "--checkpoint"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        assert!(error.lines().count() <= 4, "{arguments}: {error}");
        assert!(output.stdout.is_empty());
    }
}
