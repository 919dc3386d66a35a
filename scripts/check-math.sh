#!/bin/sh
# Checks the arithmetic of minitorch-core in full: every single-precision input of each function against double
# precision, hundreds of millions of powers, and both software fused multiply-adds against the instruction.
# Takes about ten minutes on two cores and prints the errors that the documentation states.
set -eu
cd "$(dirname "$0")/.."
exec cargo test --release --package minitorch-core --test math --test math_fma --test math_pow -- \
    --include-ignored --nocapture --test-threads 1
