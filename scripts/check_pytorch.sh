#!/usr/bin/env bash
# PyTorch and runner load each other's weights and read the same digits with them, and PyTorch still computes the
# numbers that tests/semantics/tests/pytorch compares with. PYTHON names an interpreter that has torch and safetensors.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if ! "$python" -c 'import torch, safetensors' 2>/dev/null; then
    echo "SKIPPED: $python has no PyTorch; pip install torch safetensors, or set PYTHON to one that has" >&2
    exit 0
fi
cargo build --quiet --release -p runner
runner=${CARGO_TARGET_DIR:-target}/release/runner
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Usage: compare FILE OPTIONS. Runs with the options, then loads the file in PyTorch.
compare() {
    local file=$1 ours theirs
    shift
    ours=$("$runner" mnist "$@" --quiet --checkpoint "$folder/net.safetensors" | grep accuracy)
    theirs=$("$python" scripts/load_in_pytorch.py "$file")
    printf '%-44s runner:  %s\n%-44s PyTorch: %s\n' "$*" "$ours" "" "$theirs"
    [ "$ours" = "$theirs" ] || { echo "they differ" >&2; exit 1; }
}

echo "== weights of runner in PyTorch"
compare "$folder/net.safetensors" --train 2000 --epochs 3
compare "$folder/net.safetensors" --train 2000 --epochs 3 --pool max
compare "$folder/net.safetensors" --train 2000 --epochs 3 --preset accurate

echo "== weights of PyTorch in runner, after a step that is too small to change one"
trained=tests/data/pytorch/mnist-trained.safetensors
compare "$trained" --init "$trained" --train 17 --epochs 1 --rate 1e-30

echo "== numbers of PyTorch, against those in tests/data/pytorch"
"$python" scripts/pytorch_reference.py --check
