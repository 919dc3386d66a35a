#!/usr/bin/env bash
# AArch64, emulated: the tests of core that compare every instruction set with naive loops to the bit, and a training that
# has to end with the hash that it ends with here. QEMU is installed with apt where it is missing, as root.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/targets.sh

target=aarch64-unknown-linux-musl
if ! rustup_has "$target"; then
    echo "SKIPPED: rustup cannot fetch $target here" >&2
    exit 0
fi
command -v qemu-aarch64 >/dev/null || install qemu-user
# Programs for musl are static, so the linker that rustc brings is enough.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64

cargo test --quiet --target "$target" -p minitorch-core --test conv --test matmul --test pool --test math_fma

train() { cargo run --quiet --release -p minitorch-tiny --example levels "$@"; }
here=$(train)
there=$(train --target "$target")
printf '%s\n' "$here" "$there"
grep -q '^neon ' <<<"$there"
if [ "$(awk '{ print $2 }' <<<"$here"$'\n'"$there" | sort -u | wc -l)" != 1 ]; then
    echo "the hashes differ" >&2
    exit 1
fi
