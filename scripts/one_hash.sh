#!/usr/bin/env bash
# One run, one hash: trains the MNIST network for one epoch in every way this machine can, in dev and release builds,
# twice, and compares the hashes of the weights. Usage: scripts/one_hash.sh [options of `runner mnist`]
set -euo pipefail
cd "$(dirname "$0")/.."
options=("$@")
[ ${#options[@]} -gt 0 ] || options=(--train 400 --epochs 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

ways=(
    "--backend serial --isa auto"
    "--backend serial --isa portable"
    "--backend rayon --threads 1"
    "--backend rayon --threads 2"
    "--backend rayon --threads 3 --isa portable"
    "--backend rayon --threads 7"
    "--backend rayon --threads 7"
)
first=
for profile in dev release; do
    cargo build --quiet --profile "$profile" -p runner
    binary=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo release)/runner
    for way in "${ways[@]}"; do
        # shellcheck disable=SC2086  # the ways are lists of words
        hash=$("$binary" mnist "${options[@]}" $way --quiet --hash --checkpoint "$folder/net.safetensors" | tail -n 1)
        printf '%-8s %-44s %s\n' "$profile" "$way" "$hash"
        : "${first:=$hash}"
        [ "$hash" = "$first" ] || { echo "the hashes differ" >&2; exit 1; }
    done
done
