//! `--report`: every program leaves one page that has its parts, needs nothing but itself, and changes nothing else.

mod browser;
mod mnist;
mod page;
#[path = "../program/mod.rs"]
mod program;
mod sentiment;
mod toy;

use std::fs;
use std::process::{Command, Output, Stdio};

use page::Element;
use program::{Folder, REPLACES};

/// The program with these arguments and a page in the folder, and its output.
fn run(folder: &Folder, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(arguments.split_whitespace())
        .args(["--report", "page.html"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// The page of a run that has to succeed, and what the run said.
fn report(folder: &Folder, arguments: &str) -> (Element, String) {
    let output = run(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {error}");
    let mut complaints = error.lines().filter(|line| !line.ends_with(REPLACES));
    assert_eq!(complaints.next(), None, "{arguments}");
    assert_eq!(folder.temporary(), [""; 0]);
    let text = fs::read_to_string(folder.file("page.html")).expect("the page");
    let page = page::parse(&text);
    needs_nothing_else(&page, &text);
    (page, String::from_utf8(output.stdout).expect("UTF-8"))
}

/// What all pages have in common.
fn needs_nothing_else(page: &Element, text: &str) {
    let policy = page.all(|e| e.attribute("http-equiv") == Some("Content-Security-Policy"));
    let policy = policy[0].attribute("content").expect("a policy");
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    );
    for element in page.all(|_| true) {
        assert!(!["script", "link", "iframe", "object"].contains(&&*element.name));
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on"), "{name}");
            if ["src", "href", "srcset", "data", "action"].contains(&&**name) {
                assert!(
                    value.starts_with("data:image/png;base64,"),
                    "{name}={value}"
                );
            }
        }
    }
    for fetched in ["http:", "https:", "url(", "@import", "//cdn"] {
        assert!(!text.contains(fetched), "{fetched}");
    }
}

/// The points of the first curve of a figure, as they are drawn: y goes downwards.
fn curve(page: &Element, id: &str) -> Vec<(f64, f64)> {
    let curves = page.id(id).all(|e| e.name == "polyline");
    let coloured = |e: &&&Element| e.attribute("stroke") == Some("#000001");
    let first = curves.iter().find(coloured).expect("a curve");
    let points = first
        .attribute("points")
        .expect("points")
        .split_whitespace();
    points
        .map(|point| {
            let (x, y) = point.split_once(',').expect(point);
            (x.parse().expect(x), y.parse().expect(y))
        })
        .collect()
}

/// How many points the first curve of a figure has.
fn points(page: &Element, id: &str) -> usize {
    curve(page, id).len()
}

/// The curve has these values, on a scale of its own, up to the rounding of a drawing; and goes to the right.
fn has_values(page: &Element, id: &str, values: &[f64]) {
    let curve = curve(page, id);
    assert_eq!(curve.len(), values.len(), "{id}");
    assert!(curve.is_sorted_by(|a, b| a.0 < b.0), "{id}: {curve:?}");
    let extreme = |better: fn(f64, f64) -> bool| {
        let places = 0..values.len();
        places
            .reduce(|a, b| if better(values[b], values[a]) { b } else { a })
            .expect("a value")
    };
    let (low, high) = (extreme(|a, b| a < b), extreme(|a, b| a > b));
    let scale = (curve[high].1 - curve[low].1) / (values[high] - values[low]);
    assert!(scale < 0.0, "{id}: {scale}");
    for (value, (_, y)) in values.iter().zip(&curve) {
        let expected = curve[low].1 + scale * (value - values[low]);
        assert!(
            (y - expected).abs() <= 2.0,
            "{id}: {value} is at {y}, not {expected}"
        );
    }
}

/// A number of each log line of a run with `--json`.
fn logged(said: &str, name: &str) -> Vec<f64> {
    let lines = said
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    let logs = lines.filter(|line: &serde_json::Value| line["event"] == "log");
    logs.map(|log| log[name].as_f64().expect(name)).collect()
}

/// How many the summary says are right, and of how many.
fn right(said: &str) -> (usize, usize) {
    // Log lines may tell accuracies, too, but without counts.
    let line = said
        .lines()
        .find(|line| line.contains(" accuracy: ") && line.ends_with(')'))
        .expect("a summary");
    let (_, counts) = line.split_once('(').expect("counts");
    let (right, all) = counts
        .trim_end_matches(')')
        .split_once(" of ")
        .expect("counts");
    (
        right.parse().expect("a number"),
        all.parse().expect("a number"),
    )
}

/// The text of these elements of two pages is the same, and so are their attributes.
fn same(one: &Element, other: &Element, ids: &[&str]) {
    for id in ids {
        assert_eq!(one.id(id), other.id(id), "{id}");
    }
}

#[test]
fn a_place_that_cannot_be_written_to_ends_a_run_before_it_begins() {
    let folder = Folder::new("report-place");
    fs::create_dir(folder.file("folder")).expect("a folder");
    for program in ["xor", "mnist --checkpoint net --train 100 --epochs 1"] {
        for (place, status, expected) in [
            ("missing/page.html", 1, "there is no folder missing"),
            ("folder", 1, "is a folder"),
        ] {
            let output = program_with(&folder, program, place);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(status),
                "{program} {place}: {error}"
            );
            assert!(error.contains(expected) && error.contains(place), "{error}");
            assert!(
                error.lines().count() <= 4 && output.stdout.is_empty(),
                "{error}"
            );
        }
    }
    let output = program_with(&folder, "mnist --checkpoint net", "./net");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("give another name"), "{error}");
    assert_eq!(folder.names(), ["folder"]);
}

