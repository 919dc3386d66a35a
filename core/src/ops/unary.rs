//! The table of operations on one operand.
//!
//! A row has the type, the tensor method and its `try_` twin, an interval to test it on, the body in Rust and C, what
//! the derivative is computed from, and the derivative in Rust and C. Derivatives have exactly this one form, on every
//! device.

use super::{Op, Saves, Unary};
use crate::element::Element;
use crate::isa::Isa;

/// Hands the table to the macro `$then`: here to define the types, in `tensor` to define the methods, in tests to
/// check every row.
#[doc(hidden)]
#[macro_export]
macro_rules! with_unary_ops {
    ($then:ident) => {
        $then! {
            /// `-x`.
            Neg neg try_neg on (-4.0, 4.0)
                eval(x) { -x } c "-x0"
                grad(Input, _x, g) { -g } c "-x1";
            /// `1 / x`.
            Inv inv try_inv on (0.3, 4.0)
                eval(x) { E::ONE / x } c "1 / x0"
                grad(Output, y, g) { -g * (y * y) } c "-x1 * (x0 * x0)";
            /// `e` to the power of `x`.
            Exp exp try_exp on (-4.0, 3.0)
                eval(x) { x.exp::<I>() } c "mt_exp(x0)"
                grad(Output, y, g) { g * y } c "x1 * x0";
            /// The natural logarithm of `x`; without MiniTorch's epsilon, so `log(0)` is `-inf`.
            Log log try_log on (0.2, 5.0)
                eval(x) { x.log::<I>() } c "mt_log(x0)"
                grad(Input, x, g) { g / x } c "x1 / x0";
            /// The rectifier: `0` for `x < 0`, else `x`. Its derivative at `0` is `0`.
            Relu relu try_relu on (0.1, 4.0)
                eval(x) { if x < E::ZERO { E::ZERO } else { x } } c "x0 < 0 ? 0 : x0"
                grad(Output, y, g) { if y <= E::ZERO { E::ZERO } else { g } } c "x0 <= 0 ? 0 : x1";
            /// The logistic function `1 / (1 + exp(-x))`.
            Sigmoid sigmoid try_sigmoid on (-5.0, 5.0)
                eval(x) { x.sigmoid::<I>() } c "mt_sigmoid(x0)"
                grad(Output, y, g) { g * (y * (E::ONE - y)) } c "x1 * (x0 * (1 - x0))";
            /// The hyperbolic tangent.
            Tanh tanh try_tanh on (-3.0, 3.0)
                eval(x) { x.tanh::<I>() } c "mt_tanh(x0)"
                grad(Output, y, g) { g * (E::ONE - y * y) } c "x1 * (1 - x0 * x0)";
            /// The Gaussian error linear unit `x * (1 + erf(x / sqrt(2))) / 2` (Hendrycks and Gimpel 2016).
            Gelu gelu try_gelu on (-3.0, 3.0)
                eval(x) {
                    x * ((E::ONE + (x * E::from_f64(SQRT_HALF)).erf::<I>()) * E::from_f64(0.5))
                } c "x0 * ((1 + mt_erf(x0 * MT_SQRT_HALF)) * (real)0.5)"
                grad(Input, x, g) {
                    let cumulative = (E::ONE + (x * E::from_f64(SQRT_HALF)).erf::<I>()) * E::from_f64(0.5);
                    let density = (x * x * E::from_f64(-0.5)).exp::<I>() * E::from_f64(SQRT_HALF_OVER_PI);
                    g * (cumulative + x * density)
                } c "x1 * ((1 + mt_erf(x0 * MT_SQRT_HALF)) * (real)0.5 + x0 * (mt_exp(x0 * x0 * (real)-0.5) * MT_SQRT_HALF_OVER_PI))";
            /// The square root; not a number below 0.
            Sqrt sqrt try_sqrt on (0.2, 5.0)
                eval(x) { x.sqrt::<I>() } c "mt_sqrt(x0)"
                grad(Output, y, g) { g * (E::from_f64(0.5) / y) } c "x1 * ((real)0.5 / x0)";
            /// The absolute value. Its derivative at `0` is `0`.
            Abs abs try_abs on (0.1, 4.0)
                eval(x) { x.abs() } c "mt_abs(x0)"
                grad(Input, x, g) {
                    if x > E::ZERO { g } else if x < E::ZERO { -g } else { E::ZERO }
                } c "x0 > 0 ? x1 : x0 < 0 ? -x1 : 0";
            /// `x * x`.
            Square square try_square on (-4.0, 4.0)
                eval(x) { x * x } c "x0 * x0"
                grad(Input, x, g) { g * (x + x) } c "x1 * (x0 + x0)";
            /// The sine of an angle in radians.
            Sin sin try_sin on (-4.0, 4.0)
                eval(x) { x.sin::<I>() } c "mt_sin(x0)"
                grad(Input, x, g) { g * x.cos::<I>() } c "x1 * mt_cos(x0)";
            /// The cosine of an angle in radians.
            Cos cos try_cos on (-4.0, 4.0)
                eval(x) { x.cos::<I>() } c "mt_cos(x0)"
                grad(Input, x, g) { -g * x.sin::<I>() } c "-x1 * mt_sin(x0)";
            /// The error function.
            Erf erf try_erf on (-2.5, 2.5)
                eval(x) { x.erf::<I>() } c "mt_erf(x0)"
                grad(Input, x, g) { g * ((-(x * x)).exp::<I>() * E::from_f64(TWO_OVER_SQRT_PI)) }
                c "x1 * (mt_exp(-(x0 * x0)) * MT_TWO_OVER_SQRT_PI)";
            /// A copy of `x`.
            Identity copied try_copied on (-4.0, 4.0)
                eval(x) { x } c "x0"
                grad(Input, _x, g) { g } c "x1";
        }
    };
}

