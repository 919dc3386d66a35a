//! Kernels whose scratch memory is on the stack, as where there is no other.

use super::random::{Random, bits};
use super::{Context, Epilogue, Kernels, Operand, Workspace};
use crate::backend::Window;
use crate::cpu::Pool;
use crate::element::Element;
use crate::executor::Serial;
use crate::isa::Level;
use crate::layout::Layout;
use crate::shape::product;
use alloc::vec;
use alloc::vec::Vec;

/// Rows that would be packed find no room on the stack, nor do the columns of a large product.
fn without_memory<E: Element + Kernels>(pool: &Pool<E>) {
    for [rows, depth, columns] in [
        [8, 2000, 200],
        [7, 103, 300],
        [40, 130, 130],
        [130, 260, 130],
    ] {
        let matrix = |shape: [usize; 2]| {
            let layout = Layout::row_major(shape.into());
            let value = |n: usize| E::from_f64((n as f64).sin());
            ((0..layout.elements()).map(value).collect(), layout)
        };
        let (a, a_layout): (Vec<E>, Layout) = matrix([rows, depth]);
        let (b, b_layout): (Vec<E>, Layout) = matrix([depth, columns]);
        for level in Level::supported() {
            let context = Context {
                executor: &Serial,
                level,
            };
            let product = |workspace| {
                let mut out = vec![E::ZERO; rows * columns];
                let operand = |data, layout| Operand { data, layout };
                let (a, b) = (operand(&*a, &a_layout), operand(&*b, &b_layout));
                E::matmul(context, workspace, a, b, Epilogue::NONE, &mut out);
                out.into_iter().map(E::to_f64).collect::<Vec<_>>()
            };
            let expected = product(Workspace::new(pool));
            assert_eq!(product(Workspace::STACK), expected, "{level:?} {rows}");
        }
    }
}

#[test]
fn scratch_memory_may_be_on_the_stack() {
    without_memory::<f32>(&Pool::new(0));
    without_memory::<f64>(&Pool::new(0));
}

/// Convolutions and their gradients over lines longer and shorter than the memory on the stack.
fn convolutions_without_memory<E: Element + Kernels>(pool: &Pool<E>, seed: u64) {
    let mut random = Random(seed);
    for case in 0..120 {
        let columns = if case % 4 == 0 { 40 } else { 5 };
        let longest = if case % 3 == 0 { 1500 } else { 40 };
        let window = random.window([5, columns], [6, longest]);
        let Window {
            kernel,
            input,
            output,
            ..
        } = window;
        let [b, c, o] = [2, 9, 20].map(|most| random.within(1, most));
        let odd = if case % 2 == 0 { 7 } else { 0 };
        let x = random.tensor::<E, 4>([b, c, input[0], input[1]], odd);
        let weight = random.tensor([o, c, kernel[0], kernel[1]], odd);
        let mut g = random.tensor([b, o, output[0], output[1]], odd);
        if case % 5 == 0 {
            // One number for each channel, as the gradient of a sum has.
            let one = Layout::row_major([1, o, 1, 1].into());
            g.1 = one.expand(*g.1.shape()).unwrap();
        }
        let sizes = [
            product([b, o, output[0], output[1]]),
            x.0.len(),
            weight.0.len(),
        ];
        let [x, weight, g] = [&x, &weight, &g].map(|(data, layout)| Operand { data, layout });
        for level in Level::supported() {
            let context = Context {
                executor: &Serial,
                level,
            };
            let all = |workspace: Workspace<'_, E>| {
                let mut out = sizes.map(|size| vec![E::ZERO; size]);
                E::conv2d(context, workspace, x, weight, &window, &mut out[0]);
                E::conv2d_input_grad(context, workspace, g, weight, &window, &mut out[1]);
                E::conv2d_weight_grad(context, workspace, x, g, &window, &mut out[2]);
                out.map(|out| bits(&out))
            };
            let same = all(Workspace::STACK) == all(Workspace::new(pool));
            assert!(same, "{level:?} {window:?} {b} {c} {o}");
        }
    }
}

#[test]
fn scratch_memory_of_convolutions_may_be_on_the_stack() {
    convolutions_without_memory::<f32>(&Pool::new(0), 1);
    convolutions_without_memory::<f64>(&Pool::new(0), 2);
}
