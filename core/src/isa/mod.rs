//! Instruction sets: one kernel body, compiled once for each.
//!
//! A kernel is a value with a method that is generic over [`Isa`]. [`Level::run`] calls that method inside a
//! function that has the instruction set switched on, so the compiler vectorises the body for it. The bits of the
//! result are the same for every [`Isa`]: its operations are defined to the last bit (IEEE 754), only their speed
//! differs.

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod aarch64;
mod detect;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use portable::Portable;

mod sealed {
    /// Only this crate knows that a CPU has an instruction set, so only it implements [`super::Isa`].
    pub trait Sealed {}
}

/// A compile-time instruction set: what it offers beyond the operators of `f32` and `f64`.
pub trait Isa: sealed::Sealed + Copy + Send + Sync + 'static {
    /// `a * b + c` with one rounding, in single precision.
    fn fma_f32(a: f32, b: f32, c: f32) -> f32;
    /// `a * b + c` with one rounding, in double precision.
    fn fma_f64(a: f64, b: f64, c: f64) -> f64;

    /// Runs `kernel` as a function of its own. What is inlined into large code is not always optimised well: registers
    /// end up in memory.
    fn apart<K: Kernel>(kernel: K) -> K::Output;

    /// How many numbers in single precision a vector register holds that the kernels of matrix products use.
    const LANES: usize = 8;
    /// Whether selecting lanes of a vector is one instruction.
    const SELECTS: bool = false;
    /// How many rows of two such vectors a product keeps in registers.
    const ROWS: usize = 4;

    /// Asks for the memory at an address before it is needed. Nothing is read, so it may be any address.
    #[inline(always)]
    fn prefetch<T>(_at: *const T) {}

    /// [`Isa::fma_f32`] in eight lanes. The compiler vectorises most loops over the scalar form by itself, but not
    /// reliably blocks of accumulators, which it unrolls first.
    #[inline(always)]
    fn fma_f32x8(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        core::array::from_fn(|l| Self::fma_f32(a[l], b[l], c[l]))
    }
    /// [`Isa::fma_f32`] in sixteen lanes.
    #[inline(always)]
    fn fma_f32x16(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        core::array::from_fn(|l| Self::fma_f32(a[l], b[l], c[l]))
    }
    /// [`Isa::fma_f32x16`] where `b` has the same eight numbers twice.
    #[inline(always)]
    fn fma_f32x16_by_8(a: [f32; 16], b: [f32; 8], c: [f32; 16]) -> [f32; 16] {
        core::array::from_fn(|l| Self::fma_f32(a[l], b[l % 8], c[l]))
    }
    /// A bit for each number that equals `b`: for the first one the lowest.
    #[inline(always)]
    fn equal_f32(a: [f32; 8], b: f32) -> u32 {
        (0..8).fold(0, |bits, l| bits | (u32::from(a[l] == b) << l))
    }
    /// The transposed square. The compiler would move the elements one by one.
    #[inline(always)]
    fn transpose_f32(square: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        core::array::from_fn(|i| square.map(|line| line[i]))
    }
    /// The lanes of `a` with these numbers, of which only the lowest three bits count.
    #[inline(always)]
    fn select_f32x8(a: [f32; 8], lanes: [u32; 8]) -> [f32; 8] {
        core::array::from_fn(|l| a[lanes[l] as usize % 8])
    }
    /// [`Isa::select_f32x8`] of sixteen lanes, and four bits.
    #[inline(always)]
    fn select_f32x16(a: [f32; 16], lanes: [u32; 16]) -> [f32; 16] {
        core::array::from_fn(|l| a[lanes[l] as usize % 16])
    }
    /// [`Isa::fma_f64`] in eight lanes.
    #[inline(always)]
    fn fma_f64x8(a: [f64; 8], b: [f64; 8], c: [f64; 8]) -> [f64; 8] {
        core::array::from_fn(|l| Self::fma_f64(a[l], b[l], c[l]))
    }
}

/// A computation that can be compiled for any instruction set.
///
/// Mark the implementation of [`Kernel::run`] `#[inline(always)]`: a call that is not inlined is compiled without
/// the instruction set.
pub trait Kernel {
    /// Whether the computation is worth compiling for 512-bit vectors: one with many operations for each byte.
    /// Any other one runs with AVX2 on a CPU that has AVX-512.
    const DENSE: bool = false;
    /// What the computation returns.
    type Output;
    /// Runs the computation with the operations of `I`.
    fn run<I: Isa>(self) -> Self::Output;
}

/// The instruction set that a CPU backend uses, chosen at run time. A value of it is proof that this CPU has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Level(Set);

/// In this order: each includes the ones before, and [`Level::supported`] relies on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    Neon,
}

impl Level {
    /// Nothing beyond the target's baseline; fused multiply-add in software where the baseline has none.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The best level that this CPU and its operating system support.
    #[must_use]
    pub fn detect() -> Self {
        Self(detect::best())
    }

    /// Every level that this CPU supports, the portable one first: what a test loops over.
    pub fn supported() -> impl Iterator<Item = Self> {
        let all = [
            Set::Portable,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512,
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Set::Neon,
        ];
        // Each includes the ones before.
        let best = detect::best() as usize;
        all.into_iter().take(best + 1).map(Self)
    }

    /// The level called `name` (`portable`, `avx2`, `avx512`, `neon`), if this CPU supports it.
    ///
    /// ```
    /// use minitorch_core::isa::Level;
    /// assert_eq!(Level::named("portable"), Some(Level::PORTABLE));
    /// assert_eq!(Level::named("abacus"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::supported().find(|level| level.name() == name)
    }

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Set::Neon => "neon",
        }
    }

    /// The size of a vector register: how many bytes one instruction computes with, at most. 0 without any.
    #[must_use]
    pub const fn vector_bytes(self) -> usize {
        match self.0 {
            Set::Portable if cfg!(target_feature = "avx") => 32,
            Set::Portable
                if cfg!(any(
                    target_feature = "sse2",
                    target_feature = "simd128",
                    // 32-bit NEON rounds subnormals to zero and is not used.
                    all(target_arch = "aarch64", target_feature = "neon")
                )) =>
            {
                16
            }
            Set::Portable => 0,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => 32,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 64,
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Set::Neon => 16,
        }
    }

    /// Runs `kernel`, compiled for this level.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Set::Portable => kernel.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 if K::DENSE => x86::run_512(kernel),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 | Set::Avx512 => x86::run(kernel),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Set::Neon => kernel.run::<aarch64::Neon>(),
        }
    }
}

impl core::fmt::Debug for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
