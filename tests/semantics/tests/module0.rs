//! MiniTorch's tests of module 0, under their names: operators on numbers, functions of lists, the tree of modules.
//!
//! | file | its tests | here |
//! | --- | --- | --- |
//! | `test_operators.py` | 20: `test_same_as_python`, `test_relu`, `test_relu_back`, `test_id`, `test_lt`, `test_max`, `test_eq`, `test_sigmoid`, `test_transitive`, `test_symmetric`, `test_distribute`, `test_other`, `test_zip_with`, `test_sum_distribute`, `test_sum`, `test_prod`, `test_negList`, `test_one_args`, `test_two_args`, `test_backs` | the same names, with `test_neg_list` |
//! | `test_module.py` | 6: `test_stacked_demo`, `test_module`, `test_stacked_module`, `test_module_forward`, `test_parameter` | the same names |
//! | | `test_module_fail_forward` (expected to fail) | does not compile: the example of `nn::Layer` |
//! | `test_modules.py` | 2: `test_linear`, `test_nn_size` | the same names |

mod strategies;

use minitorch_core::nn::{Layer, Linear, Module, Param};
use minitorch_core::operators::{
    add, add_lists, eq, exp, id, inv, inv_back, is_close, log, log_back, lt, map, max, mul, neg,
    neg_list, prod, reduce, relu, relu_back, sigmoid, sum, zip_with,
};
use minitorch_core::{Backend, Cpu, Generator, Result, Tensor, module};
use minitorch_tests::math_functions::{one_argument, two_arguments};
use proptest::prelude::*;
use strategies::{config, small};

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn test_same_as_python(x in small(), y in small()) {
        prop_assert_eq!(mul(x, y), x * y);
        prop_assert_eq!(add(x, y), x + y);
        prop_assert_eq!(neg(x), -x);
        prop_assert_eq!(max(x, y), x.max(y));
        prop_assert_eq!(inv(x), 1.0 / x);
        let ulps = |a: f64, b: f64| a.to_bits().abs_diff(b.to_bits());
        prop_assert!(ulps(exp(x), x.exp()) <= 2);
        prop_assert!(ulps(log(x.abs()), x.abs().ln()) <= 2);
    }

    #[test]
    fn test_relu(x in small()) {
        prop_assert_eq!(relu(x), if x > 0.0 { x } else { 0.0 });
    }

    #[test]
    fn test_relu_back(x in small(), d in small()) {
        prop_assert_eq!(relu_back(x, d), if x > 0.0 { d } else { 0.0 });
    }

    #[test]
    fn test_backs(x in 0.1..100.0, d in small()) {
        prop_assert_eq!(log_back(x, d), d / x);
        prop_assert!((inv_back(x, d) + d / (x * x)).abs() <= 1e-12 * (1.0 + d.abs() / (x * x)));
    }

    #[test]
    fn test_id(x in small()) {
        prop_assert_eq!(id(x), x);
    }

    #[test]
    fn test_lt(x in small(), y in small()) {
        prop_assert_eq!(lt(x, y), f64::from(x < y));
        prop_assert_eq!(lt(x - 1.0, x), 1.0);
        prop_assert_eq!(lt(x, x), 0.0);
    }

    #[test]
    fn test_max(x in small()) {
        prop_assert_eq!(max(x - 1.0, x), x);
        prop_assert_eq!(max(x, x - 1.0), x);
        prop_assert_eq!(max(x, x), x);
    }

    #[test]
    fn test_eq(x in small(), y in small()) {
        prop_assert_eq!(eq(x, x), 1.0);
        prop_assert_eq!(eq(x, x + 1.0), 0.0);
        prop_assert_eq!(eq(x, y), eq(y, x));
    }

    #[test]
    fn test_is_close(x in small(), by in 0.0..0.02f64) {
        // Away from the edge, where rounding decides.
        prop_assume!((by - 0.01).abs() > 1e-9);
        prop_assert_eq!(is_close(x, x + by), f64::from(by < 0.01));
    }

    #[test]
    fn test_sigmoid(x in small(), step in 1e-3..1.0) {
        let y = sigmoid(x);
        prop_assert!((0.0..=1.0).contains(&y));
        prop_assert!((1.0 - y - sigmoid(-x)).abs() < 1e-15);
        prop_assert!(sigmoid(x + step) >= y);
        if x.abs() < 5.0 {
            prop_assert!(sigmoid(x + step) > y);
        }
        prop_assert_eq!(sigmoid(0.0), 0.5);
    }

    #[test]
    fn test_transitive(a in small(), b in small(), c in small()) {
        if lt(a, b) == 1.0 && lt(b, c) == 1.0 {
            prop_assert_eq!(lt(a, c), 1.0);
        }
    }

    #[test]
    fn test_symmetric(x in small(), y in small()) {
        prop_assert_eq!(mul(x, y), mul(y, x));
        prop_assert_eq!(add(x, y), add(y, x));
    }

    #[test]
    fn test_distribute(x in small(), y in small(), z in small()) {
        let (left, right) = (mul(z, add(x, y)), add(mul(z, x), mul(z, y)));
        prop_assert!((left - right).abs() < 1e-10);
    }

    #[test]
    fn test_other(x in small()) {
        prop_assert_eq!(neg(neg(x)), x);
        prop_assert_eq!(max(x, neg(x)), x.abs());
        prop_assert_eq!(add(x, neg(x)), 0.0);
    }

    #[test]
    fn test_zip_with(a in small(), b in small(), c in small(), d in small()) {
        prop_assert_eq!(add_lists(&[a, b], &[c, d]), vec![a + c, b + d]);
        prop_assert_eq!(zip_with(mul)(&[a, b], &[c, d]), vec![a * c, b * d]);
        // As many as the shorter list has.
        prop_assert_eq!(add_lists(&[a, b], &[c]), vec![a + c]);
    }

    #[test]
    fn test_sum_distribute(a in list(5), b in list(5)) {
        prop_assert!((sum(&a) + sum(&b) - sum(&add_lists(&a, &b))).abs() < 1e-10);
    }

    #[test]
    fn test_sum(a in list(5)) {
        prop_assert_eq!(sum(&a), a[0] + a[1] + a[2] + a[3] + a[4]);
    }

    #[test]
    fn test_prod(a in list(3)) {
        prop_assert_eq!(prod(&a), a[0] * a[1] * a[2]);
    }

    #[test]
    fn test_neg_list(a in list(4)) {
        prop_assert_eq!(neg_list(&a), vec![-a[0], -a[1], -a[2], -a[3]]);
        prop_assert_eq!(map(neg)(&a), neg_list(&a));
    }

    #[test]
    fn test_one_args(x in small()) {
        for (name, f) in one_argument::<f64>() {
            prop_assert!(f(&x).is_finite(), "{}({})", name, x);
        }
    }

    #[test]
    fn test_two_args(x in small(), y in small()) {
        for (name, f) in two_arguments::<f64>() {
            // div2 has a pole at -5.5.
            prop_assert!(f(&x, &y).is_finite() || y == -5.5, "{}({}, {})", name, x, y);
        }
    }
}

