#!/usr/bin/env bash
# How well `runner predict` reads pictures: trains the network on all of MNIST (--preset accurate, some minutes) unless a
# checkpoint is given, then reads the 10,000 test images drawn at other sizes, moved, inverted, as PNG and as JPEG.
# Usage: scripts/predict_accuracy.sh FOLDER [CHECKPOINT]   (the folder of the MNIST files)
set -euo pipefail
[ $# -ge 1 ] || { sed -n '4s/^# //p' "$0" >&2; exit 2; }
data=$(realpath "$1")
checkpoint=${2:+$(realpath "$2")}
cd "$(dirname "$0")/.."
if [ -z "$checkpoint" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    checkpoint=$folder/net.safetensors
    cargo run --quiet --release -p runner -- mnist --full --data "$data" --preset accurate --quiet --checkpoint "$checkpoint"
fi
cargo run --quiet --release -p runner --example predict_accuracy -- "$data" "$checkpoint"
