//! `runner bench`: the cases and keys by which results of several libraries are joined, and the options.

mod program;

use std::process::Output;

use serde_json::{Value, json};

/// Workload, case and unit, as the programs that measure the other libraries print them.
const CASES: [(&str, &str, &str); 39] = [
    ("W0", "f32 FMA peak", "GFLOP/s"),
    ("W0", "add c=a+b", "GB/s"),
    ("W0", "read (sum)", "GB/s"),
    ("W0", "add into fresh malloc (page faults)", "GB/s"),
    ("W0", "read 16 KiB (L1)", "GB/s"),
    ("W0", "read 256 KiB (L2)", "GB/s"),
    ("W0", "read 4 MiB (L3)", "GB/s"),
    ("W0", "read 16 MiB (L3)", "GB/s"),
    ("W1", "B=16", "samples/s"),
    ("W1", "B=64", "samples/s"),
    ("W1", "B=256", "samples/s"),
    ("W1", "B=1024", "samples/s"),
    ("W1E", "epoch B=64", "samples/s"),
    ("W2", "B=10 L=52 E=50", "samples/s"),
    ("W2", "B=64 L=52 E=100", "samples/s"),
    ("W3", "n=64", "GFLOP/s"),
    ("W3", "n=128", "GFLOP/s"),
    ("W3", "n=256", "GFLOP/s"),
    ("W3", "n=512", "GFLOP/s"),
    ("W3", "n=1024", "GFLOP/s"),
    ("W3", "n=2048", "GFLOP/s"),
    ("W3", "batched 64x(64x64)", "GFLOP/s"),
    ("W4", "16x1x28_4 fwd", "GFLOP/s"),
    ("W4", "16x1x28_4 fwd+bwd", "GFLOP/s"),
    ("W4", "64x32x28_64 fwd", "GFLOP/s"),
    ("W4", "64x32x28_64 fwd+bwd", "GFLOP/s"),
    ("W4", "32x64x56_64 fwd", "GFLOP/s"),
    ("W4", "32x64x56_64 fwd+bwd", "GFLOP/s"),
    ("W5", "add", "GB/s"),
    ("W5", "relu", "GB/s"),
    ("W5", "exp", "GB/s"),
    ("W5", "sum_all", "GB/s"),
    ("W5", "sum_rows", "GB/s"),
    ("W5", "bcast_add", "GB/s"),
    ("W5", "transpose_copy", "GB/s"),
    ("W6", "single add+backward", "ops/s"),
    ("W6", "chain1000 per node", "ops/s"),
    ("W7", "B=1 inference", "samples/s"),
    ("COLD", "first_step", "ms"),
];

/// The keys of a line. On systems that do not tell memory and processor time, those two are missing.
const KEYS: [&str; 13] = [
    "peer",
    "version",
    "workload",
    "case",
    "threads",
    "median_ms",
    "min_ms",
    "rate",
    "unit",
    "cpu_ms",
    "spread",
    "calls",
    "rss_mb",
];

fn run(arguments: &str) -> Output {
    let mut words = vec!["bench"];
    words.extend(arguments.split_whitespace());
    let mut program = program::program(&words);
    program
        .env_remove("BENCH_BUDGET")
        .env_remove("BENCH_REPEATS");
    program.output().expect("the program starts")
}

