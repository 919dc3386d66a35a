//! The functions that MiniTorch's tests (`testing.py`) apply to numbers, scalars and tensors alike.

use minitorch_core::{Backend, Scalar, Tensor, operators};

/// What can be computed with: a plain number, a scalar with history, a tensor.
pub trait Number: Sized {
    /// `self + c`.
    fn add_number(&self, c: f64) -> Self;
    /// `self * c`.
    fn mul_number(&self, c: f64) -> Self;
    /// `self + other`.
    fn add(&self, other: &Self) -> Self;
    /// `self * other`.
    fn mul(&self, other: &Self) -> Self;
    /// `self / other`.
    fn div(&self, other: &Self) -> Self;
    /// 1 where `self < other`, else 0.
    fn lt(&self, other: &Self) -> Self;
    /// 1 where `self == other`, else 0.
    fn eq(&self, other: &Self) -> Self;
    /// `-self`.
    fn neg(&self) -> Self;
    /// `1 / self`.
    fn inv(&self) -> Self;
    /// The logistic function.
    fn sigmoid(&self) -> Self;
    /// The natural logarithm.
    fn log(&self) -> Self;
    /// The rectifier.
    fn relu(&self) -> Self;
    /// `e` to the power of `self`.
    fn exp(&self) -> Self;
}

impl Number for f64 {
    fn add_number(&self, c: f64) -> Self {
        self + c
    }
    fn mul_number(&self, c: f64) -> Self {
        self * c
    }
    fn add(&self, other: &Self) -> Self {
        operators::add(*self, *other)
    }
    fn mul(&self, other: &Self) -> Self {
        operators::mul(*self, *other)
    }
    fn div(&self, other: &Self) -> Self {
        self / other
    }
    fn lt(&self, other: &Self) -> Self {
        operators::lt(*self, *other)
    }
    fn eq(&self, other: &Self) -> Self {
        operators::eq(*self, *other)
    }
    fn neg(&self) -> Self {
        operators::neg(*self)
    }
    fn inv(&self) -> Self {
        operators::inv(*self)
    }
    fn sigmoid(&self) -> Self {
        operators::sigmoid(*self)
    }
    fn log(&self) -> Self {
        operators::log(*self)
    }
    fn relu(&self) -> Self {
        operators::relu(*self)
    }
    fn exp(&self) -> Self {
        operators::exp(*self)
    }
}

/// Scalars and tensors have methods of these names.
macro_rules! by_methods {
    ($type:ty $(, $backend:ident)?) => {
        impl$(<$backend: Backend>)? Number for $type {
            fn add_number(&self, c: f64) -> Self {
                self + c
            }
            fn mul_number(&self, c: f64) -> Self {
                self * c
            }
            fn add(&self, other: &Self) -> Self {
                self + other
            }
            fn mul(&self, other: &Self) -> Self {
                self * other
            }
            fn div(&self, other: &Self) -> Self {
                self / other
            }
            fn lt(&self, other: &Self) -> Self {
                self.lt(other)
            }
            fn eq(&self, other: &Self) -> Self {
                self.eq(other)
            }
            fn neg(&self) -> Self {
                -self
            }
            fn inv(&self) -> Self {
                self.inv()
            }
            fn sigmoid(&self) -> Self {
                self.sigmoid()
            }
            fn log(&self) -> Self {
                self.log()
            }
            fn relu(&self) -> Self {
                self.relu()
            }
            fn exp(&self) -> Self {
                self.exp()
            }
        }
    };
}
by_methods!(Scalar);
by_methods!(Tensor<B>, B);

/// A named function of one argument.
pub type One<T> = (&'static str, fn(&T) -> T);
/// A named function of two arguments.
pub type Two<T> = (&'static str, fn(&T, &T) -> T);

/// The functions of one argument, under MiniTorch's names.
pub fn one_argument<T: Number>() -> [One<T>; 14] {
    [
        ("add_constant", |a| a.add_number(5.0)),
        ("subtract_constant", |a| a.add_number(-5.0)),
        ("multiply_constant", |a| a.mul_number(5.0)),
        ("divide_constant", |a| a.mul_number(1.0 / 5.0)),
        ("square", |a| a.mul(a)),
        ("cube", |a| a.mul(a).mul(a)),
        ("negate", T::neg),
        ("inverse", |a| a.add_number(3.5).inv()),
        ("sigmoid", T::sigmoid),
        ("log", |a| a.add_number(100_000.0).log()),
        ("relu", |a| a.add_number(5.5).relu()),
        ("exp", |a| a.add_number(-200.0).exp()),
        ("exp_log", |a| a.add_number(100_000.0).log().exp()),
        ("complex", |a| {
            let inner = a.mul_number(10.0).add_number(7.0).relu();
            let outer = inner.mul_number(6.0).add_number(5.0).relu();
            outer
                .mul_number(10.0)
                .sigmoid()
                .log()
                .mul_number(1.0 / 50.0)
        }),
    ]
}

/// The functions of two arguments, under MiniTorch's names.
pub fn two_arguments<T: Number>() -> [Two<T>; 6] {
    [
        ("add2", T::add),
        ("mul2", T::mul),
        ("div2", |a, b| a.div(&b.add_number(5.5))),
        ("gt2", |a, b| b.lt(&a.add_number(1.2))),
        ("lt2", |a, b| a.add_number(1.2).lt(b)),
        ("eq2", |a, b| a.eq(&b.add_number(5.5))),
    ]
}

/// The reductions, under MiniTorch's names: they keep the axis that they fold, as its `sum(dim)` does.
#[must_use]
pub fn reductions<B: Backend>() -> [One<Tensor<B>>; 3] {
    [
        ("sum_red", |a| a.sum_keepdim(&[0])),
        ("mean_red", |a| a.mean_keepdim(&[0])),
        ("mean_full_red", |a| a.mean_all()),
    ]
}

/// Whether the function called `name` has neither a kink, a step nor a pole near `x`, where central differences are wrong.
#[must_use]
pub fn is_smooth(name: &str, x: &[f64]) -> bool {
    match (name, x) {
        ("relu", [x]) => (x + 5.5).abs() > 1e-5,
        ("complex", [x]) => (x + 0.7).abs() > 1e-5,
        ("inverse", [x]) => (x + 3.5).abs() > 0.1,
        ("div2", [_, y]) => (y + 5.5).abs() > 0.1,
        ("gt2" | "lt2", [x, y]) => (x + 1.2 - y).abs() > 1e-5,
        ("eq2", [x, y]) => (x - y - 5.5).abs() > 1e-5,
        _ => true,
    }
}
