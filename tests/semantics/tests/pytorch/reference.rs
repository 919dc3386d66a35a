//! The committed files, and what both sides do with numbers: make them, cut them down, compare them.

use minitorch_core::state::SafeTensors;
use minitorch_tests::samples::whole;

/// Every tensor is stored as at most so many numbers.
const KEPT: usize = 8;

/// A file of `tests/data/pytorch`.
macro_rules! reference {
    ($name:literal) => {
        minitorch_core::state::SafeTensors::parse(include_bytes!(concat!(
            "../../../data/pytorch/",
            $name,
            ".safetensors"
        )))
        .expect("a file of scripts/pytorch_reference.py")
    };
}
pub(crate) use reference;

/// The numbers under a name.
pub(super) fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let view = file.get(name).unwrap_or_else(|| panic!("no {name}"));
    view.read().expect("floating point")
}

/// Multiples of 1/16 from -2 to 2, the same as in `scripts/pytorch_operations.py`.
pub(super) fn sixteenths(seed: u64, count: usize) -> Vec<f64> {
    let number = |at| (whole(seed, at, 64) as f64 - 32.0) / 16.0;
    (0..count).map(number).collect()
}

/// Multiples of 1/16 from 1/16 to 4.
pub(super) fn positive(seed: u64, count: usize) -> Vec<f64> {
    let number = |at| (whole(seed, at, 64) as f64 + 1.0) / 16.0;
    (0..count).map(number).collect()
}

/// At most [`KEPT`] numbers: number j is the sum of the elements i with `i % KEPT == j`, each with a weight of its own,
/// so that no wrong element goes unseen.
pub(super) fn fold(values: &[f64]) -> Vec<f64> {
    if values.len() <= KEPT {
        return values.to_vec();
    }
    let mut kept = vec![0.0; KEPT];
    for (at, (value, weight)) in values.iter().zip(positive(9, values.len())).enumerate() {
        kept[at % KEPT] += value * weight;
    }
    kept
}

/// The largest difference, relative to the largest number that is expected.
pub(super) fn distance(actual: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(actual.len(), expected.len(), "as many numbers");
    let off = largest(actual.iter().zip(expected).map(|(a, b)| a - b));
    if off == 0.0 {
        return 0.0;
    }
    off / largest(expected.iter().copied())
}

/// Prints the distance, and fails if it exceeds the tolerance.
#[track_caller]
pub(super) fn close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    let off = distance(actual, expected);
    println!("{off:.1e} {what}");
    assert!(
        off <= tolerance,
        "{what}: {actual:?} is {off:.1e} off {expected:?}"
    );
}

/// The largest magnitude, and not a number if one is not; `f64::max` would pass over it.
fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers
        .map(f64::abs)
        .fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}

#[test]
fn a_distance_sees_what_is_not_a_number() {
    assert_eq!(distance(&[1.0, -4.0], &[1.0, -5.0]), 0.2);
    assert_eq!(distance(&[0.0, 0.0], &[0.0, 0.0]), 0.0);
    assert!(distance(&[f64::NAN, 1.0], &[1.0, 1.0]).is_nan());
    assert!(distance(&[1.0], &[0.0]).is_infinite());
}
