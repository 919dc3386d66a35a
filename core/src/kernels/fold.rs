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
    for chunk in whole {
        for (fold, &x) in folds.iter_mut().zip(chunk) {
            *fold = R::fold(*fold, x);
        }
    }
    // Hidden from the compiler, which would see in what pairs lanes are combined, and fold pairs instead of vectors.
    *lanes = black_box(folds);
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = R::fold(*lane, x);
    }
}
