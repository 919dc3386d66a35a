#!/usr/bin/env bash
# Runs the tests that reach the files with unsafe code under AddressSanitizer, on the installed nightly toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! rustup toolchain list | grep -q '^nightly'; then
    echo "SKIPPED: no nightly toolchain here (rustup toolchain install nightly)" >&2
    exit 0
fi
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-Zsanitizer=address" cargo +nightly test --quiet --target "$host" \
    --target-dir "${CARGO_TARGET_DIR:-target}/asan" -p minitorch-core \
    --lib --test shared --test matmul --test conv --test pool --test math
