//! `bench --backend cuda`: the cases of the processor, with the wait for the device inside.

use std::io::Write;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::program::Folder;
use super::{runner, success, text};

fn bench(driver: &Path, arguments: &[&str], counts: &str) -> Output {
    let arguments = [&["bench", "--backend", "cuda"], arguments].concat();
    let mut command = runner(&arguments, driver);
    command.env_remove("BENCH_BUDGET");
    command.env_remove("BENCH_REPEATS");
    command.env("FAKE_CUDA_COUNTS", counts);
    command.output().expect("the program starts")
}

#[test]
fn a_call_ends_when_the_device_has_done_it() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let folder = Folder::new("cuda-bench");
    let counts = folder.file("counts");
    let short = ["--json", "--budget", "0.001", "--repeats", "2"];
    let said = success(&bench(
        driver,
        &[&["--workloads", "W7"][..], &short].concat(),
        &counts,
    ));
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let cases: Vec<&str> = lines
        .iter()
        .map(|line| line["case"].as_str().expect("text"))
        .collect();
    assert_eq!(cases, ["B=1 inference"]);
    // Of what this workload computes the host needs no number, so all waits are the clock's.
    let calls: u64 = lines
        .iter()
        .map(|line| line["calls"].as_u64().expect("a number"))
        .sum();
    let counts = std::fs::read_to_string(&counts).expect("the counts");
    let waits = counts
        .lines()
        .find_map(|line| line.strip_suffix(" cuStreamSynchronize"));
    let waits: u64 = waits.expect("waits").parse().expect("a number");
    // It is warmed up by three calls at least, and timed by one more.
    assert!(waits >= calls + 4, "{waits} waits, {calls} calls");
}

/// What each workload asks of a device, which here computes nothing, so that it takes no longer than the asking.
#[test]
fn every_workload_measures_the_cases_that_it_lists() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let mut workloads = vec!["W1", "W2", "W3", "W4", "W5", "W7"];
    let data = std::env::var_os("MINITORCH_DATA").map(|data| Path::new(&data).join("mnist"));
    let mut options = vec!["--budget", "0.001", "--repeats", "1"];
    match data.as_deref().and_then(Path::to_str) {
        Some(data) => {
            workloads.push("W1E");
            options.extend(["--data", data]);
        }
        None => {
            let mut stderr = std::io::stderr();
            let _ = writeln!(stderr, "SKIPPED bench W1E: MINITORCH_DATA is not set");
        }
    }
    let workloads = workloads.join(",");
    let run = |form: &str| {
        let arguments = [
            &[
                "bench",
                "--backend",
                "cuda",
                form,
                "--workloads",
                &workloads,
            ],
            &*options,
        ];
        let mut command = runner(&arguments.concat(), driver);
        command
            .env_remove("BENCH_BUDGET")
            .env_remove("BENCH_REPEATS");
        command.env("FAKE_CUDA", "idle");
        success(&command.output().expect("the program starts"))
    };
    let measured = run("--json");
    let measured = measured.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        assert!(line["median_ms"].as_f64() > Some(0.0), "{line}");
        let text = |key: &str| line[key].as_str().expect("text").to_string();
        [text("workload"), text("case")].join(" ")
    });
    let listed = run("--list");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed: Vec<String> = listed.lines().map(words).collect();
    let measured: Vec<String> = measured.collect();
    assert_eq!(measured.len(), listed.len(), "{measured:?}");
    for (measured, listed) in measured.iter().zip(&listed) {
        assert!(listed.starts_with(measured), "{measured} is not {listed}");
    }
}

#[test]
fn what_is_about_the_processor_is_left_out_or_refused() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let folder = Folder::new("cuda-bench-cases");
    let counts = folder.file("counts");
    let listed = success(&bench(driver, &["--list"], &counts));
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    assert_eq!(names, ["W1", "W2", "W3", "W4", "W5", "W7"]);
    for workload in ["W0", "W6", "COLD"] {
        let output = bench(driver, &["--workloads", &format!("W7,{workload}")], &counts);
        assert_eq!(output.status.code(), Some(2), "{workload}");
        assert_eq!(
            text(&output.stderr),
            format!(
                "error: --workloads {workload} is about the processor; leave it out, or use --backend rayon or serial\n"
            )
        );
        assert_eq!(text(&output.stdout), "", "{workload}");
    }
}
