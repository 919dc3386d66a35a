//! Numbers on the command line, read and checked.

/// A count of at least one, and small enough that products of two of them do not overflow.
pub(super) fn positive(text: &str) -> Result<usize, String> {
    const MOST: usize = 1_000_000_000;
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MOST} is expected")),
    }
}

/// A seed: any number of 64 bits.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    let wrong = |_| format!("a whole number from 0 to {} is expected", u64::MAX);
    text.parse().map_err(wrong)
}

/// A number of threads that a machine can start.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    const MOST: usize = 4096;
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MOST} is expected")),
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
        assert_eq!(threads("7"), Ok(7));
        for wrong in ["0", "-1", "4097"] {
            assert!(threads(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rate("1e-2"), Ok(0.01));
        for wrong in ["0", "-0.1", "nan", "inf", "1e39", "1e-60", "fast", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
