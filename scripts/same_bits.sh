#!/usr/bin/env bash
# The same bits on a microcontroller, in WebAssembly and here: a small network learns on an emulated Cortex-M4F and in
# node, and both have to print the hash that `runner` prints. Also prints what that takes: flash, memory, time.
# Compilers and QEMU are installed with apt where they are missing, as root; node is not.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/targets.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cargo build --quiet -p runner

# Prints the report of a program and trains as it says: `compare NAME COMMAND..`
compare() {
    local name=$1 start=$SECONDS options theirs ours
    shift
    "$@" </dev/null | tee "$folder/report" || { echo "$name: the program failed" >&2; exit 1; }
    echo "Time: $((SECONDS - start)) s"
    options=$(sed -n 's/^The same on a desktop: cargo run -p runner -- //p' "$folder/report")
    theirs=$(grep '^Weights hash: ' "$folder/report")
    # shellcheck disable=SC2086  # the options are a list of words
    ours=$("${CARGO_TARGET_DIR:-target}/debug/runner" $options --quiet --checkpoint "$folder/net.safetensors" | tail -n 1)
    if [ "$ours" != "$theirs" ]; then
        echo "$name: $theirs, but the runner's is: $ours" >&2
        exit 1
    fi
    echo "Equal to the hash of runner"
}

echo "-- Cortex-M4F, in QEMU"
build_for thumbv7em-none-eabihf --manifest-path tests/firmware/Cargo.toml
command -v qemu-system-arm >/dev/null || install qemu-system-arm
echo "Compiled with $compiler"
size "$built/firmware" | awk 'NR == 2 { print "Flash: " $1 + $2 " bytes" }'
# What goes wrong on bare metal loops for ever, so there is a limit.
compare Cortex-M4F timeout 300 qemu-system-arm -M netduinoplus2 -nographic \
    -semihosting-config enable=on,target=native -kernel "$built/firmware"

echo "-- WebAssembly, in node"
build_for wasm32-unknown-unknown --manifest-path tests/wasm/Cargo.toml
echo "Compiled with $compiler"
echo "Module: $(wc -c <"$built/wasm.wasm") bytes"
if command -v node >/dev/null; then
    compare WebAssembly node tests/wasm/run.mjs "$built/wasm.wasm"
else
    echo "SKIPPED: there is no node here to run the module" >&2
fi
