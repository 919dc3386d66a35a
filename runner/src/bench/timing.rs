//! The clock and the table.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::Failure;
use crate::{machine, output};

const REPEATS: usize = 3;
const WARM_UP: Duration = Duration::from_millis(300);
const REPEAT: Duration = Duration::from_millis(500);

/// One measured case, with the keys that all measured libraries share.
#[derive(Serialize)]
struct Case<'a> {
    peer: &'a str,
    version: &'a str,
    workload: &'a str,
    case: &'a str,
    threads: usize,
    median_ms: f64,
    min_ms: f64,
    rate: f64,
    unit: &'a str,
    spread: f64,
    calls: usize,
    rss_mb: Option<f64>,
}

/// Writes each case as it is measured.
pub(super) struct Report {
    threads: usize,
    json: bool,
    lines: usize,
}

impl Report {
    /// A report of runs on so many threads.
    pub(super) fn new(threads: usize, json: bool) -> Self {
        Self {
            threads,
            json,
            lines: 0,
        }
    }

    /// Measures calls of `work`. A call does `amount` of work; `unit` is that of the rate, such as `samples/s`.
    ///
    /// # Errors
    ///
    /// The first error of `work`, or of standard output.
    pub(super) fn measure(
        &mut self,
        [workload, case, unit]: [&str; 3],
        amount: f64,
        mut work: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        machine::reset_peak_memory();
        let start = Instant::now();
        let mut calls = 0;
        while calls < 3 || start.elapsed() < WARM_UP {
            work()?;
            calls += 1;
        }
        let mut repeats = Vec::new();
        for _ in 0..REPEATS {
            let (start, mut samples) = (Instant::now(), Vec::new());
            while samples.len() < 5 || start.elapsed() < REPEAT {
                let call = Instant::now();
                work()?;
                samples.push(call.elapsed().as_secs_f64() * 1e3);
            }
            repeats.push(samples);
        }
        self.write([workload, case, unit], amount, repeats)
    }

    /// Measures three calls of `work`, each long enough to be a repeat of its own.
    ///
    /// # Errors
    ///
    /// As [`Report::measure`].
    pub(super) fn measure_long(
        &mut self,
        names: [&str; 3],
        amount: f64,
        mut work: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        machine::reset_peak_memory();
        let mut repeats = Vec::new();
        for _ in 0..REPEATS {
            let call = Instant::now();
            work()?;
            repeats.push(vec![call.elapsed().as_secs_f64() * 1e3]);
        }
        self.write(names, amount, repeats)
    }

    fn write(
        &mut self,
        [workload, case, unit]: [&str; 3],
        amount: f64,
        mut repeats: Vec<Vec<f64>>,
    ) -> Result<(), Failure> {
        for samples in &mut repeats {
            samples.sort_by(f64::total_cmp);
        }
        let medians = || repeats.iter().map(|samples| samples[samples.len() / 2]);
        let median_ms = medians().fold(f64::INFINITY, f64::min);
        let case = Case {
            peer: "minitorch",
            version: env!("CARGO_PKG_VERSION"),
            workload,
            case,
            threads: self.threads,
            median_ms,
            min_ms: repeats
                .iter()
                .map(|samples| samples[0])
                .fold(f64::INFINITY, f64::min),
            rate: amount / (median_ms / 1e3),
            unit,
            spread: medians().fold(0.0, f64::max) / median_ms,
            calls: repeats.iter().map(Vec::len).sum(),
            rss_mb: machine::peak_memory().map(|bytes| bytes as f64 / 1048576.0),
        };
        let line = if self.json {
            serde_json::to_string(&case)
                .map_err(|error| Failure::new(format!("cannot write JSON: {error}")))?
        } else {
            let row = format!(
                "{workload:<9} {:<22} {:>10.3} ms {:>12.0} {unit}",
                case.case, case.median_ms, case.rate
            );
            match self.lines {
                0 => format!("workload  case                      median          rate\n{row}"),
                _ => row,
            }
        };
        self.lines += 1;
        output::print(&(line + "\n"))
    }
}
