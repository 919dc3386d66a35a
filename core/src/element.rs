//! The numbers that tensors hold: `f32` for work, `f64` for gradient checks.

use crate::isa::Isa;
use crate::kernels::Kernels;
use crate::math::{double, single};
use core::fmt::{Debug, Display};
use core::ops::{Add, Div, Mul, Neg, Sub};

/// A floating-point number with canonical arithmetic: every function gives the same bits on every instruction set.
///
/// Implemented for `f32` and `f64` only. The functions of `f32` are this crate's own (at most 2 ulp from the true
/// value); those of `f64` come from `libm`.
pub trait Element:
    Kernels
    + Copy
    + Default
    + PartialOrd
    + Debug
    + Display
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// `0`.
    const ZERO: Self;
    /// `1`.
    const ONE: Self;
    /// The largest value.
    const INFINITY: Self;
    /// The smallest value.
    const NEG_INFINITY: Self;

    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same value in double precision.
    fn to_f64(self) -> f64;
    /// A whole number of at most 24 bits, exactly.
    fn from_whole(n: u32) -> Self;
    /// The number of [`Element::from_whole`]; of other elements any number.
    fn to_whole(self) -> u32;
    /// `a * b + c` with one rounding.
    fn fma<I: Isa>(a: Self, b: Self, c: Self) -> Self;
    /// [`Element::fma`] in eight lanes.
    fn fma_lanes<I: Isa>(a: [Self; 8], b: [Self; 8], c: [Self; 8]) -> [Self; 8];
    /// [`Element::fma`] in sixteen lanes.
    fn fma_wide<I: Isa>(a: [Self; 16], b: [Self; 16], c: [Self; 16]) -> [Self; 16];
    /// [`Element::fma_wide`] where `b` has the same eight numbers twice.
    fn fma_repeated<I: Isa>(a: [Self; 16], b: [Self; 8], c: [Self; 16]) -> [Self; 16];
    /// A bit for each element that equals `b`: for the first one the lowest.
    fn equal<I: Isa>(a: [Self; 8], b: Self) -> u32;
    /// The transposed square.
    fn transpose<I: Isa>(square: [[Self; 8]; 8]) -> [[Self; 8]; 8];
    /// The lanes of `a` with these numbers, of which only the lowest three bits count.
    fn select<I: Isa>(a: [Self; 8], lanes: [u32; 8]) -> [Self; 8];
    /// [`Element::select`] of sixteen lanes, and four bits.
    fn select_wide<I: Isa>(a: [Self; 16], lanes: [u32; 16]) -> [Self; 16];
    /// The absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// The correctly rounded square root.
    fn sqrt<I: Isa>(self) -> Self;
    /// `e` to the power of `self`.
    fn exp<I: Isa>(self) -> Self;
    /// The natural logarithm.
    fn log<I: Isa>(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh<I: Isa>(self) -> Self;
    /// `1 / (1 + exp(-self))`.
    fn sigmoid<I: Isa>(self) -> Self;
    /// The error function.
    fn erf<I: Isa>(self) -> Self;
    /// The sine of an angle in radians.
    fn sin<I: Isa>(self) -> Self;
    /// The cosine of an angle in radians.
    fn cos<I: Isa>(self) -> Self;
    /// `self` to the power of `y`.
    fn pow<I: Isa>(self, y: Self) -> Self;

    /// `a` if it is larger or not a number, else `b` (R6 of the canonical arithmetic).
    #[inline(always)]
    fn maximum(a: Self, b: Self) -> Self {
        #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
        if a > b || a != a { a } else { b }
    }

    /// `a` if it is smaller or not a number, else `b`.
    #[inline(always)]
    fn minimum(a: Self, b: Self) -> Self {
        #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
        if a < b || a != a { a } else { b }
    }

    /// 1 where `condition` holds, else 0.
    #[inline(always)]
    fn indicator(condition: bool) -> Self {
        if condition { Self::ONE } else { Self::ZERO }
    }
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const INFINITY: Self = Self::INFINITY;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as Self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.into()
    }
    #[inline(always)]
    fn from_whole(n: u32) -> Self {
        // Vectors have an instruction for signed numbers.
        n as i32 as Self
    }
    #[inline(always)]
    fn to_whole(self) -> u32 {
        self as i32 as u32
    }
    #[inline(always)]
    fn fma<I: Isa>(a: Self, b: Self, c: Self) -> Self {
        I::fma_f32(a, b, c)
    }
    #[inline(always)]
    fn fma_lanes<I: Isa>(a: [Self; 8], b: [Self; 8], c: [Self; 8]) -> [Self; 8] {
        I::fma_f32x8(a, b, c)
    }
    #[inline(always)]
    fn fma_wide<I: Isa>(a: [Self; 16], b: [Self; 16], c: [Self; 16]) -> [Self; 16] {
        I::fma_f32x16(a, b, c)
    }
    #[inline(always)]
    fn fma_repeated<I: Isa>(a: [Self; 16], b: [Self; 8], c: [Self; 16]) -> [Self; 16] {
        I::fma_f32x16_by_8(a, b, c)
    }
    #[inline(always)]
    fn equal<I: Isa>(a: [Self; 8], b: Self) -> u32 {
        I::equal_f32(a, b)
    }
    #[inline(always)]
    fn transpose<I: Isa>(square: [[Self; 8]; 8]) -> [[Self; 8]; 8] {
        I::transpose_f32(square)
    }
    #[inline(always)]
    fn select<I: Isa>(a: [Self; 8], lanes: [u32; 8]) -> [Self; 8] {
        I::select_f32x8(a, lanes)
    }
    #[inline(always)]
    fn select_wide<I: Isa>(a: [Self; 16], lanes: [u32; 16]) -> [Self; 16] {
        I::select_f32x16(a, lanes)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }
    #[inline(always)]
    fn sqrt<I: Isa>(self) -> Self {
        single::sqrt::<I>(self)
    }
    #[inline(always)]
    fn exp<I: Isa>(self) -> Self {
        single::exp::<I>(self)
    }
    #[inline(always)]
    fn log<I: Isa>(self) -> Self {
        single::log::<I>(self)
    }
    #[inline(always)]
    fn tanh<I: Isa>(self) -> Self {
        single::tanh::<I>(self)
    }
    #[inline(always)]
    fn sigmoid<I: Isa>(self) -> Self {
        single::sigmoid::<I>(self)
    }
    #[inline(always)]
    fn erf<I: Isa>(self) -> Self {
        single::erf::<I>(self)
    }
    #[inline(always)]
    fn sin<I: Isa>(self) -> Self {
        single::sin::<I>(self)
    }
    #[inline(always)]
    fn cos<I: Isa>(self) -> Self {
        single::cos::<I>(self)
    }
    #[inline(always)]
    fn pow<I: Isa>(self, y: Self) -> Self {
        single::pow::<I>(self, y)
    }
}

