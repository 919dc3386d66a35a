# Sourced by scripts that compile for targets without an operating system: the one place that says with which compiler.
#
#   build_for TARGET [options of `cargo build`]   in release mode; sets $built, the folder of the results, and $compiler
#   install PACKAGE..                             with apt, as root
#
# rustup's targets are taken where they can be had. Elsewhere Debian's compiler builds Debian's library source of the same
# version.

install() {
    echo "installing $*" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# A target counts as there when its library is: `rustup target add` may be unable to fetch it.
rustup_has() {
    rustup target add "$1" >/dev/null 2>&1 && ls "$(rustc --print sysroot)/lib/rustlib/$1/lib/"libcore-*.rlib >/dev/null 2>&1
}

build_for() {
    local target=$1 folder=${CARGO_TARGET_DIR:-target}/bare-metal flags= linker lld
    shift
    # Where a chip has no compare-and-swap, the program decides how counts become atomic; one core is enough here.
    [ "$target" != thumbv6m-none-eabi ] || flags="--cfg portable_atomic_unsafe_assume_single_core"
    if rustup_has "$target"; then
        compiler="rustup's $(rustc --version | cut -d' ' -f2)"
        RUSTFLAGS=$flags cargo build --quiet --release --target "$target" --target-dir "$folder" "$@"
    else
        [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -f /usr/lib/rustlib/src/rust/library/core/src/lib.rs ] ||
            install rustc-web cargo-web rust-web-src
        folder+=-debian
        compiler="Debian's $(/usr/bin/rustc --version | cut -d' ' -f2)"
        linker=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_LINKER
        lld=$(echo "$(rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld)
        [ -x "$lld" ] || { echo "no linker for $target: rustup's rustc brings one, rust-lld" >&2; return 1; }
        # Only for this command: crates that probe for a nightly compiler would otherwise find one.
        env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTFLAGS="$flags" "$linker=$lld" /usr/bin/cargo build --quiet \
            --release -Zbuild-std=core,alloc --target "$target" --target-dir "$folder" "$@"
    fi
    built=$folder/$target/release
}
