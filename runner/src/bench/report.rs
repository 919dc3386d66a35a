//! The table.

use serde::Serialize;

use super::protocol::{Clock, Times};
use crate::args::bench::{Settings, Workload};
use crate::error::Failure;
use crate::output;

/// A case of a workload, and the work of a call.
pub(super) struct Case<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The work of a call, in the unit without its `/s`; 0 if there is only the time.
    pub(super) work: f64,
    /// The unit of the rate.
    pub(super) unit: &'static str,
    /// How many times a call does the same thing; times are of one.
    pub(super) inner: usize,
}

/// Billions of operations of `+` and `*`.
pub(super) const GFLOP: &str = "GFLOP/s";
/// Billions of bytes.
pub(super) const GB: &str = "GB/s";
/// Images or sentences.
pub(super) const SAMPLES: &str = "samples/s";
/// Operations with their history.
pub(super) const OPS: &str = "ops/s";
/// Not a rate: the median itself, in milliseconds.
pub(super) const MS: &str = "ms";

/// One measured case, with the keys that all measured libraries share.
#[derive(Serialize)]
struct Line<'a> {
    peer: &'a str,
    version: &'a str,
    workload: &'a str,
    case: &'a str,
    threads: usize,
    median_ms: f64,
    min_ms: f64,
    rate: f64,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ms: Option<f64>,
    spread: f64,
    calls: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rss_mb: Option<f64>,
}

/// What is known of a case before it is measured.
#[derive(Serialize)]
struct Listed<'a> {
    workload: &'a str,
    case: &'a str,
    unit: &'a str,
}

/// Writes each case as it is measured.
pub(super) struct Report<'a> {
    workload: String,
    threads: usize,
    clock: Clock<'a>,
    list: bool,
    json: bool,
    lines: usize,
}

impl<'a> Report<'a> {
    /// A report of runs on so many threads, on a device that `wait` waits for.
    pub(super) fn new(
        settings: &Settings,
        threads: usize,
        wait: &'a dyn Fn() -> minitorch_core::Result<()>,
    ) -> Self {
        Self {
            workload: String::new(),
            threads,
            clock: Clock::new(settings.protocol, wait),
            list: settings.list,
            json: settings.json,
            lines: 0,
        }
    }

    /// The next cases are of this workload.
    pub(super) fn begin(&mut self, workload: Workload) {
        self.workload = workload.name();
    }

    /// Measures the calls of what `prepare` returns.
    ///
    /// # Errors
    ///
    /// The first error of both, or of standard output.
    pub(super) fn measure<C, T, E>(
        &mut self,
        case: &Case<'_>,
        prepare: impl FnOnce() -> Result<C, Failure>,
    ) -> Result<(), Failure>
    where
        C: FnMut() -> Result<T, E>,
        Failure: From<E>,
    {
        self.measure_by(case, |clock| clock.time(prepare()?))
    }

    /// Measures with a clock of the case's own.
    ///
    /// # Errors
    ///
    /// As [`Report::measure`].
    pub(super) fn measure_by(
        &mut self,
        case: &Case<'_>,
        measure: impl FnOnce(&Clock<'_>) -> Result<Times, Failure>,
    ) -> Result<(), Failure> {
        if self.list {
            return self.list(case);
        }
        let times = measure(&self.clock)?;
        self.tell(case, &times)
    }

    /// Writes what is known of a case.
    fn list(&self, case: &Case<'_>) -> Result<(), Failure> {
        let (workload, Case { name, unit, .. }) = (&*self.workload, case);
        output::print(&match self.json {
            true => output::json(&Listed {
                workload,
                case: name,
                unit,
            })?,
            false => format!("{workload:<9} {name:<35} {unit}\n"),
        })
    }

    /// Writes what was measured of a case.
    fn tell(&mut self, case: &Case<'_>, times: &Times) -> Result<(), Failure> {
        let ms = |seconds: f64| seconds * 1e3 / case.inner as f64;
        let line = Line {
            peer: "minitorch",
            version: env!("CARGO_PKG_VERSION"),
            workload: &self.workload,
            case: case.name,
            threads: self.threads,
            median_ms: ms(times.median),
            min_ms: ms(times.min),
            rate: match case.unit {
                MS => ms(times.median),
                _ => case.work / times.median,
            },
            unit: case.unit,
            cpu_ms: times.processor.map(ms),
            spread: times.spread,
            calls: times.calls,
            rss_mb: times.peak.map(|bytes| bytes as f64 / f64::from(1 << 20)),
        };
        let text = match (self.json, self.lines) {
            (true, _) => output::json(&line)?,
            (false, 0) => format!("{HEAD}\n{}\n", line.row()),
            (false, _) => line.row() + "\n",
        };
        self.lines += 1;
        output::print(&text)
    }
}

const HEAD: &str =
    "workload  case                                    median               rate    spread";

impl Line<'_> {
    fn row(&self) -> String {
        let rate = match self.unit {
            MS => String::new(),
            unit => format!("{} {unit:<9}", digits(self.rate)),
        };
        format!(
            "{:<9} {:<35} {:>10} {rate:>18} {:>9.2}",
            self.workload,
            self.case,
            time(self.median_ms),
            self.spread
        )
    }
}

/// A time in the unit that suits it.
fn time(ms: f64) -> String {
    match ms {
        ..1e-3 => format!("{} ns", digits(ms * 1e6)),
        ..1.0 => format!("{} us", digits(ms * 1e3)),
        ..1e3 => format!("{} ms", digits(ms)),
        _ => format!("{} s ", digits(ms / 1e3)),
    }
}

/// Three digits, or all before the point.
fn digits(number: f64) -> String {
    match number {
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_that_suits_them() {
        assert_eq!(time(0.000_123_4), "123 ns");
        assert_eq!(time(0.012_34), "12.3 us");
        assert_eq!(time(1.234), "1.23 ms");
        assert_eq!(time(12_340.0), "12.3 s ");
    }
}
