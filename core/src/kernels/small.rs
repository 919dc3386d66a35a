//! The blocked kernels with the tiles of small targets, which no machine that runs these tests has: compiled a second
//! time, and compared to the bit with the kernels of this machine and the default methods.
#![expect(clippy::duplicate_mod, reason = "the second copy is the purpose")]
#![allow(dead_code, unreachable_pub)] // What tells of a kernel's plan is for users of the first copy.

use super::{Context, Operand, exact, split};
use crate::backend::{Backend, View, Window};
use crate::executor::Serial;
use crate::{Cpu, Layout};
use alloc::vec;
use alloc::vec::Vec;
use epilogue::Epilogue;
use workspace::Workspace;

#[path = "conv.rs"]
mod conv;
#[path = "conv_weight.rs"]
mod conv_weight;
#[path = "correlate.rs"]
mod correlate;
#[path = "epilogue.rs"]
mod epilogue;
#[path = "few.rs"]
mod few;
#[path = "large.rs"]
mod large;
#[path = "left.rs"]
mod left;
#[path = "matmul.rs"]
mod matmul;
#[path = "outputs.rs"]
mod outputs;
#[path = "panel.rs"]
mod panel;
#[path = "product.rs"]
mod product;
#[path = "slide.rs"]
mod slide;
#[path = "strip.rs"]
mod strip;
#[path = "terms.rs"]
mod terms;
#[path = "vector.rs"]
mod vector;
#[path = "workspace.rs"]
mod workspace;

const SMALL: bool = true;

/// A linear congruential generator (Knuth's MMIX), and how many of 2001 numbers are not finite.
struct Random {
    state: u64,
    odd: usize,
}

impl Random {
    fn within(&mut self, low: usize, high: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (self.state >> 33) as usize % (high - low + 1)
    }

    /// A dense tensor of numbers in -1..=1, and others.
    fn tensor<const N: usize>(&mut self, shape: [usize; N]) -> (Vec<f32>, Layout) {
        let layout = Layout::contiguous(shape).unwrap();
        let data = (0..layout.elements())
            .map(|_| match self.within(0, 2000) {
                n if n < self.odd => [f32::INFINITY, f32::NAN, -f32::INFINITY, -0.0][n % 4],
                n => n as f32 / 1000.0 - 1.0,
            })
            .collect();
        (data, layout)
    }

    /// A window of at most `tap` by `tap` taps over images of a few lines with at most `columns` columns.
    fn window(&mut self, tap: usize, columns: usize) -> Window {
        let kernel = [self.within(1, tap), self.within(1, tap)];
        let stride = [self.within(1, 2), self.within(1, 3)];
        let before = kernel.map(|taps| self.within(0, taps - 1));
        let input = [
            kernel[0] + self.within(0, 4),
            kernel[1] + self.within(0, columns),
        ];
        let output =
            [0, 1].map(|axis| (input[axis] + before[axis] - kernel[axis]) / stride[axis] + 1);
        Window {
            kernel,
            stride,
            before,
            input,
            output,
        }
    }
}

