//! What the options of an optimiser may be: what PyTorch allows, as far as it is finite.

use crate::error::{Error, ErrorKind, Result};

pub(super) const RATE: &str = "the learning rate must be finite and at least 0";
pub(super) const WEIGHT_DECAY: &str = "weight_decay must be finite and at least 0";
pub(super) const EPSILON: &str = "epsilon must be finite and at least 0";

/// Whether an option is a length or a share of something. What is not a number is neither.
pub(super) const fn is_amount(option: f64) -> bool {
    option.is_finite() && option >= 0.0
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
