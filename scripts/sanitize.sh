#!/usr/bin/env bash
# Runs the tests that reach unsafe code under AddressSanitizer, on the installed nightly toolchain. Every file with unsafe
# code has to be in the table below, with the tests that reach it.
set -euo pipefail
cd "$(dirname "$0")/.."

table='
core/src/isa/aarch64.rs
core/src/isa/detect.rs          core:lib core:matmul
core/src/isa/x86.rs             core:matmul core:pool
core/src/kernels/block/add.rs   core:lib core:block
core/src/kernels/correlate.rs   core:lib core:conv
core/src/kernels/panel.rs       core:lib core:matmul core:conv
core/src/kernels/terms.rs       core:lib core:matmul core:conv
core/src/math/fma.rs            core:math_fma
core/src/math/sqrt.rs           core:math
core/src/shared.rs              core:shared
core/tests/memory/mod.rs        core:shared core:safetensors
core/tests/training_memory.rs   core:training_memory
runner/src/backend/cuda/driver.rs    tests:cuda
runner/src/backend/cuda/elementwise.rs tests:cuda
runner/src/backend/cuda/graph.rs     tests:cuda tests:cuda_graphs
runner/src/backend/cuda/index.rs     tests:cuda
runner/src/backend/cuda/linear.rs    tests:cuda
runner/src/backend/cuda/matmul.rs    tests:cuda
runner/src/backend/cuda/mod.rs       tests:cuda
runner/src/backend/cuda/plain.rs     tests:cuda tests:cuda_graphs
runner/src/backend/cuda/recording.rs tests:cuda tests:cuda_graphs
runner/src/backend/cuda/reduce.rs    tests:cuda
runner/src/backend/cuda/softmax.rs   tests:cuda
runner/src/backend/cuda/spatial.rs   tests:cuda
runner/src/backend/cuda/spatial/block.rs tests:cuda
runner/src/backend/cuda/staging.rs   tests:cuda tests:cuda_graphs
runner/src/backend/cuda/stream.rs    tests:cuda tests:cuda_failures tests:cuda_graphs
tests/fake-cuda/src/lib.rs      tests:cuda tests:cuda_failures tests:cuda_graphs tests:cuda_updates
tests/firmware/src/main.rs
tests/hostcheck/src/main.rs
tests/src/hostile/memory.rs     tests:corpus
tests/tiny/src/heap.rs          tiny:lib
tests/wasm/src/lib.rs
'
# The programs without std, which a sanitizer needs, are run by tests/tests/no_std.rs and scripts/same_bits.sh, and the code
# for AArch64 by scripts/aarch64.sh.

unsafe_code='\bunsafe\b *(\{|fn\b|impl\b|trait\b|extern\b)|\bunsafe\('
found=$(grep -rlE --include='*.rs' --exclude-dir=target "$unsafe_code" core runner tests | LC_ALL=C sort)
if ! diff <(awk 'NF { print $1 }' <<<"$table") <(echo "$found") >&2; then
    echo "sanitize: the files with unsafe code (>) are not those in the table of this script (<)" >&2
    exit 1
fi

if ! rustup toolchain list | grep -q '^nightly'; then
    echo "SKIPPED: no nightly toolchain here (rustup toolchain install nightly)" >&2
    exit 0
fi
host=$(rustc -vV | sed -n 's/^host: //p')
for package in core tests tiny; do
    tests=()
    for test in $(grep -o "\b$package:[a-z_]*" <<<"$table" | sort -u); do
        case ${test#*:} in
            lib) tests+=(--lib) ;;
            *) tests+=(--test "${test#*:}") ;;
        esac
    done
    RUSTFLAGS="-Zsanitizer=address" cargo +nightly test --quiet --target "$host" \
        --target-dir "${CARGO_TARGET_DIR:-target}/asan" -p minitorch-$package "${tests[@]}"
done
