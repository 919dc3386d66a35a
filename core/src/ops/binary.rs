//! The table of operations on two operands.
#![allow(clippy::eq_op, reason = "only NaN differs from itself")]

use super::{Binary, Op, Slope};
use crate::element::Element;
use crate::isa::Isa;

/// Hands the table to the macro `$then`, as [`with_unary_ops`](crate::with_unary_ops) does.
///
/// Comparisons give 1 and 0 in the element type and have no gradient.
#[doc(hidden)]
#[macro_export]
macro_rules! with_binary_ops {
    ($then:ident) => {
        $then! {
            /// `a + b`.
            Add add try_add
                eval(a, b) { a + b } c "x0 + x1"
                slopes(One, One) grads(_a, _b, g) { [g, g] } c ["x2", "x2"];
            /// `a - b`.
            Sub sub try_sub
                eval(a, b) { a - b } c "x0 - x1"
                slopes(One, MinusOne) grads(_a, _b, g) { [g, -g] } c ["x2", "-x2"];
            /// `a * b`.
            Mul mul try_mul
                eval(a, b) { a * b } c "x0 * x1"
                slopes(Depends, Depends) grads(a, b, g) { [g * b, g * a] } c ["x2 * x1", "x2 * x0"];
            /// `a / b`.
            Div div try_div
                eval(a, b) { a / b } c "x0 / x1"
                slopes(Depends, Depends)
                grads(a, b, g) { [g / b, -(g / b) * (a / b)] } c ["x2 / x1", "-(x2 / x1) * (x0 / x1)"];
            /// `a` to the power of `b`. As in PyTorch, the gradient by `a` is 0 where `b` is 0, and the one by `b` is 0 where
            /// `a` is 0 and `b` is not negative.
            Pow pow try_pow
                eval(a, b) { a.pow::<I>(b) } c "mt_pow(x0, x1)"
                slopes(Depends, Depends)
                grads(a, b, g) {
                    let by_base = if b == E::ZERO { E::ZERO } else { g * (b * a.pow::<I>(b - E::ONE)) };
                    let by_exponent = if a == E::ZERO && b >= E::ZERO {
                        E::ZERO
                    } else {
                        g * (a.pow::<I>(b) * a.log::<I>())
                    };
                    [by_base, by_exponent]
                } c [
                    "x1 == 0 ? 0 : x2 * (x1 * mt_pow(x0, x1 - 1))",
                    "x0 == 0 && x1 >= 0 ? 0 : x2 * (mt_pow(x0, x1) * mt_log(x0))"
                ];
            /// The larger one: `a` if `a > b` or `a` is not a number, else `b`. The winner gets the gradient; the
            /// first one if they are equal (PyTorch then gives each half).
            Maximum maximum try_maximum
                eval(a, b) { E::maximum(a, b) } c "mt_max(x0, x1)"
                slopes(Depends, Depends)
                grads(a, b, g) { if b > a || (b != b && a == a) { [E::ZERO, g] } else { [g, E::ZERO] } }
                c ["x1 > x0 || (x1 != x1 && x0 == x0) ? 0 : x2", "x1 > x0 || (x1 != x1 && x0 == x0) ? x2 : 0"];
            /// The smaller one: `a` if `a < b` or `a` is not a number, else `b`. The winner gets the gradient; the
            /// first one if they are equal (PyTorch then gives each half).
            Minimum minimum try_minimum
                eval(a, b) { E::minimum(a, b) } c "mt_min(x0, x1)"
                slopes(Depends, Depends)
                grads(a, b, g) { if b < a || (b != b && a == a) { [E::ZERO, g] } else { [g, E::ZERO] } }
                c ["x1 < x0 || (x1 != x1 && x0 == x0) ? 0 : x2", "x1 < x0 || (x1 != x1 && x0 == x0) ? x2 : 0"];
            /// 1 where `a < b`, else 0.
            Less lt try_lt
                eval(a, b) { E::indicator(a < b) } c "x0 < x1"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
            /// 1 where `a <= b`, else 0.
            LessEqual le try_le
                eval(a, b) { E::indicator(a <= b) } c "x0 <= x1"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
            /// 1 where `a > b`, else 0.
            Greater gt try_gt
                eval(a, b) { E::indicator(a > b) } c "x0 > x1"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
            /// 1 where `a >= b`, else 0.
            GreaterEqual ge try_ge
                eval(a, b) { E::indicator(a >= b) } c "x0 >= x1"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
            /// 1 where `a == b`, else 0.
            Equal eq try_eq
                eval(a, b) { E::indicator(a == b) } c "x0 == x1"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
            /// 1 where `a != b`, else 0.
            NotEqual ne try_ne
                eval(a, b) { E::indicator(a != b) } c "x0 != x1"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
            /// 1 where `a` and `b` differ by less than 0.01, else 0 (MiniTorch's `is_close`).
            IsClose is_close try_is_close
                eval(a, b) { E::indicator((a - b).abs() < E::from_f64(1e-2)) } c "mt_abs(x0 - x1) < (real)1e-2"
                slopes(Zero, Zero) grads(_a, _b, _g) { [E::ZERO; 2] } c ["0", "0"];
        }
    };
}

macro_rules! define {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident
        eval($a:ident, $b:ident) $eval:block c $c:literal
        slopes($left:ident, $right:ident)
        grads($ga:ident, $gb:ident, $g:ident) $grads:block c [$left_c:literal, $right_c:literal];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Op<2> for $name {
            const NAME: &'static str = stringify!($method);
            const C: &'static str = $c;

            #[inline(always)]
            fn eval<I: Isa, E: Element>(self, [$a, $b]: [E; 2]) -> E {
                $eval
            }
        }

        impl Binary for $name {
            const SLOPES: [Slope; 2] = [Slope::$left, Slope::$right];
            const GRADS_C: [&'static str; 2] = [$left_c, $right_c];

            #[inline(always)]
            fn grads<I: Isa, E: Element>(self, $ga: E, $gb: E, $g: E) -> [E; 2] {
                $grads
            }
        }
    )*};
}
with_binary_ops!(define);
