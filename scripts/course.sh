#!/usr/bin/env bash
# The course of training against MiniTorch's: 1,000 images, seeds 0 to 8. Prints, for each seed, the loss summed over
# epochs 1, 2 and 20 and the best of 16 in epoch 2, then the medians, and fails where they leave the range that thirty
# PyTorch seeds of the same settings span.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p runner
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for seed in 0 1 2 3 4 5 6 7 8; do
    "${CARGO_TARGET_DIR:-target}/release/runner" mnist --train 1000 --epochs 20 --seed "$seed" \
        --checkpoint "$folder/net.safetensors" >"$folder/$seed.log"
done
awk '
    function median(values, count,    i, j, t) {
        for (i = 2; i <= count; i++)
            for (j = i; j > 1 && values[j - 1] > values[j]; j--) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
        return values[int((count + 1) / 2)]
    }
    FNR == 1 { seed++ }
    /^Epoch: / {
        split($2, epoch, "/"); loss = $4 + 0; correct = $6 + 0
        sum[seed, epoch[1]] += loss
        if (epoch[1] == 2 && correct > best[seed]) best[seed] = correct
    }
    END {
        print "seed  epoch 1  epoch 2  epoch 20  best of 16 in epoch 2"
        for (s = 1; s <= seed; s++) {
            printf "%4d  %7.1f  %7.1f  %8.1f  %d\n", s - 1, sum[s, 1], sum[s, 2], sum[s, 20], best[s]
            a[s] = sum[s, 1]; b[s] = sum[s, 2]; c[s] = sum[s, 20]; d[s] = best[s]
        }
        a0 = median(a, seed); b0 = median(b, seed); c0 = median(c, seed); d0 = median(d, seed)
        printf "median %6.1f  %7.1f  %8.1f  %d\n", a0, b0, c0, d0
        if (a0 < 100 || a0 > 146 || b0 < 45 || b0 > 115 || c0 >= 25 || d0 < 14) {
            print "out of range: 100..146, 45..115, below 25, at least 14"; exit 1
        }
    }
' "$folder"/[0-8].log
