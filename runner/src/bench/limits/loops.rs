//! Loops that do nothing but multiply and add, or read.

use std::hint::black_box;

use minitorch_core::isa::{Isa, Kernel, Level};

/// Numbers that an instruction takes together, at most.
const LANES: usize = 8;
/// Multiply-adds that do not wait for each other: as many as hide the latency of one.
const CHAINS: usize = 12;
/// Links of a chain.
const LINKS: usize = 200_000;

/// Operations of [`multiply_add`].
pub(super) const FLOP: usize = 2 * LANES * CHAINS * LINKS;

/// Multiplies and adds in registers.
pub(super) fn multiply_add(level: Level) {
    black_box(level.run(MultiplyAdds));
}

/// Reads all numbers, so many times.
pub(super) fn read(level: Level, numbers: &[f32], times: usize) {
    for _ in 0..times {
        let numbers = black_box(numbers);
        black_box(level.run(Sum { numbers }));
    }
}

struct MultiplyAdds;

impl Kernel for MultiplyAdds {
    type Output = [[f32; LANES]; CHAINS];

    #[inline(always)]
    fn run<I: Isa>(self) -> Self::Output {
        let (factor, term) = black_box(([0.999_999; LANES], [1e-6; LANES]));
        let mut chains = black_box([[1.0; LANES]; CHAINS]);
        for _ in 0..LINKS {
            for chain in &mut chains {
                *chain = I::fma_f32x8(*chain, factor, term);
            }
        }
        chains
    }
}

/// The sum of all numbers but the last few, in no useful order.
struct Sum<'a> {
    numbers: &'a [f32],
}

impl Kernel for Sum<'_> {
    type Output = [[f32; LANES]; LANES];

    #[inline(always)]
    fn run<I: Isa>(self) -> Self::Output {
        let mut sums = [[0.0; LANES]; LANES];
        for block in self.numbers.as_chunks::<LANES>().0.chunks_exact(LANES) {
            for (sum, numbers) in sums.iter_mut().zip(block) {
                // A multiply-add takes no longer than an addition, and stays a vector.
                *sum = I::fma_f32x8(*numbers, [1.0; LANES], *sum);
            }
        }
        sums
    }
}
