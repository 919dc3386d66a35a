#!/usr/bin/env bash
# Takes the CUDA backend to a machine with a GPU and a driver, which needs no Rust, and measures it there.
#   scripts/gpu.sh pack DIR    builds here, and gathers in DIR what that machine needs: copy it there, of any name
#   DIR/gpu.sh run [FOLDER]    checks and measures, and writes DIR/gpu.md; FOLDER has the MNIST files, for W1E
# What is checked: the bits of every operation and of a training run, a sum of more than 2^31 elements, and, where NVIDIA's
# toolkit is, memory and races by compute-sanitizer. What is measured: `runner bench`, beside PyTorch with and without
# CUDA graphs where an interpreter has torch (PYTHON, else python3). STEPS, WORKLOADS and BENCH_BUDGET make it shorter.
# Exit status 1 if a check fails, and then nothing is measured. A rehearsal on the fake driver:
#   LD_LIBRARY_PATH=$(cargo run -q -p minitorch-fake-cuda) STEPS=10 WORKLOADS=W7 BENCH_BUDGET=0.01 DIR/gpu.sh run
set -euo pipefail
usage() { sed -n '2,10s/^# //p' "$0" >&2; exit 2; }

pack() {
    cd "$(dirname "$0")/.."
    mkdir -p "$1"
    cargo build --quiet --release -p runner
    local tests
    tests=$(cargo test --quiet --release -p minitorch-tests --test cuda --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
    cp "$(realpath "${CARGO_TARGET_DIR:-target}")/release/runner" scripts/gpu.sh scripts/bench_torch.py "$1"
    cp "$tests" "$1/conformance"
    git describe --always --dirty >"$1/version"
    echo "copy $1 to the machine with the GPU, and call gpu.sh run there"
}

# A row of the table of checks: what was checked, and what came out of it.
row() { echo "| $1 | $2 |" | tee -a gpu.md; }

# Runs a check; its output is kept in a file, and told if it fails.
check() {
    local what=$1 name=$2
    shift 2
    if "$@" >"$name.log" 2>&1; then
        row "$what" "passed"
    else
        row "$what" "**failed**"
        tail -n 30 "$name.log" >&2
        exit 1
    fi
}

# The weights after STEPS steps or, in epochs of one length, a few more: the program's own images are enough for 311 in an
# epoch. A last batch is left out where no more than a batch of images is left.
steps=${STEPS:-200}
[[ $steps =~ ^[1-9][0-9]*$ ]] || { echo "gpu: STEPS is a number from 1 on, not $steps" >&2; exit 2; }
epochs=$(((steps + 310) / 311))
each=$(((steps + epochs - 1) / epochs))
hash_of() {
    ./runner mnist --epochs "$epochs" --train $((16 * (each + 1))) --valid 16 --quiet --hash \
        --checkpoint trained.safetensors --backend "$1" | sed -n 's/^Weights hash: //p'
}

sanitized() {
    compute-sanitizer --tool "$1" --error-exitcode 1 ./conformance &&
        compute-sanitizer --tool "$1" --error-exitcode 1 ./runner mnist --epochs 1 --train 64 --valid 16 --quiet \
            --checkpoint trained.safetensors --backend cuda
}

# The JSON lines of all, as rows of a table: case, and the median of each in milliseconds with ours as the measure.
table() {
    awk '
        function value(key,    rest) {
            if (!match($0, "\"" key "\": *\"?")) return ""
            rest = substr($0, RSTART + RLENGTH)
            sub(/[",}].*/, "", rest)
            return rest
        }
        {
            row = value("workload") " | " value("case")
            if (!(row in seen)) order[++rows] = row
            seen[row]
            median[row, value("peer")] = value("median_ms")
        }
        function cell(row, peer) {
            if (!((row, peer) in median)) return "-"
            if (peer == "minitorch" || !((row, "minitorch") in median)) return sprintf("%.4g ms", median[row, peer])
            return sprintf("%.4g ms (%.2f)", median[row, peer], median[row, peer] / median[row, "minitorch"])
        }
        END {
            print "| workload | case | ours | PyTorch | PyTorch, CUDA graphs |"
            print "| --- | --- | ---: | ---: | ---: |"
            for (i = 1; i <= rows; ++i) {
                row = order[i]
                print "| " row " | " cell(row, "minitorch") " | " cell(row, "torch") " | " cell(row, "torch-graphs") " |"
            }
        }' measured.jsonl
}

run() {
    local folder= doctor device serial cuda
    # Not beside `local`, which would end well whatever happens here.
    [ -z "$1" ] || folder=$(realpath -e "$1")
    local workloads=${WORKLOADS:-W1,${folder:+W1E,}W2,W3,W4,W5,W7} python=${PYTHON:-python3}
    [[ $folder || ,$workloads, != *,W1E,* ]] || { echo "gpu: W1E needs the folder of the MNIST files" >&2; exit 2; }
    cd "$(dirname "$0")"
    doctor=$(./runner doctor)
    device=$(sed -n 's/^ *device 0 works: //p' <<<"$doctor")
    [ -n "$device" ] || { echo "$doctor" >&2; echo "gpu: there is no device that works" >&2; exit 1; }
    printf '# CUDA backend, version %s, on %s\n\n%s, %s\n\n' "$(cat version)" "$device" "$(date -u +%F)" \
        "$(sed -n 's/^cuda *//p' <<<"$doctor")" >gpu.md
    printf '| check | result |\n| --- | --- |\n' >>gpu.md

    check "every operation has the bits of its definition; a sum of more than 2^31 elements" conformance \
        env MINITORCH_GPU=1 ./conformance --include-ignored
    serial=$(hash_of serial)
    cuda=$(hash_of cuda)
    check "MNIST, $((epochs * each)) steps: $cuda, on one thread $serial" hash test "$cuda" = "$serial"
    for tool in memcheck racecheck; do
        if command -v compute-sanitizer >/dev/null; then
            check "compute-sanitizer $tool" "$tool" env MINITORCH_GPU=1 bash -c "$(declare -f sanitized); sanitized $tool"
        else
            row "compute-sanitizer $tool" "SKIPPED: it is not here (NVIDIA's CUDA toolkit has it)"
        fi
    done

    local options=(--workloads "$workloads")
    [[ ,$workloads, != *,W1E,* ]] || options+=(--data "$folder")
    ./runner bench --backend cuda --json "${options[@]}" >measured.jsonl
    printf '\nMedians; in brackets how many times as long as ours.' >>gpu.md
    if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
        "$python" bench_torch.py --device cuda "${options[@]}" >>measured.jsonl
        "$python" bench_torch.py --device cuda --graphs "${options[@]}" >>measured.jsonl
        printf ' PyTorch %s.\n\n' "$("$python" -c 'import torch; print(torch.__version__)')" >>gpu.md
    else
        printf ' SKIPPED PyTorch: %s has no torch with CUDA.\n\n' "$python" | tee -a gpu.md
    fi
    table >>gpu.md
    echo "written: $PWD/gpu.md"
}

case ${1-} in
    pack) [ $# -eq 2 ] || usage; pack "$(realpath -m "$2")" ;;
    run) [ $# -le 2 ] || usage; run "${2-}" ;;
    *) usage ;;
esac
