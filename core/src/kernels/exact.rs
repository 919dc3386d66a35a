//! When products with 0 may be left out of a sum without a bit changing.
//!
//! `fma(0, x, sum)` is `sum`, if `x` is finite and `sum` is not -0. A sum starts at +0 and becomes -0 only where something
//! negative is rounded to 0. Nothing is, if the smallest factors multiply to no less than [`tiny`]: then all products are
//! multiples of the smallest positive number, and so are their sums.

use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// 2^-101 of `f32`, 2^-968 of `f64`: a number is a multiple of its 24th or 53rd bit, so products of numbers whose
/// magnitudes multiply to no less are multiples of 2^-149 or 2^-1074.
pub(crate) fn tiny<E: Element>() -> E {
    let exponent = if size_of::<E>() == 4 { 101 } else { 968 };
    E::from_f64(f64::from_bits((1023 - exponent) << 52))
}

/// The smallest element that is not 0, regardless of sign, or infinity; `None` if one is infinite or not a number.
pub(crate) struct Smallest<'a, E>(pub(crate) &'a [E]);

impl<E: Element> Kernel for Smallest<'_, E> {
    type Output = Option<E>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<E> {
        let (whole, rest) = self.0.as_chunks::<{ 4 * LANES }>();
        let mut smallest = [E::INFINITY; 4 * LANES];
        for chunk in whole {
            for (smallest, &x) in smallest.iter_mut().zip(chunk) {
                *smallest = smaller(*smallest, x);
            }
        }
        let rest = rest.iter().fold(E::INFINITY, |all, &x| smaller(all, x));
        let all = smallest.iter().fold(rest, |all, &x| smaller(all, x));
        finite(self.0).then_some(all)
    }
}

#[inline(always)]
fn smaller<E: Element>(smallest: E, x: E) -> E {
    let size = if x == E::ZERO { E::INFINITY } else { x.abs() };
    if size < smallest { size } else { smallest }
}

/// Whether no element is infinite or not a number: those minus themselves are not 0.
#[inline(always)]
#[expect(clippy::eq_op, reason = "infinity and NaN minus themselves are not 0")]
pub(crate) fn finite<E: Element>(elements: &[E]) -> bool {
    let (whole, rest) = elements.as_chunks::<{ 4 * LANES }>();
    let mut sums = [E::ZERO; 4 * LANES];
    for chunk in whole {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum = *sum + (x - x);
        }
    }
    let rest = rest.iter().fold(E::ZERO, |sum, &x| sum + (x - x));
    sums.iter().fold(rest, |sum, &x| sum + x) == E::ZERO
}
