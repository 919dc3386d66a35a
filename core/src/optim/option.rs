//! What the options of an optimiser may be: what PyTorch allows, as far as it is finite in the element type.
//!
//! Options are `f64`, and are rounded to the element type before they meet a tensor: 1e300 is infinite for an `f32`.

use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};

pub(super) const RATE: &str =
    "the learning rate must be at least 0, and finite in the element type";
pub(super) const WEIGHT_DECAY: &str =
    "weight_decay must be at least 0, and finite in the element type";
pub(super) const EPSILON: &str = "epsilon must be at least 0, finite in the element type, and not so small that it \
    becomes 0 there";

/// Whether a number stays finite as an element.
pub(super) fn is_finite<E: Element>(number: f64) -> bool {
    E::from_f64(number).to_f64().is_finite()
}

/// Whether an option is a length or a share of something. What is not a number is neither.
pub(super) fn is_amount<E: Element>(option: f64) -> bool {
    option >= 0.0 && is_finite::<E>(option)
}

/// Whether an option is an amount that is 0 as an element only if it was 0 before: it keeps a quotient finite, unless
/// the caller wants none.
pub(super) fn is_epsilon<E: Element>(option: f64) -> bool {
    is_amount::<E>(option) && (option == 0.0 || E::from_f64(option) > E::ZERO)
}

/// Refuses the first option that is not as its sentence says.
///
/// # Errors
/// [`ErrorKind::Argument`] with that sentence.
pub(super) fn demand(op: &'static str, options: &[(bool, &'static str)]) -> Result<()> {
    match options.iter().find(|(is_allowed, _)| !is_allowed) {
        Some(&(_, sentence)) => Err(Error::new(ErrorKind::Argument, op, sentence)),
        None => Ok(()),
    }
}