fn list(length: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(small(), length)
}

#[test]
fn a_fold_starts_where_it_is_told_and_goes_from_left_to_right() {
    assert_eq!(reduce(add, 10.0)(&[]), 10.0);
    assert_eq!(
        reduce(|x, total| 10.0 * total + x, 0.0)(&[1.0, 2.0, 3.0]),
        123.0
    );
    assert_eq!((sum(&[]), prod(&[])), (0.0, 1.0));
}

struct Inner<B: Backend> {
    p3: Param<B>,
}
module!(Inner { p3 });

struct Outer<B: Backend> {
    p1: Param<B>,
    p2: Param<B>,
    a: Inner<B>,
    b: Vec<Inner<B>>,
}
module!(Outer { p1, p2, a, b });

fn tree() -> Outer<Cpu> {
    let dev = Cpu::default();
    let param = |value: f64| Param::new(Tensor::full(&dev, [1], value)).unwrap();
    Outer {
        p1: param(5.0),
        p2: param(10.0),
        a: Inner { p3: param(15.0) },
        b: vec![Inner { p3: param(20.0) }, Inner { p3: param(25.0) }],
    }
}

#[test]
fn test_stacked_demo() {
    let named = tree().named_parameters();
    let names: Vec<(&str, f32)> = named
        .iter()
        .map(|(name, value)| (&**name, value.item()))
        .collect();
    let expected = [
        ("p1", 5.0),
        ("p2", 10.0),
        ("a.p3", 15.0),
        ("b.0.p3", 20.0),
        ("b.1.p3", 25.0),
    ];
    assert_eq!(names, expected);
}

