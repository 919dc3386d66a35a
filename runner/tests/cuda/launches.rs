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

/// What eight further steps add, for each. No log line is among them, and the graphs are made before.
fn of_a_step(driver: &Path, mode: &str) -> impl Fn(&str) -> f64 {
    let [few, many] = [8, 16].map(|batches| counts(driver, 16 * batches, mode).0);
    move |name: &str| {
        let of = |counts: &HashMap<String, i64>| match name {
            "kernels" => counts
                .iter()
                .filter(|(name, _)| !name.starts_with("cu"))
                .map(|(_, number)| number)
                .sum(),
            name => counts.get(name).copied().unwrap_or(0),
        };
        (of(&many) - of(&few)) as f64 / 8.0
    }
}

#[test]
fn show() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    for mode in ["", "no-graphs", "no-updates"] {
        let step = of_a_step(driver, mode);
        for name in [
            "kernels",
            "cuLaunchKernel",
            "cuGraphLaunch",
            "cuGraphInstantiateWithFlags",
            "cuGraphExecKernelNodeSetParams_v2",
            "cuMemcpyHtoDAsync_v2",
            "cuMemcpyDtoHAsync_v2",
            "cuStreamSynchronize",
            "cuMemHostAlloc",
        ] {
            println!("{mode} {name} {}", step(name));
        }
    }
    println!("{:?}", counts(driver, 128, ""));
}
