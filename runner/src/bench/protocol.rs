//! The clock.

use std::time::{Duration, Instant};

use crate::error::Failure;
use crate::machine;

/// How long a call is made before it is measured; not longer than a repeat.
const WARM_UP: Duration = Duration::from_millis(300);
/// The fewest calls of a warm-up, and samples of a repeat.
const FEWEST: [usize; 2] = [3, 5];
/// A repeat of so many budgets ends with fewer samples, but not fewer than a warm-up has calls.
const PATIENCE: u32 = 10;
/// Calls that are shorter than this are timed several together.
const SHORTEST: Duration = Duration::from_micros(200);

/// How a case is measured: warm up for 0.3 s and at least 3 calls, then so many repeats, each of at least 5 samples and so
/// long. A sample is the time of a call, or the mean of as many calls as fit into 0.2 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Repeats, each with its own median.
    pub repeats: usize,
    /// The time of a repeat.
    pub budget: Duration,
}

/// A [protocol](Protocol) on a device: a call is over when the device has done what it asks for.
pub(super) struct Clock<'a> {
    protocol: Protocol,
    /// Returns when the device has nothing left to do.
    wait: &'a dyn Fn() -> minitorch_core::Result<()>,
}

/// What was measured of a case.
pub(super) struct Times {
    /// Seconds of a call: the smallest of the repeats' medians.
    pub(super) median: f64,
    /// Seconds of the fastest call.
    pub(super) min: f64,
    /// Seconds of the process on processors in a call, in the cheapest repeat, where known.
    pub(super) processor: Option<f64>,
    /// The largest of the repeats' medians over the smallest.
    pub(super) spread: f64,
    /// Calls that were measured.
    pub(super) calls: usize,
    /// The most bytes in memory, where known.
    pub(super) peak: Option<u64>,
}

impl Protocol {
    /// The protocol of all measured libraries.
    pub const DEFAULT: Self = Self {
        repeats: 3,
        budget: Duration::from_millis(500),
    };