impl Element for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const INFINITY: Self = Self::INFINITY;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_whole(n: u32) -> Self {
        // Vectors have an instruction for signed numbers.
        n as i32 as Self
    }
    #[inline(always)]
    fn to_whole(self) -> u32 {
        self as i32 as u32
    }
    #[inline(always)]
    fn fma<I: Isa>(a: Self, b: Self, c: Self) -> Self {
        I::fma_f64(a, b, c)
    }
    #[inline(always)]
    fn fma_lanes<I: Isa>(a: [Self; 8], b: [Self; 8], c: [Self; 8]) -> [Self; 8] {
        I::fma_f64x8(a, b, c)
    }
    #[inline(always)]
    fn fma_wide<I: Isa>(a: [Self; 16], b: [Self; 16], c: [Self; 16]) -> [Self; 16] {
        core::array::from_fn(|l| I::fma_f64(a[l], b[l], c[l]))
    }
    #[inline(always)]
    fn fma_repeated<I: Isa>(a: [Self; 16], b: [Self; 8], c: [Self; 16]) -> [Self; 16] {
        core::array::from_fn(|l| I::fma_f64(a[l], b[l % 8], c[l]))
    }
    #[inline(always)]
    fn equal<I: Isa>(a: [Self; 8], b: Self) -> u32 {
        (0..8).fold(0, |bits, l| bits | (u32::from(a[l] == b) << l))
    }
    #[inline(always)]
    fn transpose<I: Isa>(square: [[Self; 8]; 8]) -> [[Self; 8]; 8] {
        core::array::from_fn(|i| square.map(|line| line[i]))
    }
    #[inline(always)]
    fn select<I: Isa>(a: [Self; 8], lanes: [u32; 8]) -> [Self; 8] {
        core::array::from_fn(|l| a[lanes[l] as usize % 8])
    }
    #[inline(always)]
    fn select_wide<I: Isa>(a: [Self; 16], lanes: [u32; 16]) -> [Self; 16] {
        core::array::from_fn(|l| a[lanes[l] as usize % 16])
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }
    #[inline(always)]
    fn sqrt<I: Isa>(self) -> Self {
        double::sqrt(self)
    }
    #[inline(always)]
    fn exp<I: Isa>(self) -> Self {
        double::exp(self)
    }
    #[inline(always)]
    fn log<I: Isa>(self) -> Self {
        double::log(self)
    }
    #[inline(always)]
    fn tanh<I: Isa>(self) -> Self {
        double::tanh(self)
    }
    #[inline(always)]
    fn sigmoid<I: Isa>(self) -> Self {
        double::sigmoid(self)
    }
    #[inline(always)]
    fn erf<I: Isa>(self) -> Self {
        double::erf(self)
    }
    #[inline(always)]
    fn sin<I: Isa>(self) -> Self {
        double::sin(self)
    }
    #[inline(always)]
    fn cos<I: Isa>(self) -> Self {
        double::cos(self)
    }
    #[inline(always)]
    fn pow<I: Isa>(self, y: Self) -> Self {
        double::pow(self, y)
    }
}
