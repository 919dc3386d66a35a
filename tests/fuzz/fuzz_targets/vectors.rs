#![no_main]

use minitorch_tests::hostile::vectors::check;
use minitorch_tests::hostile::memory::{Counting, bounded};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bounded(check, input));
