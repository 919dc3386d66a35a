//! The vectors of the kernels that multiply and add: four numbers, eight or sixteen.

use crate::element::Element;
use crate::isa::Isa;
use core::array::from_fn;

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
    /// `self * x + sum`, with the four numbers of `x` again and again.
    fn times_quad<I: Isa>(self, x: [E; 4], sum: Self) -> Self;
    /// Of each four lanes `(0 + 2) + (1 + 3)`, four times.
    fn fold_quads<I: Isa>(self) -> Self;
}

impl<E: Element> Vector<E> for [E; 4] {
    const LANES: usize = 4;
    const ZERO: Self = [E::ZERO; 4];
    type Order = [u32; 4];

    #[inline(always)]
    fn times<I: Isa>(self, x: E, sum: Self) -> Self {
        self.times_quad::<I>([x, x, x, x], sum)
    }
    #[inline(always)]
    fn select<I: Isa>(self, order: Self::Order) -> Self {
        order.map(|lane| self[lane as usize % 4])
    }
    #[inline(always)]
    fn order(count: usize, gap: usize) -> Self::Order {
        kept(count, gap)
    }
    #[inline(always)]
    fn times_quad<I: Isa>(self, x: [E; 4], sum: Self) -> Self {
        from_fn(|l| E::fma::<I>(self[l], x[l], sum[l]))
    }
    #[inline(always)]
    fn fold_quads<I: Isa>(self) -> Self {
        let twos: Self = from_fn(|l| self[l] + self[l ^ 2]);
        from_fn(|l| twos[l] + twos[l ^ 1])
    }
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
    fn times_quad<I: Isa>(self, [a, b, c, d]: [E; 4], sum: Self) -> Self {
        E::fma_lanes::<I>(self, [a, b, c, d, a, b, c, d], sum)
    }
    #[inline(always)]
    fn fold_quads<I: Isa>(self) -> Self {
        let other = self.select::<I>(from_fn(|l| l as u32 ^ 2));
        let twos: Self = from_fn(|l| self[l] + other[l]);
        let other = twos.select::<I>(from_fn(|l| l as u32 ^ 1));
        from_fn(|l| twos[l] + other[l])
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
    fn times_quad<I: Isa>(self, [a, b, c, d]: [E; 4], sum: Self) -> Self {
        let x = [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d];
        E::fma_wide::<I>(self, x, sum)
    }
    #[inline(always)]
    fn fold_quads<I: Isa>(self) -> Self {
        let other = self.select::<I>(from_fn(|l| l as u32 ^ 2));
        let twos: Self = from_fn(|l| self[l] + other[l]);
        let other = twos.select::<I>(from_fn(|l| l as u32 ^ 1));
        from_fn(|l| twos[l] + other[l])
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
