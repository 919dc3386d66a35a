#!/usr/bin/env bash
# Compiles core for a chip without atomics, without floating point (thumbv6m, Cortex-M0) and for one with both
# (thumbv7em-hf, Cortex-M4F). Takes rustup's targets where they can be had, else builds Debian's library source with
# Debian's compiler of the same version (packages rustc-web, cargo-web, rust-web-src; needs root to install them).
set -euo pipefail
cd "$(dirname "$0")/.."
targets=(thumbv6m-none-eabi thumbv7em-none-eabihf)
out=${CARGO_TARGET_DIR:-target}/bare-metal

# A target counts as there when its library is: `rustup target add` may be unable to fetch it.
rustup_has() {
    rustup target add "$1" >/dev/null 2>&1 && ls "$(rustc --print sysroot)/lib/rustlib/$1/lib/"libcore-*.rlib >/dev/null 2>&1
}

debian_toolchain() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -f /usr/lib/rustlib/src/rust/library/core/src/lib.rs ] && return
    echo "installing Debian's rustc-web, cargo-web and rust-web-src"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rustc-web cargo-web rust-web-src >/dev/null
}

for target in "${targets[@]}"; do
    # Where a chip has no compare-and-swap, the program decides how counts become atomic; one core is enough here.
    unset RUSTFLAGS
    [ "$target" != thumbv6m-none-eabi ] || export RUSTFLAGS="--cfg portable_atomic_unsafe_assume_single_core"
    if rustup_has "$target"; then
        cargo build --quiet --release -p minitorch-core --target "$target" --target-dir "$out"
        echo "$target: compiled with rustup's $(rustc --version | cut -d' ' -f2)"
    else
        debian_toolchain
        # Only for these commands: crates that probe for a nightly compiler would otherwise find one.
        RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc /usr/bin/cargo build --quiet --release -Zbuild-std=core,alloc \
            -p minitorch-core --target "$target" --target-dir "$out-debian"
        echo "$target: compiled with Debian's $(/usr/bin/rustc --version | cut -d' ' -f2)"
    fi
done
