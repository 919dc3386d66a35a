//! Core needs no std: a program without it trains a network, to the same weights as here.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::process::Command;

use minitorch_core::Cpu;
use minitorch_core::isa::Level;
use minitorch_tiny::digits::IMAGES;

#[test]
fn a_program_without_std_trains_to_the_same_weights() {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/hostcheck/Cargo.toml"))
        .arg("--target-dir")
        .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/hostcheck"))
        // Flags for coverage or sanitizers need std.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let theirs = String::from_utf8_lossy(&output.stdout);

    for level in Level::supported() {
        let device = Cpu::builder().level(level).build();
        let ours = minitorch_tiny::train(&device).expect("the training succeeds");
        assert_eq!(ours.correct, IMAGES, "{level:?}");
        assert_eq!(format!("{ours}\n"), theirs, "{level:?}");
    }
}
