//! Learning-rate schedules.

use super::option::{demand, is_amount};
use crate::error::Result;
use crate::math::double::{cos, pow};
use crate::tensor::OrRaise;
use core::f64::consts::PI;

/// A learning rate that depends on the number of the step, and on nothing else: a resumed run goes on where it was.
///
/// Steps count from 0. All that is a rate or a factor must be finite and at least 0; lengths may be anything. The
/// cosine and the power are those of [`crate::math::double`], whose bits are the same on every target, and so are the
/// rates.
///
/// ```
/// use minitorch_core::optim::Schedule;
/// let schedule = Schedule::Cosine { peak: 0.1, floor: 0.0, warmup: 10, steps: 110 };
/// assert!((schedule.rate(0) - 0.01).abs() < 1e-12);
/// assert_eq!(schedule.rate(10), 0.1);
/// assert!((schedule.rate(60) - 0.05).abs() < 1e-12);
/// assert_eq!(schedule.rate(110), 0.0);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Schedule {
    /// Always the same.
    Constant {
        /// The learning rate.
        rate: f64,
    },
    /// `rate * factor^(step / every)`, the quotient rounded down: PyTorch's `StepLR`.
    StepDecay {
        /// The first learning rate.
        rate: f64,
        /// What it is multiplied by.
        factor: f64,
        /// After how many steps, again and again.
        every: u64,
    },
    /// Linear from `peak / warmup` to `peak` in the first `warmup` steps, then half a cosine down to `floor` at `steps`
    /// (Loshchilov and Hutter 2016).
    Cosine {
        /// The largest learning rate.
        peak: f64,
        /// The last learning rate.
        floor: f64,
        /// The number of steps until the peak.
        warmup: u64,
        /// The number of all steps.
        steps: u64,
    },
    /// Half a cosine from `peak / 25` up to `peak` in the first 30 % of the steps, and half a cosine down to
    /// `peak / 250000` at the last one (Smith and Topin 2017): PyTorch's `OneCycleLR` with its defaults, but without
    /// its cycle of momentum.
    OneCycle {
        /// The largest learning rate.
        peak: f64,
        /// The number of all steps.
        steps: u64,
    },
}

const RATE: &str = "the rate must be finite and at least 0";
const FACTOR: &str = "the factor must be finite and at least 0";
const PEAK: &str = "the peak must be finite and at least 0";
const FLOOR: &str = "the floor must be finite and at least 0";
const INFINITE: &str = "the rate of this step is not finite";

impl Schedule {
    /// The learning rate of a step.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) if a rate or factor of the schedule is not finite or below
    /// 0, at any step, or if a factor above 1 has made the rate of this step infinite.
    pub fn try_rate(&self, step: u64) -> Result<f64> {
        // Whether it is finite as an element, too, only an optimiser knows.
        let amount = |option, sentence| (is_amount::<f64>(option), sentence);
        let options = match *self {
            Self::Constant { rate } => [amount(rate, RATE); 2],
            Self::StepDecay { rate, factor, .. } => [amount(rate, RATE), amount(factor, FACTOR)],
            Self::Cosine { peak, floor, .. } => [amount(peak, PEAK), amount(floor, FLOOR)],
            Self::OneCycle { peak, .. } => [amount(peak, PEAK); 2],
        };
        demand("schedule", &options)?;
        let rate = self.formula(step);
        demand("schedule", &[(rate.is_finite(), INFINITE)])?;
        Ok(rate)
    }

    /// As [`Schedule::try_rate`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn rate(&self, step: u64) -> f64 {
        self.try_rate(step).or_raise()
    }

    fn formula(&self, step: u64) -> f64 {
        match *self {
            Self::Constant { rate } => rate,
            Self::StepDecay {
                rate,
                factor,
                every,
            } => rate * pow(factor, (step / every.max(1)) as f64),
            Self::Cosine { peak, warmup, .. } if step < warmup => {
                peak * ((step + 1) as f64 / warmup as f64)
            }
            Self::Cosine {
                peak,
                floor,
                warmup,
                steps,
            } => anneal(
                peak,
                floor,
                (step - warmup) as f64,
                steps.saturating_sub(warmup) as f64,
            ),
            Self::OneCycle { peak, steps } => {
                let (first, last) = (peak / 25.0, peak / 25.0 / 1e4);
                let (step, top, end) = (step as f64, 0.3 * steps as f64 - 1.0, steps as f64 - 1.0);
                if step <= top {
                    anneal(first, peak, step, top)
                } else {
                    anneal(peak, last, step - top, end - top)
                }
            }
        }
    }
}

/// Half a cosine from `start` at 0 to `end` at `length` and beyond.
fn anneal(start: f64, end: f64, at: f64, length: f64) -> f64 {
    if at >= length {
        return end;
    }
    end + (start - end) / 2.0 * (1.0 + cos(PI * (at / length)))
}
