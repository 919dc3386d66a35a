//! MiniTorch's tests of module 1, under their names: derivatives of numbers.
//!
//! | file | its tests | here |
//! | --- | --- | --- |
//! | `test_autodiff.py` | 8: `test_chain_rule1` to `4`, `test_backprop1` to `4` | the same names |
//! | `test_scalar.py` | 6: `test_central_diff`, `test_simple`, `test_one_args`, `test_two_args`, `test_one_derivative`, `test_two_derivative` | the same names |

mod strategies;

use minitorch_core::Scalar;
use minitorch_core::operators;
use minitorch_core::scalar::{
    Context, ScalarFunction, apply, central_difference, derivative_check, topological_sort,
};
use minitorch_tests::math_functions::{is_smooth, one_argument, two_arguments};
use proptest::prelude::*;
use strategies::{config, small};

/// `x * 10`-like functions with a derivative of their own, as MiniTorch's tests of the chain rule use them.
struct Function1;
impl ScalarFunction<2> for Function1 {
    fn name(&self) -> &'static str {
        "x + y + 10"
    }
    fn forward(&self, _: &mut Context, [x, y]: [f64; 2]) -> f64 {
        x + y + 10.0
    }
    fn backward(&self, _: &Context, derivative: f64) -> [f64; 2] {
        [derivative, derivative]
    }
}

struct Function2;
impl ScalarFunction<2> for Function2 {
    fn name(&self) -> &'static str {
        "x * y + x"
    }
    fn forward(&self, context: &mut Context, [x, y]: [f64; 2]) -> f64 {
        context.save(&[x, y]);
        x * y + x
    }
    fn backward(&self, context: &Context, derivative: f64) -> [f64; 2] {
        let [x, y] = *context.saved() else {
            panic!("two values were saved")
        };
        [derivative * (y + 1.0), derivative * x]
    }
}

fn one(x: &Scalar, y: &Scalar) -> Scalar {
    apply(Function1, [x, y]).unwrap()
}

fn two(x: &Scalar, y: &Scalar) -> Scalar {
    apply(Function2, [x, y]).unwrap()
}

#[test]
fn test_central_diff() {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-2, "{a} {b}");
    close(
        central_difference(|[x]| operators::id(x), [5.0], 0, 1e-2),
        1.0,
    );
    close(
        central_difference(|[x, y]| operators::add(x, y), [5.0, 10.0], 0, 1e-2),
        1.0,
    );
    close(
        central_difference(|[x, y]| operators::mul(x, y), [5.0, 10.0], 0, 1e-2),
        10.0,
    );
    close(
        central_difference(|[x, y]| operators::mul(x, y), [5.0, 10.0], 1, 1e-2),
        5.0,
    );
    close(
        central_difference(|[x]| operators::exp(x), [2.0], 0, 1e-2),
        operators::exp(2.0),
    );
}

#[test]
fn test_chain_rule1() {
    let x = one(&Scalar::new(0.0), &Scalar::new(0.0));
    assert!(!x.is_tracked());
    assert_eq!(x.chain_rule(5.0).unwrap(), []);
}

#[test]
fn test_chain_rule2() {
    let variable = Scalar::tracked(0.0);
    let back = one(&variable, &Scalar::new(0.0)).chain_rule(5.0).unwrap();
    assert_eq!(back, [Some(5.0), None]);
}

#[test]
fn test_chain_rule3() {
    let (constant, variable) = (Scalar::new(10.0), Scalar::tracked(5.0));
    let back = two(&constant, &variable).chain_rule(5.0).unwrap();
    assert_eq!(back, [None, Some(50.0)]);
}

#[test]
fn test_chain_rule4() {
    let (a, b) = (Scalar::tracked(5.0), Scalar::tracked(10.0));
    let back = two(&a, &b).chain_rule(5.0).unwrap();
    assert_eq!(back, [Some(5.0 * (10.0 + 1.0)), Some(5.0 * 5.0)]);
    // An operand that is used twice has two derivatives here, and their sum in a backward pass.
    assert_eq!(two(&a, &a).chain_rule(1.0).unwrap(), [Some(6.0), Some(5.0)]);
    assert_eq!(two(&a, &a).backward().get(&a), Some(11.0));
}

#[test]
fn test_backprop1() {
    let variable = Scalar::tracked(0.0);
    let derivatives = one(&variable, &variable).try_backward_with(5.0).unwrap();
    assert_eq!(derivatives.get(&variable), Some(10.0));
}

#[test]
fn test_backprop2() {
    let variable = Scalar::tracked(0.0);
    let first = one(&Scalar::new(0.0), &variable);
    let derivatives = one(&Scalar::new(0.0), &first)
        .try_backward_with(5.0)
        .unwrap();
    assert_eq!(
        (derivatives.get(&variable), derivatives.len()),
        (Some(5.0), 1)
    );
}

