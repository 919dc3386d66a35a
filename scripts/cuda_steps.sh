#!/usr/bin/env bash
# Trains the MNIST network for 200 steps on the CUDA backend, through the fake driver where there is no GPU, and on one
# thread, and compares the hashes of the weights. Says the times, which are no GPU's if the driver is the fake one, and how
# many kernels a step has, and launches of them or of graphs. Usage: scripts/cuda_steps.sh [steps]
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-200}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo build --quiet --release -p runner
runner=$(realpath "${CARGO_TARGET_DIR:-target}")/release/runner
if ! (cd "$folder" && "$runner" doctor) | grep -q '^cuda *driver'; then
    echo "no GPU here: the fake driver runs the kernels on the processor"
    LD_LIBRARY_PATH=$(cargo run --quiet -p minitorch-fake-cuda)
    export LD_LIBRARY_PATH FAKE_CUDA_COUNTS=$folder/counts
fi

# The program's own images are enough for 311 steps in an epoch; a last batch is left out where no more than a batch of
# images is left.
epochs=$(((steps + 310) / 311))
each=$(((steps + epochs - 1) / epochs))
steps=$((epochs * each))
train() {
    local start=$SECONDS
    (cd "$folder" && "$runner" mnist --train $((16 * (each + 1))) --epochs "$epochs" --quiet --hash --backend "$1" | tail -n 1)
    echo "$1: $((SECONDS - start)) seconds for $steps steps and the test images" >&2
}
cuda=$(train cuda)
serial=$(train serial)
printf 'cuda    %s\nserial  %s\n' "$cuda" "$serial"
[ "$cuda" = "$serial" ] || { echo "the hashes differ" >&2; exit 1; }
if [ -e "$folder/counts" ]; then
    awk -v steps="$steps" '
        $2 !~ /^cu/ { kernels += $1 }
        $2 == "cuGraphLaunch" || $2 == "cuLaunchKernel" { launches += $1 }
        END { printf "%.1f kernels by %.1f launches for each step, evaluation included\n", kernels / steps, launches / steps }
    ' "$folder/counts"
fi
