//! The blocked kernels with the tiles of small targets, which no machine that runs these tests has: compiled a second
//! time, and compared to the bit with the kernels of this machine and the default methods.
#![expect(clippy::duplicate_mod, reason = "the second copy is the purpose")]
#![allow(dead_code, unreachable_pub)] // What tells of a kernel's plan is for users of the first copy.

use super::random::{Random, bits};
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

/// What a kernel of this module writes; the output holds other numbers before.
fn run(
    (a, a_layout): &(Vec<f32>, Layout),
    (b, b_layout): &(Vec<f32>, Layout),
    count: usize,
    kernel: impl FnOnce(Context<'_>, Operand<'_, f32>, Operand<'_, f32>, &mut [f32]),
) -> Vec<u64> {
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

/// Convolutions with many times as many taps, channels and columns as the scratch memory of 256 elements holds.
fn convolutions(random: &mut Random, odd: usize, cases: usize, tap: usize, columns: usize) {
    let cpu = Cpu::<f32>::default();
    for _ in 0..cases {
        let window = random.window([tap; 2], [4, columns]);
        let Window {
            kernel,
            input,
            output,
            ..
        } = window;
        let [b, c, o] = [2, 9, 5].map(|most| random.within(1, most));
        let x = random.tensor([b, c, input[0], input[1]], odd);
        let weight = random.tensor([o, c, kernel[0], kernel[1]], odd);
        let g = random.tensor([b, o, output[0], output[1]], odd);
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
    let mut random = Random(1);
    convolutions(&mut random, 0, 300, 5, 40);
    convolutions(&mut random, 0, 50, 3, 400);
    convolutions(&mut random, 0, 30, 45, 300);
}

#[test]
fn convolutions_of_infinities_with_small_tiles() {
    for odd in [4, 40] {
        let mut random = Random(3);
        convolutions(&mut random, odd, 300, 5, 40);
        convolutions(&mut random, odd, 50, 3, 400);
    }
}

#[test]
fn matrix_products_with_small_tiles() {
    let (cpu, mut random) = (Cpu::<f32>::default(), Random(2));
    for _ in 0..300 {
        let [rows, columns] = [(); 2].map(|()| random.within(1, 80));
        let depth = random.within(1, 150);
        let mut a = random.tensor([rows, depth], 0);
        let mut b = random.tensor([columns, depth], 0);
        b.1 = b.1.permute(&[1, 0]).unwrap();
        if random.within(0, 1) == 0 {
            a = random.tensor([depth, rows], 0);
            a.1 = a.1.permute(&[1, 0]).unwrap();
        }
        if random.within(0, 1) == 0 {
            b = random.tensor([depth, columns], 0);
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
