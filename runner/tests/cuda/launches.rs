//! What a step of training asks of the driver.

use std::collections::HashMap;
use std::path::Path;

use super::program::Folder;
use super::{runner, success};

/// How often each kernel was launched, and each function of the driver called, when MNIST was trained on so many images.
/// Also the hash of the weights. `mode` says how the driver fails.
fn counts(driver: &Path, images: usize, mode: &str) -> (HashMap<String, i64>, String) {
    let folder = Folder::new("cuda-launches");
    let counts = folder.file("counts");
    let images = images.to_string();
    let mut command = runner(
        &[
            "mnist",
            "--backend",
            "cuda",
            "--epochs",
            "1",
            "--valid",
            "16",
            "--hash",
            "--train",
            &images,
        ],
        driver,
    );
    command
        .env("FAKE_CUDA", mode)
        .env("FAKE_CUDA_COUNTS", &counts)
        .current_dir(folder.path());
    let said = success(&command.output().expect("the program starts"));
    let hash = said
        .lines()
        .last()
        .filter(|line| line.starts_with("Weights hash: "));
    let counts = std::fs::read_to_string(&counts).expect("the counts");
    let counts = counts.lines().map(|line| {
        let (number, name) = line.split_once(' ').expect("a number and a name");
        (name.to_string(), number.parse().expect("a number"))
    });
    (
        counts.collect(),
        hash.expect("the hash of the weights").to_string(),
    )
}

/// What three further steps add, for each. None of them ends with a log line, and the graphs are made before.
fn of_a_step(driver: &Path, mode: &str) -> impl Fn(&str) -> f64 {
    // The last batch is left out where no more than a batch of images is left; lines come after steps 1, 6 and 11.
    let [few, many] = [12, 15].map(|steps| counts(driver, 16 * (steps + 1), mode).0);
    move |name: &str| {
        let of = |counts: &HashMap<String, i64>| match name {
            "kernels" => counts
                .iter()
                .filter(|(name, _)| !name.starts_with("cu"))
                .map(|(_, number)| number)
                .sum(),
            name => counts.get(name).copied().unwrap_or(0),
        };
        (of(&many) - of(&few)) as f64 / 3.0
    }
}

#[test]
fn a_step_is_a_graph_of_which_two_kernels_change_and_waits_for_nothing() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let step = of_a_step(driver, "");
    let kernels = step("kernels");
    assert_eq!(kernels, 33.0);
    assert_eq!(step("cuGraphLaunch"), 1.0);
    assert_eq!(step("cuLaunchKernel"), 0.0);
    assert_eq!(step("cuGraphInstantiateWithFlags"), 0.0);
    // The draw of the dropout, and the place of the loss.
    assert_eq!(step("cuGraphExecKernelNodeSetParams_v2"), 2.0);
    // Images and labels, for which nobody waits.
    assert_eq!(step("cuMemcpyHtoDAsync_v2"), 2.0);
    assert_eq!(step("cuMemHostAlloc"), 0.0);
    // Losses are read when there is something to tell.
    assert_eq!(step("cuMemcpyDtoHAsync_v2"), 0.0);
    assert_eq!(step("cuStreamSynchronize"), 0.0);
    // Without graphs there are as many launches as kernels.
    let plain = of_a_step(driver, "no-graphs");
    assert_eq!(plain("kernels"), kernels);
    assert_eq!(plain("cuLaunchKernel"), kernels);
}

#[test]
fn without_graphs_the_bits_are_the_same() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let (_, expected) = counts(driver, 160, "");
    for mode in ["no-graphs", "no-updates"] {
        let (calls, hash) = counts(driver, 160, mode);
        assert_eq!(hash, expected, "{mode}");
        assert!(calls["cuLaunchKernel"] > 9 * 33, "{mode}: {calls:?}");
    }
}

#[test]
fn what_is_taken_is_given_back() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    for mode in ["", "no-updates"] {
        let (calls, _) = counts(driver, 64, mode);
        for [taken, given] in [
            ["cuGraphCreate", "cuGraphDestroy"],
            ["cuGraphInstantiateWithFlags", "cuGraphExecDestroy"],
            ["cuMemHostAlloc", "cuMemFreeHost"],
        ] {
            assert!(calls[taken] > 0, "{taken}");
            assert_eq!(calls[taken], calls[given], "{taken} {mode}");
        }
    }
}
