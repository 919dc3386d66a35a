#!/usr/bin/env bash
# Our training step beside PyTorch's, in turn, on this machine.
# Usage: scripts/compare.sh [FOLDER]   (the folder of the MNIST files adds an epoch of 60,000 images)
# PYTHON names an interpreter that has torch; `pip install torch` gets it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -c 'import torch' 2>/dev/null || { echo "compare: $python has no torch; set PYTHON, or pip install torch" >&2; exit 1; }
cargo build --quiet --release -p runner
workloads=W1
data=()
[ $# -eq 0 ] || { workloads=W1,W1E; data=(--data "$1"); }
for threads in 1 2; do
    echo "== $threads threads"
    OMP_NUM_THREADS=$threads "$python" scripts/bench_torch.py "$threads" "$@"
    echo "minitorch"
    "${CARGO_TARGET_DIR:-target}/release/runner" bench --workloads "$workloads" --threads "$threads" "${data[@]}"
done