fn said(arguments: &str) -> String {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

fn measured(arguments: &str) -> Vec<Value> {
    let text = said(&format!("{arguments} --json --budget 0.001 --repeats 2"));
    let value = |line| serde_json::from_str(line).expect("a line of JSON");
    text.lines().map(value).collect()
}

/// What `--list` prints of a case.
fn listed((workload, case, unit): &(&str, &str, &str)) -> String {
    format!("{workload:<9} {case:<35} {unit}")
}

#[test]
fn cases_and_units_are_those_of_the_other_libraries() {
    let all: Vec<String> = CASES.iter().map(listed).collect();
    let text = said("--list --workloads W0,W1,W1E,W2,W3,W4,W5,W6,W7,COLD");
    assert_eq!(text.lines().collect::<Vec<_>>(), all);
    // Unless asked, all that need no data.
    let rest: Vec<String> = CASES
        .iter()
        .filter(|case| case.0 != "W1E")
        .map(listed)
        .collect();
    assert_eq!(said("--list").lines().collect::<Vec<_>>(), rest);
    let chosen = said("--list --workloads W6,W2 --threads 1");
    let names: Vec<&str> = chosen.lines().map(|line| &line[..2]).collect();
    assert_eq!(names, ["W6", "W6", "W2", "W2"]);
    // Small letters do, and twice is once.
    assert_eq!(said("--list --workloads w6,W2,W6"), chosen);
    assert_eq!(said("--list --workloads all"), said("--list"));
    assert_eq!(
        said("--list --workloads COLD,All").lines().next(),
        Some(&*all[38])
    );
    let lines = said("--list --workloads W7 --json");
    let line: Value = serde_json::from_str(&lines).expect("a line of JSON");
    let expected = json!({"workload": "W7", "case": "B=1 inference", "unit": "samples/s"});
    assert_eq!(line, expected);
}

#[test]
fn a_line_has_the_keys_of_the_other_libraries() {
    let lines = measured("--workloads W2,W6,W7,COLD --threads 1");
    let expected: Vec<_> = CASES
        .iter()
        .filter(|case| ["W2", "W6", "W7", "COLD"].contains(&case.0))
        .collect();
    assert_eq!(lines.len(), expected.len());
    for (line, (workload, case, unit)) in lines.iter().zip(expected) {
        let fields = line.as_object().expect("an object");
        for key in fields.keys() {
            assert!(KEYS.contains(&key.as_str()), "{key}");
        }
        let text = |key: &str| fields[key].as_str().expect("text");
        let number = |key: &str| fields[key].as_f64().expect("a number");
        assert_eq!(text("peer"), "minitorch");
        assert_eq!(
            [text("workload"), text("case"), text("unit")],
            [*workload, *case, *unit]
        );
        assert_eq!(number("threads"), 1.0);
        assert!(number("min_ms") > 0.0 && number("min_ms") <= number("median_ms"));
        assert!(number("spread") >= 1.0 && number("calls") >= 3.0, "{line}");
        let work = match (*workload, *unit) {
            ("COLD", _) => number("median_ms") * number("median_ms") / 1e3,
            ("W2", _) => case[2..4].parse().expect("the size of a batch"),
            _ => 1.0,
        };
        let rate = work / (number("median_ms") / 1e3);
        assert!((number("rate") / rate - 1.0).abs() < 1e-9, "{line}");
        if cfg!(target_os = "linux") {
            assert!(number("rss_mb") > 1.0, "{line}");
        }
    }
}

#[test]
fn a_table_is_for_people() {
    let table = said("--workloads W7 --budget 0.001 --repeats 1");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("workload  case"), "{table}");
    assert!(lines[1].starts_with("W7        B=1 inference"), "{table}");
    assert!(lines[1].contains(" samples/s "), "{table}");
}

#[test]
fn mistakes_are_told_before_anything_is_measured() {
    for (arguments, status, expected) in [
        ("--workloads W9", 2, "W9"),
        ("--workloads W1,", 2, "--workloads"),
        ("--workloads W6,W1E", 2, "--data DIR"),
        ("--workloads W6 --data .", 2, "W1E"),
        ("--workloads W6,W1E --data /nowhere", 1, "/nowhere"),
        ("--threads 0", 2, "--threads"),
        ("--isa sse9", 2, "--isa"),
        ("--budget 0", 2, "--budget"),
        ("--budget -1", 2, "--budget"),
        ("--budget nan", 2, "--budget"),
        ("--repeats 0", 2, "--repeats"),
        ("--repeats 1.5", 2, "--repeats"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        assert!(error.lines().count() <= 4, "{arguments}: {error}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
    for (name, option) in [
        ("BENCH_BUDGET", "--budget 1"),
        ("BENCH_REPEATS", "--repeats 1"),
    ] {
        let mut command = program::program(&["bench", "--list", "--workloads", "W7"]);
        let output = command.env(name, "0").output().expect("the program starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        let expected = format!(
            "error: invalid value '0' for '{}",
            &option[..option.len() - 2]
        );
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.contains(name), "{error}");
        // An option wins.
        let output = command.args(option.split(' ')).output();
        assert!(output.expect("the program starts").status.success());
        // Empty is as good as none.
        let mut command = program::program(&["bench", "--list", "--workloads", "W7"]);
        let output = command.env(name, "").output().expect("the program starts");
        assert!(output.status.success(), "{output:?}");
    }
    let help = said("--help");
    assert!(help.contains("[env: BENCH_BUDGET="), "{help}");
    assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    assert!(!help.contains("first-step"), "{help}");
}
