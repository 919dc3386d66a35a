//! Naive definitions, written a second time: one index after the other, with the standard library's arithmetic.

pub mod spatial;

use crate::real::Real;
use minitorch_core::Shape;
use minitorch_core::indexing::{Indices, index_to_position};

/// The index of every element of a shape, in row-major order.
///
/// # Panics
/// Beyond six axes.
pub fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    Indices::new(Shape::new(shape).expect("rank")).map(|index| index.to_vec())
}

/// The place of `index` in a dense array of `shape`.
#[must_use]
pub fn place(index: &[usize], shape: &[usize]) -> usize {
    index
        .iter()
        .zip(shape)
        .fold(0, |at, (index, size)| at * size + index)
}

/// Folds one axis: blocks of 512, eight lanes in each, the lanes combined as a tree, then the blocks in order (R5).
pub fn fold_axis<E: Real>(x: &[E], start: E, fold: &dyn Fn(E, E) -> E) -> E {
    x.chunks(512).fold(start, |total, block| {
        let mut lane = [start; 8];
        for (i, &x) in block.iter().enumerate() {
            lane[i % 8] = fold(lane[i % 8], x);
        }
        let pair = |a: usize, b: usize| fold(lane[a], lane[b]);
        let even = fold(pair(0, 4), pair(2, 6));
        let odd = fold(pair(1, 5), pair(3, 7));
        fold(total, fold(even, odd))
    })
}

/// Folds the axes marked in `axes` of a dense array (R5): the inner ones flattened, then the outermost one.
pub fn fold<E: Real>(
    x: &[E],
    shape: &[usize],
    axes: &[bool],
    start: E,
    fold: &dyn Fn(E, E) -> E,
) -> Vec<E> {
    let sizes = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..shape.len())
            .map(|axis| if keep(axis) { shape[axis] } else { 1 })
            .collect()
    };
    let counts = |axis: usize| axes[axis] && shape[axis] != 1;
    let folded: Vec<usize> = (0..shape.len()).filter(|&axis| counts(axis)).collect();
    let outermost = folded.first().filter(|_| folded.len() > 1);
    let inner = sizes(&|axis| counts(axis) && Some(&axis) != outermost);
    let at = |parts: [&[usize]; 2], outer: usize| {
        let index: Vec<usize> = (0..shape.len())
            .map(|axis| parts[0][axis] + parts[1][axis])
            .enumerate()
            .map(|(axis, i)| if Some(&axis) == outermost { outer } else { i })
            .collect();
        x[place(&index, shape)]
    };
    indices(&sizes(&|axis| !axes[axis]))
        .map(|kept| {
            let part = |outer: usize| {
                let row: Vec<E> = indices(&inner)
                    .map(|folded| at([&kept, &folded], outer))
                    .collect();
                fold_axis(&row, start, fold)
            };
            match outermost {
                None => part(0),
                Some(&axis) => {
                    (0..shape[axis]).fold(start, |total, outer| fold(total, part(outer)))
                }
            }
        })
        .collect()
}

/// `[.., i, k] x [.., k, j] -> [.., i, j]` over equal leading axes: one accumulator, `k` ascending, fused (R3).
#[must_use]
pub fn matmul<E: Real>(a: &[E], b: &[E], [batch, i, k, j]: [usize; 4]) -> Vec<E> {
    let mut out = Vec::with_capacity(batch * i * j);
    for n in 0..batch {
        for row in 0..i {
            for column in 0..j {
                out.push((0..k).fold(E::ZERO, |sum, k_at| {
                    let x = a[(n * i + row) * k + k_at];
                    x.fused(b[(n * k + k_at) * j + column], sum)
                }));
            }
        }
    }
    out
}

/// The position of the first largest element, or of the first that is not a number.
#[must_use]
pub fn arg_max<E: Real>(x: &[E]) -> usize {
    let nan = |x: &E| x.partial_cmp(x).is_none();
    x.iter().position(nan).unwrap_or_else(|| {
        let largest = |best: usize, at: usize| if x[at] > x[best] { at } else { best };
        (0..x.len()).fold(0, largest)
    })
}

/// The exact value, in double precision, of the operation called `name`; `None` for one that is not known here.
#[must_use]
pub fn exact(name: &str, x: &[f64]) -> Option<f64> {
    let indicator = |condition: bool| if condition { 1.0 } else { 0.0 };
    Some(match (name, x) {
        ("neg", [x]) => -x,
        ("inv", [x]) => 1.0 / x,
        ("exp", [x]) => x.exp(),
        ("log", [x]) => x.ln(),
        ("relu", [x]) => {
            if *x < 0.0 {
                0.0
            } else {
                *x
            }
        }
        ("sigmoid", [x]) => 1.0 / (1.0 + (-x).exp()),
        ("tanh", [x]) => x.tanh(),
        ("sqrt", [x]) => x.sqrt(),
        ("abs", [x]) => x.abs(),
        ("square", [x]) => x * x,
        ("sin", [x]) => x.sin(),
        ("cos", [x]) => x.cos(),
        ("erf", [x]) => erf(*x),
        ("gelu", [x]) => x * 0.5 * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        ("copied", [x]) => *x,
        ("add", [a, b]) => a + b,
        ("sub", [a, b]) => a - b,
        ("mul", [a, b]) => a * b,
        ("div", [a, b]) => a / b,
        ("pow", [a, b]) => a.powf(*b),
        ("maximum", [a, b]) => {
            if a > b || a.is_nan() {
                *a
            } else {
                *b
            }
        }
        ("minimum", [a, b]) => {
            if a < b || a.is_nan() {
                *a
            } else {
                *b
            }
        }
        ("lt", [a, b]) => indicator(a < b),
        ("le", [a, b]) => indicator(a <= b),
        ("gt", [a, b]) => indicator(a > b),
        ("ge", [a, b]) => indicator(a >= b),
        ("eq", [a, b]) => indicator(a == b),
        ("ne", [a, b]) => indicator(a != b),
        _ => return None,
    })
}

/// The error function: its power series near 0, a continued fraction of its complement beyond.
fn erf(x: f64) -> f64 {
    let size = x.abs();
    if size < 2.5 {
        // 2 / sqrt(pi) * sum of (-1)^n x^(2n+1) / (n! (2n+1)); terms stay below 100, so 14 digits are right.
        let mut term = x;
        let mut sum = x;
        for n in 1..80 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else if size < 30.0 {
        let fraction = (1..80)
            .rev()
            .fold(size, |below, n| size + f64::from(n) / 2.0 / below);
        let complement = (-size * size).exp() / (fraction * std::f64::consts::PI.sqrt());
        (1.0 - complement).copysign(x)
    } else if x.is_nan() {
        x
    } else {
        1f64.copysign(x)
    }
}

/// The outputs of the generator PCG-XSH-RR 64/32 for a seed and a stream (O'Neill 2014).
pub fn pcg32(seed: u64, stream: u64) -> impl Iterator<Item = u32> {
    let increment = stream << 1 | 1;
    let step = move |state: u64| {
        state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(increment)
    };
    std::iter::successors(Some(step(seed.wrapping_add(increment))), move |&state| {
        Some(step(state))
    })
    .map(|state| {
        let mixed = (((state >> 18) ^ state) >> 27) as u32;
        mixed.rotate_right((state >> 59) as u32)
    })
}

/// The position in the buffer of the element at `index`.
#[must_use]
pub fn position(layout: &minitorch_core::Layout, index: &[usize]) -> usize {
    layout.offset() + index_to_position(index, layout.strides())
}
