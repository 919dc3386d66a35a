//! `runner mnist` as a whole: one run, one hash; interrupted and resumed; what it prints.

mod program;

use std::process::{Command, Stdio};

use minitorch_core::state::SafeTensors;

use program::{Folder, REPLACES, hash, run, runner};

#[test]
fn one_run_has_one_hash_on_any_threads_and_instructions() {
    let folder = Folder::new("hash");
    let checkpoint = folder.file("net.safetensors");
    for recipe in [
        &["--train", "100", "--epochs", "1"][..],
        &["--train", "150", "--epochs", "2", "--preset", "accurate"][..],
    ] {
        let with = |way: &[&str]| {
            hash(&[recipe, &["--checkpoint", &checkpoint, "--seed", "3"], way].concat())
        };
        let first = with(&["--backend", "serial"]);
        for way in [
            &["--backend", "serial", "--isa", "portable"][..],
            &["--threads", "1"][..],
            &["--threads", "2"][..],
            &["--threads", "3", "--isa", "portable"][..],
            &["--threads", "7"][..],
            &["--threads", "7"][..],
        ] {
            assert_eq!(with(way), first, "{recipe:?} {way:?}");
        }
        let other = hash(&[recipe, &["--checkpoint", &checkpoint, "--seed", "4"]].concat());
        assert_ne!(other, first, "another seed");
    }
}

#[test]
fn log_lines_and_summary_have_their_form() {
    let folder = Folder::new("form");
    let checkpoint = folder.file("net.safetensors");
    let output = run(&[
        "--train",
        "200",
        "--epochs",
        "2",
        "--hash",
        "--checkpoint",
        &checkpoint,
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{text}"
    );
    let lines: Vec<&str> = text.lines().collect();
    // 200 images in batches of 16: 12 batches, of which 0, 5 and 10 are logged.
    let logs: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("Epoch: "))
        .collect();
    assert_eq!(logs.len(), 6, "{text}");
    for (i, line) in logs.iter().enumerate() {
        let rest = line
            .strip_prefix(&format!("Epoch: {}/2, loss: ", i / 3 + 1))
            .unwrap_or_else(|| panic!("{line}"));
        let (loss, correct) = rest
            .split_once(", correct: ")
            .unwrap_or_else(|| panic!("{line}"));
        let loss: f64 = loss.parse().expect("a number");
        // The first line of an epoch has the loss of one batch, the others of five; each starts near ln 10.
        let batches = if i % 3 == 0 { 1.0 } else { 5.0 };
        assert!((loss / batches - 10f64.ln()).abs() < 0.2, "{line}");
        assert!(
            correct.parse::<u32>().is_ok_and(|correct| correct <= 16),
            "{line}"
        );
    }
    let rest = &lines[logs.len()..];
    assert!(
        rest[0].starts_with("Held-out accuracy: ") && rest[0].ends_with(" of 500)"),
        "{text}"
    );
    assert!(
        rest.iter()
            .any(|line| *line == format!("Checkpoint: {checkpoint}")),
        "{text}"
    );
    assert!(
        lines[lines.len() - 1].starts_with("Weights hash: "),
        "{text}"
    );
}

