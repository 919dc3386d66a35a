#![allow(unsafe_code)]
use super::{Isa, Kernel};
use core::arch::x86_64::{
    __m256, __m256d, _mm_cvtsd_f64, _mm_cvtss_f32, _mm_fmadd_sd, _mm_fmadd_ss, _mm_set_sd,
    _mm_set_ss, _mm256_fmadd_pd, _mm256_fmadd_ps,
};
use core::mem::transmute;

/// AVX2 and FMA. The scalar intrinsics below become vector instructions once inlined into [`run`].
///
/// The type is private: its methods are reached only through [`Level::run`](super::Level::run), so a CPU that lacks
/// the instructions never executes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2;

impl super::sealed::Sealed for Avx2 {}

impl Isa for Avx2 {
    #[inline(always)]
    fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
        // SAFETY: only `run` instantiates kernels with `Avx2`, and only after detection found FMA.
        unsafe { _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c))) }
    }
    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        // SAFETY: as above.
        unsafe { _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c))) }
    }
    #[inline(always)]
    fn fma_f32x8(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        // SAFETY: as above; an array of eight and the vector have the same size, and any bits are valid in both.
        unsafe {
            let [a, b, c] = transmute::<[[f32; 8]; 3], [__m256; 3]>([a, b, c]);
            transmute::<__m256, [f32; 8]>(_mm256_fmadd_ps(a, b, c))
        }
    }
    #[inline(always)]
    fn fma_f64x8(a: [f64; 8], b: [f64; 8], c: [f64; 8]) -> [f64; 8] {
        // SAFETY: as above, with two vectors of four.
        unsafe {
            let [[a, d], [b, e], [c, f]] = transmute::<[[f64; 8]; 3], [[__m256d; 2]; 3]>([a, b, c]);
            transmute::<[__m256d; 2], [f64; 8]>([
                _mm256_fmadd_pd(a, b, c),
                _mm256_fmadd_pd(d, e, f),
            ])
        }
    }
}

#[inline]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[target_feature(enable = "avx2,fma")]
    fn with_features<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx2>()
    }
    // SAFETY: `Set::Avx2` is only ever made by `detect::best`, which asks the CPU and the operating system.
    unsafe { with_features(kernel) }
}
