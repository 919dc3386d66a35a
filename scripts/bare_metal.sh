#!/usr/bin/env bash
# Compiles core for a chip without atomics and without floating point: thumbv6m, Cortex-M0. scripts/same_bits.sh does so,
# and runs it, for one with both.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/targets.sh

build_for thumbv6m-none-eabi -p minitorch-core
echo "thumbv6m-none-eabi: compiled with $compiler"