/// What is there and is neither a page nor weights is not replaced by one; what is, is.
#[test]
fn nothing_takes_the_place_of_another_kind_of_file() {
    let folder = Folder::new("report-kind");
    for (name, content) in [("picture.png", "\u{89}PNG"), ("net", "\0\0\0\0\0\0\0\0{}")] {
        fs::write(folder.file(name), content).expect("a file");
    }
    let spiral = "spiral --epochs 1 --points 10";
    let mnist = "mnist --train 20 --epochs 1 --checkpoint";
    for (program, place, told) in [
        (
            spiral,
            "picture.png",
            "--report picture.png: this file is there and is not a page",
        ),
        (
            spiral,
            "net",
            "--report net: this file is there and is not a page",
        ),
        (
            &format!("{mnist} picture.png"),
            "page",
            "--checkpoint picture.png: this file is there",
        ),
    ] {
        let output = program_with(&folder, program, place);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{program} {place}: {error}");
        assert!(error.starts_with(&format!("error: {told}")), "{error}");
    }
    assert_eq!(folder.names(), ["net", "picture.png"]);
    for _ in 0..2 {
        let output = program_with(&folder, &format!("{mnist} net"), "page");
        assert!(output.status.success(), "{output:?}");
    }
}

/// Neither a page nor weights go to standard output, and no file is called `-` by mistake.
#[test]
fn standard_output_is_for_the_log() {
    let folder = Folder::new("report-dash");
    for (program, place, option) in [
        ("xor", "-", "--report"),
        ("mnist --checkpoint net", "-", "--report"),
        ("sentiment --checkpoint -", "page", "--checkpoint"),
    ] {
        let output = program_with(&folder, program, place);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{program}: {error}");
        assert_eq!(
            error,
            format!(
                "error: {option} -: standard output has the log; give the name of a file (./- for one that is called -)\n"
            )
        );
    }
    assert!(folder.names().is_empty());
    let output = program_with(&folder, "xor --epochs 1", "./-");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(folder.names(), ["-"]);
}

/// Whatever a run reads is refused as the page's place, by any name, before anything is read.
#[test]
fn no_page_takes_the_place_of_data() {
    let folder = Folder::new("report-data");
    let digits = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let sentences = [
        "stsa.binary.train",
        "stsa.binary.dev.gz",
        "stsa.binary.test",
        "stsa.binary.phrases.train",
        "glove.50d.txt",
    ];
    for name in digits.iter().chain(&sentences) {
        fs::write(folder.file(name), name).expect("a file");
    }
    fs::write(folder.file("vectors"), "vectors").expect("a file");
    let before = folder.names();
    let refused = |program: &str, place: &str| {
        let program = format!("{program} --epochs 1 --checkpoint net");
        let output = program_with(&folder, &program, place);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{program} {place}: {error}");
        assert_eq!(
            error,
            format!("error: --report {place}: the run has this file for data; give another name\n")
        );
    };
    for name in digits {
        refused("mnist --data .", name);
        refused("mnist --full --data .", &format!("./{name}"));
    }
    for name in sentences {
        refused("sentiment --preset kim --data .", name);
    }
    // Nor do weights.
    for (program, name) in [("mnist", digits[1]), ("sentiment", sentences[4])] {
        let program = format!("{program} --data . --epochs 1 --checkpoint ./{name}");
        let output = program_with(&folder, &program, "page");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{program}: {error}");
        let expected = "the run has this file for data; give another name\n";
        assert_eq!(error, format!("error: --checkpoint ./{name}: {expected}"));
    }
    refused("sentiment --data . --glove vectors", "./vectors");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(digits[0], folder.file("link")).expect("a link");
        refused("mnist --data .", "link");
        fs::remove_file(folder.file("link")).expect("the link");
        // Nor does it take that of weights that are not there yet.
        std::os::unix::fs::symlink("net", folder.file("link")).expect("a link");
        let output = program_with(&folder, "mnist --epochs 1 --checkpoint net", "link");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        let expected = "the run has this file for weights; give another name\n";
        assert_eq!(error, format!("error: --report link: {expected}"));
        fs::remove_file(folder.file("link")).expect("the link");
    }
    assert_eq!(folder.names(), before);
    for name in digits.iter().chain(&sentences) {
        assert_eq!(fs::read_to_string(folder.file(name)).expect(name), *name);
    }
}

fn program_with(folder: &Folder, program: &str, place: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(program.split_whitespace())
        .args(["--report", place])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

#[test]
fn a_run_that_fails_leaves_the_page_as_it_was() {
    let folder = Folder::new("report-fails");
    fs::write(folder.file("page.html"), "<!DOCTYPE html>old").expect("a page");
    let output = run(&folder, "mnist --checkpoint net --init missing");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        fs::read_to_string(folder.file("page.html")).expect("the page"),
        "<!DOCTYPE html>old"
    );
    assert_eq!(folder.names(), ["page.html"]);
}

/// An interrupted run ends with its checkpoint and no page.
#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_leaves_none() {
    let folder = Folder::new("report-interrupt");
    let (page, net) = (folder.file("page.html"), folder.file("net"));
    let options = ["--epochs", "1000", "--checkpoint", &net, "--report", &page];
    let mut running = program::Running::start(&mut program::runner(&options));
    running.wait_for_lines(3);
    let id = running.child.id().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status();
    assert!(status.expect("kill").success());
    assert_eq!(running.end().status.code(), Some(130));
    assert_eq!(folder.names(), ["net"]);
}
