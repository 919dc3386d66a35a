//! What a step of training asks of the driver.

use std::collections::HashMap;
use std::path::Path;

use super::program::Folder;
use super::{runner, success, text};

/// What a run asked of the driver.
struct Run {
    /// How often each kernel was launched, and each function of the driver called.
    counts: HashMap<String, i64>,
    hash: String,
    /// What was said on standard error.
    warned: String,
}

/// Trains for an epoch. `mode` says how the driver fails.
fn run(driver: &Path, arguments: &[&str], mode: &str) -> Run {
    let folder = Folder::new("cuda-launches");
    let counts = folder.file("counts");
    let common = ["--backend", "cuda", "--epochs", "1", "--hash"];
    let mut command = runner(&[arguments, &common].concat(), driver);
    command
        .env("FAKE_CUDA", mode)
        .env("FAKE_CUDA_COUNTS", &counts)
        .current_dir(folder.path());
    let output = command.output().expect("the program starts");
    let said = success(&output);
    let hash = said
        .lines()
        .last()
        .filter(|line| line.starts_with("Weights hash: "));
    let counts = std::fs::read_to_string(&counts).expect("the counts");
    let counts = counts.lines().map(|line| {
        let (number, name) = line.split_once(' ').expect("a number and a name");
        (name.to_string(), number.parse().expect("a number"))
    });
    Run {
        counts: counts.collect(),
        hash: hash.expect("the hash of the weights").to_string(),
        warned: text(&output.stderr),
    }
}

/// The launches of an operation that updates several parameters at a time.
fn updates(run: &Run, operation: &str, of: impl Fn(&str) -> f64) -> f64 {
    // A kernel is called by its operands, its operation and a hash of both.
    let is_its = |kernel: &&String| {
        let name = kernel.split_once('_').map_or("", |(_, name)| name);
        let name = name
            .strip_suffix("_all")
            .and_then(|name| name.rsplit_once('_'));
        name.is_some_and(|(name, _)| name == operation)
    };
    let kernels = run.counts.keys().filter(is_its);
    kernels.map(|kernel| of(kernel)).sum()
}

/// The launches of a kernel, whose name may have a hash behind it.
fn named(run: &Run, kernel: &str, of: impl Fn(&str) -> f64) -> f64 {
    let is_it = |name: &&String| {
        let hashed = name.rsplit_once('_').filter(|(_, hash)| hash.len() == 8);
        **name == kernel || hashed.is_some_and(|(name, _)| name == kernel)
    };
    let kernels = run.counts.keys().filter(is_it);
    kernels.map(|kernel| of(kernel)).sum()
}

/// MNIST by so many images.
fn mnist(driver: &Path, images: usize, more: &[&str], mode: &str) -> Run {
    let images = images.to_string();
    let arguments = [
        "mnist", "--valid", "16", "--batch", "16", "--train", &images,
    ];
    run(driver, &[&arguments, more].concat(), mode)
}

/// What `many` asked more than `few`, for each of three further steps.
fn of_three_steps(few: &Run, many: &Run) -> impl Fn(&str) -> f64 {
    let count = |run: &Run, name: &str| match name {
        "kernels" => run
            .counts
            .iter()
            .filter(|(name, _)| !name.starts_with("cu"))
            .map(|(_, number)| number)
            .sum(),
        name => run.counts.get(name).copied().unwrap_or(0),
    };
    move |name| (count(many, name) - count(few, name)) as f64 / 3.0
}

/// Runs of 12 and 15 steps. None of the last three ends with a log line, and the graphs are made before.
fn three_steps_of_mnist(driver: &Path, more: &[&str], mode: &str) -> [Run; 2] {
    // The last batch is left out where no more than a batch of images is left; lines come after steps 1, 6 and 11.
    [12, 15].map(|steps| mnist(driver, 16 * (steps + 1), more, mode))
}

/// The kernels of a step of MNIST, but for the updates.
const STEP: [(&str, f64); 18] = [
    // Forward: the images, two convolutions with bias and ReLU, pooling, two linear layers with dropout between them, and
    // the loss, which is kept.
    ("rows", 1.0),
    ("conv_forward", 2.0),
    ("avg_pool", 1.0),
    ("matmul", 2.0),
    ("dropout", 1.0),
    ("log_softmax", 1.0),
    ("nll", 1.0),
    ("map1_copied", 1.0),
    // Backward: each linear layer and the convolution in the middle has one kernel for what is independent.
    ("nll_grad", 1.0),
    ("log_softmax_grad", 1.0),
    ("linear_grad", 2.0),
    ("map2_mul", 1.0),
    ("maps_grad", 2.0),
    ("conv_grads", 1.0),
    ("conv_weight_grad", 1.0),
    ("add_images", 2.0),
    // The gradient of the loss by itself is made once.
    ("fill", 0.0),
    ("uniform", 0.0),
];

/// Elements of 48 images, which the longer run copies to the device before it begins.
const FURTHER_IMAGES: f64 = 48.0 * 784.0;

