#![allow(unsafe_code)]
use super::{Isa, Kernel};
use core::arch::x86_64::{
    __m256, __m256d, __m256i, __m512, __m512d, __m512i, _CMP_EQ_OQ, _MM_HINT_T0, _mm_cvtsd_f64,
    _mm_cvtss_f32, _mm_fmadd_sd, _mm_fmadd_ss, _mm_prefetch, _mm_set_sd, _mm_set_ss,
    _mm256_castps_pd, _mm256_cmp_ps, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_movemask_ps,
    _mm256_permute2f128_ps, _mm256_permutevar8x32_ps, _mm256_set1_ps, _mm256_shuffle_ps,
    _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm512_broadcast_f64x4, _mm512_castpd_ps,
    _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_permutexvar_ps,
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
    const ROWS: usize = 6;
    const SELECTS: bool = true;

    #[inline(always)]
    fn prefetch<T>(at: *const T) {
        // SAFETY: a hint, which never faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }

    #[inline(always)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn with_features<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx2>()
        }
        // SAFETY: only `run` instantiates kernels with `Avx2`, and only after detection found both.
        unsafe { with_features(kernel) }
    }

    #[inline(always)]
    fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
        // SAFETY: only `run` instantiates kernels with `Avx2`, after detection found FMA; what `Avx512` hands on here has it,
        // too.
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
    fn equal_f32(a: [f32; 8], b: f32) -> u32 {
        // SAFETY: as above.
        unsafe {
            let a = transmute::<[f32; 8], __m256>(a);
            let equal = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, _mm256_set1_ps(b));
            _mm256_movemask_ps(equal).cast_unsigned()
        }
    }
    #[inline(always)]
    fn transpose_f32(square: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        // SAFETY: as above.
        unsafe {
            // No closures: they would be functions without the instruction set.
            let [a, b, c, d, e, f, g, h] = transmute::<[[f32; 8]; 8], [__m256; 8]>(square);
            let [a, b, c, d] = quarters([a, b, c, d]);
            let [e, f, g, h] = quarters([e, f, g, h]);
            transmute::<[__m256; 8], [[f32; 8]; 8]>([
                _mm256_permute2f128_ps::<0x20>(a, e),
                _mm256_permute2f128_ps::<0x20>(b, f),
                _mm256_permute2f128_ps::<0x20>(c, g),
                _mm256_permute2f128_ps::<0x20>(d, h),
                _mm256_permute2f128_ps::<0x31>(a, e),
                _mm256_permute2f128_ps::<0x31>(b, f),
                _mm256_permute2f128_ps::<0x31>(c, g),
                _mm256_permute2f128_ps::<0x31>(d, h),
            ])
        }
    }
    #[inline(always)]
    fn select_f32x8(a: [f32; 8], lanes: [u32; 8]) -> [f32; 8] {
        // SAFETY: as above.
        unsafe {
            let a = transmute::<[f32; 8], __m256>(a);
            let lanes = transmute::<[u32; 8], __m256i>(lanes);
            transmute::<__m256, [f32; 8]>(_mm256_permutevar8x32_ps(a, lanes))
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

/// The two squares of four lines and columns, each transposed.
#[inline]
#[target_feature(enable = "avx2")]
fn quarters([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let [ab, cd] = [_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d)];
    let [ba, dc] = [_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d)];
    [
        _mm256_shuffle_ps::<0x44>(ab, cd),
        _mm256_shuffle_ps::<0xee>(ab, cd),
        _mm256_shuffle_ps::<0x44>(ba, dc),
        _mm256_shuffle_ps::<0xee>(ba, dc),
    ]
}

/// AVX-512F and VL besides AVX2 and FMA. As private as [`Avx2`], and for the same reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512;

impl super::sealed::Sealed for Avx512 {}

impl Isa for Avx512 {
    const LANES: usize = 16;
    const ROWS: usize = 8;
    const SELECTS: bool = true;

    #[inline(always)]
    fn prefetch<T>(at: *const T) {
        Avx2::prefetch(at);
    }

    #[inline(always)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
        fn with_features<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Avx512>()
        }
        // SAFETY: only `run_512` instantiates kernels with `Avx512`, and only after detection found all of them.
        unsafe { with_features(kernel) }
    }

    #[inline(always)]
    fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
        Avx2::fma_f32(a, b, c)
    }
    #[inline(always)]
    fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
        Avx2::fma_f64(a, b, c)
    }
    #[inline(always)]
    fn fma_f32x8(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        Avx2::fma_f32x8(a, b, c)
    }
    #[inline(always)]
    fn fma_f32x16(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        // SAFETY: only `run_512` instantiates kernels with `Avx512`, and only after detection found AVX-512F; an array
        // and the vector have the same size, and any bits are valid in both.
        unsafe {
            let [a, b, c] = transmute::<[[f32; 16]; 3], [__m512; 3]>([a, b, c]);
            transmute::<__m512, [f32; 16]>(_mm512_fmadd_ps(a, b, c))
        }
    }
    #[inline(always)]
    fn fma_f32x16_by_8(a: [f32; 16], b: [f32; 8], c: [f32; 16]) -> [f32; 16] {
        // SAFETY: as above.
        unsafe {
            let [a, c] = transmute::<[[f32; 16]; 2], [__m512; 2]>([a, c]);
            let b = _mm256_castps_pd(transmute::<[f32; 8], __m256>(b));
            let b = _mm512_castpd_ps(_mm512_broadcast_f64x4(b));
            transmute::<__m512, [f32; 16]>(_mm512_fmadd_ps(a, b, c))
        }
    }
    #[inline(always)]
    fn equal_f32(a: [f32; 8], b: f32) -> u32 {
        Avx2::equal_f32(a, b)
    }
    #[inline(always)]
    fn transpose_f32(square: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        Avx2::transpose_f32(square)
    }
    #[inline(always)]
    fn select_f32x8(a: [f32; 8], lanes: [u32; 8]) -> [f32; 8] {
        Avx2::select_f32x8(a, lanes)
    }
    #[inline(always)]
    fn select_f32x16(a: [f32; 16], lanes: [u32; 16]) -> [f32; 16] {
        // SAFETY: as above.
        unsafe {
            let a = transmute::<[f32; 16], __m512>(a);
            let lanes = transmute::<[u32; 16], __m512i>(lanes);
            transmute::<__m512, [f32; 16]>(_mm512_permutexvar_ps(lanes, a))
        }
    }
    #[inline(always)]
    fn fma_f64x8(a: [f64; 8], b: [f64; 8], c: [f64; 8]) -> [f64; 8] {
        // SAFETY: as above.
        unsafe {
            let [a, b, c] = transmute::<[[f64; 8]; 3], [__m512d; 3]>([a, b, c]);
            transmute::<__m512d, [f64; 8]>(_mm512_fmadd_pd(a, b, c))
        }
    }
}

#[inline]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[target_feature(enable = "avx2,fma")]
    fn with_features<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx2>()
    }
    // SAFETY: a level above the portable one is made only by `detect` and `supported`, which go no further than what the
    // CPU and the operating system said to `detect::best`; each level includes the ones below.
    unsafe { with_features(kernel) }
}

#[inline]
pub(super) fn run_512<K: Kernel>(kernel: K) -> K::Output {
    #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
    fn with_features<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx512>()
    }
    // SAFETY: as in `run`.
    unsafe { with_features(kernel) }
}
