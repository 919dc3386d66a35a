//! Kernels whose scratch memory is on the stack, as where there is no other.

use super::{Context, Epilogue, Kernels, Operand, Workspace};
use crate::cpu::Pool;
use crate::element::Element;
use crate::executor::Serial;
use crate::isa::Level;
use crate::layout::Layout;
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
