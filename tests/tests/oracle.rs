//! The operations against an independent oracle: the standard library's functions in double precision.

use minitorch_core::isa::Portable;
use minitorch_core::ops::{Op, binary, unary};
use minitorch_core::random::Generator;
use minitorch_core::{Cpu, Tensor};
use minitorch_tests::devices::cpus;
use minitorch_tests::oracle::exact;
use minitorch_tests::real::{Real, assert_same, ulps};
use minitorch_tests::samples::{plain, special};

/// Operands of every size, and all the special ones in every combination.
fn operands<const N: usize>() -> Vec<[f32; N]> {
    let specials = <f32 as Real>::SPECIALS;
    let pairs = specials.iter().flat_map(|&a| specials.map_pair(a));
    let mut all: Vec<[f32; N]> = pairs.map(|pair| std::array::from_fn(|k| pair[k])).collect();
    for at in 0..20_000 {
        all.push(std::array::from_fn(|k| plain(51 + k as u64, at)));
        // Every exponent, with random digits.
        let wide =
            |k: usize| f32::from_bits((plain::<f64>(61 + k as u64, at).to_bits() >> 20) as u32);
        all.push(std::array::from_fn(wide));
    }
    all
}

trait MapPair {
    fn map_pair(&self, a: f32) -> Vec<[f32; 2]>;
}

impl MapPair for &[f32] {
    fn map_pair(&self, a: f32) -> Vec<[f32; 2]> {
        self.iter().map(|&b| [a, b]).collect()
    }
}

/// How many units in the last place an operation may be off: none where IEEE 754 defines it, else R7's two.
fn allowed(name: &str) -> f64 {
    match name {
        "exp" | "log" | "sigmoid" | "gelu" | "tanh" | "sin" | "cos" | "erf" | "pow" => 2.0,
        // Correctly rounded, so half a unit; the oracle rounds in double precision first.
        _ => 0.500_001,
    }
}

fn check<O: Op<N>, const N: usize>(op: O) {
    // An operation that the oracle does not know is compared with itself in double precision, as far as roundings of
    // intermediate results allow.
    let known = exact(O::NAME, &[1.0; N]).is_some();
    for x in operands::<N>() {
        let actual = op.eval::<Portable, f32>(x);
        let wide = x.map(f64::from);
        if known {
            let exact = exact(O::NAME, &wide).expect("known");
            let error = match O::NAME {
                // Far below 0 it takes nearly equal numbers from each other: units of its operand count.
                "gelu" if exact.is_finite() => {
                    let unit = (wide[0].abs() * 2f64.powi(-24)).max(2f64.powi(-149));
                    (f64::from(actual) - exact).abs() / unit
                }
                _ => ulps(actual, exact),
            };
            assert!(
                error <= allowed(O::NAME),
                "{} of {x:?} is {actual:e}, not {exact:e}: {error} ulp",
                O::NAME
            );
        } else {
            let exact = op.eval::<Portable, f64>(wide);
            let scale = wide.iter().fold(exact.abs(), |scale, x| scale.max(x.abs()));
            let close = (f64::from(actual) - exact).abs() <= 1e-6 * scale + 1e-37;
            let close = close || f64::from(actual) == exact || ulps(actual, exact) <= 4.0;
            assert!(close, "{} of {x:?} is {actual:e}, not {exact:e}", O::NAME);
        }
    }
}

macro_rules! check_unary {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
        eval($x:ident) $eval:block c $c:literal grad($($args:ident),*) $grad:block c $grad_c:literal;)*) => {
        #[test]
        fn unary_operations() {
            $(check::<_, 1>(unary::$name);)*
        }
    };
}
minitorch_core::with_unary_ops!(check_unary);

macro_rules! check_binary {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident eval($a:ident, $b:ident) $eval:block c $c:literal
        slopes($($slope:ident),*) grads($($args:ident),*) $grads:block c [$($grads_c:literal),*];)*) => {
        #[test]
        fn binary_operations() {
            $(check::<_, 2>(binary::$name);)*
        }
    };
}
minitorch_core::with_binary_ops!(check_binary);

