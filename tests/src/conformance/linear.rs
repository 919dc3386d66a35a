//! A fully connected layer with its bias and ReLU, against the definitions of its steps.

use super::agree;
use crate::oracle::{fold, matmul};
use crate::real::Real;
use crate::samples::{Sample, plain, small, special, ties, views};
use minitorch_core::backend::View;
use minitorch_core::fused::Incoming;
use minitorch_core::linear::Backward;
use minitorch_core::{Backend, Layout};

/// Forward and all gradients, of every layout: rows, inputs and outputs around the squares of a group of threads, none of
/// each, and so many that a device takes other ways.
///
/// # Panics
/// If a device differs from the definition.
pub fn linear<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    let sizes = [
        [1, 1, 1],
        [1, 5, 3],
        [3, 4, 1],
        [16, 40, 10],
        [17, 15, 33],
        [33, 1, 16],
        [0, 3, 4],
        [3, 0, 4],
        [3, 4, 0],
        [255, 3, 2],
        [256, 3, 2],
        [3, 2, 300],
        [2, 520, 520],
        [600, 2, 300],
    ];
    let kinds = [special::<B::Elem>, ties, plain, small];
    for (n, [rows, inputs, outputs]) in sizes.into_iter().enumerate() {
        let few = rows * inputs.max(outputs) < 2000;
        for values in &kinds[if few { 0 } else { n % 3 }..][..if few { 4 } else { 1 }] {
            let xs = views(&[rows, inputs], &|at| values(71, at));
            let weights = views(&[outputs, inputs], &|at| values(72, at));
            let biases = views(&[outputs], &|at| values(73, at));
            let gs = views(&[rows, outputs], &|at| values(74, at));
            for (i, relu) in [true, false, true].into_iter().enumerate() {
                let bias = (i < 2).then(|| &biases[i % biases.len()]);
                let operands = [
                    &xs[i % xs.len()],
                    &weights[(2 * i + n) % weights.len()],
                    &gs[(5 * i + n) % gs.len()],
                ];
                check(devices, [rows, inputs, outputs], operands, bias, relu);
            }
        }
    }
    // A product so large that a device has another kernel for it, whose squares have edges here.
    let [rows, inputs, outputs] = [513, 3, 520];
    let x = &views(&[rows, inputs], &|at| special(75, at))[0];
    let weight = &views(&[outputs, inputs], &|at| special(76, at))[0];
    let bias = &views(&[outputs], &|at| special(77, at))[0];
    let g = &views(&[rows, outputs], &|at| special(78, at))[0];
    check(
        devices,
        [rows, inputs, outputs],
        [x, weight, g],
        Some(bias),
        true,
    );
}

fn check<B: Backend>(
    devices: &[B],
    [rows, inputs, outputs]: [usize; 3],
    [x, weight, g]: [&Sample<B::Elem>; 3],
    bias: Option<&Sample<B::Elem>>,
    relu: bool,
) where
    B::Elem: Real,
{
    let zero = B::Elem::default();
    let [xe, we, ge] = [x, weight, g].map(Sample::elements);
    let be = bias.map(Sample::elements);
    let turned = turned(&we, [outputs, inputs]);
    let mut y = matmul(&xe, &turned, [1, rows, inputs, outputs]);
    for (at, y) in y.iter_mut().enumerate() {
        if let Some(bias) = &be {
            *y = *y + bias[at % outputs];
        }
        if relu && *y < zero {
            *y = zero;
        }
    }
    let run = |device: &B, [x, weight]: [View<'_, B>; 2]| {
        let uploaded = bias.map(|bias| (bias.upload(device), bias.layout));
        let bias = uploaded
            .as_ref()
            .map(|(buffer, layout)| View::new(buffer, *layout));
        device.linear(x, weight, bias, relu)
    };
    agree(devices, "linear", [x, weight], &y, run);

    let mut through = ge;
    for (g, &y) in through.iter_mut().zip(&y) {
        if relu && y <= zero {
            *g = zero;
        }
    }
    let expected = [
        matmul(&through, &we, [1, rows, outputs, inputs]),
        matmul(
            &self::turned(&through, [rows, outputs]),
            &xe,
            [1, outputs, rows, inputs],
        ),
        fold(&through, &[rows, outputs], &[true, false], zero, &|a, b| {
            a + b
        }),
    ];
    // All together, and each alone; with a gradient that may be overwritten, and with one that somebody else needs.
    for (case, wanted) in [
        [true; 3],
        [true, false, false],
        [false, true, false],
        [false, false, true],
    ]
    .into_iter()
    .enumerate()
    {
        for (operand, expected) in expected.iter().enumerate().filter(|&(n, _)| wanted[n]) {
            let what = ["input", "weight", "bias"][operand];
            agree(
                devices,
                &format!("linear_grad by {what}, wanted {wanted:?}"),
                [x, weight, g],
                expected,
                |device, [x, weight, g]| {
                    let y = run(device, [x, weight])?;
                    let layout = Layout::contiguous([rows, outputs])?;
                    let mut own = device.full(rows * outputs, zero)?;
                    device.assign(&mut own, &layout, g)?;
                    let given = Backward {
                        x,
                        weight,
                        y: relu.then(|| View::new(&y, layout)),
                        g: match case {
                            0 => Incoming::Shared(g),
                            _ => Incoming::Owned(&mut own, layout),
                        },
                    };
                    let mut grads = device.linear_grad(given, wanted)?;
                    for (n, grad) in grads.iter().enumerate() {
                        assert_eq!(grad.is_some(), wanted[n], "{what}: {wanted:?}");
                    }
                    Ok(grads[operand].take().unwrap_or_else(|| unreachable!()))
                },
            );
        }
    }
}

/// A matrix with its axes swapped.
fn turned<E: Copy>(matrix: &[E], [rows, columns]: [usize; 2]) -> Vec<E> {
    let element = |at: usize| matrix[at % rows * columns + at / rows];
    (0..rows * columns).map(element).collect()
}
