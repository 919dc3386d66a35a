//! Gradients of elementwise operations, selections and your own functions, against central differences.

use minitorch_core::autodiff::{Context, Function, apply};
use minitorch_core::isa::Isa;
use minitorch_core::ops::unary::{AddScalar, Clamp, DivScalar, MulScalar, PowScalar, SubFrom};
use minitorch_core::ops::{Op, Saves, Slope, Unary};
use minitorch_core::{Backend, Cpu, Element, Generator, Index, Result, Tensor};
use minitorch_tests::gradients::{Double as T, right, some, within};

macro_rules! unary_table {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
        eval($x:ident) $eval:block c $c:literal grad($($args:ident),*) $grad:block c $grad_c:literal;)*) => {
        #[test]
        fn unary_operations() {
            $(
                let x = within(1, &[3, 4], $low, $high);
                right(stringify!($method), &|[x]| x.$try_method(), [&x]);
                right(stringify!($method), &|[x]| x.transpose(0, 1).$try_method(), [&x]);
            )*
        }
    };
}
minitorch_core::with_unary_ops!(unary_table);

macro_rules! binary_table {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident eval($a:ident, $b:ident) $eval:block c $c:literal
        slopes($($slope:ident),*) grads($($args:ident),*) $grads:block c [$($grads_c:literal),*];)*) => {
        #[test]
        fn binary_operations() {
            $(
                if [$(Slope::$slope),*] == [Slope::Zero; 2] {
                    let x = within(2, &[3], 0.4, 2.5).tracked();
                    assert!(!x.$method(&x).is_tracked(), "{}", stringify!($method));
                } else {
                    binary(stringify!($method), &|a, b| a.$try_method(b));
                }
            )*
        }
    };
}
minitorch_core::with_binary_ops!(binary_table);

/// Positive operands, so that powers exist: equal shapes, every kind of broadcasting, and an operand met twice.
fn binary(what: &str, op: &dyn Fn(&T, &T) -> Result<T>) {
    let shapes: [(&[usize], &[usize]); 8] = [
        (&[2, 3], &[2, 3]),
        (&[2, 3], &[3]),
        (&[3], &[2, 3]),
        (&[2, 1], &[1, 3]),
        (&[], &[2, 2]),
        (&[2, 2], &[]),
        (&[2, 1, 3], &[4, 1]),
        (&[1, 1], &[1]),
    ];
    for (number, (a, b)) in (0..).zip(shapes) {
        let (a, b) = (
            within(2 + number, a, 0.4, 2.5),
            within(20 + number, b, 0.4, 2.5),
        );
        right(what, &|[a, b]| op(a, b), [&a, &b]);
    }
    // `x op x` has a corner at every x for extremes; apart from those it is smooth.
    if ["add", "sub", "mul", "div", "pow"].contains(&what) {
        let x = within(3, &[2, 3], 0.4, 2.5);
        right(what, &|[x]| op(x, x), [&x]);
        right(
            what,
            &|[x]| op(x, &x.try_transpose(0, 1)?.try_reshape([2, 3])?),
            [&x],
        );
        right(what, &|[x]| op(&x.try_sum_keepdim(&[1])?, x), [&x]);
    }
}

/// The table has an interval on one side of the corner at 0 only.
#[test]
fn both_sides_of_corners() {
    for (low, high) in [(-4.0, -0.1), (0.1, 4.0)] {
        let x = within(14, &[3, 4], low, high);
        right("relu", &|[x]| x.try_relu(), [&x]);
        right("abs", &|[x]| x.try_abs(), [&x]);
    }
}

#[test]
fn operations_with_parameters() {
    let x = within(4, &[3, 4], 0.3, 3.0);
    let signed = some(5, &[3, 4]);
    right("add", &|[x]| x.try_map(AddScalar { c: 1.5 }), [&signed]);
    right("sub", &|[x]| x.try_map(SubFrom { c: 1.5 }), [&signed]);
    right("mul", &|[x]| x.try_map(MulScalar { c: -1.5 }), [&signed]);
    right("div", &|[x]| x.try_map(DivScalar { c: 0.7 }), [&signed]);
    right(
        "clamp",
        &|[x]| {
            x.try_map(Clamp {
                low: -1.0,
                high: 0.9,
            })
        },
        [&signed],
    );
    for c in [2.0, 0.5, -1.5, 1.0, 0.0, 3.0] {
        right("pow", &|[x]| x.try_map(PowScalar { c }), [&x]);
    }
    right("pow of negative numbers", &|[x]| x.try_powf(3.0), [&signed]);
    right(
        "operators",
        &|[x]| Ok(1.0 - x / 3.0 + 2.0 / (x + 4.0) - -x * 2.0),
        [&signed],
    );
}