    /// Measures calls.
    ///
    /// # Errors
    ///
    /// The first error of a call.
    pub(super) fn time<T, E>(&self, mut call: impl FnMut() -> Result<T, E>) -> Result<Times, E> {
        let [few, enough] = FEWEST;
        let (start, mut calls) = (Instant::now(), 0);
        while calls < few || start.elapsed() < WARM_UP.min(self.budget) {
            call()?;
            calls += 1;
        }
        let once = Instant::now();
        call()?;
        let once = once.elapsed().as_nanos().max(1);
        let together = (SHORTEST.as_nanos() / once).clamp(1, 1_000_000) as usize;
        self.repeat(together, &mut |samples| {
            let start = Instant::now();
            while samples.len() < enough || start.elapsed() < self.budget {
                let sample = Instant::now();
                for _ in 0..together {
                    call()?;
                }
                samples.push(sample.elapsed().as_secs_f64() / together as f64);
                if samples.len() >= few && start.elapsed() > self.budget * PATIENCE {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Measures a call that is a repeat of its own, since it is long.
    ///
    /// # Errors
    ///
    /// As [`Protocol::time`].
    pub(super) fn time_long<E>(&self, mut call: impl FnMut() -> Result<(), E>) -> Result<Times, E> {
        self.repeat(1, &mut |samples| {
            let start = Instant::now();
            call()?;
            samples.push(start.elapsed().as_secs_f64());
            Ok(())
        })
    }

    /// The times of repeats, whose samples, each of so many calls, `measure` appends.
    fn repeat<E>(
        &self,
        together: usize,
        measure: &mut dyn FnMut(&mut Vec<f64>) -> Result<(), E>,
    ) -> Result<Times, E> {
        machine::reset_peak_memory();
        let mut repeats = Vec::with_capacity(self.repeats);
        for _ in 0..self.repeats {
            let (mut samples, before) = (Vec::new(), machine::processor_time());
            measure(&mut samples)?;
            let spent = before.and_then(|before| machine::processor_time()?.checked_sub(before));
            let calls = samples.len() * together;
            repeats.push(Repeat {
                samples,
                calls,
                processor: spent.map(|time| time.as_secs_f64() / calls as f64),
            });
        }
        Ok(Times::of(repeats))
    }
}

impl<'a> Clock<'a> {
    /// A clock for the device that `wait` waits for.
    pub(super) fn new(
        protocol: Protocol,
        wait: &'a dyn Fn() -> minitorch_core::Result<()>,
    ) -> Self {
        Self { protocol, wait }
    }

    /// A clock that makes so many repeats.
    pub(super) fn repeating(&self, repeats: usize) -> Self {
        let protocol = Protocol {
            repeats,
            ..self.protocol
        };
        Self::new(protocol, self.wait)
    }

    /// Measures calls, as [`Protocol::time`].
    ///
    /// # Errors
    ///
    /// The first error of a call or of the device.
    pub(super) fn time<T, E>(
        &self,
        mut call: impl FnMut() -> Result<T, E>,
    ) -> Result<Times, Failure>
    where
        Failure: From<E>,
    {
        self.protocol.time(|| self.over(call()))
    }

    /// Measures a long call, as [`Protocol::time_long`].
    ///
    /// # Errors
    ///
    /// As [`Clock::time`].
    pub(super) fn time_long<E>(
        &self,
        mut call: impl FnMut() -> Result<(), E>,
    ) -> Result<Times, Failure>
    where
        Failure: From<E>,
    {
        self.protocol.time_long(|| self.over(call()))
    }

    /// What a call has given, when the device has made it.
    fn over<T, E>(&self, made: Result<T, E>) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        let made = made?;
        (self.wait)()?;
        Ok(made)
    }
}

/// Seconds of samples, and of the process on processors in a call.
struct Repeat {
    samples: Vec<f64>,
    calls: usize,
    processor: Option<f64>,
}

impl Times {
    fn of(mut repeats: Vec<Repeat>) -> Self {
        for repeat in &mut repeats {
            repeat.samples.sort_by(f64::total_cmp);
        }
        let least = |numbers: &mut dyn Iterator<Item = f64>| numbers.fold(f64::INFINITY, f64::min);
        let medians = || {
            let samples = repeats.iter().map(|repeat| &repeat.samples);
            samples.map(|samples| samples[samples.len() / 2])
        };
        let median = least(&mut medians());
        let processor = least(&mut repeats.iter().filter_map(|repeat| repeat.processor));
        Self {
            median,
            min: least(&mut repeats.iter().map(|repeat| repeat.samples[0])),
            processor: Some(processor).filter(|seconds| seconds.is_finite()),
            spread: medians().fold(0.0, f64::max) / median,
            calls: repeats.iter().map(|repeat| repeat.calls).sum(),
            peak: machine::peak_memory(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_median_counts() {
        let repeat = |samples: &[f64], processor| Repeat {
            samples: samples.to_vec(),
            calls: 10 * samples.len(),
            processor,
        };
        let times = Times::of(vec![
            repeat(&[4.0, 9.0, 3.0], None),
            repeat(&[8.0, 1.0, 5.0, 6.0, 7.0], Some(2.5)),
        ]);
        assert_eq!((times.median, times.min, times.spread), (4.0, 1.0, 1.5));
        assert_eq!((times.calls, times.processor), (80, Some(2.5)));
    }

    #[test]
    fn calls_are_as_many_as_the_protocol_says() {
        let protocol = Protocol {
            repeats: 2,
            budget: Duration::from_nanos(1),
        };
        let mut calls = 0;
        let mut call = || {
            calls += 1;
            // Long enough to be a sample of its own.
            std::thread::sleep(SHORTEST * 2);
            Ok::<(), &str>(())
        };
        // Such a budget is spent ten times over by the third sample.
        assert_eq!(protocol.time(&mut call).map(|times| times.calls), Ok(6));
        assert_eq!(
            protocol.time_long(&mut call).map(|times| times.calls),
            Ok(2)
        );
        assert_eq!(calls, 3 + 1 + 6 + 2);
        let failed = protocol.time(|| Err::<(), _>("no"));
        assert_eq!(failed.map(|times| times.calls), Err("no"));
    }
}
