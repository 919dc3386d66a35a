//! How long the kernels take, on one thread.
//!
//! ```text
//! cargo bench -p minitorch-core             all
//! cargo bench -p minitorch-core -- conv     those with this in their names
//! ```

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use minitorch_core::{Cpu, Generator, Padding, Tensor};

fn main() {
    divan::main();
}

fn random<const RANK: usize>(device: &Cpu, shape: [usize; RANK]) -> Tensor {
    Tensor::rand(device, shape, &mut Generator::new(1))
}

/// The square of a matrix; items are operations.
#[divan::bench(args = [16, 64, 256, 1024])]
fn matmul(bencher: Bencher<'_, '_>, n: usize) {
    let x = random(&Cpu::default(), [n, n]);
    bencher
        .counter(ItemsCount::new(2 * n * n * n))
        .bench(|| black_box(&x).matmul(&x));
}

/// Element by element operations on so many numbers; items are numbers.
mod map {
    use super::*;

    const COUNTS: [usize; 3] = [1 << 10, 1 << 16, 1 << 22];

    fn bench(bencher: Bencher<'_, '_>, count: usize, op: fn(&Tensor) -> Tensor) {
        let x = random(&Cpu::default(), [count]);
        bencher
            .counter(ItemsCount::new(count))
            .bench(|| op(black_box(&x)));
    }

    #[divan::bench(args = COUNTS)]
    fn add(bencher: Bencher<'_, '_>, count: usize) {
        bench(bencher, count, |x| x + x);
    }

    #[divan::bench(args = COUNTS)]
    fn relu(bencher: Bencher<'_, '_>, count: usize) {
        bench(bencher, count, Tensor::relu);
    }

    #[divan::bench(args = COUNTS)]
    fn exp(bencher: Bencher<'_, '_>, count: usize) {
        bench(bencher, count, Tensor::exp);
    }

    #[divan::bench(args = [1 << 5, 1 << 8, 1 << 11])]
    fn transpose(bencher: Bencher<'_, '_>, side: usize) {
        let x = random(&Cpu::default(), [side, side]).transpose(0, 1);
        bencher
            .counter(ItemsCount::new(side * side))
            .bench(|| black_box(&x).contiguous());
    }
}

/// Sums of a square matrix; items are numbers.
mod reduce {
    use super::*;

    const SIDES: [usize; 3] = [1 << 5, 1 << 8, 1 << 11];

    fn bench(bencher: Bencher<'_, '_>, side: usize, sum: fn(&Tensor) -> Tensor) {
        let x = random(&Cpu::default(), [side, side]);
        bencher
            .counter(ItemsCount::new(side * side))
            .bench(|| sum(black_box(&x)));
    }

    #[divan::bench(args = SIDES)]
    fn all(bencher: Bencher<'_, '_>, side: usize) {
        bench(bencher, side, Tensor::sum_all);
    }

    #[divan::bench(args = SIDES)]
    fn columns(bencher: Bencher<'_, '_>, side: usize) {
        bench(bencher, side, |x| x.sum(&[0]));
    }

    #[divan::bench(args = SIDES)]
    fn rows(bencher: Bencher<'_, '_>, side: usize) {
        bench(bencher, side, |x| x.sum(&[1]));
    }
}

/// Convolutions of 3x3: images, channels, side, and channels of the result; items are operations.
mod conv {
    use super::*;

    /// Both of the MNIST network, and a wide one.
    const SIZES: [[usize; 4]; 3] = [[16, 1, 28, 4], [16, 4, 28, 8], [8, 32, 28, 64]];

    fn bench(bencher: Bencher<'_, '_>, size: [usize; 4], tracked: [bool; 2]) {
        let device = Cpu::default();
        let [images, channels, side, out] = size;
        let operand = |shape, tracked| match random(&device, shape) {
            x if tracked => x.tracked(),
            x => x,
        };
        let x = operand([images, channels, side, side], tracked[0]);
        let weight = operand([out, channels, 3, 3], tracked[1]);
        let conv = || x.conv2d(&weight, [1, 1], Padding::Symmetric([1, 1]));
        let grad = random(&device, [images, out, side, side]);
        let bencher = bencher.counter(ItemsCount::new(
            2 * images * out * side * side * channels * 9,
        ));
        if tracked == [false; 2] {
            bencher.bench(conv);
        } else {
            bencher
                .with_inputs(|| (conv(), grad.clone()))
                .bench_values(|(y, grad)| y.backward_with(grad));
        }
    }

    #[divan::bench(args = SIZES)]
    fn forward(bencher: Bencher<'_, '_>, size: [usize; 4]) {
        bench(bencher, size, [false; 2]);
    }

    #[divan::bench(args = SIZES)]
    fn input_gradient(bencher: Bencher<'_, '_>, size: [usize; 4]) {
        bench(bencher, size, [true, false]);
    }

    #[divan::bench(args = SIZES)]
    fn weight_gradient(bencher: Bencher<'_, '_>, size: [usize; 4]) {
        bench(bencher, size, [false, true]);
    }
}
