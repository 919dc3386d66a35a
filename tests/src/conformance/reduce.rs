//! `reduce` over every subset of the axes, and `arg_max`.

use super::agree;
use crate::oracle;
use crate::real::Real;
use crate::samples::{Sample, special, ties, views};
use minitorch_core::backend::View;
use minitorch_core::reduction::{Max, Min, Prod, Reduction, Sum};
use minitorch_core::{Backend, Element};

/// Shapes with folds around the sizes of lanes, tiles and blocks, and enough work for threads.
fn shapes() -> Vec<Vec<usize>> {
    let mut shapes: Vec<Vec<usize>> = vec![
        vec![],
        vec![0],
        vec![4, 0],
        vec![0, 4],
        vec![3, 0, 2],
        vec![1, 1, 1],
        vec![2, 1, 3],
        vec![3, 4, 5],
        vec![2, 3, 1, 5],
        vec![2, 1, 3, 2, 2],
        vec![2, 1, 2, 3, 1, 2],
        vec![520, 17],
        vec![3, 600],
        vec![2, 30, 20],
        vec![20, 35, 2],
        vec![1300],
        vec![20_000],
        vec![200, 190],
    ];
    shapes.extend([1, 7, 8, 15, 16, 17, 33].map(|n| vec![9, n]));
    shapes.extend([511, 512, 513, 1024, 1025].map(|n| vec![n]));
    shapes
}

/// Sum, product, maximum and minimum, over every subset of the axes.
///
/// # Panics
/// If a device differs from the definition.
pub fn reductions<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for shape in shapes() {
        for values in [special::<B::Elem>, ties, small] {
            let mut all = views(&shape, &|at| values(5, at));
            // Large ones take their time: rows and columns are enough to meet every path with threads.
            if shape.iter().product::<usize>() > 10_000 {
                all.retain(|x| matches!(x.name, "dense" | "transposed"));
            }
            for x in all {
                for subset in 0..1usize << shape.len() {
                    let axes: Vec<bool> = (0..shape.len())
                        .map(|axis| subset >> axis & 1 == 1)
                        .collect();
                    one(devices, Sum, &x, &axes, |a, b| a + b);
                    one(devices, Prod, &x, &axes, |a, b| a * b);
                    one(devices, Max, &x, &axes, |a, b| {
                        if a > b || a.is_nan() { a } else { b }
                    });
                    one(devices, Min, &x, &axes, |a, b| {
                        if a < b || a.is_nan() { a } else { b }
                    });
                }
            }
        }
    }
}

/// Numbers whose long sums and products neither overflow nor vanish, so that each rounding shows.
fn small<E: Real>(seed: u64, at: usize) -> E {
    E::ONE + crate::samples::plain::<E>(seed, at) * E::from_f64(0.01)
}

trait Nan {
    fn is_nan(&self) -> bool;
}

impl<E: Element> Nan for E {
    fn is_nan(&self) -> bool {
        self.partial_cmp(self).is_none()
    }
}

fn one<B: Backend, R: Reduction>(
    devices: &[B],
    reduction: R,
    x: &Sample<B::Elem>,
    axes: &[bool],
    fold: fn(B::Elem, B::Elem) -> B::Elem,
) where
    B::Elem: Real,
{
    let start = B::Elem::from_f64(R::START);
    let expected = oracle::fold(&x.elements(), x.shape(), axes, start, &fold);
    let what = format!("{} of {axes:?}", R::NAME);
    agree(devices, &what, [x], &expected, |device, [x]| {
        device.reduce(reduction, x, axes)
    });
}

/// The position of the largest element along the middle axis.
///
/// # Panics
/// If a device differs from the definition.
pub fn arg_max<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    let shapes = [
        [1, 1, 1],
        [3, 7, 1],
        [2, 9, 5],
        [0, 3, 2],
        [2, 3, 0],
        [40, 30, 50],
        [4, 10_000, 1],
    ];
    for [outer, n, inner] in shapes {
        for values in [special::<B::Elem>, ties] {
            for x in views(&[outer, n, inner], &|at| values(6, at)) {
                let elements = x.elements();
                let at = |row: usize, column: usize| -> u32 {
                    let along: Vec<_> = (0..n)
                        .map(|k| elements[(row * n + k) * inner + column])
                        .collect();
                    oracle::arg_max(&along) as u32
                };
                let expected: Vec<u32> = (0..outer * inner)
                    .map(|i| at(i / inner.max(1), i % inner.max(1)))
                    .collect();
                for (number, device) in devices.iter().enumerate() {
                    let buffer = x.upload(device);
                    let index = device
                        .arg_max(View::new(&buffer, x.layout))
                        .expect("arg_max");
                    let mut actual = vec![0; outer * inner];
                    device
                        .download_index(&index, &mut actual)
                        .expect("download");
                    assert_eq!(
                        actual,
                        expected,
                        "{} {:?} on device {number}",
                        x.name,
                        x.shape()
                    );
                }
            }
        }
    }
}