#[test]
fn test_backprop3() {
    let variable = Scalar::tracked(0.0);
    let first = one(&Scalar::new(0.0), &variable);
    let second = one(&variable, &first);
    assert_eq!(
        second.try_backward_with(5.0).unwrap().get(&variable),
        Some(10.0)
    );
}

#[test]
fn test_backprop4() {
    // A diamond: the derivative through both ways is complete before it goes on. The order starts from the right.
    let variable = Scalar::tracked(0.0);
    let first = one(&Scalar::new(0.0), &variable);
    let (left, right) = (
        one(&Scalar::new(0.0), &first),
        one(&Scalar::new(0.0), &first),
    );
    let order = topological_sort(&one(&left, &right));
    assert_eq!(order.len(), 5);
    assert_eq!(
        (order[0].parents.as_slice(), order[4].op),
        (&[2, 1][..], "leaf")
    );
    let derivatives = one(&left, &right).try_backward_with(5.0).unwrap();
    assert_eq!(derivatives.get(&variable), Some(10.0));
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn test_simple(a in small(), b in small()) {
        let (x, y) = (Scalar::tracked(a), Scalar::tracked(b));
        prop_assert_eq!((&x + &y).data(), a + b);
        prop_assert_eq!((&x - &y).data(), a - b);
        prop_assert_eq!((&x * &y).data(), a * b);
        prop_assert_eq!((&x / &y).data(), a / b);
        prop_assert_eq!((x.relu() + y.relu()).data(), a.max(0.0) + b.max(0.0));
    }

    #[test]
    fn test_one_args(x in small()) {
        for ((name, scalar), (_, number)) in one_argument::<Scalar>().into_iter().zip(one_argument::<f64>()) {
            let value = scalar(&Scalar::tracked(x)).data();
            prop_assert_eq!(value.to_bits(), number(&x).to_bits(), "{}({})", name, x);
        }
    }

    #[test]
    fn test_two_args(x in small(), y in small()) {
        for ((name, scalar), (_, number)) in two_arguments::<Scalar>().into_iter().zip(two_arguments::<f64>()) {
            let value = scalar(&Scalar::tracked(x), &Scalar::tracked(y)).data();
            prop_assert_eq!(value.to_bits(), number(&x, &y).to_bits(), "{}({}, {})", name, x, y);
        }
    }

    #[test]
    fn test_one_derivative(x in small()) {
        for (name, f) in one_argument::<Scalar>() {
            if !is_smooth(name, &[x]) {
                continue;
            }
            let worst = derivative_check(|[x]| f(x), [x]).unwrap();
            prop_assert!(worst.error < 1e-4, "{}({}): {:?}", name, x, worst);
        }
    }

    #[test]
    fn test_two_derivative(x in small(), y in small()) {
        for (name, f) in two_arguments::<Scalar>() {
            if !is_smooth(name, &[x, y]) {
                continue;
            }
            let worst = derivative_check(|[x, y]| f(x, y), [x, y]).unwrap();
            prop_assert!(worst.error < 1e-4, "{}({}, {}): {:?}", name, x, y, worst);
        }
    }
}

#[test]
fn a_million_operations_differentiate_and_drop() {
    let x = Scalar::tracked(1.0);
    let mut y = x.clone();
    for _ in 0..1_000_000 {
        y = y + 1e-6;
    }
    let kept = y.clone();
    assert_eq!(y.backward().get(&x), Some(1.0));
    drop(kept);
}

#[test]
fn numbers_mix_with_scalars_on_either_side() {
    let x = Scalar::tracked(4.0);
    let values = [
        &x + 1.0,
        1.0 + &x,
        &x - 1.0,
        1.0 - &x,
        &x * 2.0,
        2.0 * &x,
        &x / 2.0,
        2.0 / &x,
    ];
    let slopes = [1.0, 1.0, 1.0, -1.0, 2.0, 2.0, 0.5, -0.125];
    let expected = [5.0, 5.0, 3.0, -3.0, 8.0, 8.0, 2.0, 0.5];
    for ((value, slope), expected) in values.into_iter().zip(slopes).zip(expected) {
        assert_eq!(value.data(), expected);
        assert_eq!(value.backward().get(&x), Some(slope));
    }
    assert_eq!(format!("{x} {x:?}"), "4 Scalar(4.000000)");
}

#[test]
fn what_depends_on_no_variable_cannot_be_differentiated() {
    let error = (Scalar::new(1.0) + 2.0).try_backward().err().unwrap();
    assert!(
        error.to_string().contains("nothing to differentiate"),
        "{error}"
    );
}
