//! What the log lines of a run said, as numbers.

/// So many readings are kept: all of 250 epochs of MNIST's log, in two megabytes at most.
const MOST: usize = 1 << 14;

/// What a log line says, as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Epochs that are done, in part as well: 1.5 is in the middle of the second.
    pub epoch: f64,
    /// The mean loss of an item, in nats.
    pub loss: f64,
    /// What an accuracy is of, and the accuracy, from 0 to 1. The names are the same in all readings of a run.
    pub accuracy: Vec<(&'static str, f64)>,
}

/// The readings of a run in order.
///
/// A very long log is thinned out evenly, so that memory and the page stay small.
#[derive(Clone, Debug)]
pub struct Record {
    readings: Vec<Reading>,
    /// How many there were.
    seen: usize,
    /// Of so many, the first is kept.
    stride: usize,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            readings: Vec::new(),
            seen: 0,
            stride: 1,
        }
    }
}

impl Record {
    /// Adds the next reading.
    pub fn add(&mut self, reading: Reading) {
        if self.is_next() && self.readings.len() == MOST {
            self.stride *= 2;
            let mut kept = false;
            self.readings.retain(|_| {
                kept = !kept;
                kept
            });
        }
        if self.is_next() {
            self.readings.push(reading);
        }
        self.seen += 1;
    }

    /// Whether the next one is to be kept.
    fn is_next(&self) -> bool {
        self.seen.is_multiple_of(self.stride)
    }

    /// Those that are kept.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// How many log lines there were for each reading that is kept.
    pub fn stride(&self) -> usize {
        self.stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_thinned_out_evenly() {
        for count in [0, 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 1, 5 * MOST + 3] {
            let mut record = Record::default();
            for line in 0..count {
                record.add(Reading {
                    epoch: line as f64,
                    loss: 0.0,
                    accuracy: Vec::new(),
                });
            }
            let stride = record.stride();
            assert_eq!(stride, count.div_ceil(MOST).max(1).next_power_of_two());
            let kept: Vec<f64> = record.readings().iter().map(|r| r.epoch).collect();
            let expected: Vec<f64> = (0..count).step_by(stride).map(|i| i as f64).collect();
            assert_eq!(kept, expected, "{count}");
        }
    }
}
