#!/usr/bin/env bash
# `runner bench` beside PyTorch, in turn, on one thread and on two: `ratio` is how many times as long PyTorch takes.
# Usage: scripts/compare.sh [--install] [--workloads LIST] [FOLDER]
#   FOLDER     the MNIST files, for W1E, an epoch of 60,000 images
#   --install  a virtual environment with PyTorch in the target folder (hundreds of MB), unless it is there
# PYTHON names an interpreter that has torch; otherwise it is that environment's, or python3. A quick look, on a machine
# with nothing else to do: BENCH_BUDGET=0.1 scripts/compare.sh
set -euo pipefail
usage() { sed -n 's/^# //; 3,7p' "$0" >&2; exit 2; }
install=
workloads=
folder=
while [ $# -gt 0 ]; do
    case $1 in
        --install) install=1 ;;
        --workloads) workloads=${2-}; [ -n "$workloads" ] || usage; shift ;;
        -*) usage ;;
        *) [ -z "$folder" ] && [ -d "$1" ] || usage; folder=$(realpath "$1") ;;
    esac
    shift
done
workloads=${workloads:-W0,W1,${folder:+W1E,}W2,W3,W4,W5,W6,W7,COLD}
[[ -n $folder || ,$workloads, != *,W1E,* ]] || usage
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
environment=$target/pytorch
if [ -n "$install" ] && [ ! -x "$environment/bin/python" ]; then
    python3 -m venv "$environment"
    "$environment/bin/python" -m pip install --quiet torch
fi
python=${PYTHON:-$environment/bin/python}
[ -x "$(command -v "$python")" ] || python=python3
"$python" -c 'import torch' 2>/dev/null || {
    echo "compare: $python has no torch; scripts/compare.sh --install gets it, or PYTHON= names one that has it" >&2
    exit 1
}

cargo build --quiet --release -p runner
for workload in ${workloads//,/ }; do
    for threads in 1 2; do
        options=(--workloads "$workload" --threads "$threads")
        [ "$workload" != W1E ] || options+=(--data "$folder")
        "$target/release/runner" bench --json "${options[@]}"
        [ "$workload" = W0 ] || "$python" scripts/bench_torch.py "${options[@]}"
    done
done | "$python" scripts/compare_table.py
