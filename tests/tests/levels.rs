//! The instruction sets that all other tests cover on this machine, and loudly the ones that they cannot.

use minitorch_core::isa::Level;
use std::io::Write;

#[test]
fn levels_have_names_and_the_best_comes_last() {
    let levels: Vec<Level> = Level::supported().collect();
    assert_eq!(levels.first(), Some(&Level::PORTABLE));
    assert_eq!(levels.last(), Some(&Level::detect()));
    for level in &levels {
        assert_eq!(Level::named(level.name()).as_ref(), Some(level));
    }
    if cfg!(target_arch = "x86_64") {
        for name in ["avx2", "avx512"] {
            if Level::named(name).is_none() {
                let note = format!("SKIPPED every test of {name}: this processor has not got it");
                // Not eprintln, which the harness keeps to itself when a test passes.
                writeln!(std::io::stderr(), "{note}").unwrap();
            }
        }
    }
}
