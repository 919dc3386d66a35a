#!/usr/bin/env bash
# Writes what the CUDA backend ships: ops.cu and core.cuh from core's operations, and the PTX of ops.cu and kernels.cu, by
# one version of NVRTC from PyPI, which needs no GPU and gives the same text each time. Then assembles the PTX for three
# generations of devices and refuses a kernel that keeps registers in memory. With --check nothing is written, and the
# files in the repository have to be what would be. Usage: scripts/ptx.sh [--check]
set -euo pipefail
cd "$(dirname "$0")/.."
version=12.0.140
kernels=runner/src/backend/cuda/kernels
tools=$(realpath -m "${CARGO_TARGET_DIR:-target}")/nvrtc-$version

if [ ! -e "$tools/done" ]; then
    python3 -m pip install --quiet --no-deps --upgrade --target "$tools" \
        "nvidia-cuda-nvrtc-cu12==$version" "nvidia-cuda-nvcc-cu12==$version"
    touch "$tools/done"
fi
nvrtc=$tools/nvidia/cuda_nvrtc/lib/libnvrtc.so.12
ptxas=$tools/nvidia/cuda_nvcc/bin/ptxas
chmod +x "$ptxas"
export LD_LIBRARY_PATH="$tools/nvidia/cuda_nvrtc/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cp "$kernels"/*.cu "$kernels"/*.cuh "$made"
cargo run --quiet -p runner --example cuda_ops -- "$made"
for file in ops kernels; do
    python3 scripts/ptx.py "$nvrtc" "$made/$file.cu" >"$made/$file.ptx"
    for device in sm_70 sm_80 sm_90; do
        "$ptxas" --verbose --gpu-name "$device" --output-file /dev/null "$made/$file.ptx" 2>"$made/said"
        echo "$file.ptx for $device: $(grep -c 'Compiling entry function' "$made/said") kernels," \
            "at most $(grep -o 'Used [0-9]* registers' "$made/said" | sort -k 2 -n | tail -n 1 | cut -d ' ' -f 2) registers"
        if grep -B 1 'spill' "$made/said" | grep -v ' 0 bytes spill stores, 0 bytes spill loads' | grep 'spill'; then
            echo "$file.ptx for $device: a kernel keeps registers in memory" >&2
            exit 1
        fi
    done
done
for file in ops.cu core.cuh ops.ptx kernels.ptx; do
    if [ "${1:-}" = --check ]; then
        cmp "$made/$file" "$kernels/$file" || { echo "$file is out of date: run scripts/ptx.sh" >&2; exit 1; }
    else
        cp "$made/$file" "$kernels/$file"
    fi
done
