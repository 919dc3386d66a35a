//! The fold of a block of adjacent elements.

use crate::element::Element;
use crate::reduction::{LANES, Reduction, combine};
use core::hint::black_box;

/// The fold of a block.
#[inline(always)]
pub(crate) fn fold_block<E: Element, R: Reduction>(block: &[E]) -> E {
    let mut lanes = [E::from_f64(R::START); LANES];
    fold_lanes::<E, R>(&mut lanes, block);
    combine::<R, E>(lanes)
}

/// Folds elements into eight lanes, the first one into the first.
#[inline(always)]
pub(crate) fn fold_lanes<E: Element, R: Reduction>(lanes: &mut [E; LANES], elements: &[E]) {
    let (whole, rest) = elements.as_chunks::<LANES>();
    let mut folds = *lanes;
    // A single chunk has nothing to wait for.
    let numbers = R::NUMBERS_FASTER && whole.len() > 1;
    if !numbers || !fold_numbers::<E, R>(&mut folds, whole) {
        for chunk in whole {
            for (fold, &x) in folds.iter_mut().zip(chunk) {
                *fold = R::fold(*fold, x);
            }
        }
    }
    // Hidden from the compiler, which would see in what pairs lanes are combined, and fold pairs instead of vectors.
    *lanes = black_box(folds);
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = R::fold(*lane, x);
    }
}

/// Folds numbers; if something is not a number, there or in the lanes, nothing is done, and it gives `false`.
#[inline(always)]
fn fold_numbers<E: Element, R: Reduction>(lanes: &mut [E; LANES], chunks: &[[E; LANES]]) -> bool {
    let mut folds = *lanes;
    // A bit for what is not a number. The totals do not wait for it.
    let mut others = [0_u32; LANES];
    for (other, x) in others.iter_mut().zip(folds) {
        *other |= not_a_number(x);
    }
    for chunk in chunks {
        for ((fold, other), &x) in folds.iter_mut().zip(&mut others).zip(chunk) {
            *fold = R::fold_number(*fold, x);
            *other |= not_a_number(x);
        }
    }
    let mut other = 0;
    for bit in others {
        other |= bit;
    }
    if other == 0 {
        *lanes = folds;
    }
    other == 0
}

#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn not_a_number<E: Element>(x: E) -> u32 {
    u32::from(x != x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduction::{Max, Min};
    use alloc::vec::Vec;

    /// Every element folded by the definition, with zeros of both signs, and not a number at one place or none.
    fn as_defined<R: Reduction>() {
        for count in [0, 7, 8, 16, 41] {
            for odd in 0..=count {
                let all = (0..count).map(|n| match n * 7 % 5 {
                    _ if n == odd => f32::NAN,
                    0 => -0.0,
                    1 => 0.0,
                    2 => f32::NEG_INFINITY,
                    k => k as f32 * if odd % 2 == 0 { 1.0 } else { -1.0 },
                });
                let all: Vec<f32> = all.collect();
                let mut lanes = [R::START as f32; LANES];
                for (n, &x) in all.iter().enumerate() {
                    lanes[n % LANES] = R::fold(lanes[n % LANES], x);
                }
                let mut fast = [R::START as f32; LANES];
                fold_lanes::<f32, R>(&mut fast, &all);
                for (fast, lane) in fast.into_iter().zip(lanes) {
                    let same = fast.to_bits() == lane.to_bits() || fast.is_nan() && lane.is_nan();
                    assert!(same, "{fast} {lane} {}: {all:?}", R::NAME);
                }
            }
        }
    }

    #[test]
    fn numbers_fold_as_anything_does() {
        as_defined::<Max>();
        as_defined::<Min>();
    }
}
