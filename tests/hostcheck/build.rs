fn main() {
    // The start-up code is our own; the C library gives memcpy and its like. Not static: the memcpy of a static glibc
    // needs the start-up code that is left out.
    println!("cargo::rustc-link-arg-bins=-nostartfiles");
    println!("cargo::rustc-link-arg-bins=-lc");
}
