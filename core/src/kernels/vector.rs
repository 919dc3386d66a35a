//! The vectors of the kernels that multiply and add: eight numbers or sixteen.

use crate::element::Element;
use crate::isa::Isa;

/// Numbers side by side, in one register or two.
pub(crate) trait Vector<E>: Copy {
    const LANES: usize;
    const ZERO: Self;
    /// Numbers of lanes.
    type Order: Copy;

    /// `self * x + sum`, each with one rounding.
    fn times<I: Isa>(self, x: E, sum: Self) -> Self;
    /// The lanes with these numbers.
    fn select<I: Isa>(self, order: Self::Order) -> Self;
    /// The first `count` lanes and, after them, those that are `gap` further on; then any ones.
    fn order(count: usize, gap: usize) -> Self::Order;
    /// `self * x + sum`, with the eight numbers of `x` again and again.
    fn times_eight<I: Isa>(self, x: [E; 8], sum: Self) -> Self;
}

impl<E: Element> Vector<E> for [E; 8] {
    const LANES: usize = 8;
    const ZERO: Self = [E::ZERO; 8];
    type Order = [u32; 8];

    #[inline(always)]
    fn times<I: Isa>(self, x: E, sum: Self) -> Self {
        // Written out: a repeat expression would be a loop when it should become one broadcast.
        E::fma_lanes::<I>([x, x, x, x, x, x, x, x], self, sum)
    }
    #[inline(always)]
    fn select<I: Isa>(self, order: Self::Order) -> Self {
        E::select::<I>(self, order)
    }
    #[inline(always)]
    fn order(count: usize, gap: usize) -> Self::Order {
        kept(count, gap)
    }
    #[inline(always)]
    fn times_eight<I: Isa>(self, x: [E; 8], sum: Self) -> Self {
        E::fma_lanes::<I>(self, x, sum)
    }
}

impl<E: Element> Vector<E> for [E; 16] {
    const LANES: usize = 16;
    const ZERO: Self = [E::ZERO; 16];
    type Order = [u32; 16];

    #[inline(always)]
    fn times<I: Isa>(self, x: E, sum: Self) -> Self {
        let x = [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x];
        E::fma_wide::<I>(x, self, sum)
    }
    #[inline(always)]
    fn select<I: Isa>(self, order: Self::Order) -> Self {
        E::select_wide::<I>(self, order)
    }
    #[inline(always)]
    fn order(count: usize, gap: usize) -> Self::Order {
        kept(count, gap)
    }
    #[inline(always)]
    fn times_eight<I: Isa>(self, x: [E; 8], sum: Self) -> Self {
        E::fma_repeated::<I>(self, x, sum)
    }
}

/// The first `count` lanes, then those `gap` further on, as far as there are.
#[inline(always)]
fn kept<const N: usize>(count: usize, gap: usize) -> [u32; N] {
    let (count, gap) = (count as u32, gap as u32);
    let mut lanes = [0; N];
    for (l, lane) in (0..N as u32).zip(&mut lanes) {
        *lane = (if l < count { l } else { l + gap }) % N as u32;
    }
    lanes
}