#[test]
fn operations_with_parameters() {
    for [x] in operands::<1>() {
        let same = |op: &str, actual: f32, expected: f32| {
            assert_same(&[actual], &[expected], &|| format!("{op} of {x:e}"));
        };
        same(
            "add",
            unary::AddScalar { c: 0.1 }.eval::<Portable, f32>([x]),
            x + 0.1,
        );
        same(
            "sub",
            unary::SubFrom { c: 0.1 }.eval::<Portable, f32>([x]),
            0.1 - x,
        );
        same(
            "mul",
            unary::MulScalar { c: 0.1 }.eval::<Portable, f32>([x]),
            x * 0.1,
        );
        same(
            "div",
            unary::DivScalar { c: 0.1 }.eval::<Portable, f32>([x]),
            x / 0.1,
        );
        let clamp = unary::Clamp {
            low: -0.5,
            high: 2.0,
        };
        let expected = if x.is_nan() { x } else { x.clamp(-0.5, 2.0) };
        same("clamp", clamp.eval::<Portable, f32>([x]), expected);
        for c in [2.0, 0.5, -1.0, 3.0, -0.3, 0.0] {
            let (actual, exact) = (
                unary::PowScalar { c }.eval::<Portable, f32>([x]),
                f64::from(x).powf((c as f32).into()),
            );
            assert!(
                ulps(actual, exact) <= 2.0,
                "{x:e} to the power of {c} is {actual:e}, not {exact:e}"
            );
        }
    }
}

#[test]
fn optimiser_steps() {
    use minitorch_core::ops::special::{AdadeltaStep, AdamStep, AddScaled, Decay, DecaySquare};
    for [x, y] in operands::<2>() {
        let same = |op: &str, actual: f32, expected: f32| {
            assert_same(&[actual], &[expected], &|| {
                format!("{op} of {x:e} and {y:e}")
            });
        };
        // R6: one rounding.
        same(
            "add_scaled",
            AddScaled { factor: -0.01 }.eval::<Portable, f32>([x, y]),
            (-0.01f32).mul_add(y, x),
        );
        same(
            "decay",
            Decay {
                keep: 0.9,
                gain: 0.1,
            }
            .eval::<Portable, f32>([x, y]),
            0.9 * x + 0.1 * y,
        );
        let square = DecaySquare { keep: 0.5 }.eval::<Portable, f32>([x, y]);
        same("decay_square", square, 0.5 * x + 0.5 * (y * y));
        let adam = AdamStep {
            rate: 0.001,
            scale: 2.0,
            epsilon: 1e-8,
        };
        let expected = x - 0.001 * (y / (x.abs().sqrt() * 2.0 + 1e-8));
        same(
            "adam",
            adam.eval::<Portable, f32>([x, y, x.abs()]),
            expected,
        );
        let adadelta = AdadeltaStep { epsilon: 1e-6 };
        let expected = (y.abs() + 1e-6).sqrt() / (x.abs() + 1e-6).sqrt() * x;
        same(
            "adadelta",
            adadelta.eval::<Portable, f32>([x, x.abs(), y.abs()]),
            expected,
        );
    }
}

/// Softmax and its relatives: the same bits on every device, and near the formula in double precision.
#[test]
fn softmax_family() {
    for (shape, axis) in [
        ([3, 7], 1),
        ([7, 3], 0),
        ([2, 700], 1),
        ([600, 40], 1),
        ([40, 600], 0),
    ] {
        let data: Vec<f32> = (0..shape[0] * shape[1])
            .map(|at| 3.0 * plain::<f32>(71, at))
            .collect();
        let [mut soft, mut log, mut sum] = [const { None::<Vec<f32>> }; 3];
        for device in cpus::<f32>() {
            let x = Tensor::from_slice(&device, &data, shape);
            let same = |first: &mut Option<Vec<f32>>, out: Tensor, what: &str| {
                let first = first.get_or_insert_with(|| out.to_vec());
                assert_same(&out.to_vec(), first, &|| {
                    format!("{what} of {shape:?} on {device:?}")
                });
            };
            same(&mut soft, x.softmax(axis), "softmax");
            same(&mut log, x.log_softmax(axis), "log_softmax");
            same(&mut sum, x.logsumexp(axis), "logsumexp");
        }
        let (soft, log, sum) = (soft.unwrap(), log.unwrap(), sum.unwrap());
        for (at, &x) in data.iter().enumerate() {
            let (row, column) = (at / shape[1], at % shape[1]);
            let (kept, along) = if axis == 1 {
                (row, shape[1])
            } else {
                (column, shape[0])
            };
            let other = |k: usize| {
                if axis == 1 {
                    data[row * shape[1] + k]
                } else {
                    data[k * shape[1] + column]
                }
            };
            let exact = (0..along)
                .map(|k| f64::from(other(k)).exp())
                .sum::<f64>()
                .ln();
            let share = f64::from(x) - exact;
            assert!((f64::from(sum[kept]) - exact).abs() < 2e-6 * (1.0 + exact.abs()));
            assert!((f64::from(log[at]) - share).abs() < 4e-6 * (1.0 + share.abs()));
            assert!((f64::from(soft[at]) - share.exp()).abs() < 4e-6 * share.exp());
        }
    }
}

