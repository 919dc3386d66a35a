#!/usr/bin/env bash
# One run, one hash: trains each network for a moment in every way this machine can, in dev and release builds, one of
# them twice, and compares the hashes of the weights. Usage: scripts/one_hash.sh [a program of runner and its options]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
runs=("$*")
[ $# -gt 0 ] || runs=(
    "mnist --train 400 --epochs 1"
    "sentiment --epochs 2"
    "sentiment --preset kim --train 200 --epochs 2"
    "spiral --engine fast --epochs 50"
)

ways=(
    "--backend serial --isa auto"
    "--backend serial --isa portable"
    "--backend rayon --threads 1"
    "--backend rayon --threads 2"
    "--backend rayon --threads 3 --isa portable"
    "--backend rayon --threads 7"
    "--backend rayon --threads 7"
)
for profile in dev release; do
    cargo build --quiet --profile "$profile" -p runner
done
for run in "${runs[@]}"; do
    first=
    for profile in dev release; do
        binary=$(realpath "${CARGO_TARGET_DIR:-target}")/$([ "$profile" = dev ] && echo debug || echo release)/runner
        for way in "${ways[@]}"; do
            # shellcheck disable=SC2086  # runs and ways are lists of words
            hash=$(cd "$folder" && "$binary" $run $way --quiet --hash | tail -n 1)
            printf '%-10s %-8s %-44s %s\n' "${run%% *}" "$profile" "$way" "$hash"
            : "${first:=$hash}"
            [ "$hash" = "$first" ] || { echo "the hashes differ" >&2; exit 1; }
        done
    done
done
