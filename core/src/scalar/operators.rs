//! Operations on scalars: the tables in [`crate::ops`], and the operators of Rust.

use super::Scalar;
use crate::error::Result;
use crate::isa::Portable;
use crate::ops::unary::{AddScalar, DivFrom, DivScalar, MulScalar, SubFrom};
use crate::ops::{Binary, Saves, Unary, binary, unary};
use crate::tensor::OrRaise;
use crate::{with_binary_ops, with_unary_ops};
use core::ops::{Add, Div, Mul, Neg, Sub};

impl Scalar {
    /// Applies an operation, with its derivative.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn try_map<O: Unary>(&self, op: O) -> Result<Self> {
        let x = self.data;
        let y = op.eval::<Portable, f64>([x]);
        let saved = match O::SAVES {
            Saves::Input => x,
            Saves::Output => y,
        };
        Self::new(y).recorded(O::NAME, [self], move |derivative, sink| {
            sink.add(0, || Ok(op.grad::<Portable, f64>(saved, derivative)))
        })
    }

    /// Applies an operation to two numbers, with its derivatives.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn try_zip<O: Binary>(&self, other: &Self, op: O) -> Result<Self> {
        let [a, b] = [self.data, other.data];
        let value = op.eval::<Portable, f64>([a, b]);
        Self::new(value).recorded(O::NAME, [self, other], move |derivative, sink| {
            let [by_a, by_b] = op.grads::<Portable, f64>(a, b, derivative);
            sink.add(0, || Ok(by_a))?;
            sink.add(1, || Ok(by_b))
        })
    }
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
        eval($x:ident) $eval:block c $c:literal
        grad($saves:ident, $s:ident, $g:ident) $grad:block c $grad_c:literal;)*) => {
        /// Operations on one number, from the table in [`crate::ops::unary`].
        impl Scalar {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
            pub fn $try_method(&self) -> Result<Self> {
                self.try_map(unary::$name)
            }

            #[doc = concat!("As [`Scalar::", stringify!($try_method), "`].")]
            ///
            /// # Panics
            /// If memory is out.
            #[must_use]
            #[track_caller]
            pub fn $method(&self) -> Self {
                self.$try_method().or_raise()
            }
        )*}
    };
}
with_unary_ops!(unary_methods);

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident
        eval($a:ident, $b:ident) $eval:block c $c:literal
        slopes($left:ident, $right:ident)
        grads($ga:ident, $gb:ident, $g:ident) $grads:block c [$left_c:literal, $right_c:literal];)*) => {
        /// Operations on two numbers, from the table in [`crate::ops::binary`]; `a` is this number, `b` the other.
        impl Scalar {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
            pub fn $try_method(&self, other: &Self) -> Result<Self> {
                self.try_zip(other, binary::$name)
            }

            #[doc = concat!("As [`Scalar::", stringify!($try_method), "`].")]
            ///
            /// # Panics
            /// If memory is out.
            #[must_use]
            #[track_caller]
            pub fn $method(&self, other: &Self) -> Self {
                self.$try_method(other).or_raise()
            }
        )*}
    };
}
with_binary_ops!(binary_methods);

/// `left operator right` for each combination of values, references and plain numbers.
macro_rules! operators {
    ($($operator:ident $method:ident, number $by:expr, from number $from:expr;)*) => {$(
        operators! { @between $operator $method Scalar, Scalar }
        operators! { @between $operator $method Scalar, &Scalar }
        operators! { @between $operator $method &Scalar, Scalar }
        operators! { @between $operator $method &Scalar, &Scalar }
        operators! { @number $operator $method Scalar, $by, $from }
        operators! { @number $operator $method &Scalar, $by, $from }
    )*};
    (@between $operator:ident $method:ident $left:ty, $right:ty) => {
        impl $operator<$right> for $left {
            type Output = Scalar;
            #[track_caller]
            fn $method(self, other: $right) -> Scalar {
                Scalar::$method(&self, &other)
            }
        }
    };
    (@number $operator:ident $method:ident $scalar:ty, $by:expr, $from:expr) => {
        impl $operator<f64> for $scalar {
            type Output = Scalar;
            #[track_caller]
            fn $method(self, c: f64) -> Scalar {
                $by(&self, c).or_raise()
            }
        }
        impl $operator<$scalar> for f64 {
            type Output = Scalar;
            #[track_caller]
            fn $method(self, x: $scalar) -> Scalar {
                $from(&x, self).or_raise()
            }
        }
    };
}

operators! {
    Add add, number |x: &Scalar, c| x.try_map(AddScalar { c }), from number |x: &Scalar, c| x.try_map(AddScalar { c });
    Sub sub, number |x: &Scalar, c: f64| x.try_map(AddScalar { c: -c }), from number |x: &Scalar, c| x.try_map(SubFrom { c });
    Mul mul, number |x: &Scalar, c| x.try_map(MulScalar { c }), from number |x: &Scalar, c| x.try_map(MulScalar { c });
    Div div, number |x: &Scalar, c| x.try_map(DivScalar { c }), from number |x: &Scalar, c| x.try_map(DivFrom { c });
}

impl Neg for &Scalar {
    type Output = Scalar;
    #[track_caller]
    fn neg(self) -> Scalar {
        Scalar::neg(self)
    }
}

impl Neg for Scalar {
    type Output = Scalar;
    #[track_caller]
    fn neg(self) -> Scalar {
        Scalar::neg(&self)
    }
}
