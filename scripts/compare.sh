#!/usr/bin/env bash
# `runner bench` beside PyTorch, in turn, on one thread and on two: `ratio` is how many times as long PyTorch takes.
# Usage: scripts/compare.sh [--install] [--workloads LIST] [FOLDER]
#   FOLDER     the MNIST files, for W1E, an epoch of 60,000 images
#   --install  PyTorch into a virtual environment in the target folder, unless it is there: some GB, or a tenth of that with
#              PIP_INDEX_URL=https://download.pytorch.org/whl/cpu
# PYTHON names an interpreter that has torch; otherwise it is that environment's, or python3. A ratio is worth something
# only on a machine with nothing else to do: with both processors taken, PyTorch's threads wait for each other. A quick
# look: BENCH_BUDGET=0.1 scripts/compare.sh
set -euo pipefail
usage() { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
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
environment=$target/pytorch/bin/python
has_torch() { "$1" -c 'import torch' 2>/dev/null; }
if [ -n "$install" ] && ! has_torch "$environment"; then
    python3 -m venv "$target/pytorch"
    "$environment" -m pip install --quiet torch
fi
python=$environment
[ -x "$environment" ] || python=python3
python=${PYTHON:-$python}
has_torch "$python" || {
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
