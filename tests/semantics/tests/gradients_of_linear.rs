//! Gradients of a linear layer, ReLU included, as one operation, against central differences.

use std::cell::Cell;

use minitorch_core::nn::{Layer, Linear, Param};
use minitorch_core::{Result, Tensor};
use minitorch_tests::gradients::{Double, right, some};

/// Inputs that are a vector, a matrix and a stack of two; more rows and outputs than a kernel takes at once; and one of each.
const SHAPES: [(&[usize], usize); 5] = [
    (&[5], 3),
    (&[4, 5], 3),
    (&[2, 3, 4], 2),
    (&[19, 3], 17),
    (&[1, 1], 1),
];

fn of_each(check: impl Fn(&str, bool, [&Double; 3])) {
    for (number, (shape, outputs)) in (1..).zip(SHAPES) {
        let inputs = *shape.last().expect("an axis");
        let (x, weight, bias) = (
            some(number, shape),
            some(10 + number, &[outputs, inputs]),
            some(20 + number, &[outputs]),
        );
        for relu in [false, true] {
            let what = format!("{shape:?} to {outputs}, relu {relu}");
            check(&what, relu, [&x, &weight, &bias]);
        }
    }
}

#[test]
fn with_bias() {
    of_each(|what, relu, operands| {
        // The square tells the elements of the gradient that comes in apart, and is not flat where ReLU stops.
        let f = |[x, weight, bias]: [&Double; 3]| -> Result<Double> {
            let y = x.try_linear(weight, Some(bias), relu)?;
            y.try_add_scalar(1.0)?.try_square()
        };
        right(what, &f, operands);
    });
}

#[test]
fn without_bias() {
    of_each(|what, relu, [x, weight, _]| {
        let f = |[x, weight]: [&Double; 2]| -> Result<Double> {
            let y = x.try_linear(weight, None, relu)?;
            y.try_add_scalar(1.0)?.try_square()
        };
        right(what, &f, [x, weight]);
    });
}

/// The gradient that comes in may be a sum of two, and an operand may be met twice.
#[test]
fn of_gradients_with_two_readers_and_of_an_operand_met_twice() {
    of_each(|what, relu, [x, weight, bias]| {
        let f = |[x, weight, bias]: [&Double; 3]| -> Result<Double> {
            let y = x.try_linear(weight, Some(bias), relu)?;
            y.try_sigmoid()?.try_mul(&y)
        };
        right(what, &f, [x, weight, bias]);
    });
    let x = some(30, &[3, 3]);
    let f = |[x]: [&Double; 1]| -> Result<Double> {
        x.try_linear(x, Some(&x.try_sum(&[0])?), true)?
            .try_add_scalar(1.0)?
            .try_square()
    };
    right("by itself", &f, [&x]);
}

/// The layer is the operation, of parameters that are its own.
#[test]
fn of_the_layer() {
    of_each(|what, relu, [x, weight, bias]| {
        let param = |value: &Double| Param::new(value.clone()).expect("a parameter");
        let layer = Linear::from_params(param(weight), Some(param(bias)));
        let layer = if relu { layer.relu() } else { layer };
        let mine = layer.forward(x).square().sum_all().backward();
        let [weight, bias] = [weight, bias].map(Tensor::tracked);
        let y = x.linear(&weight, Some(&bias), relu);
        let theirs = y.square().sum_all().backward();
        let own_bias = layer.bias.as_ref().expect("a bias").leaf();
        for (own, given) in [(layer.weight.leaf(), &weight), (own_bias, &bias)] {
            let grads = [mine.get(own), theirs.get(given)];
            let [mine, theirs] = grads.map(|grad| grad.expect("a gradient").to_vec());
            assert_eq!(mine, theirs, "{what}");
        }
    });
}

/// Differences say nothing of ReLU unless it lets some pass and stops others.
#[test]
fn the_operands_are_on_both_sides_of_zero() {
    let (above, all) = (Cell::new(0), Cell::new(0));
    of_each(|_, relu, [x, weight, bias]| {
        if !relu {
            let y = x.linear(weight, Some(bias), relu).to_vec();
            above.set(above.get() + y.iter().filter(|&&y| y > 0.0).count());
            all.set(all.get() + y.len());
        }
    });
    let (above, all) = (above.get(), all.get());
    assert!((all / 4..3 * all / 4).contains(&above), "{above} of {all}");
}
