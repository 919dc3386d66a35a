//! The logarithm of softmax and the negative log-likelihood of labels, with their gradients.

use super::agree;
use crate::oracle::fold_axis;
use crate::real::Real;
use crate::samples::{Sample, plain, special, views};
use minitorch_core::isa::Portable;
use minitorch_core::{Backend, Element, Layout};

/// Along the axis in the middle, of every layout, short and long, with infinities and what is no number among them.
///
/// # Panics
/// If a device differs from the definition.
pub fn log_softmax<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for shape in [
        [5, 3, 1],
        [2, 4, 6],
        [0, 3, 2],
        [2, 0, 3],
        [1, 1, 1],
        [300, 10, 1],
        [3, 700, 2],
    ] {
        for values in [plain::<B::Elem>, special::<B::Elem>] {
            let xs = views(&shape, &|at| values(61, at));
            let gs = views(&shape, &|at| values(62, at));
            for (number, x) in xs.iter().enumerate() {
                let y = by_row(shape, &x.elements(), &|row| {
                    let most =
                        fold_axis(row, B::Elem::from_f64(f64::NEG_INFINITY), &B::Elem::maximum);
                    let shifted: Vec<B::Elem> = row.iter().map(|&x| x - most).collect();
                    let exp: Vec<B::Elem> = shifted.iter().map(|x| x.exp::<Portable>()).collect();
                    let log = sum(&exp).log::<Portable>();
                    shifted.into_iter().map(|x| x - log).collect()
                });
                agree(devices, "log_softmax", [x], &y, |device, [x]| {
                    device.log_softmax(x)
                });
                let g = &gs[(2 * number + 1) % gs.len()];
                let pairs: Vec<[B::Elem; 2]> = x
                    .elements()
                    .into_iter()
                    .zip(g.elements())
                    .map(Into::into)
                    .collect();
                let by_x = by_row(shape, &pairs, &|row| {
                    let sum = sum(&row.iter().map(|[_, g]| *g).collect::<Vec<_>>());
                    let grad = |&[y, g]: &[B::Elem; 2]| g - y.exp::<Portable>() * sum;
                    row.iter().map(grad).collect()
                });
                agree(
                    devices,
                    "log_softmax_grad",
                    [x, g],
                    &by_x,
                    |device, [y, g]| device.log_softmax_grad(y, g),
                );
            }
        }
    }
}

/// What `each` makes of the rows along axis 1, in their places.
fn by_row<T: Copy, E: Copy>(
    [outer, n, inner]: [usize; 3],
    x: &[T],
    each: &dyn Fn(&[T]) -> Vec<E>,
) -> Vec<E> {
    let rows: Vec<Vec<E>> = (0..outer * inner)
        .map(|row| {
            let first = row / inner * n * inner + row % inner;
            each(&(0..n).map(|j| x[first + j * inner]).collect::<Vec<_>>())
        })
        .collect();
    (0..outer * n * inner)
        .map(|at| rows[at / inner / n * inner + at % inner][at / inner % n])
        .collect()
}

fn sum<E: Real>(x: &[E]) -> E {
    fold_axis(x, E::ZERO, &|a, b| a + b)
}

/// Of one row, of no more than a group of threads, and of many.
///
/// # Panics
/// If a device differs from the definition.
pub fn nll<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for [count, n] in [[1, 1], [0, 3], [16, 10], [513, 4], [30_000, 2]] {
        let labels: Vec<u32> = (0..count).map(|i| (i * 7 + 1) as u32 % n as u32).collect();
        let divisor = B::Elem::from_f64(count as f64);
        for log_p in views(&[count, n], &|at| plain::<B::Elem>(63, at)) {
            let elements = log_p.elements();
            let at = |(row, &label): (usize, &u32)| elements[row * n + label as usize];
            let picked: Vec<B::Elem> = labels.iter().enumerate().map(at).collect();
            let expected = [-(sum(&picked) / divisor)];
            agree(devices, "nll", [&log_p], &expected, |device, [log_p]| {
                device.nll(log_p, &device.upload_index(&labels)?)
            });
        }
        for g in (0..40).map(|at| special::<B::Elem>(64, at)) {
            let mut expected = vec![B::Elem::ZERO; count * n];
            for (row, &label) in labels.iter().enumerate() {
                expected[row * n + label as usize] = -g / divisor;
            }
            let g = Sample {
                name: "one number",
                data: vec![g],
                layout: Layout::contiguous([]).expect("a shape"),
            };
            agree(devices, "nll_grad", [&g], &expected, |device, [g]| {
                device.nll_grad(g, &device.upload_index(&labels)?, [count, n])
            });
        }
    }
}