#[test]
fn softmax_of_large_numbers_does_not_overflow() {
    let x = Tensor::from_slice(
        &Cpu::default(),
        &[1e30f32, 1e30, -1e30, f32::NEG_INFINITY],
        [1, 4],
    );
    assert_eq!(x.softmax(1).to_vec(), [0.5, 0.5, 0.0, 0.0]);
    assert_eq!(x.logsumexp(1).to_vec(), [1e30]);
}

#[test]
fn joined_tensors_keep_every_bit() {
    for device in cpus::<f32>() {
        let part = |seed: u64, rows: usize, columns: usize| {
            let data: Vec<f32> = (0..rows * columns).map(|at| special(seed, at)).collect();
            Tensor::from_slice(&device, &data, [rows, columns])
        };
        let (a, b, none) = (part(81, 5, 3), part(82, 3, 5), part(83, 5, 0));
        let joined = Tensor::cat(&[a.clone(), none, b.transpose(0, 1), a.clone()], 1);
        assert_eq!(&**joined.shape(), &[5, 9]);
        let rows = |tensor: &Tensor| tensor.to_vec();
        let expected: Vec<f32> = (0..5)
            .flat_map(|row| {
                let mine = rows(&a)[row * 3..][..3].to_vec();
                let other: Vec<f32> = (0..3).map(|column| rows(&b)[column * 5 + row]).collect();
                [mine.clone(), other, mine].concat()
            })
            .collect();
        assert_same(&joined.to_vec(), &expected, &|| {
            format!("cat on {device:?}")
        });
        let stacked = Tensor::stack(&[a.transpose(0, 1), b.clone()], 1);
        assert_eq!(&**stacked.shape(), &[3, 2, 5]);
        let expected: Vec<f32> = (0..3)
            .flat_map(|row| {
                let column: Vec<f32> = (0..5).map(|at| rows(&a)[at * 3 + row]).collect();
                [column, rows(&b)[row * 5..][..5].to_vec()].concat()
            })
            .collect();
        assert_same(&stacked.to_vec(), &expected, &|| {
            format!("stack on {device:?}")
        });
    }
}

#[test]
fn draws_follow_one_another() {
    let device: Cpu = Cpu::default();
    let mut rng = Generator::new(9);
    let whole = Tensor::rand(&device, [1000], &mut rng).to_vec();
    let normal = Tensor::randn(&device, [1000], &mut rng).to_vec();
    assert_eq!(rng.parts(), [9, 0, 3000]);
    let mut again = Generator::new(9);
    let parts = [300, 700].map(|count| Tensor::rand(&device, [count], &mut again).to_vec());
    assert_eq!(parts.concat(), whole);
    let parts = [1, 999].map(|count| Tensor::randn(&device, [count], &mut again).to_vec());
    assert_eq!(parts.concat(), normal);
    assert!(whole.iter().all(|x| (0.0..1.0).contains(x)));
    let mean = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum::<f64>() / 1000.0;
    let squares: Vec<f32> = normal.iter().map(|x| x * x).collect();
    assert!((mean(&whole) - 0.5).abs() < 0.04, "{}", mean(&whole));
    assert!(mean(&normal).abs() < 0.13 && (mean(&squares) - 1.0).abs() < 0.18);
    let dropped = Tensor::ones(&device, [1000])
        .dropout(0.25, &mut Generator::new(9))
        .to_vec();
    let expected: Vec<f32> = whole
        .iter()
        .map(|&x| if x < 0.25 { 0.0 } else { 4.0 / 3.0 })
        .collect();
    assert_eq!(dropped, expected);
}
