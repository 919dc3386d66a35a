#![allow(unsafe_code)]
use super::{Isa, Kernel, Portable};
use core::arch::aarch64::{float32x4_t, float64x2_t, vfmaq_f32, vfmaq_f64};
use core::mem::transmute;

/// Advanced SIMD (NEON), which every CPU has that this crate is compiled for: nothing is to be detected. Single numbers are
/// computed with as the portable level does; blocks of accumulators become vectors of four here, whatever the compiler
/// makes of loops over single numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neon;

impl super::sealed::Sealed for Neon {}

impl Isa for Neon {
    /// Of 32 registers 24 hold sums, 4 a line of the right operand and 1 a number of the left one.
    const ROWS: usize = 6;

    #[inline(never)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Self>()
    }
    #[inline(always)]
    fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
        Portable::fma_f32(a, b, c)
    }
    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        Portable::fma_f64(a, b, c)
    }
    #[inline(always)]
    fn fma_f32x8(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        // SAFETY: the whole crate is compiled for CPUs with Advanced SIMD; an array of eight has the size of two vectors,
        // and any bits are valid in both.
        unsafe {
            let [a, b, c] = transmute::<[[f32; 8]; 3], [[float32x4_t; 2]; 3]>([a, b, c]);
            let sums: [float32x4_t; 2] = core::array::from_fn(|i| vfmaq_f32(c[i], a[i], b[i]));
            transmute::<[float32x4_t; 2], [f32; 8]>(sums)
        }
    }
    #[inline(always)]
    fn fma_f32x16(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        // SAFETY: as above, with four vectors.
        unsafe {
            let [a, b, c] = transmute::<[[f32; 16]; 3], [[float32x4_t; 4]; 3]>([a, b, c]);
            let sums: [float32x4_t; 4] = core::array::from_fn(|i| vfmaq_f32(c[i], a[i], b[i]));
            transmute::<[float32x4_t; 4], [f32; 16]>(sums)
        }
    }
    #[inline(always)]
    fn fma_f64x8(a: [f64; 8], b: [f64; 8], c: [f64; 8]) -> [f64; 8] {
        // SAFETY: as above, with four vectors of two.
        unsafe {
            let [a, b, c] = transmute::<[[f64; 8]; 3], [[float64x2_t; 4]; 3]>([a, b, c]);
            let sums: [float64x2_t; 4] = core::array::from_fn(|i| vfmaq_f64(c[i], a[i], b[i]));
            transmute::<[float64x2_t; 4], [f64; 8]>(sums)
        }
    }
}
