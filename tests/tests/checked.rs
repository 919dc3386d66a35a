//! Core is tested with its overflow checks and debug assertions on, though `cargo run` goes without (`Cargo.toml`).
//! That a build is one of tests is seen by this file's own debug assertions: a release build has none.
#![cfg(debug_assertions)]

use minitorch_core::indexing::index_to_position;
use minitorch_core::layout::Layout;
use minitorch_core::nest::Nest;
use std::hint::black_box;

#[test]
#[should_panic(expected = "overflow")]
fn core_checks_for_overflow() {
    let _ = index_to_position(&[black_box(usize::MAX)], &[2]);
}

#[test]
#[should_panic(expected = "assertion failed")]
fn core_asserts() {
    let [two, three] = [2, 3].map(|size| Layout::contiguous([size]).expect("a small layout"));
    let _ = black_box(Nest::new([&two, &three]));
}
