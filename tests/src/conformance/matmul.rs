//! `matmul` over sizes around the blocks, batches, and operands in every layout.

use super::agree;
use crate::oracle;
use crate::real::Real;
use crate::samples::{plain, special, views};
use minitorch_core::Backend;

/// Products of all shapes of operands.
///
/// # Panics
/// If a device differs from the definition.
pub fn matmul<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    let small = [
        [1, 1, 1, 1],
        [1, 2, 3, 4],
        [1, 1, 17, 33],
        [1, 33, 17, 1],
        [1, 7, 8, 9],
        [3, 5, 1, 16],
        [2, 6, 15, 31],
        [2, 13, 600, 17],
        [1, 4, 0, 5],
        [1, 0, 4, 5],
        [0, 2, 3, 4],
        [1, 3, 4, 0],
        [3, 16, 20, 48],
    ];
    let large = [
        [1, 90, 128, 130],
        [5, 40, 60, 66],
        [1, 3, 64, 2000],
        [1, 700, 40, 3],
        [1, 300, 70, 40],
    ];
    for sizes in small {
        product(devices, sizes, plain);
        product(devices, sizes, special);
    }
    for sizes in large {
        product(devices, sizes, plain);
    }
}

fn product<B: Backend>(devices: &[B], sizes: [usize; 4], values: fn(u64, usize) -> B::Elem)
where
    B::Elem: Real,
{
    let [batch, i, k, j] = sizes;
    // A matrix without batches has two axes, and layouts of its own.
    let shape = |rows: usize, columns: usize| match batch {
        1 => vec![rows, columns],
        _ => vec![batch, rows, columns],
    };
    let left = views(&shape(i, k), &|at| values(7, at));
    let right = views(&shape(k, j), &|at| values(8, at));
    let mut pairs: Vec<_> = left.iter().map(|a| (a, &right[0])).collect();
    pairs.extend(right.iter().map(|b| (&left[0], b)));
    pairs.extend(left.iter().zip(right.iter().rev()));
    for (a, b) in pairs {
        let expected = oracle::matmul(&a.elements(), &b.elements(), sizes);
        agree(devices, "matmul", [a, b], &expected, |device, [a, b]| {
            device.matmul(a, b)
        });
    }
}
