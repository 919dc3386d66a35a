//! What help says.

use crate::{mistake, text};

#[test]
fn help_is_a_word_too() {
    assert_eq!(text("help"), text("--help"));
    for task in [
        "mnist",
        "sentiment",
        "spiral",
        "predict",
        "show",
        "bench",
        "doctor",
    ] {
        assert_eq!(
            text(&format!("help {task}")),
            text(&format!("{task} --help"))
        );
    }
    // What has parts of its own names them, as the program does.
    assert_eq!(text("show"), text("show --help"));
    for toy in ["simple", "diag", "split", "xor", "circle", "spiral"] {
        let help = text(&format!("{toy} --help"));
        assert!(help.starts_with("Train a small network on points"));
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    }
    assert!(mistake("help mnits").contains("mnits"));
    // What is about the processor does not offer a GPU.
    assert!(!text("parallel-check --help").contains("cuda"));
}

#[test]
fn help_says_every_default_in_one_line_each() {
    let help = text("mnist --help");
    assert_eq!(help, text("mnist -h"));
    for (option, words) in [
        ("--preset", "minitorch or accurate"),
        ("--epochs", "[default: 20;"),
        ("--train", "[default: 5000;"),
        ("--valid", "[default: 500;"),
        ("--batch", "[default: 16;"),
        ("--rate", "[default: 0.01;"),
        ("--seed", "[default: 0]"),
        ("--pool", "[default: avg;"),
        ("--net", "[default: minitorch]"),
        ("--backend", "[default: rayon]"),
        ("--threads", "[default: one for each processor]"),
        ("--isa", "[default: auto]"),
        ("--checkpoint", "[default: ./mnist.safetensors,"),
        ("--full", "11 MB are downloaded once"),
        ("--data", "Folder"),
        ("--mirror", "--full"),
        ("--resume", "checkpoint"),
        ("--init", "safetensors"),
        ("--hash", "last line"),
        ("--quiet", "summary"),
        ("--json", "JSON"),
    ] {
        let line = help
            .lines()
            .find(|line| line.trim_start().starts_with(option))
            .expect(option);
        assert!(line.contains(words), "{line}");
        assert!(line.len() <= 120, "{line}");
    }
}

#[test]
fn help_of_sentiment_has_every_default() {
    let help = text("sentiment --help");
    assert_eq!(help, text("sentiment -h"));
    for (option, words) in [
        ("--preset", "minitorch or kim"),
        ("--epochs", "[default: 20; kim: 10]"),
        ("--batch", "[default: 10; kim: 50]"),
        ("--rate", "[default: 0.01; kim: 1]"),
        ("--seed", "[default: 0]"),
        ("--filters", "[default: 3,4,5]"),
        ("--maps", "[default: 100]"),
        ("--train-embeddings", "[default: false; kim: true]"),
        ("--embedding-dropout", "[default: 0; kim: 0.4]"),
        ("--unknown", "[default: shared; kim: own]"),
        ("--train ", "[default: 450; kim: all]"),
        ("--valid", "[default: 100; kim: all]"),
        ("--data", "train.tsv"),
        ("--glove", "[default: glove*.<N>d*.txt"),
        ("--embedding-dim", "[default: 50]"),
        ("--checkpoint", "./sentiment.safetensors]"),
    ] {
        let mut lines = help.lines().map(str::trim_start);
        let line = lines.find(|line| line.starts_with(option)).expect(option);
        assert!(line.contains(words), "{line}");
    }
    assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    // The line of the summary is the contract's; what it is worth here is said.
    assert!(
        help.contains("\"Held-out accuracy\" is that best of the validations"),
        "{help}"
    );
}

#[test]
fn help_of_predict_fits_a_line_each() {
    let help = text("predict --help");
    assert_eq!(help, text("predict -h"));
    for words in [
        "[default: ./mnist.safetensors]",
        "standard input",
        "--json",
        "--pool",
        "--preset",
    ] {
        assert!(help.contains(words), "{help}");
    }
    assert!(help.lines().all(|line| line.len() <= 120), "{help}");
}
