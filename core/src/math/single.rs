//! Single-precision functions with the same bits everywhere.
//!
//! Each is generic over [`Isa`](crate::isa::Isa) and inlined, so inside [`Level::run`](crate::isa::Level::run) a loop
//! that applies one to a slice becomes vector code. ([`sin`] and [`cos`] branch and do not; [`sin_bounded`] and
//! [`cos_bounded`] do.) Any `Isa` gives the same bits; [`Portable`](crate::isa::Portable) is the one to name outside a
//! kernel. All but [`pow`] are plain multiplications, additions and divisions, because a fused multiply-add costs a
//! dozen instructions where the CPU has none.

pub use super::erf::erf;
pub use super::exp::exp;
pub use super::log::log;
pub use super::pow::pow;
pub use super::sigmoid::sigmoid;
pub use super::sqrt::sqrt;
pub use super::tanh::tanh;
pub use super::trig::{cos, cos_bounded, sin, sin_bounded};
