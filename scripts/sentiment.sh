#!/usr/bin/env bash
# How well `runner sentiment` learns SST-2. Usage: scripts/sentiment.sh FOLDER, where FOLDER/sst2 has GLUE's train.tsv and
# dev.tsv, FOLDER/sst2-sentence has stsa.binary.{train,dev,test}, and FOLDER/glove vectors of 50 and of 100 numbers, all of
# them plain or .gz. Takes some twenty minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:?the folder of the data sets}
cargo build --quiet --release -p runner
runner=${CARGO_TARGET_DIR:-target}/release/runner
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Usage: run OPTIONS. All that a run says.
run() { "$runner" sentiment "$@" --checkpoint "$folder/net.safetensors"; }
# The last number before a %, of the lines with these words, in order.
percent() { grep "$1" | tail -n 1 | sed 's/.*: \([0-9.]*\)%.*/\1/'; }

for epochs in 20 100; do
    for seed in 0 1 2 3 4; do
        run --data "$data/sst2" --epochs "$epochs" --seed "$seed" | percent "Best Valid"
    done | sort -n | awk -v epochs="$epochs" '{ all[NR] = $1 }
        END { printf "450/100 of GLUE, best of %d epochs, seeds 0 to 4: %s to %s %%, median %s %%\n", epochs, all[1], all[5], all[3] }'
done
for seed in 0 1 2; do
    run --preset kim --data "$data/sst2-sentence" --embedding-dim 100 --seed "$seed" >"$folder/log"
    printf '%s %s\n' "$(percent "Test accuracy" <"$folder/log")" "$(grep '^Time: ' "$folder/log")"
done | awk '{ print "whole sentences, kim: " $0; sum += $1 } END { printf "mean of %d seeds: %.2f %%\n", NR, sum / NR }'