/// What a kernel of this module writes; the output holds other numbers before.
fn run(
    (a, a_layout): &(Vec<f32>, Layout),
    (b, b_layout): &(Vec<f32>, Layout),
    count: usize,
    kernel: impl FnOnce(Context<'_>, Operand<'_, f32>, Operand<'_, f32>, &mut [f32]),
) -> Vec<u32> {
    let context = Context {
        executor: &Serial,
        level: Cpu::<f32>::default().level(),
    };
    let operand = |data, layout| Operand { data, layout };
    let mut out = vec![f32::NAN; count];
    kernel(
        context,
        operand(a, a_layout),
        operand(b, b_layout),
        &mut out,
    );
    bits(&out)
}

/// Any NaN is as good as another (R6).
fn bits(values: &[f32]) -> Vec<u32> {
    let bits = |x: &f32| if x.is_nan() { u32::MAX } else { x.to_bits() };
    values.iter().map(bits).collect()
}

/// Convolutions with many times as many taps, channels and columns as the scratch memory of 256 elements holds.
fn convolutions(random: &mut Random, cases: usize, tap: usize, columns: usize) {
    let cpu = Cpu::<f32>::default();
    for _ in 0..cases {
        let window = random.window(tap, columns);
        let Window {
            kernel,
            input,
            output,
            ..
        } = window;
        let [b, c, o] = [2, 9, 5].map(|most| random.within(1, most));
        let x = random.tensor([b, c, input[0], input[1]]);
        let weight = random.tensor([o, c, kernel[0], kernel[1]]);
        let g = random.tensor([b, o, output[0], output[1]]);
        let [on_x, on_weight, on_g] =
            [&x, &weight, &g].map(|(data, layout)| (cpu.upload(data).unwrap(), *layout));
        let [view_x, view_weight, view_g] =
            [&on_x, &on_weight, &on_g].map(|(buffer, layout)| View::new(buffer, *layout));

        let expected = crate::conv::forward(&cpu, view_x, view_weight, &window).unwrap();
        let actual = run(&x, &weight, g.0.len(), |context, x, weight, out| {
            conv::forward(context, Workspace::STACK, x, weight, &window, out);
        });
        assert_eq!(actual, bits(expected.as_slice()), "{window:?} {b} {c} {o}");

        let expected = crate::conv::input_grad(&cpu, view_g, view_weight, &window).unwrap();
        let actual = run(&g, &weight, x.0.len(), |context, g, weight, out| {
            conv::input_grad(context, Workspace::STACK, g, weight, &window, out);
        });
        assert_eq!(actual, bits(expected.as_slice()), "{window:?} {b} {c} {o}");

        let expected = crate::conv::weight_grad(&cpu, view_x, view_g, &window).unwrap();
        let actual = run(&x, &g, weight.0.len(), |context, x, g, out| {
            conv_weight::weight_grad(context, Workspace::STACK, x, g, &window, out);
        });
        assert_eq!(actual, bits(expected.as_slice()), "{window:?} {b} {c} {o}");
    }
}

#[test]
fn convolutions_with_small_tiles() {
    let mut random = Random { state: 1, odd: 0 };
    convolutions(&mut random, 300, 5, 40);
    convolutions(&mut random, 50, 3, 400);
    convolutions(&mut random, 30, 45, 300);
}

#[test]
fn convolutions_of_infinities_with_small_tiles() {
    for odd in [4, 40] {
        let mut random = Random { state: 3, odd };
        convolutions(&mut random, 300, 5, 40);
        convolutions(&mut random, 50, 3, 400);
    }
}

#[test]
fn matrix_products_with_small_tiles() {
    let (cpu, mut random) = (Cpu::<f32>::default(), Random { state: 2, odd: 0 });
    for _ in 0..300 {
        let [rows, columns] = [(); 2].map(|()| random.within(1, 80));
        let depth = random.within(1, 150);
        let mut a = random.tensor([rows, depth]);
        let mut b = random.tensor([columns, depth]);
        b.1 = b.1.permute(&[1, 0]).unwrap();
        if random.within(0, 1) == 0 {
            a = random.tensor([depth, rows]);
            a.1 = a.1.permute(&[1, 0]).unwrap();
        }
        if random.within(0, 1) == 0 {
            b = random.tensor([depth, columns]);
        }
        let [on_a, on_b] = [&a.0, &b.0].map(|data| cpu.upload(data).unwrap());
        let expected = cpu
            .matmul(View::new(&on_a, a.1), View::new(&on_b, b.1))
            .unwrap();
        let actual = run(&a, &b, rows * columns, |context, a, b, out| {
            matmul::matmul(context, Workspace::STACK, a, b, Epilogue::NONE, out);
        });
        assert_eq!(
            actual,
            bits(expected.as_slice()),
            "{rows} {depth} {columns}"
        );
    }
}
