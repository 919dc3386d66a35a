//! What the backward pass promises: its order, whom it hands gradients to, what it frees, and what it refuses.

use minitorch_core::autodiff::topological_sort;
use minitorch_core::{Cpu, Error, ErrorKind, Tensor};

type T = Tensor<Cpu<f32>>;

fn device() -> Cpu<f32> {
    Cpu::default()
}

fn vector(values: &[f32]) -> T {
    Tensor::from_slice(&device(), values, values.len())
}

#[test]
fn sorted_nodes_come_before_their_operands() {
    let (x, w) = (vector(&[1.0, 2.0]).tracked(), vector(&[3.0, 4.0]).tracked());
    let constant = vector(&[0.5, 0.25]);
    let hidden = (&x * &w).relu();
    let y = (&hidden * &hidden + hidden.exp() * &constant + &x).sum_all();
    let order = topological_sort(&y);
    assert_eq!(order[0].op, "sum");
    for (place, node) in order.iter().enumerate() {
        assert!(
            node.parents.iter().all(|&parent| parent > place),
            "{place}: {node:?}"
        );
    }
    let count = |op| order.iter().filter(|node| node.op == op).count();
    // x, w, x*w, relu, h*h, exp, exp*c, two additions, and the sum; the constant has no node.
    assert_eq!(
        (order.len(), count("leaf"), count("mul"), count("add")),
        (10, 2, 3, 2)
    );
    assert_eq!(topological_sort(&constant), []);
    let root = topological_sort(&x);
    assert_eq!((root.len(), root[0].op), (1, "leaf"));
}

#[test]
fn a_diamond_counts_every_path() {
    let x = vector(&[3.0]).tracked();
    let twice = &x + &x;
    let y = &(&twice * &x) + &(&twice + &x);
    // 2x^2 + 3x
    let grads = y.sum_all().backward();
    assert_eq!(grads.get(&x).unwrap().to_vec(), [15.0]);
    assert_eq!((grads.len(), grads.is_empty()), (1, false));
}

#[test]
fn contributions_add_up_in_one_fixed_order() {
    // 1e8 and -1e8 cancel only if they meet first; any other order loses the 1.
    let run = || {
        let x = vector(&[1.0]).tracked();
        let parts: Vec<T> = [1e8, 1.0, -1e8, 3.0, 0.5]
            .iter()
            .map(|&c| x.mul_scalar(c))
            .collect();
        let sum = parts
            .iter()
            .skip(1)
            .fold(parts[0].clone(), |sum, part| &sum + part);
        drop(parts);
        sum.backward().get(&x).unwrap().item()
    };
    let first = run();
    // The order of the graph: the last addition's right operand is reached first, or last. Whatever it is, it stays.
    for _ in 0..20 {
        assert_eq!(run().to_bits(), first.to_bits());
    }
    let [ascending, descending] = [[1e8f32, 1.0, -1e8, 3.0, 0.5], [0.5, 3.0, -1e8, 1.0, 1e8]]
        .map(|parts| parts.into_iter().reduce(|sum, part| sum + part).unwrap());
    assert_ne!(ascending, descending);
    assert!(
        first == ascending || first == descending,
        "{first} is neither order"
    );
}

#[test]
fn a_seed_weights_the_result() {
    let x = vector(&[1.0, 2.0, 3.0]).tracked();
    let grads = x.square().backward_with(vector(&[1.0, 10.0, 100.0]));
    assert_eq!(grads.get(&x).unwrap().to_vec(), [2.0, 40.0, 600.0]);
}

#[test]
fn a_leaf_is_its_own_gradient() {
    let x = vector(&[5.0]).tracked();
    assert_eq!(x.clone().backward().get(&x).unwrap().to_vec(), [1.0]);
}

#[test]
fn a_sink_gets_each_leaf_once_and_complete() {
    let leaves: Vec<T> = (1..5).map(|i| vector(&[i as f32]).tracked()).collect();
    let mut y = &leaves[0] * &leaves[1];
    for _ in 0..3 {
        y = &(&y + &leaves[2]) * &leaves[0];
    }
    let y = y + leaves[0].square();
    let whole = y.clone().backward();
    let mut seen = Vec::new();
    let seed = Tensor::ones(&device(), [1]);
    y.try_backward_into(seed, &mut |id, grad| {
        seen.push((id, grad.to_vec()));
        Ok(())
    })
    .unwrap();
    assert_eq!(seen.len(), 3, "the fourth leaf is not used");
    for leaf in &leaves[..3] {
        let id = leaf.leaf_id().unwrap();
        let mine: Vec<_> = seen.iter().filter(|(other, _)| *other == id).collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0].1, whole.get(leaf).unwrap().to_vec());
    }
    assert!(whole.get(&leaves[3]).is_none());
    assert!(vector(&[1.0]).leaf_id().is_none());
}

#[test]
fn an_error_of_the_sink_ends_the_pass() {
    let (a, b) = (vector(&[1.0]).tracked(), vector(&[2.0]).tracked());
    let mut calls = 0;
    let refusal = Error::new(ErrorKind::Device, "sink", "enough");
    let result = (&a * &b).try_backward_into(Tensor::ones(&device(), [1]), &mut |_, _| {
        calls += 1;
        Err(refusal)
    });
    assert_eq!((result, calls), (Err(refusal), 1));
}