#[test]
fn json_has_one_object_a_line() {
    let folder = Folder::new("json");
    let checkpoint = folder.file("net.safetensors");
    let output = run(&[
        "--train",
        "50",
        "--epochs",
        "1",
        "--json",
        "--checkpoint",
        &checkpoint,
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (end, logs) = events.split_last().expect("events");
    assert!(!logs.is_empty());
    for log in logs {
        assert_eq!(
            (&log["event"], &log["of"]),
            (&"log".into(), &16.into()),
            "{log}"
        );
    }
    assert_eq!(end["event"], "end");
    assert_eq!(end["checkpoint"], checkpoint.as_str());
    assert_eq!(end["hash"].as_str().map(str::len), Some(16), "{end}");
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    let folder = Folder::new("resume");
    let (whole, part) = (
        folder.file("whole.safetensors"),
        folder.file("part.safetensors"),
    );
    for preset in ["minitorch", "accurate"] {
        let options = [
            "--train", "300", "--seed", "5", "--preset", preset, "--batch", "16",
        ];
        fn with<'a>(options: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
            [options, more].concat()
        }
        let expected = hash(&with(&options, &["--epochs", "3", "--checkpoint", &whole]));
        // Stopped by a signal somewhere in the middle; then on to the end.
        let mut child = runner(&with(
            &options,
            &["--epochs", "3", "--checkpoint", &part, "--json"],
        ))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
        let mut first = String::new();
        let mut stdout = std::io::BufReader::new(child.stdout.take().expect("stdout"));
        std::io::BufRead::read_line(&mut stdout, &mut first).expect("a line");
        let kill = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(kill.is_ok_and(|status| status.success()));
        std::io::copy(&mut stdout, &mut std::io::sink()).expect("the rest");
        let status = child.wait().expect("its end");
        // On a fast machine the run may have ended before the signal came.
        assert!(matches!(status.code(), Some(130 | 0)), "{status}");
        let resumed = hash(&with(
            &options,
            &["--epochs", "3", "--checkpoint", &part, "--resume", &part],
        ));
        assert_eq!(resumed, expected, "{preset}");
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = Folder::new("other");
    let checkpoint = folder.file("net.safetensors");
    let options = [
        "--train",
        "100",
        "--epochs",
        "1",
        "--checkpoint",
        &checkpoint,
    ];
    hash(&options);
    let refused = run(&[&options, &["--resume", &checkpoint, "--seed", "1"][..]].concat());
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{message}");
    assert!(
        message.contains("seed") && message.contains(&checkpoint),
        "{message}"
    );

    let refused = run(&[&options, &["--resume", &checkpoint, "--net", "tiny"][..]].concat());
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{message}");
    assert!(
        message.lines().count() <= 4
            && message.contains("with --net minitorch, but this one has --net tiny"),
        "{message}"
    );

    let other = folder.file("other");
    std::fs::write(&other, b"not a checkpoint").expect("a file");
    let refused = run(&[&options, &["--resume", &other][..]].concat());
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{message}");
    assert!(
        message.lines().count() <= 4 && message.contains(&other),
        "{message}"
    );
}

#[test]
fn weights_can_be_the_start_of_a_run() {
    let folder = Folder::new("init");
    let (first, second) = (folder.file("a.safetensors"), folder.file("b.safetensors"));
    hash(&["--train", "100", "--epochs", "1", "--checkpoint", &first]);
    let options = ["--train", "100", "--epochs", "1", "--checkpoint", &second];
    let from_weights = hash(&[&options, &["--init", &first][..]].concat());
    assert_ne!(from_weights, hash(&options));
}

/// `tests/data/pytorch` has weights that PyTorch trained and wrote, and how many held-out digits it reads with them.
#[test]
fn weights_of_pytorch_read_the_digits_that_they_read_there() {
    let reference = |name| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/pytorch");
        format!("{folder}/{name}.safetensors")
    };
    let folder = Folder::new("pytorch");
    let (weights, checkpoint) = (reference("mnist-trained"), folder.file("net.safetensors"));
    // One step at a rate that is too small to change a weight.
    let output = run(&[
        "--init",
        &weights,
        "--train",
        "17",
        "--epochs",
        "1",
        "--rate",
        "1e-30",
        "--quiet",
        "--checkpoint",
        &checkpoint,
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");

    let bytes = |path: &str| std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (weights, saved) = (bytes(&weights), bytes(&checkpoint));
    let parse = |bytes| SafeTensors::parse(bytes).expect("a file of tensors");
    let (weights, saved) = (parse(&weights), parse(&saved));
    assert_eq!(weights.views().len(), 8);
    for weight in weights.views() {
        let same = saved.get(weight.name()).expect("the name of the weight");
        assert_eq!(same.shape(), weight.shape(), "{}", weight.name());
        assert_eq!(same.data(), weight.data(), "{}", weight.name());
    }

    let numbers = bytes(&reference("mnist"));
    let correct = parse(&numbers);
    let correct = correct.get("avg correct").expect("a count");
    let correct = correct.read::<f64>().expect("a number")[0];
    assert!(correct > 400.0);
    let expected = format!("({correct} of 500)");
    assert!(text.contains(&expected), "{text} has no {expected}");
}

/// The file that a run saves to may hold what took long: it is told before the first epoch, unless the run leads there
/// itself.
#[test]
fn a_run_that_replaces_another_ones_checkpoint_says_so() {
    let folder = Folder::new("replaces");
    let (file, other) = (folder.file("net"), folder.file("other"));
    let said = |options: &[&str]| {
        let small = ["--train", "40", "--valid", "10", "--quiet", "--checkpoint"];
        let output = run(&[&small[..], options].concat());
        assert!(output.status.success(), "{options:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let warning = format!("warning: {file}{REPLACES}\n");
    assert_eq!(said(&[&file, "--epochs", "2"]), "");
    assert_eq!(said(&[&file, "--epochs", "2", "--backend", "serial"]), "");
    assert_eq!(said(&[&file, "--epochs", "3", "--resume", &file]), "");
    assert_eq!(said(&[&file, "--epochs", "2"]), warning, "fewer epochs");
    assert_eq!(said(&[&file, "--epochs", "2", "--rate", "0.1"]), warning);
    assert_eq!(said(&[&file, "--epochs", "2", "--seed", "1"]), warning);
    assert_eq!(said(&[&other, "--epochs", "1", "--init", &file]), "");
    let init = [&*file, "--epochs", "2", "--seed", "1", "--init", &other];
    assert_eq!(said(&init), warning, "from other weights");
    assert_eq!(said(&init), "");
    let on = [&*file, "--epochs", "3", "--seed", "1", "--resume", &file];
    assert_eq!(said(&on), "");
    assert_eq!(
        said(&[&file, "--epochs", "3", "--seed", "1"]),
        warning,
        "from weights drawn at random"
    );
}

/// Weights of another program are never what is meant to be replaced: nothing is trained, and they stay.
#[test]
fn what_another_program_has_saved_stays() {
    let folder = Folder::new("other-program");
    let said = |options: &str| {
        let mut command = program::program(&options.split(' ').collect::<Vec<_>>());
        let output = command.current_dir(folder.path()).output();
        let output = output.expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), error)
    };
    let short = "--train 20 --valid 10 --epochs 1";
    let fine = (Some(0), String::new());
    let refused = |file: &str| {
        let what =
            "this is what another program has saved; delete it, or name another --checkpoint";
        (Some(2), format!("error: {file}: {what}\n"))
    };
    assert_eq!(said(&format!("mnist {short} --checkpoint net")), fine);
    let text = format!("sentiment {short} --checkpoint");
    let before = std::fs::read(folder.file("net")).expect("a checkpoint");
    assert_eq!(said(&format!("{text} net")), refused("net"));
    assert_eq!(std::fs::read(folder.file("net")).ok(), Some(before));
    assert_eq!(said(&format!("{text} mnist.safetensors")), fine);
    // The default was not asked for, so it costs a warning.
    let before = std::fs::read(folder.file("mnist.safetensors")).expect("a checkpoint");
    let warned = "warning: ./mnist.safetensors: this is what another program has saved; nothing is saved, unless \
        --checkpoint names another file\n";
    assert_eq!(
        said(&format!("mnist {short}")),
        (Some(0), warned.to_string())
    );
    assert_eq!(
        std::fs::read(folder.file("mnist.safetensors")).ok(),
        Some(before)
    );
}

/// To go on from the end leads there, and nothing is told of a speed.
#[test]
fn nothing_is_left_of_a_run_that_has_ended() {
    let folder = Folder::new("ended");
    let file = folder.file("net");
    let small = ["--train", "40", "--valid", "10", "--quiet", "--epochs", "2"];
    let all = [&small[..], &["--hash", "--checkpoint", &file]].concat();
    let first = run(&all);
    let again = run(&[&all[..], &["--resume", &file]].concat());
    assert!(again.status.success());
    let [first, again] =
        [first, again].map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = |text: &str, start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        line.map(String::from)
    };
    assert_eq!(line(&again, "Time: ").as_deref(), Some("Time: 0.0 s"));
    assert!(first.contains("images per second"));
    for start in ["Held-out", "Weights hash"] {
        assert!(line(&first, start).is_some());
        assert_eq!(line(&first, start), line(&again, start));
    }
}

/// A loss that is no finite number ends each program: nothing is saved over what was good, and there is no page.
#[test]
fn a_run_that_diverges_ends_and_keeps_the_last_good_state() {
    let folder = Folder::new("diverges");
    let refused = |program: &str, said: &str| {
        let arguments: Vec<&str> = program.split_whitespace().collect();
        let mut command = program::program(&arguments);
        command
            .args(["--report", "page"])
            .current_dir(folder.path());
        let output = command.output().expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{program}: {error}");
        assert_eq!(error, format!("error: {said}\n"), "{program}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("Next: "));
    };
    let unsaved = "the loss is NaN; try a smaller --rate (nothing was saved)";
    let toy = "the loss is NaN; try a smaller --rate (this program saves nothing)";
    refused(
        "mnist --rate 1e9 --train 100 --checkpoint a",
        &format!("epoch 1, batch 3: {unsaved}"),
    );
    refused(
        "sentiment --rate 1e30 --checkpoint a",
        &format!("epoch 1, batch 2: {unsaved}"),
    );
    for engine in [
        "scalar --rate 1e200",
        "tensor --rate 1e200",
        "fast --rate 1e30",
    ] {
        refused(
            &format!("xor --engine {engine}"),
            &format!("epoch 1, batch 2: {toy}"),
        );
    }
    assert!(folder.names().is_empty(), "{:?}", folder.names());

    // Two epochs went well, however badly.
    let options = "sentiment --rate 1e5 --train 20 --valid 10 --checkpoint";
    refused(
        &format!("{options} kept"),
        "epoch 3, batch 1: the loss is NaN; try a smaller --rate (kept has the last state before)",
    );
    let (two, kept) = (folder.file("two"), folder.file("kept"));
    let mut command = program::program(&options.split(' ').collect::<Vec<_>>());
    let output = command.args([&two, "--epochs", "2"]).output();
    assert!(output.expect("the program starts").status.success());
    let [two, kept] = [two, kept].map(|file| std::fs::read(file).expect("a checkpoint"));
    assert!(two == kept);
}
