//! Operations without a gradient: selection, dropout's mask, and the steps that optimisers apply in place.

use super::Op;
use crate::element::Element;
use crate::isa::Isa;

/// `b` where the condition `a` is not 0, else `c`.
#[derive(Clone, Copy, Debug)]
pub struct Where;

impl Op<3> for Where {
    const NAME: &'static str = "where";
    const C: &'static str = "x0 != 0 ? x1 : x2";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [condition, yes, no]: [E; 3]) -> E {
        if condition != E::ZERO { yes } else { no }
    }
}

/// `x + factor * y`, rounded once: the step of gradient descent with `factor = -rate` (R6 of the canonical arithmetic).
#[derive(Clone, Copy, Debug)]
pub struct AddScaled {
    /// What the second operand is multiplied by.
    pub factor: f64,
}

impl Op<2> for AddScaled {
    const NAME: &'static str = "add_scaled";
    const C: &'static str = "mt_fma(p0, x1, x0)";

    fn params(&self) -> [f64; 3] {
        [self.factor, 0.0, 0.0]
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [x, y]: [E; 2]) -> E {
        E::fma::<I>(E::from_f64(self.factor), y, x)
    }
}

/// `keep * x + gain * y`, each product rounded: an exponential average, or momentum.
#[derive(Clone, Copy, Debug)]
pub struct Decay {
    /// The weight of the old value.
    pub keep: f64,
    /// The weight of the new value: `1 - keep` for an average, 1 for momentum.
    pub gain: f64,
}

impl Op<2> for Decay {
    const NAME: &'static str = "decay";
    const C: &'static str = "p0 * x0 + p1 * x1";

    fn params(&self) -> [f64; 3] {
        [self.keep, self.gain, 0.0]
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [x, y]: [E; 2]) -> E {
        E::from_f64(self.keep) * x + E::from_f64(self.gain) * y
    }
}

/// The exponential average of squares `keep * x + (1 - keep) * (y * y)`, each product rounded.
#[derive(Clone, Copy, Debug)]
pub struct DecaySquare {
    /// The weight of the old value.
    pub keep: f64,
}

impl Op<2> for DecaySquare {
    const NAME: &'static str = "decay_square";
    const C: &'static str = "p0 * x0 + p1 * (x1 * x1)";

    fn params(&self) -> [f64; 3] {
        [self.keep, 1.0 - self.keep, 0.0]
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [x, y]: [E; 2]) -> E {
        E::from_f64(self.keep) * x + E::from_f64(1.0 - self.keep) * (y * y)
    }
}

/// Adam's step `x - rate * m / (sqrt(v) * scale + epsilon)`: parameter, mean and mean square of its gradients.
///
/// `rate` already holds the correction of the first average, `scale` that of the second one's root.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// The learning rate over `1 - beta1^t`.
    pub rate: f64,
    /// `1 / sqrt(1 - beta2^t)`.
    pub scale: f64,
    /// What keeps the quotient finite.
    pub epsilon: f64,
}

impl Op<3> for AdamStep {
    const NAME: &'static str = "adam_step";
    const C: &'static str = "x0 - p0 * (x1 / (mt_sqrt(x2) * p1 + p2))";

    fn params(&self) -> [f64; 3] {
        [self.rate, self.scale, self.epsilon]
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [x, m, v]: [E; 3]) -> E {
        let root = v.sqrt::<I>() * E::from_f64(self.scale) + E::from_f64(self.epsilon);
        x - E::from_f64(self.rate) * (m / root)
    }
}

/// Adadelta's step `sqrt(u + epsilon) / sqrt(v + epsilon) * g`: gradient, mean square of the gradients `v` and of the
/// steps `u`.
#[derive(Clone, Copy, Debug)]
pub struct AdadeltaStep {
    /// What keeps the quotient finite.
    pub epsilon: f64,
}

impl Op<3> for AdadeltaStep {
    const NAME: &'static str = "adadelta_step";
    const C: &'static str = "mt_sqrt(x2 + p0) / mt_sqrt(x1 + p0) * x0";

    fn params(&self) -> [f64; 3] {
        [self.epsilon, 0.0, 0.0]
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [g, v, u]: [E; 3]) -> E {
        let epsilon = E::from_f64(self.epsilon);
        (u + epsilon).sqrt::<I>() / (v + epsilon).sqrt::<I>() * g
    }
}

/// The factor of dropout for a uniform number: 0 below `p`, else `scale`.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// The probability of 0.
    pub p: f64,
    /// What the others are multiplied by.
    pub scale: f64,
}

impl Op<1> for Keep {
    const NAME: &'static str = "dropout";
    const C: &'static str = "x0 < p0 ? 0 : p1";

    fn params(&self) -> [f64; 3] {
        [self.p, self.scale, 0.0]
    }

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [draw]: [E; 1]) -> E {
        if draw < E::from_f64(self.p) {
            E::ZERO
        } else {
            E::from_f64(self.scale)
        }
    }
}
