//! Without a driver, without a device, and with one that is too old: a sentence of its own, exit status 1, no panic.

use std::io::Write;
use std::path::Path;

use runner::backend::cuda;

use super::{program, runner, success, text};

/// Ways to begin every program that can compute on a GPU.
const PROGRAMS: [&[&str]; 7] = [
    &["mnist", "--backend", "cuda"],
    &["sentiment", "--backend", "cuda"],
    &["xor", "--backend", "cuda"],
    &["xor", "--engine", "cuda"],
    &["spiral", "--engine", "fast", "--backend", "cuda"],
    &["predict", "a fine film", "--backend", "cuda"],
    &["bench", "--backend", "cuda"],
];

/// How they all end with the fake driver in a mode in which it fails, or with the driver of this machine.
fn ends(folder: &Path, mode: &str, expected: &str) {
    for arguments in PROGRAMS {
        let output = runner(arguments, folder).env("FAKE_CUDA", mode).output();
        let output = output.expect("the program starts");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        // Options that the program has.
        let options = match arguments[0] {
            "xor" | "spiral" => "--backend rayon, --engine fast",
            _ => "--backend rayon",
        };
        assert_eq!(
            said,
            format!("error: cuda: {expected}, or compute on the processor ({options})\n"),
            "{arguments:?}"
        );
    }
}

#[test]
fn without_a_driver() {
    if cuda::Driver::find().err() != Some(cuda::Missing::Driver) {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED without_a_driver: this machine has one"
        );
        return;
    }
    let folder = program::Folder::new("cuda-none");
    let expected = "there is no CUDA driver here (libcuda.so.1);\n\
                    install NVIDIA's driver";
    ends(folder.path(), "", expected);
}

#[test]
fn without_a_device() {
    let Some(folder) = minitorch_fake_cuda::folder() else {
        return;
    };
    let expected = "the CUDA driver finds no device;\n\
                    see what nvidia-smi and CUDA_VISIBLE_DEVICES say";
    ends(folder, "no-device", expected);
}

#[test]
fn with_a_driver_that_does_not_start() {
    let Some(folder) = minitorch_fake_cuda::folder() else {
        return;
    };
    let expected = "the CUDA driver does not start, and does not say why;\n\
                    load its modules (nvidia-modprobe -c 0 -u), or start the machine anew";
    ends(folder, "unknown", expected);
}

#[test]
fn with_a_driver_that_is_too_old() {
    let Some(folder) = minitorch_fake_cuda::folder() else {
        return;
    };
    let expected = "the CUDA driver is too old: it is of version 11.4, and 12.0 or later is needed;\n\
         install NVIDIA's driver 525 or later";
    ends(folder, "too-old", expected);
}

#[test]
fn with_a_device_that_is_too_old() {
    let Some(folder) = minitorch_fake_cuda::folder() else {
        return;
    };
    let expected = "fake CUDA device has compute capability 6.1, and 7.0 or more is needed;\n\
                    use a newer device";
    ends(folder, "old-device", expected);
}

#[test]
fn with_a_driver_that_lacks_a_function() {
    let Some(driver) = minitorch_fake_cuda::folder() else {
        return;
    };
    // The fake driver has what is called and nothing else: these are all.
    let source = concat!(
        include_str!("../../../tests/fake-cuda/src/driver.cpp"),
        include_str!("../../../tests/fake-cuda/src/graph.h")
    );
    let mut has: Vec<&str> = source
        .split("API cu")
        .skip(1)
        .filter_map(|rest| rest.split('(').next())
        .collect();
    let mut calls = cuda::FUNCTIONS.map(|name| &name["cu".len()..]);
    has.sort_unstable();
    calls.sort_unstable();
    assert_eq!(has, calls);

    let library = std::fs::read(driver.join("libcuda.so")).expect("the fake driver");
    for name in cuda::FUNCTIONS {
        let folder = program::Folder::new("cuda-function");
        // In the table of names, where each ends with a zero, this one gets another last letter.
        let named = [b"\0", name.as_bytes(), b"\0"].concat();
        let mut changed = library.clone();
        let places = changed.windows(named.len()).enumerate();
        let places: Vec<_> = places
            .filter_map(|(at, bytes)| (bytes == named).then_some(at))
            .collect();
        assert!(!places.is_empty(), "{name}");
        for at in places {
            changed[at + name.len()] = b'?';
        }
        std::fs::write(folder.file("libcuda.so"), changed).expect("a library");
        let output = runner(&["xor", "--engine", "cuda"], folder.path()).output();
        let output = output.expect("the program starts");
        let said = text(&output.stderr);
        let expected = format!(
            "error: cuda: the CUDA driver lacks the function {name};\n\
             install NVIDIA's driver 525 or later, or compute"
        );
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.starts_with(&expected), "{name}: {said}");
    }
}

#[test]
fn what_computes_on_the_processor_alone_says_so() {
    let folder = program::Folder::new("cuda-cpu");
    let cases: [(&[&str], &str, &str); 5] = [
        (
            &["bench", "--workloads", "W6"],
            "cuda",
            "W6 is about the processor; leave it out, or use",
        ),
        (
            &["parallel-check"],
            "cuda",
            "this program is about the processor; use rayon or serial",
        ),
        (
            &["xor", "--engine", "tensor"],
            "cuda",
            "tensor computes on the processor",
        ),
        (
            &["xor", "--engine", "scalar"],
            "cuda",
            "scalar computes on the processor",
        ),
        (
            &["xor", "--engine", "cuda"],
            "serial",
            "--engine cuda computes on a GPU",
        ),
    ];
    for (arguments, backend, expected) in cases {
        let arguments = [arguments, &["--backend", backend]].concat();
        let output = runner(&arguments, folder.path()).output();
        let output = output.expect("the program starts");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn options_of_the_processor_are_refused() {
    let folder = program::Folder::new("cuda-options");
    for program in PROGRAMS {
        for option in [&["--threads", "2"], &["--isa", "portable"]] {
            let output = runner(&[program, option].concat(), folder.path()).output();
            let output = output.expect("the program starts");
            let said = text(&output.stderr);
            let expected = format!("error: {} is for the processor, and this", option[0]);
            assert_eq!(output.status.code(), Some(2), "{program:?}: {said}");
            assert!(said.starts_with(&expected), "{program:?}: {said}");
        }
    }
}

#[test]
fn the_doctor_tells_what_is_missing() {
    let Some(folder) = minitorch_fake_cuda::folder() else {
        return;
    };
    let told = |mode: &str| {
        let output = runner(&["doctor"], folder).env("FAKE_CUDA", mode).output();
        success(&output.expect("the program starts"))
    };
    let well = told("");
    for line in [
        "serial   works: one thread, ",
        "rayon    works: --threads ",
        "cuda     driver 12.0\n         device 0 works: fake CUDA device, compute capability 7.0, 1.0 GiB\n",
        "device 1 works: ",
    ] {
        assert!(well.contains(line), "{line:?} in\n{well}");
    }
    let old = "cuda     the CUDA driver is too old: it is of version 11.4, and 12.0 or later is needed;\n         install";
    assert!(told("too-old").contains(old));
    for mode in ["no-graphs", "no-updates"] {
        let said = told(mode);
        assert_eq!(
            said.matches(
                "1.0 GiB\n         it is slow with small networks, because it refuses graphs of kernels: the CUDA driver fails"
            )
            .count(),
            2,
            "{said}"
        );
    }
    assert!(!well.contains("graphs"), "{well}");
    assert!(
        told("no-device").contains("cuda     the CUDA driver finds no device;\n         see what")
    );
}
