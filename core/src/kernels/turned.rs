//! Products of a few rows, whose right operand is turned in registers: the same bits as where it lies as all others
//! want it.

use super::few::FEW;
use super::matmul::Matmul;
use crate::Cpu;
use crate::backend::{Backend, View};
use crate::cpu::CpuBuffer;
use crate::executor::Backwards;
use crate::isa::Level;
use crate::layout::Layout;
use crate::ops::unary::Identity;
use alloc::vec::Vec;

/// Elements of a buffer, of which views show some.
const ELEMENTS: usize = 8192;

/// The bits of `[2, rows, depth] x [2, depth, columns]`, whose right operand lies transposed, or contiguous.
fn product(cpu: &Cpu, [rows, depth, columns]: [usize; 3], contiguous: bool) -> Vec<u32> {
    let values: Vec<f32> = (0..ELEMENTS).map(|n| (n as f32 * 0.37).sin()).collect();
    let buffer = cpu.upload(&values).unwrap();
    // Rows and columns are further apart than they are long, and neither matrix is at the start.
    let matrices = |count: usize| {
        let all = Layout::contiguous([2, count, depth + 3]).unwrap();
        all.narrow(2, 2, depth).unwrap()
    };
    let (a, b) = (matrices(rows), matrices(columns));
    let a = View::new(&buffer, a);
    let b = View::new(&buffer, b.transpose(1, 2).unwrap());
    if !contiguous {
        let plan = Matmul::new::<f32>(cpu.workers(), cpu.level(), &a.layout, &b.layout);
        assert_eq!(plan.unwrap().turned, rows <= FEW, "{rows} {columns}");
        return bits(&cpu.matmul(a, b).unwrap());
    }
    let copy = cpu.map(Identity, [b]).unwrap();
    let layout = Layout::contiguous([2, depth, columns]).unwrap();
    bits(&cpu.matmul(a, View::new(&copy, layout)).unwrap())
}

fn bits(buffer: &CpuBuffer<f32>) -> Vec<u32> {
    buffer.as_slice().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn turned_squares_change_no_bit() {
    let plain: Cpu = Cpu::builder().level(Level::PORTABLE).build();
    for level in Level::supported() {
        for rows in 1..=FEW + 1 {
            for (n, columns) in [1, 2, 7, 8, 9, 16, 17, 24, 31, 33, 40, 65]
                .into_iter()
                .enumerate()
            {
                for depth in [1, 7, 8, 9, 23, 24, 40] {
                    let cpu: Cpu = Cpu::builder()
                        .level(level)
                        .executor(Backwards(1 + n % 3))
                        .build();
                    let size = [rows, depth, columns];
                    assert!(
                        product(&cpu, size, false) == product(&plain, size, true),
                        "{level:?} {size:?}"
                    );
                }
            }
        }
    }
}
