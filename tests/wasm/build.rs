fn main() {
    // Instead of 1 MiB.
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=16384");
}