#[test]
fn a_step_is_a_graph_of_which_two_kernels_change_and_waits_for_nothing() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let [few, many] = three_steps_of_mnist(driver, &[], "");
    let step = of_three_steps(&few, &many);
    let kernels = step("kernels");
    for (name, launches) in STEP {
        assert_eq!(named(&many, name, &step), launches, "{name}");
    }
    assert_eq!(updates(&many, "add_scaled", &step), 1.0);
    // That is all.
    assert_eq!(
        kernels,
        STEP.iter().map(|(_, launches)| launches).sum::<f64>() + 1.0
    );
    assert_eq!(step("cuGraphLaunch"), 1.0);
    assert_eq!(step("cuLaunchKernel"), 0.0);
    assert_eq!(step("cuGraphInstantiateWithFlags"), 0.0);
    // The draw of the dropout, and the place of the loss.
    assert_eq!(step("cuGraphExecKernelNodeSetParams_v2"), 2.0);
    // Labels, and where the images are on the device: nobody waits for either.
    assert_eq!(step("cuMemcpyHtoDAsync_v2"), 2.0);
    let of_images = FURTHER_IMAGES * 4.0 / 3.0;
    assert_eq!(
        step("cuMemcpyHtoDAsync_v2 bytes") - of_images,
        2.0 * 16.0 * 4.0
    );
    assert_eq!(step("cuMemHostAlloc"), 0.0);
    // Losses are read when there is something to tell.
    assert_eq!(step("cuMemcpyDtoHAsync_v2"), 0.0);
    assert_eq!(step("cuStreamSynchronize"), 0.0);
    // Without graphs there are as many launches as kernels.
    let [few, many] = three_steps_of_mnist(driver, &[], "no-graphs");
    let plain = of_three_steps(&few, &many);
    assert_eq!(plain("kernels"), kernels);
    assert_eq!(plain("cuLaunchKernel"), kernels);
}

#[test]
fn images_may_be_moved_on_the_device_and_adam_takes_three_launches() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let more = ["--preset", "accurate"];
    let [few, many] = three_steps_of_mnist(driver, &more, "");
    let step = of_three_steps(&few, &many);
    for name in ["decay", "decay_square", "adam_step"] {
        assert_eq!(updates(&many, name, &step), 1.0, "{name}");
    }
    assert_eq!(step("rows"), 1.0);
    assert_eq!(step("cuStreamSynchronize"), 0.0);
    // Of each image, where its 28 rows begin.
    let of_images = 48.0 * 29.0 * 29.0 * 4.0 / 3.0;
    let bytes = step("cuMemcpyHtoDAsync_v2 bytes") - of_images;
    assert_eq!(bytes, (16.0 * 28.0 + 16.0) * 4.0);
}

#[test]
fn without_room_for_all_images_batches_are_copied_and_that_is_said_once() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    // 320 images are a little more than a million bytes, and nothing else is as long.
    let resident = mnist(driver, 320, &[], "");
    let copied = mnist(driver, 320, &[], "large:1000000");
    assert_eq!(copied.hash, resident.hash);
    assert_eq!(resident.warned, "");
    assert_eq!(
        copied.warned,
        "warning: the device has no room for all 320 images beside a step; each batch of 16 is copied to it, which is slower\n"
    );
    let rows = |run: &Run| run.counts.get("rows").copied();
    assert_eq!((rows(&resident), rows(&copied)), (Some(19), None));
    // Half as many images would have room, but then a step would not.
    let resident = mnist(driver, 160, &[], "");
    let copied = mnist(driver, 160, &[], "large:1000000");
    assert_eq!(copied.hash, resident.hash);
    assert!(
        copied.warned.contains("no room for all 160 images"),
        "{}",
        copied.warned
    );
    assert_eq!((rows(&resident), rows(&copied)), (Some(9), None));
}

#[test]
fn a_step_of_sentences_waits_for_nothing() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let sentences = |steps: usize| {
        let train = (10 * steps).to_string();
        run(
            driver,
            &["sentiment", "--valid", "10", "--train", &train],
            "",
        )
    };
    let (few, many) = (sentences(12), sentences(15));
    let step = of_three_steps(&few, &many);
    assert_eq!(step("cuMemcpyDtoHAsync_v2"), 0.0);
    assert_eq!(step("cuStreamSynchronize"), 0.0);
    // Words, where they are, and labels.
    assert_eq!(step("cuMemcpyHtoDAsync_v2"), 3.0);
}

#[test]
fn adadelta_takes_four_launches() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let sentences = |steps: usize| {
        let train = (50 * steps).to_string();
        let arguments = ["sentiment", "--preset", "kim", "--valid", "10", "--train"];
        run(driver, &[&arguments[..], &[&train]].concat(), "idle")
    };
    // The first step makes the optimiser's memory; the one after the check in the middle of the epoch copies the weights,
    // which the best network so far has, too.
    let (few, many) = (sentences(4), sentences(7));
    let step = of_three_steps(&few, &many);
    for (name, launches) in [
        ("decay_square", 2.0),
        ("adadelta_step", 1.0),
        ("add_scaled", 1.0),
    ] {
        assert_eq!(updates(&many, name, &step), launches, "{name}");
    }
}

#[test]
fn without_graphs_the_bits_are_the_same() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    let expected = mnist(driver, 160, &[], "").hash;
    for mode in ["no-graphs", "no-updates"] {
        let Run { counts, hash, .. } = mnist(driver, 160, &[], mode);
        assert_eq!(hash, expected, "{mode}");
        assert!(counts["cuLaunchKernel"] > 9 * 22, "{mode}: {counts:?}");
    }
}

#[test]
fn what_is_taken_is_given_back() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    for mode in ["", "no-updates"] {
        let calls = mnist(driver, 64, &[], mode).counts;
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
