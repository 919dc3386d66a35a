#!/usr/bin/env bash
# Fuzzes every reader of files, and the command line, with the checks in tests/src/hostile.
#
#   scripts/fuzz.sh [RUNS [TARGET..]]    so many inputs for each target: 100000 unless told
#   scripts/fuzz.sh keep                 makes what the runs have found since the corpus in tests/corpus
#
# Needs a nightly toolchain, a C++ compiler and `cargo install cargo-fuzz`. What a run finds stays in target/fuzz, and the
# next run goes on from there. An input that fails a check is named at the end of the output; give it to
# `cargo fuzz run` to see it again, and mend the reader.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-100000}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(args checkpoint gz header idx safetensors sentences vectors)
built=${CARGO_TARGET_DIR:-$PWD/target}
out=$built/fuzz
corpus() { cargo run --quiet -p minitorch-tests --example corpus -- "$@"; }

rustup toolchain list | grep -q '^nightly' || { echo "fuzz: no nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
cargo fuzz --version >/dev/null 2>&1 || { echo "fuzz: cargo install cargo-fuzz" >&2; exit 1; }
# The readers have no unsafe code (scripts/sanitize.sh sees to what has); without a sanitizer there are ten times the
# runs. Overflow checks and debug assertions are on.
cargo +nightly fuzz build --sanitizer none --fuzz-dir tests/fuzz --target-dir "$out"
host=$(rustc -vV | sed -n 's/^host: //p')
fuzz() { "$out/$host/release/$1" -max_len=4096 -rss_limit_mb=100 "${@:2}"; }

if [ "$runs" = keep ]; then
    # Of all inputs that reach the same code the shortest, whatever the number of times it is reached.
    rm -rf "$out/kept"
    for target in "${targets[@]}"; do
        mkdir -p "$out/kept/$target"
        fuzz "$target" -merge=1 -use_counters=0 "$out/kept/$target" "$out/found/$target" "$out/known/$target"
    done
    corpus pack "$out/kept"
    exit
fi
corpus unpack "$out/known"
mkdir -p "$out/failed"
for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "$out/found/$target"
    fuzz "$target" -runs="$runs" -dict=tests/fuzz/json.dict -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$out/failed/$target-" "$out/found/$target" "$out/known/$target"
done
