//! Replays what the fuzzer found worth keeping: every reader of files, on every kind of input that it tells apart.

use minitorch_tests::hostile::corpus::{pack, stored, unpack};
use minitorch_tests::hostile::memory::{Counting, bounded};
use minitorch_tests::hostile::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn every_known_input_is_survived() {
    for target in &TARGETS {
        let file = stored(target).unwrap_or_else(|error| panic!("{}: {error}", target.name));
        let inputs = unpack(&file);
        assert!(inputs.len() > 1, "{} has a corpus", target.name);
        // What is made once and kept, such as the device's pool, is not the input's.
        (target.check)(inputs[1]);
        for input in inputs {
            bounded(target.check, input);
        }
    }
}

/// A fuzzer prefers short inputs; here the whole of each valid one is walked through.
#[test]
fn every_seed_is_survived_cut_short_and_drawn_out() {
    for Target { check, seeds, .. } in TARGETS {
        for seed in seeds() {
            check(&seed);
            let step = seed.len() / 97 + 1;
            for length in (0..seed.len()).step_by(step) {
                check(&seed[..length]);
            }
            for byte in [0, b'0', 0xff] {
                check(&[&seed[..], &[byte; 3]].concat());
            }
        }
    }
}

#[test]
fn the_allocator_counts_and_the_bound_is_kept() {
    let much = |_: &[u8]| drop(std::hint::black_box(vec![0u8; 3 << 20]));
    let caught = std::panic::catch_unwind(|| bounded(much, b""));
    assert!(caught.is_err());
    bounded(much, &[0; 4096]);
}

#[test]
fn a_corpus_is_packed_without_loss() {
    let inputs = [&b"abc"[..], b"", b"ab", b"abc", b"b"].map(<[u8]>::to_vec);
    let packed = pack(inputs.to_vec());
    assert_eq!(unpack(&packed), [&b""[..], b"b", b"ab", b"abc"]);
    assert!(unpack(&[]).is_empty());
}
