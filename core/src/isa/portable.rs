use super::{Isa, Kernel};
use crate::math::fma;

/// The target's baseline: `fma` is an instruction where every CPU of the target has one, software elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl super::sealed::Sealed for Portable {}

impl Isa for Portable {
    #[inline(never)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Self>()
    }
    #[inline(always)]
    fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
        fma::f32(a, b, c)
    }
    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        fma::f64(a, b, c)
    }
}