#[test]
fn your_own_operation() {
    #[derive(Clone, Copy)]
    struct Softplus;
    impl Op<1> for Softplus {
        const NAME: &'static str = "softplus";
        const C: &'static str = "mt_log(1 + mt_exp(x0))";
        fn eval<I: Isa, E: Element>(self, [x]: [E; 1]) -> E {
            (E::ONE + x.exp::<I>()).log::<I>()
        }
    }
    impl Unary for Softplus {
        const SAVES: Saves = Saves::Input;
        const GRAD_C: &'static str = "x1 * mt_sigmoid(x0)";
        fn grad<I: Isa, E: Element>(self, x: E, g: E) -> E {
            g * x.sigmoid::<I>()
        }
    }
    right("softplus", &|[x]| x.try_map(Softplus), [&some(6, &[2, 5])]);
}

#[test]
fn your_own_function() {
    /// `a * b` with `b` broadcast, whose gradient leaves the summing to the library.
    struct Scale;
    impl<B: Backend> Function<B, 2> for Scale {
        fn name(&self) -> &'static str {
            "scale"
        }
        fn forward(&self, context: &mut Context<B>, [a, b]: [&Tensor<B>; 2]) -> Result<Tensor<B>> {
            context.save(a);
            context.save(b);
            a.try_mul(b)
        }
        fn backward(&self, context: &Context<B>, grad: &Tensor<B>) -> Result<[Tensor<B>; 2]> {
            let [a, b] = context.saved() else {
                unreachable!("two were saved")
            };
            Ok([grad.try_mul(b)?, grad.try_mul(a)?])
        }
    }
    let (a, b) = (some(7, &[2, 3]), some(8, &[3]));
    right("scale", &|[a, b]| apply(Scale, [a, b]), [&a, &b]);
    right("scale by itself", &|[a]| apply(Scale, [a, a]), [&a]);

    struct Wrong;
    impl<B: Backend> Function<B, 1> for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn forward(&self, _: &mut Context<B>, [a]: [&Tensor<B>; 1]) -> Result<Tensor<B>> {
            Ok(a.clone())
        }
        fn backward(&self, _: &Context<B>, grad: &Tensor<B>) -> Result<[Tensor<B>; 1]> {
            Ok([grad.try_sum_all()?])
        }
    }
    let out = apply(Wrong, [&a.tracked()]).unwrap().sum_all();
    let error = out.try_backward().map(|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrong: shape [] does not fit [2, 3]; backward must return a gradient of each operand's shape"
    );
}

#[test]
fn selection() {
    let (yes, no) = (some(9, &[2, 3]), some(10, &[3]));
    let condition = some(11, &[2, 1]).gt(&Tensor::zeros(&Cpu::default(), []));
    right(
        "where",
        &|[yes, no]| condition.try_where_else(yes, no),
        [&yes, &no],
    );
    right(
        "where of one",
        &|[x]| x.try_gt(&x.try_neg()?)?.try_where_else(x, x),
        [&yes],
    );
    let index = |numbers: &[u32]| Index::new(&Cpu::default(), numbers).unwrap();
    let x = some(12, &[2, 3, 2]);
    right(
        "pick 0",
        &|[x]| x.try_pick(0, &index(&[0, 1, 1, 0, 1, 0])),
        [&x],
    );
    right("pick 1", &|[x]| x.try_pick(1, &index(&[2, 0, 1, 1])), [&x]);
    right(
        "pick 2",
        &|[x]| {
            x.try_transpose(0, 2)?
                .try_pick(2, &index(&[1, 0, 0, 1, 0, 0]))
        },
        [&x],
    );
    let table = some(13, &[4, 3]);
    right(
        "rows",
        &|[table]| table.try_rows(&index(&[3, 0, 3, 3, 1])),
        [&table],
    );
    right(
        "rows of a view",
        &|[table]| table.try_transpose(0, 1)?.try_rows(&index(&[2, 2, 0])),
        [&table],
    );
    right("no rows", &|[table]| table.try_rows(&index(&[])), [&table]);
    right(
        "dropout",
        &|[x]| x.try_dropout(0.4, &mut Generator::new(3)),
        [&x],
    );
}

#[test]
fn diamonds() {
    let x = within(29, &[2, 3], 0.5, 2.0);
    let shared = |[x]: [&T; 1]| {
        let h = x.try_log()?;
        let both = h.try_mul(&h)?.try_add(&h.try_exp()?)?;
        both.try_div(x)?.try_sub(&h.try_sum_keepdim(&[0])?)
    };
    right("shared", &shared, [&x]);
    let network = |[x, w]: [&T; 2]| {
        let hidden = x.try_matmul(w)?.try_tanh()?;
        hidden.try_matmul(w)?.try_add(&hidden)?.try_log_softmax(1)
    };
    right("shared weights", &network, [&x, &some(30, &[3, 3])]);
}