/// The mode of each parameter.
fn training(module: &impl Module<Cpu>) -> Vec<bool> {
    let mut all = Vec::new();
    module
        .each_param(&mut |_, param| {
            all.push(param.is_training());
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn test_module() {
    let mut tree = tree();
    assert_eq!(tree.parameter_count(), 5);
    assert_eq!(training(&tree), [true; 5]);
    tree.eval();
    assert_eq!(training(&tree), [false; 5]);
    tree.train();
    assert_eq!(training(&tree), [true; 5]);
}

/// A module with as many further parameters as there are in `extra`.
struct Branch<B: Backend> {
    a: Param<B>,
    extra: Vec<Param<B>>,
    c: Inner<B>,
}
module!(Branch { a, extra, c });

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn test_stacked_module(sizes in [1..=20usize, 1..=20], value in small()) {
        let dev = Cpu::default();
        let param = |value: f64| Param::new(Tensor::full(&dev, [1], value)).unwrap();
        let branch = |size: usize| Branch {
            a: param(50.0),
            extra: (0..size).map(|i| param(i as f64)).collect(),
            c: Inner { p3: param(100.0) },
        };
        let mut tree = (param(value), sizes.map(branch).into_iter().collect::<Vec<_>>());
        let count = 1 + (sizes[0] + 2) + (sizes[1] + 2);
        prop_assert_eq!(tree.parameter_count(), count);
        tree.eval();
        prop_assert_eq!(training(&tree), vec![false; count]);
        tree.train();
        prop_assert_eq!(training(&tree), vec![true; count]);
        let named = tree.named_parameters();
        let of = |name: &str| named.iter().find(|(path, _)| path == name).map(|(_, value)| value.item());
        prop_assert_eq!(of("0"), Some(value as f32));
        for (branch, size) in sizes.into_iter().enumerate() {
            prop_assert_eq!(of(&format!("1.{branch}.a")), Some(50.0));
            prop_assert_eq!(of(&format!("1.{branch}.c.p3")), Some(100.0));
            prop_assert_eq!(of(&format!("1.{branch}.extra.{}", size - 1)), Some(size as f32 - 1.0));
            prop_assert_eq!(of(&format!("1.{branch}.extra.{size}")), None);
        }
    }
}

struct Ten;
module!(Ten);

impl<B: Backend> Layer<B> for Ten {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        x.try_mul_scalar(10.0)
    }
}

#[test]
fn test_module_forward() {
    let one: Tensor = Tensor::ones(&Cpu::default(), [1]);
    assert_eq!(Ten.forward(&one).item(), 10.0);
    // A module inside of another one is called the same way.
    assert_eq!((Ten, Ten).forward(&one).item(), 100.0);
}

#[test]
fn test_parameter() {
    let mut param = tree().p1;
    assert!(param.value().is_tracked());
    let dev: Cpu = Cpu::default();
    param.try_set(&Tensor::full(&dev, [1], 2.0)).unwrap();
    assert_eq!(param.value().item(), 2.0);
    assert!(param.value().is_tracked());
    assert!(param.try_set(&Tensor::zeros(&dev, [2])).is_err());
}

#[test]
fn test_linear() {
    let dev: Cpu = Cpu::default();
    let mut rng = Generator::new(0);
    let net = (
        Linear::new(&dev, 2, 10, &mut rng).unwrap(),
        Linear::new(&dev, 10, 1, &mut rng).unwrap(),
    );
    let names: Vec<String> = net
        .named_parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["0.weight", "0.bias", "1.weight", "1.bias"]);
    assert_eq!(net.parameter_count(), 41);
}

#[test]
fn test_nn_size() {
    let dev: Cpu = Cpu::default();
    let mut rng = Generator::new(1);
    let mut layer = |inputs, outputs| Linear::new(&dev, inputs, outputs, &mut rng).unwrap();
    let mut net = (layer(2, 2), layer(2, 1));
    assert_eq!(
        net.parameter_count(),
        net.0.parameter_count() + net.1.parameter_count()
    );
    let values = |net: &(Linear<Cpu>, Linear<Cpu>)| -> Vec<f32> {
        let named = net.named_parameters().into_iter();
        named.flat_map(|(_, value)| value.to_vec()).collect()
    };
    assert!(values(&net).iter().all(|&x| x != 0.0));
    net.each_param_mut(&mut |_, param| {
        let zeros = Tensor::try_zeros(&dev, param.value().shape())?;
        param.try_set(&zeros)
    })
    .unwrap();
    assert_eq!(values(&net), [0.0; 9]);
}
