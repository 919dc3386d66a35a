//! Numbers on the command line, read and checked.

use std::num::IntErrorKind;

use minitorch_core::executor::MOST_TASKS;

/// A count of at least one, and small enough that products of two of them do not overflow.
pub(super) fn positive(text: &str) -> Result<usize, String> {
    const MOST: usize = 1_000_000_000;
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MOST} is expected")),
    }
}

/// A number of a list, such as a size or an axis, or a position.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let wrong = |_| "a whole number of 0 or more is expected".to_string();
    text.parse().map_err(wrong)
}

/// A seed: any number of 64 bits.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    let wrong = |_| format!("a whole number from 0 to {} is expected", u64::MAX);
    text.parse().map_err(wrong)
}

/// A number of threads. One that is larger than the most that are of use is no mistake: scripts give the number of
/// processors, and [`cpu`](crate::backend::cpu) says how many it starts.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Ok(usize::MAX),
        _ => Err(format!(
            "a whole number of 1 or more is expected; at most {MOST_TASKS} threads are started"
        )),
    }
}

/// A learning rate: an f32 that is finite and over 0, of which 1.4e-45 is the smallest.
pub(super) fn rate(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a number from 1e-45 to 3e38 is expected".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked() {
        assert_eq!(positive("16"), Ok(16));
        for wrong in ["0", "-1", "1.5", "", "99999999999999999999999"] {
            assert!(positive(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["-1", "18446744073709551616", "0x1", ""] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
        assert_eq!((threads("7"), threads("5000")), (Ok(7), Ok(5000)));
        assert_eq!(threads("99999999999999999999999"), Ok(usize::MAX));
        for wrong in ["0", "-1", "two"] {
            let message = threads(wrong).unwrap_err();
            assert!(
                message.starts_with("a whole number of 1 or more is expected; at most 64"),
                "{wrong}: {message}"
            );
        }
        assert_eq!(rate("1e-2"), Ok(0.01));
        for wrong in ["0", "-0.1", "nan", "inf", "1e39", "1e-60", "fast", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