#[test]
fn gradients_of_two_passes_add() {
    let (a, b) = (vector(&[2.0]).tracked(), vector(&[7.0]).tracked());
    let mut grads = a.square().backward();
    grads.add((&a * &b).backward());
    assert_eq!(grads.get(&a).unwrap().item(), 11.0);
    assert_eq!(grads.get(&b).unwrap().item(), 2.0);
    assert_eq!(grads.take(&a).unwrap().item(), 11.0);
    assert!(grads.get(&a).is_none() && grads.take(&a).is_none());
    assert_eq!(grads.len(), 1);
}

#[test]
fn a_sum_that_is_refused_keeps_the_gradient() {
    let a = vector(&[2.0]).tracked();
    let mut grads = a.square().backward();
    let mut other = a.square().backward();
    *other.get_mut(&a).unwrap() = vector(&[1.0, 1.0]);
    assert_eq!(grads.try_add(other).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(grads.get(&a).unwrap().item(), 4.0);
}

#[test]
fn a_sum_of_gradients_leaves_its_parts_alone() {
    // One gradient goes to both operands of an addition: what is added to one must not show in the other.
    let (a, b) = (vector(&[1.0, 2.0]).tracked(), vector(&[3.0, 4.0]).tracked());
    let y = (&a + &b) + &a.mul_scalar(10.0);
    let grads = y.sum_all().backward();
    assert_eq!(grads.get(&a).unwrap().to_vec(), [11.0, 11.0]);
    assert_eq!(grads.get(&b).unwrap().to_vec(), [1.0, 1.0]);
}

#[test]
fn detach_stops_the_gradient() {
    let x = vector(&[3.0]).tracked();
    let y = &x * &x.detach();
    assert!(y.is_tracked() && !x.detach().is_tracked());
    assert_eq!(y.backward().get(&x).unwrap().item(), 3.0);
    let fresh = x.tracked();
    let grads = fresh.square().backward();
    assert!(grads.get(&x).is_none(), "a leaf of its own");
    assert_eq!(grads.get(&fresh).unwrap().item(), 6.0);
}

#[test]
fn what_is_held_elsewhere_can_be_differentiated_again() {
    let x = vector(&[0.5, -1.0]).tracked();
    let hidden = x.exp();
    let (first, second) = (hidden.square().sum_all(), (&hidden * &x).sum_all());
    let again = first.clone();
    let a = first.backward().get(&x).unwrap().to_vec();
    let b = again.backward().get(&x).unwrap().to_vec();
    assert_eq!(a, b);
    let c = second.backward().get(&x).unwrap().to_vec();
    let expected = [0.5f32, -1.0].map(|x| x.exp() * (x + 1.0));
    assert!(
        c.iter().zip(expected).all(|(c, e)| (c - e).abs() < 1e-5),
        "{c:?}"
    );
}

#[test]
fn gradients_are_constants() {
    let x = vector(&[2.0]).tracked();
    let grads = x.square().backward();
    assert!(!grads.get(&x).unwrap().is_tracked());
    let y = x.square() * 1.0;
    let seed = x.mul_scalar(2.0);
    let grads = y.backward_with(seed);
    assert!(!grads.get(&x).unwrap().is_tracked());
}

/// A chain of a million additions on a stack that would not hold a recursion over it.
fn chain(then: impl FnOnce(T, &T) + Send + 'static) {
    let run = move || {
        let x = vector(&[1.0]).tracked();
        let mut y = x.clone();
        for _ in 0..1_000_000 {
            y = y.add_scalar(1e-6);
        }
        then(y, &x);
    };
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_million_nodes_are_differentiated() {
    chain(|y, x| {
        assert_eq!(topological_sort(&y).len(), 1_000_001);
        let held = y.clone();
        assert_eq!(y.backward().get(x).unwrap().item(), 1.0);
        assert_eq!(held.backward().get(x).unwrap().item(), 1.0);
    });
}

#[test]
fn a_million_nodes_are_dropped() {
    chain(|y, _| drop(y));
}

#[test]
fn a_deep_and_wide_graph_is_dropped() {
    let run = || {
        let x = vector(&[1.0]).tracked();
        let mut y = x.clone();
        for _ in 0..100_000 {
            // Two parents and a shared one: the graph has 2^100000 paths, and is walked node by node.
            y = (&y + &y).mul_scalar(0.5);
        }
        let held = y.clone();
        assert_eq!(y.backward().get(&x).unwrap().item(), 1.0);
        drop(held);
    };
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn refusals_say_what_to_do() {
    let x = vector(&[1.0, 2.0]).tracked();
    let error = |result: minitorch_core::Result<_>| {
        let error = result
            .map(|_: minitorch_core::autodiff::Gradients<Cpu>| ())
            .unwrap_err();
        (error.kind(), error.to_string())
    };
    assert_eq!(
        error(vector(&[1.0]).try_backward()),
        (
            ErrorKind::Argument,
            "backward: nothing to differentiate: no operand of it is tracked()".into()
        )
    );
    assert_eq!(
        error(x.square().try_backward()),
        (
            ErrorKind::Shape,
            "backward: shape [2] does not fit []; reduce to one element first (sum_all, mean_all), or give a gradient \
             to backward_with"
                .into()
        )
    );
    assert_eq!(
        error(x.square().try_backward_with(vector(&[1.0, 2.0, 3.0]))),
        (
            ErrorKind::Shape,
            "backward: shape [3] does not fit [2]; the gradient needs the shape of the result"
                .into()
        )
    );
}

#[test]
#[should_panic(expected = "reduce to one element first")]
fn the_plain_form_panics_with_the_same_text() {
    let _ = vector(&[1.0, 2.0]).tracked().backward();
}
