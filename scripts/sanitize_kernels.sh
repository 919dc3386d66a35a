#!/usr/bin/env bash
# Runs the kernels of the CUDA backend under AddressSanitizer and UndefinedBehaviorSanitizer, on the processor: the tests of
# the backend, both orders of threads and failures included, and steps of training, through a fake driver that is built with
# both. Usage: scripts/sanitize_kernels.sh
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CXX:-c++}
if ! command -v "$compiler" >/dev/null; then
    echo "SKIPPED: no C++ compiler here ($compiler; CXX names another one)" >&2
    exit 0
fi
# The programs themselves are built without, and get the libraries from here.
libraries=
for library in libasan.so libubsan.so; do
    path=$("$compiler" -print-file-name=$library)
    # A compiler names a library that it does not find as it was asked for.
    [ -e "$path" ] || { echo "SKIPPED: $compiler has no $library here (on Debian libgcc-12-dev, or of the compiler's version)" >&2; exit 0; }
    libraries+=" $path"
done
export CXXFLAGS="-g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"
# Everything that is on the heap of a program is remembered with the calls that led to it; more than one of them takes a
# hundred times as long. What is left at the end is the fake driver's to count.
export ASAN_OPTIONS=detect_leaks=0:malloc_context_size=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1

cargo build --quiet -p runner
built=$(cargo test --quiet -p minitorch-tests -p minitorch-semantics --no-run \
    --test cuda --test cuda_failures --test module3_cuda --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
[ "$(wc -w <<<"$built")" -eq 3 ] || { echo "the tests were not built: $built" >&2; exit 1; }
for test in $built; do (cd tests && LD_PRELOAD=$libraries "$test" --quiet); done

driver=$(cargo run --quiet -p minitorch-fake-cuda)
runner=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/runner
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
train() { "$runner" mnist --train 96 --valid 16 --epochs 1 --quiet --hash --backend "$1" | tail -n 1; }
cuda=$(LD_LIBRARY_PATH=$driver LD_PRELOAD=$libraries train cuda)
serial=$(train serial)
printf 'cuda    %s\nserial  %s\n' "$cuda" "$serial"
[ "$cuda" = "$serial" ] || { echo "the hashes differ" >&2; exit 1; }
