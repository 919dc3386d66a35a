fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    // The linker script of cortex-m-rt, which includes memory.x.
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    // Sections need not start at pages.
    println!("cargo::rustc-link-arg-bins=--nmagic");
}
