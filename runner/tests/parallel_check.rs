//! `runner parallel-check`: what is told of loops and tasks, in text and in JSON, and every mistake.

use std::process::{Command, Output, Stdio};

use minitorch_core::{Layout, plan};
use serde_json::{Value, json};

fn run(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner"))
        .arg("parallel-check")
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn said(arguments: &str) -> String {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {error}");
    assert_eq!(error, "", "{arguments}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The plan, and what is told of each number of workers.
fn told(arguments: &str) -> (Value, Vec<Value>) {
    let text = said(&format!("{arguments} --json"));
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line));
    let plan = lines.next().expect("a plan");
    assert_eq!(plan["event"], "plan", "{arguments}");
    (plan, lines.collect())
}

#[test]
fn dense_operands_are_one_loop() {
    let (plan, times) = told("map --shape 20,300,40 --threads 2 --isa portable");
    assert_eq!(
        (&plan["kernel"], &plan["operation"]),
        (&json!("map"), &json!("relu"))
    );
    assert_eq!(plan["strides"], json!([[12000, 40, 1]]));
    assert_eq!(plan["loops"], json!({"sizes": [240_000], "strides": [[1]]}));
    assert_eq!(plan["access"], "in place");
    assert_eq!(plan["isa"], "portable");
    assert_eq!(
        (&plan["bytes"], &plan["operations"]),
        (&json!(8 * 240_000), &json!(240_000))
    );
    let workers: Vec<_> = times.iter().map(|time| time["workers"].as_u64()).collect();
    assert_eq!(workers, [Some(1), Some(2)]);
    // The tasks are those of the kernel's own plan.
    for (time, workers) in times.iter().zip([1, 2]) {
        let layout = Layout::contiguous([240_000]).unwrap();
        let cut = plan::Map::new(workers, [&layout]).cut;
        assert_eq!(
            (&time["tasks"], &time["part"]),
            (&json!(cut.tasks), &json!(cut.size))
        );
        assert_eq!(time["event"], "time");
        let [seconds, rate] = ["seconds", "gb_per_s"].map(|key| time[key].as_f64().expect(key));
        assert!(seconds > 0.0 && (seconds * rate * 1e9 / (8.0 * 240_000.0) - 1.0).abs() < 1e-9);
    }
}

#[test]
fn permuted_and_broadcast_operands_keep_their_loops() {
    let (plan, _) = told("map --shape 300,400 --permute 1,0 --threads 1");
    assert_eq!(plan["strides"], json!([[1, 300]]));
    assert_eq!(
        plan["loops"],
        json!({"sizes": [300, 400], "strides": [[1], [300]]})
    );
    assert_eq!(plan["access"], "transposed");
    let (plan, _) = told("zip --shape 30,40,200 --broadcast 0,1 --threads 1");
    assert_eq!(
        plan["loops"],
        json!({"sizes": [1200, 200], "strides": [[200, 0], [1, 1]]})
    );
    assert_eq!(plan["access"], "in place");
    // A broadcast operand is read once: 30 * 40 * 200 twice, and 200.
    assert_eq!(plan["bytes"], 4 * (2 * 240_000 + 200));
    // A part has no more outputs than there are.
    let (_, times) = told("map --shape 7 --threads 1");
    assert_eq!(
        (&times[0]["tasks"], &times[0]["part"]),
        (&json!(1), &json!(7))
    );
    let (plan, _) = told("zip --shape 300,4 --permute 1,0 --threads 1");
    assert_eq!(plan["access"], "gathered");
}

#[test]
fn reductions_tell_their_axes() {
    let (plan, times) = told("reduce --shape 30,40,50 --axes 0,2 --threads 1");
    assert_eq!(plan["kept"], json!({"sizes": [40], "strides": [[50]]}));
    assert_eq!(plan["outer"], json!([30, 2000]));
    assert_eq!(plan["folded"], json!({"sizes": [50], "strides": [[1]]}));
    assert_eq!(
        (&plan["side_by_side"], &times[0]["tasks"]),
        (&json!(false), &json!(1))
    );
    let (plan, _) = told("reduce --shape 30,40 --axes 0 --threads 1");
    assert_eq!(plan["side_by_side"], true);
    assert_eq!(plan["outer"], Value::Null);
}

#[test]
fn products_and_convolutions_tell_their_blocks() {
    let (plan, times) = told("matmul --shape 64,300,128 --threads 1 --isa portable");
    assert_eq!(times.len(), 1);
    assert_eq!(plan["operations"], 2 * 64 * 300 * 128);
    assert_eq!(
        (&plan["rows"], &plan["columns"], &plan["depth"]),
        (&json!(64), &json!(128), &json!(300))
    );
    assert_eq!(
        (&plan["packed"], &plan["depth_at_once"]),
        (&json!([true, true]), &json!(256))
    );
    // The tasks of more threads have few rows, for which packing does not pay.
    let (plan, times) = told("matmul --shape 64,300,128 --threads 3 --isa portable");
    assert_eq!(times.len(), 3, "1, 2 and 3 threads");
    assert_eq!(
        (&plan["packed"], &plan["workers"]),
        (&json!([false, false]), &json!(3))
    );
    let (plan, _) = told("matmul --shape 1,300,128 --threads 1 --isa portable");
    assert_eq!(
        (&plan["packed"], &plan["block"]),
        (&json!([false, false]), &json!([1, 128]))
    );
    let (plan, _) = told("matmul --shape 5,20,30,40 --permute 0,2,1 --backend serial");
    assert_eq!(plan["strides"], json!([[600, 1, 20], [1200, 40, 1]]));

    let (plan, _) = told("conv --shape 16,4,28,28,8,3,3 --threads 2");
    assert_eq!(
        (&plan["planes"], &plan["plane"], &plan["channels"]),
        (&json!(8), &json!(784), &json!(4))
    );
    assert_eq!(
        plan["part"],
        json!({"channels": 4, "taps": [3, 3], "outputs": [28, 28]})
    );
    assert_eq!(plan["operations"], 2 * 16 * 8 * 784 * 36);
}

#[test]
fn text_has_a_section_for_each_kernel_and_a_row_for_each_number_of_threads() {
    let text = said("--threads 2");
    let heads: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    let kernels: Vec<_> = heads
        .iter()
        .map(|head| head.split(' ').next().unwrap())
        .collect();
    assert_eq!(kernels, ["MAP", "ZIP", "REDUCE", "MATMUL", "CONV"]);
    assert!(heads[0].contains("relu of [1024, 1024]"), "{}", heads[0]);
    let rows = |workers: &str| {
        let of = |line: &&str| line.split_whitespace().next() == Some(workers);
        text.lines().filter(of).count()
    };
    assert_eq!((rows("1"), rows("2"), rows("3")), (5, 5, 0));
    assert!(text.lines().all(|line| line.len() <= 120), "{text}");
}

#[test]
fn mistakes_are_short_sentences() {
    for (arguments, expected) in [
        ("scan", "scan"),
        ("--shape 3,4", "<KERNEL>"),
        ("map --shape 3,0", "whole number"),
        ("map --shape 3,-1", "whole number"),
        ("map --shape 1,1,1,1,1,1,1", "one to six sizes"),
        ("map --shape 100000,100000", "elements"),
        ("map --shape 268435456,268435456,268435456", "elements"),
        ("matmul --shape 3,4", "I,K,J"),
        ("matmul --shape 200000,1,200000", "result"),
        ("conv --shape 1,1,8,8", "B,C,H,W"),
        ("map --permute 0", "each axis"),
        ("map --permute 0,0", "each axis"),
        ("matmul --permute 0,1,2", "each axis"),
        ("map --broadcast 0", "zip"),
        ("zip --broadcast 2", "axes 0 to 1"),
        ("zip --axes 0", "reduce"),
        (
            "reduce matmul --shape 4,4,4 --axes 2",
            "matmul does not take",
        ),
        ("reduce --axes 1,1", "once"),
        ("map --threads 0", "--threads"),
        ("map --isa sse9", "--isa"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        assert!(error.lines().count() <= 4, "{arguments}: {error}");
        assert!(output.stdout.is_empty());
    }
    let help = said("--help");
    assert!(help.lines().all(|line| line.len() <= 120), "{help}");
}
