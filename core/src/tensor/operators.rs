//! `+`, `-`, `*`, `/` and unary `-`, between tensors and with numbers, on values and references.

use super::Tensor;
use crate::backend::Backend;
use core::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! operators {
    ($($operator:ident $method:ident, scalar $by_scalar:expr, from scalar $from_scalar:expr;)*) => {$(
        impl<B: Backend> $operator<&Tensor<B>> for &Tensor<B> {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, other: &Tensor<B>) -> Tensor<B> {
                Tensor::$method(self, other)
            }
        }
        impl<B: Backend> $operator<Tensor<B>> for &Tensor<B> {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, other: Tensor<B>) -> Tensor<B> {
                Tensor::$method(self, &other)
            }
        }
        impl<B: Backend> $operator<&Tensor<B>> for Tensor<B> {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, other: &Tensor<B>) -> Tensor<B> {
                Tensor::$method(&self, other)
            }
        }
        impl<B: Backend> $operator<Tensor<B>> for Tensor<B> {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, other: Tensor<B>) -> Tensor<B> {
                Tensor::$method(&self, &other)
            }
        }
        impl<B: Backend> $operator<f64> for &Tensor<B> {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, c: f64) -> Tensor<B> {
                $by_scalar(self, c)
            }
        }
        impl<B: Backend> $operator<f64> for Tensor<B> {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, c: f64) -> Tensor<B> {
                $by_scalar(&self, c)
            }
        }
        impl<B: Backend> $operator<&Tensor<B>> for f64 {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, x: &Tensor<B>) -> Tensor<B> {
                $from_scalar(x, self)
            }
        }
        impl<B: Backend> $operator<Tensor<B>> for f64 {
            type Output = Tensor<B>;
            #[track_caller]
            fn $method(self, x: Tensor<B>) -> Tensor<B> {
                $from_scalar(&x, self)
            }
        }
    )*};
}

operators! {
    Add add, scalar Tensor::add_scalar, from scalar Tensor::add_scalar;
    Sub sub, scalar |x: &Tensor<B>, c: f64| x.add_scalar(-c), from scalar Tensor::sub_from;
    Mul mul, scalar Tensor::mul_scalar, from scalar Tensor::mul_scalar;
    Div div, scalar Tensor::div_scalar, from scalar Tensor::div_from;
}

impl<B: Backend> Neg for &Tensor<B> {
    type Output = Tensor<B>;
    #[track_caller]
    fn neg(self) -> Tensor<B> {
        Tensor::neg(self)
    }
}

impl<B: Backend> Neg for Tensor<B> {
    type Output = Tensor<B>;
    #[track_caller]
    fn neg(self) -> Tensor<B> {
        Tensor::neg(&self)
    }
}