const SQRT_HALF: f64 = core::f64::consts::FRAC_1_SQRT_2;
const SQRT_HALF_OVER_PI: f64 = 0.398_942_280_401_432_7;
const TWO_OVER_SQRT_PI: f64 = core::f64::consts::FRAC_2_SQRT_PI;

macro_rules! define {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
        eval($x:ident) $eval:block c $c:literal
        grad($saves:ident, $s:ident, $g:ident) $grad:block c $grad_c:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Op<1> for $name {
            const NAME: &'static str = stringify!($method);
            const C: &'static str = $c;

            #[inline(always)]
            fn eval<I: Isa, E: Element>(self, [$x]: [E; 1]) -> E {
                $eval
            }
        }

        impl Unary for $name {
            const SAVES: Saves = Saves::$saves;
            const GRAD_C: &'static str = $grad_c;

            #[inline(always)]
            fn grad<I: Isa, E: Element>(self, $s: E, $g: E) -> E {
                $grad
            }
        }
    )*};
}
with_unary_ops!(define);

macro_rules! define_with_parameters {
    ($($(#[$doc:meta])* $name:ident($($p:ident),*) $label:literal
        eval($x:ident) $eval:block c $c:literal
        grad($s:ident, $g:ident) $grad:block c $grad_c:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $(
                /// The parameter of the formula above.
                pub $p: f64,
            )*
        }

        impl Op<1> for $name {
            const NAME: &'static str = $label;
            const C: &'static str = $c;

            fn params(&self) -> [f64; 3] {
                let given = [$(self.$p),*];
                let mut params = [0.0; 3];
                params[..given.len()].copy_from_slice(&given);
                params
            }

            #[inline(always)]
            fn eval<I: Isa, E: Element>(self, [$x]: [E; 1]) -> E {
                $(let $p = E::from_f64(self.$p);)*
                $eval
            }
        }

        impl Unary for $name {
            const SAVES: Saves = Saves::Input;
            const GRAD_C: &'static str = $grad_c;

            #[inline(always)]
            #[allow(unused_variables)]
            fn grad<I: Isa, E: Element>(self, $s: E, $g: E) -> E {
                $(let $p = E::from_f64(self.$p);)*
                $grad
            }
        }
    )*};
}

define_with_parameters! {
    /// `x + c`.
    AddScalar(c) "add"
        eval(x) { x + c } c "x0 + p0"
        grad(x, g) { g } c "x1";
    /// `c - x`.
    SubFrom(c) "sub"
        eval(x) { c - x } c "p0 - x0"
        grad(x, g) { -g } c "-x1";
    /// `x * c`.
    MulScalar(c) "mul"
        eval(x) { x * c } c "x0 * p0"
        grad(x, g) { g * c } c "x1 * p0";
    /// `x / c`.
    DivScalar(c) "div"
        eval(x) { x / c } c "x0 / p0"
        grad(x, g) { g / c } c "x1 / p0";
    /// `c / x`.
    DivFrom(c) "div"
        eval(x) { c / x } c "p0 / x0"
        grad(x, g) { -(g / x) * (c / x) } c "-(x1 / x0) * (p0 / x0)";
    /// `x` to the power of `c`.
    PowScalar(c) "pow"
        eval(x) { x.pow::<I>(c) } c "mt_pow(x0, p0)"
        grad(x, g) {
            if c == E::ZERO { E::ZERO } else { g * (c * x.pow::<I>(c - E::ONE)) }
        } c "p0 == 0 ? 0 : x1 * (p0 * mt_pow(x0, p0 - 1))";
    /// `x` limited to `low..=high`. Outside of it the derivative is 0, at the limits 1 (PyTorch 2.15: 0).
    Clamp(low, high) "clamp"
        eval(x) { if x < low { low } else if x > high { high } else { x } } c "x0 < p0 ? p0 : x0 > p1 ? p1 : x0"
        grad(x, g) { if x < low || x > high { E::ZERO } else { g } } c "x0 < p0 || x0 > p1 ? 0 : x1";
}
