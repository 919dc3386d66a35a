//! The command line: defaults to the letter, and every mistake a short message with exit status 2.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use minitorch_core::nn::Init;
use runner::args::mnist::{Data, Net, Optimiser, Pool, Preset, Recipe, Schedule, Settings};
use runner::args::{Backend, Files, Isa, Machine, Predict, Report, Run, Task, Training, parse};
use runner::error::Status;
use runner::output::Style;

fn command(options: &str) -> impl Iterator<Item = &str> + Clone {
    ["runner"].into_iter().chain(options.split_whitespace())
}

fn settings(options: &str) -> Settings {
    match parse(command(options)) {
        Ok(Task::Mnist(settings)) => settings,
        other => panic!("{options}: {other:?}"),
    }
}

fn mistake(options: &str) -> String {
    let failure = parse(command(options)).expect_err(options);
    assert_eq!(failure.status(), Status::Usage, "{options}");
    let message = failure.to_string();
    assert!(
        (1..=4).contains(&message.lines().count()),
        "{options}: {message}"
    );
    assert!(
        !message.starts_with("error"),
        "the program says that itself: {message}"
    );
    message
}

fn text(options: &str) -> String {
    match parse(command(options)) {
        Ok(Task::Print(text)) => text,
        other => panic!("{options}: {other:?}"),
    }
}

