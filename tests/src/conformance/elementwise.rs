//! `map`: every operation of the tables, those with parameters, the special ones, and all their gradients.

use super::agree;
use crate::real::Real;
use crate::samples::{Sample, large_shapes, shapes, special, views};
use minitorch_core::Backend;
use minitorch_core::isa::Portable;
use minitorch_core::ops::special::{
    AdadeltaStep, AdamStep, AddScaled, Decay, DecaySquare, Keep, Where,
};
use minitorch_core::ops::unary::{AddScalar, Clamp, DivScalar, MulScalar, PowScalar, SubFrom};
use minitorch_core::ops::{Binary, Grad, GradLeft, GradRight, Op, Unary};

/// Operations on one operand, and their gradients.
///
/// # Panics
/// If a device differs from the definition.
pub fn unary<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    macro_rules! table {
        ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
            eval($x:ident) $eval:block c $c:literal grad($($args:ident),*) $grad:block c $grad_c:literal;)*) => {$(
            differentiable(devices, minitorch_core::ops::unary::$name);
        )*};
    }
    minitorch_core::with_unary_ops!(table);
    differentiable(devices, AddScalar { c: 0.1 });
    differentiable(devices, SubFrom { c: -1.3 });
    differentiable(devices, MulScalar { c: 1.7 });
    differentiable(devices, DivScalar { c: 0.3 });
    for c in [0.5, 2.0, -1.5, 0.0, 3.0] {
        differentiable(devices, PowScalar { c });
    }
    differentiable(
        devices,
        Clamp {
            low: -0.7,
            high: 1.1,
        },
    );
    let cases = Cases::new();
    for [x] in cases.tuples() {
        map(
            devices,
            Keep {
                p: 0.25,
                scale: 1.0 / 0.75,
            },
            [x],
        );
    }
}

/// Operations on two operands, their gradients, and the special ones on two and three.
///
/// # Panics
/// If a device differs from the definition.
pub fn binary<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    let cases = Cases::new();
    macro_rules! table {
        ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident eval($a:ident, $b:ident) $eval:block c $c:literal
            slopes($($slope:ident),*) grads($($args:ident),*) $grads:block c [$($grads_c:literal),*];)*) => {$(
            pair(devices, &cases, minitorch_core::ops::binary::$name);
        )*};
    }
    minitorch_core::with_binary_ops!(table);
    for [x, y] in cases.tuples() {
        map(devices, AddScaled { factor: -0.01 }, [x, y]);
        map(
            devices,
            Decay {
                keep: 0.9,
                gain: 0.1,
            },
            [x, y],
        );
        map(devices, DecaySquare { keep: 0.999 }, [x, y]);
    }
    for [x, y, z] in cases.tuples() {
        map(devices, Where, [x, y, z]);
        map(devices, AdadeltaStep { epsilon: 1e-6 }, [x, y, z]);
        map(
            devices,
            AdamStep {
                rate: 0.001,
                scale: 1.7,
                epsilon: 1e-8,
            },
            [x, y, z],
        );
    }
}

fn differentiable<B: Backend, O: Unary>(devices: &[B], op: O)
where
    B::Elem: Real,
{
    let cases = Cases::new();
    for [x] in cases.tuples() {
        map(devices, op, [x]);
    }
    for [saved, g] in cases.tuples() {
        map(devices, Grad(op), [saved, g]);
    }
}

fn pair<B: Backend, O: Binary>(devices: &[B], cases: &Cases<B::Elem>, op: O)
where
    B::Elem: Real,
{
    for [a, b] in cases.tuples() {
        map(devices, op, [a, b]);
    }
    for [a, b, g] in cases.tuples() {
        map(devices, GradLeft(op), [a, b, g]);
        map(devices, GradRight(op), [a, b, g]);
    }
}

/// One operation on one tuple of operands.
///
/// # Panics
/// If a device differs from the definition.
pub fn map<B: Backend, O: Op<N>, const N: usize>(
    devices: &[B],
    op: O,
    operands: [&Sample<B::Elem>; N],
) where
    B::Elem: Real,
{
    let elements = operands.map(Sample::elements);
    let at = |i: usize| op.eval::<Portable, B::Elem>(std::array::from_fn(|k| elements[k][i]));
    let expected: Vec<B::Elem> = (0..elements[0].len()).map(at).collect();
    agree(devices, O::NAME, operands, &expected, |device, views| {
        device.map(op, views)
    });
}

/// Three operands for each shape, each in every layout.
struct Cases<E>(Vec<[Vec<Sample<E>>; 3]>);

impl<E: Real> Cases<E> {
    fn new() -> Self {
        let operand = |shape: &[usize], seed: u64| {
            let mut all = views(shape, &|at| special(seed, at));
            // Large ones take their time: two kinds of layout are enough to meet every path with threads.
            if shape.iter().product::<usize>() > 10_000 {
                all.truncate(2);
            }
            all
        };
        let shapes = shapes().into_iter().chain(large_shapes());
        Self(
            shapes
                .map(|shape| [1, 2, 3].map(|seed| operand(&shape, seed)))
                .collect(),
        )
    }

    /// For each shape, tuples in which every layout meets the dense one, and another one, in every place.
    fn tuples<const N: usize>(&self) -> impl Iterator<Item = [&Sample<E>; N]> {
        self.0.iter().flat_map(|operands| {
            let count = operands[0].len();
            let lone = (0..count).flat_map(move |layout| {
                (0..N).map(move |place| {
                    std::array::from_fn(|k| &operands[k][if k == place { layout } else { 0 }])
                })
            });
            let mixed = (0..if N == 1 { 0 } else { count }).map(move |layout| {
                std::array::from_fn(|k| &operands[k][(layout + 3 * k + k * k) % count])
            });
            lone.chain(mixed)
        })
    }
}
