//! Loops that do nothing but multiply and add, or read.

use std::hint::black_box;

use minitorch_core::isa::{Isa, Kernel, Level};

/// Multiply-adds that do not wait for each other: as many as hide the latency of one.
const CHAINS: usize = 12;
/// Sums that do not wait for each other.
const SUMS: usize = 8;
/// Links of a chain.
const LINKS: usize = 200_000;

/// Multiplies and adds in registers, in vectors as wide as those of matrix products; gives the number of operations.
pub(super) fn multiply_add(level: Level) -> usize {
    level.run(MultiplyAdds)
}

/// Reads all numbers, so many times.
pub(super) fn read(level: Level, numbers: &[f32], times: usize) {
    level.run(Sum { numbers, times });
}

struct MultiplyAdds;

impl Kernel for MultiplyAdds {
    type Output = usize;
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) -> usize {
        if I::LANES == 16 {
            chains(I::fma_f32x16)
        } else {
            chains(I::fma_f32x8)
        }
    }
}

#[inline(always)]
fn chains<const N: usize>(fma: impl Fn([f32; N], [f32; N], [f32; N]) -> [f32; N]) -> usize {
    let (factor, term) = black_box(([0.999_999; N], [1e-6; N]));
    let mut chains = black_box([[1.0; N]; CHAINS]);
    for _ in 0..LINKS {
        for chain in &mut chains {
            *chain = fma(*chain, factor, term);
        }
    }
    black_box(chains);
    2 * N * CHAINS * LINKS
}

/// The sum of all numbers but the last few, in no useful order, so many times.
struct Sum<'a> {
    numbers: &'a [f32],
    times: usize,
}

impl Kernel for Sum<'_> {
    type Output = ();
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        if I::LANES == 16 {
            sum(self.numbers, self.times, I::fma_f32x16);
        } else {
            sum(self.numbers, self.times, I::fma_f32x8);
        }
    }
}

#[inline(always)]
fn sum<const N: usize>(
    numbers: &[f32],
    times: usize,
    fma: impl Fn([f32; N], [f32; N], [f32; N]) -> [f32; N],
) {
    let mut sums = [[0.0; N]; SUMS];
    for _ in 0..times {
        let (blocks, _) = black_box(numbers).as_chunks::<N>();
        for block in blocks.as_chunks::<SUMS>().0 {
            for (sum, numbers) in sums.iter_mut().zip(block) {
                // A multiply-add takes no longer than an addition, and stays a vector.
                *sum = fma(*numbers, [1.0; N], *sum);
            }
        }
    }
    black_box(sums);
}