fn program(options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(options)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_defaults_are_the_contracts() {
    let contract = "mnist --epochs 20 --train 5000 --valid 500 --batch 16 --rate 0.01 --seed 0 --pool avg --backend rayon \
                    --net minitorch";
    assert_eq!(settings("mnist"), settings(contract));
    let run = Run {
        machine: Machine {
            backend: Backend::Rayon,
            threads: None,
            isa: Isa::Auto,
        },
        files: Files::default(),
        style: Style::default(),
        report: Report::default(),
    };
    let recipe = Recipe {
        net: Net::Minitorch,
        epochs: 20,
        batch: 16,
        rate: 0.01,
        pool: Pool::Avg,
        init: Init::MiniTorch,
        optimiser: Optimiser::Sgd,
        schedule: Schedule::Constant,
        normalise: false,
        shuffle: false,
        shift: 0,
        quirks: false,
    };
    let expected = Settings {
        recipe,
        seed: 0,
        data: Data::Embedded,
        train: Some(5000),
        valid: Some(500),
        run,
    };
    assert_eq!(settings("mnist"), expected);
}

#[test]
fn every_option_arrives() {
    let all = settings(
        "mnist --epochs 3 --train 100 --valid 20 --batch 8 --rate 0.5 --seed 18446744073709551615 --pool max \
         --net tiny --threads 7 --isa portable --checkpoint a --init b --hash --quiet --json",
    );
    assert_eq!(
        (
            all.recipe.epochs,
            all.recipe.batch,
            all.recipe.rate,
            all.recipe.pool,
            all.recipe.net
        ),
        (3, 8, 0.5, Pool::Max, Net::Tiny)
    );
    assert_eq!(
        (all.train, all.valid, all.seed),
        (Some(100), Some(20), u64::MAX)
    );
    let machine = all.run.machine;
    assert_eq!(
        (machine.backend, machine.threads, machine.isa),
        (Backend::Rayon, Some(7), Isa::Portable)
    );
    assert_eq!(
        (
            all.run.files.checkpoint,
            all.run.files.init,
            all.run.files.resume
        ),
        (Some("a".into()), Some("b".into()), None)
    );
    let style = all.run.style;
    assert!(style.hash && style.quiet && style.json);
    assert_eq!(
        settings("mnist --resume c --isa avx2").run.files.resume,
        Some(PathBuf::from("c"))
    );
    let serial = settings("mnist --backend serial --isa portable");
    assert_eq!(serial.run.machine.backend, Backend::Serial);
    assert_eq!(settings("mnist --rate=1e-3").recipe.rate, 0.001);
}

fn predict(options: &str) -> Predict {
    match parse(command(options)) {
        Ok(Task::Predict(arguments)) => arguments,
        other => panic!("{options}: {other:?}"),
    }
}

#[test]
fn every_option_of_predict_arrives() {
    let bare = predict("predict digit.png");
    assert_eq!(bare.inputs, ["digit.png"]);
    assert_eq!(
        (bare.checkpoint, bare.training),
        (None, Training::default())
    );
    assert!(!bare.quiet && !bare.json);

    let all = predict(
        "predict a.png - b.jpg --checkpoint c --preset accurate --pool avg --threads 7 --isa portable \
         --quiet --json",
    );
    assert_eq!(all.inputs, ["a.png", "-", "b.jpg"]);
    assert_eq!(all.checkpoint, Some("c".into()));
    let training = Training {
        preset: Some(Preset::Accurate),
        pool: Some(Pool::Avg),
    };
    assert_eq!(all.training, training);
    assert_eq!(
        (all.machine.isa, all.machine.threads),
        (Isa::Portable, Some(7))
    );
    assert!(all.quiet && all.json);
}

#[test]
fn a_preset_gives_way_to_an_option_wherever_it_stands() {
    assert_eq!(settings("mnist --preset accurate").recipe, Recipe::ACCURATE);
    assert_eq!(
        settings("mnist --preset minitorch").recipe,
        Recipe {
            quirks: true,
            ..Recipe::DEFAULT
        }
    );
    let changed = Recipe {
        epochs: 2,
        pool: Pool::Avg,
        ..Recipe::ACCURATE
    };
    assert_eq!(
        settings("mnist --preset accurate --epochs 2 --pool avg").recipe,
        changed
    );
    assert_eq!(
        settings("mnist --epochs 2 --pool avg --preset accurate").recipe,
        changed
    );
}

#[test]
fn full_takes_all_there_is_unless_told() {
    let full = settings("mnist --full --data some/folder");
    assert_eq!(
        (full.data, full.train, full.valid),
        (Data::Full("some/folder".into()), None, None)
    );
    let split = settings("mnist --data some/folder");
    assert_eq!(
        (split.data, split.train, split.valid),
        (Data::Split("some/folder".into()), Some(5000), Some(500))
    );
    let full = settings("mnist --full --data d --train 60000 --valid 10000");
    assert_eq!((full.train, full.valid), (Some(60_000), Some(10_000)));
}

#[test]
fn without_a_folder_the_full_set_comes_from_the_cache_or_a_mirror() {
    let cached = settings("mnist --full");
    assert_eq!(
        (cached.data, cached.train, cached.valid),
        (Data::Cached { mirror: None }, None, None)
    );
    let mirror = Some("http://localhost:8000/mnist".into());
    assert_eq!(
        settings("mnist --full --mirror http://localhost:8000/mnist").data,
        Data::Cached { mirror }
    );
}

#[test]
fn more_images_than_the_program_holds_names_full() {
    for options in [
        "--train 5001",
        "--valid 501",
        "--train 60000",
        "--data d --train 5001",
    ] {
        let message = mistake(&format!("mnist {options}"));
        assert!(message.contains("--full"), "{message}");
    }
    assert_eq!(
        mistake("mnist --train 5001"),
        "--train 5001: the program holds 5000 training images; --full has more"
    );
    // What is downloaded is known before it is.
    assert_eq!(
        mistake("mnist --full --train 60001"),
        "--train 60001: MNIST has 60000 training images"
    );
    assert_eq!(
        mistake("mnist --full --valid 10001 --mirror http://localhost/"),
        "--valid 10001: MNIST has 10000 held-out images"
    );
    assert_eq!(settings("mnist --full --train 60000").train, Some(60_000));
    assert_eq!(
        settings("mnist --full --data d --train 60001").train,
        Some(60_001)
    );
}

#[test]
fn more_threads_than_are_used_are_told() {
    let run = |threads: &str| {
        let toy = [
            "xor",
            "--engine",
            "fast",
            "--epochs",
            "1",
            "--threads",
            threads,
        ];
        let output = program(&toy);
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(run("64"), "");
    assert_eq!(
        run("65"),
        "warning: --threads 65: 64 are started, as no operation is cut into more parts\n"
    );
}

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
fn a_split_without_a_batch_is_a_mistake() {
    for options in [
        "--train 16",
        "--train 1",
        "--batch 5000",
        "--train 8 --batch 8",
        "--full --data d --train 16",
    ] {
        let message = mistake(&format!("mnist {options}"));
        assert!(message.contains("gives no batch"), "{message}");
    }
    assert_eq!(settings("mnist --train 17").train, Some(17));
}

#[test]
fn wrong_usage_names_what_is_wrong() {
    for (options, part) in [
        ("mnist --batch 0", "--batch"),
        ("mnist --batch -1", "--batch"),
        ("mnist --threads 0", "--threads"),
        ("mnist --epochs 0", "--epochs"),
        ("mnist --train 0", "--train"),
        ("mnist --valid 0", "--valid"),
        ("mnist --rate 0", "--rate"),
        ("mnist --rate -0.1", "--rate"),
        ("mnist --rate nan", "--rate"),
        ("mnist --rate=-inf", "--rate"),
        ("mnist --rate 1e60", "--rate"),
        ("mnist --rate fast", "--rate"),
        ("mnist --seed -1", "'--seed <N>': a whole number from 0"),
        ("sentiment --seed -1", "'--seed <N>': a whole number from 0"),
        ("xor --seed -1", "'--seed <N>': a whole number from 0"),
        ("mnist --preset best", "minitorch, accurate"),
        ("mnist --pool min", "avg, max"),
        ("mnist --net huge", "minitorch, tiny"),
        ("mnist --backend gpu", "rayon, serial"),
        ("mnist --isa mmx", "auto, portable, avx2, avx512"),
        ("mnist --no-such-option", "--no-such-option"),
        ("mnist --epoch 3", "--epochs"),
        ("mnist --epochs", "--epochs"),
        ("mnist --epochs 1 --epochs 2", "--epochs"),
        ("mnist stray", "stray"),
        ("mnist --resume a --init b", "--init"),
        ("mnist --mirror http://a", "--full"),
        ("mnist --mirror http://a --data d", "--data"),
        ("mnist --full --mirror http://a --data d", "--data"),
        ("mnist --full --mirror", "--mirror"),
        ("mnist --full --mirror a/b", "such as http://"),
        ("mnist --full --mirror ftp://a", "such as http://"),
        ("mnits", "mnist"),
        ("predict", "<INPUT>"),
        ("predict a.png --pool min", "avg, max"),
        ("predict a.png --preset best", "minitorch, accurate"),
        ("predict a.png --threads 0", "--threads"),
        ("predict a.png --no-such-option", "--no-such-option"),
        ("--no-such-option", "--no-such-option"),
    ] {
        let message = mistake(options);
        assert!(message.contains(part), "{options}: {message}");
    }
}

#[test]
fn an_option_that_would_change_nothing_is_a_mistake() {
    let programs = [
        "mnist",
        "sentiment",
        "predict a.png",
        "xor --engine fast",
        "bench",
        "parallel-check",
    ];
    for program in programs {
        let message = mistake(&format!("{program} --backend serial --threads 2"));
        assert!(
            message.starts_with("--threads is for --backend rayon"),
            "{message}"
        );
        for option in ["--threads 2", "--isa portable"] {
            let message = mistake(&format!("{program} --backend cuda {option}"));
            let name = option.split(' ').next().unwrap();
            assert!(message.starts_with(name), "{message}");
        }
    }
    let manual = "xor --engine manual --weights 1,2";
    for (options, start) in [
        (
            "xor --threads 2",
            "--threads changes nothing with --engine tensor",
        ),
        ("xor --engine tensor --threads 2", "--threads changes"),
        ("xor --engine scalar --threads 2", "--threads changes"),
        ("xor --engine scalar --isa portable", "--isa changes"),
        (&format!("{manual} --isa portable"), "--isa changes"),
        (&format!("{manual} --threads 2"), "--threads changes"),
        (&format!("{manual} --hidden 3"), "--hidden changes"),
        (&format!("{manual} --rate 0.1"), "--rate changes"),
        (&format!("{manual} --epochs 3"), "--epochs changes"),
        (&format!("{manual} --batch 3"), "--batch changes"),
        // There is a cell in colour in the picture only.
        (
            "show matmul --cell 0,1",
            "the following required arguments were not provided:\n--svg",
        ),
    ] {
        let message = mistake(options);
        assert!(message.starts_with(start), "{options}: {message}");
    }
    for options in [
        "xor --isa portable",
        "xor --backend serial",
        "xor --engine fast --threads 2 --isa portable",
        "show matmul --cell 0,1 --svg -",
    ] {
        assert!(parse(command(options)).is_ok(), "{options}");
    }
}

#[test]
fn hostile_arguments_stay_within_four_lines() {
    let failure = parse(["runner", "mnist", "--\n\n1\n2\n3\n4\n5\u{1b}[2J"]).unwrap_err();
    assert!(failure.to_string().lines().count() <= 4, "{failure}");
    let failure = parse(["runner", "mnist", "--pool", "\u{1b}[2J"]).unwrap_err();
    assert!(!failure.to_string().contains('\u{1b}'), "{failure}");
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

#[test]
fn the_program_says_it_with_its_exit_status() {
    let bare = program(&[]);
    assert_eq!(bare.status.code(), Some(0));
    let help = String::from_utf8(bare.stdout).unwrap();
    assert!(
        help.contains("Usage: runner") && help.contains("mnist"),
        "{help}"
    );
    assert!(bare.stderr.is_empty());
    assert_eq!(program(&["--version"]).status.code(), Some(0));
    assert_eq!(program(&["mnist", "--help"]).status.code(), Some(0));

    for options in [
        &["mnist", "--batch", "0"][..],
        &["mnist", "--preset", "best"],
        &["mnist", "--rate", "inf"],
    ] {
        let wrong = program(options);
        let message = String::from_utf8(wrong.stderr).unwrap();
        assert_eq!(wrong.status.code(), Some(2), "{message}");
        assert!(wrong.stdout.is_empty());
        assert!(
            message.starts_with("error: ") && message.lines().count() <= 4,
            "{message}"
        );
    }
    let missing = program(&["mnist", "--full", "--data", "no/such/folder"]);
    let message = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(1), "{message}");
    assert_eq!(message, "error: no/such/folder: no such folder\n");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_nobody_takes_is_no_panic() {
    let binary = env!("CARGO_BIN_EXE_runner");
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Command::new(binary)
        .arg("--help")
        .stdout(full)
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.starts_with("error: standard output: cannot write"),
        "{message}"
    );

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(binary)
        .arg("--help")
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
