//! Tells the crate what floating-point hardware the target has, where no stable `cfg` says so.
//!
//! * `cfg(vfp_single)`: an Arm microcontroller target whose hard-float ABI promises single-precision `vfma` and
//!   `vsqrt`.
//! * `cfg(no_f64_unit)`: double precision is software, so exact single-precision sums are cheaper in integers.

use std::env::var;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(vfp_single)");
    println!("cargo::rustc-check-cfg=cfg(no_f64_unit)");
    println!("cargo::rerun-if-changed=build.rs");

    let target = var("TARGET").unwrap_or_default();
    let features = var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let has = |name| features.split(',').any(|feature| feature == name);

    // The other Cortex-M targets do not count on a floating-point unit.
    let vfp_single = matches!(
        target.as_str(),
        "thumbv7em-none-eabihf" | "thumbv8m.main-none-eabihf"
    );
    let no_f64_unit = match var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("arm") => !vfp_single && !target.ends_with("hf"),
        Ok("riscv32" | "riscv64") => !has("d"),
        Ok("avr" | "msp430" | "xtensa") => true,
        _ => false,
    };
    if vfp_single {
        println!("cargo::rustc-cfg=vfp_single");
    }
    if no_f64_unit {
        println!("cargo::rustc-cfg=no_f64_unit");
    }
}
