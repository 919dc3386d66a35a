//! What MiniTorch's tests draw from: small numbers, shapes of one to four short axes, tensors in permuted memory.

// Every test file compiles this module for itself, and none needs all of it.
#![allow(dead_code)]

use minitorch_core::autodiff::check;
use minitorch_core::{Backend, Cpu, Element, Shape, Tensor};
use minitorch_tests::math_functions::is_smooth;
use proptest::prelude::*;
use std::ops::RangeInclusive;

pub(crate) type T = Tensor<Cpu<f64>>;

/// A configuration that leaves no files behind.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// MiniTorch's small floats.
pub(crate) fn small() -> RangeInclusive<f64> {
    -100.0..=100.0
}

/// One to four axes of sizes 1 to 3.
pub(crate) fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..=3usize, 1..=4)
}

/// A tensor that is to be made, on any device.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    /// The elements in the order of memory.
    pub(crate) values: Vec<f64>,
    pub(crate) shape: Vec<usize>,
    /// The axes in the order of memory, outermost first.
    pub(crate) order: Vec<usize>,
}

impl Drawn {
    pub(crate) fn on<B: Backend>(&self, device: &B) -> Tensor<B> {
        let mut inverse = vec![0; self.order.len()];
        for (place, &axis) in self.order.iter().enumerate() {
            inverse[axis] = place;
        }
        let memory: Vec<usize> = self.order.iter().map(|&axis| self.shape[axis]).collect();
        let values: Vec<B::Elem> = self.values.iter().map(|&x| B::Elem::from_f64(x)).collect();
        Tensor::from_slice(device, &values, Shape::new(&memory).unwrap()).permute(&inverse)
    }

    fn here(self) -> T {
        self.on(&Cpu::<f64>::default())
    }
}

/// The order in which the axes of a tensor lie in memory.
pub(crate) fn orders(rank: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..rank).collect::<Vec<_>>()).prop_shuffle()
}

/// Tensors of one shape, in memory of any order.
pub(crate) fn drawn(shape: &[usize]) -> impl Strategy<Value = Drawn> + use<> {
    let shape = shape.to_vec();
    let values = prop::collection::vec(small(), shape.iter().product::<usize>());
    (values, orders(shape.len())).prop_map(move |(values, order)| Drawn {
        values,
        shape: shape.clone(),
        order,
    })
}

/// The same, on the calling thread.
pub(crate) fn tensor(shape: &[usize]) -> impl Strategy<Value = T> + use<> {
    drawn(shape).prop_map(Drawn::here)
}

/// Tensors of any shape, in memory of any order.
pub(crate) fn tensors() -> impl Strategy<Value = T> {
    shapes().prop_flat_map(|shape| tensor(&shape))
}

/// Two tensors of one shape; each lies in memory in an order of its own.
pub(crate) fn drawn_pairs() -> impl Strategy<Value = [Drawn; 2]> {
    shapes().prop_flat_map(|shape| [drawn(&shape), drawn(&shape)])
}

/// The same, on the calling thread.
pub(crate) fn pairs() -> impl Strategy<Value = [T; 2]> {
    drawn_pairs().prop_map(|pair| pair.map(Drawn::here))
}

/// The element at `index`.
pub(crate) fn at(tensor: &T, index: &[usize]) -> f64 {
    let element = index
        .iter()
        .fold(tensor.clone(), |rest, &i| rest.select(0, i));
    element.item()
}

/// Compares gradients with central differences. These lose half of the digits of the sums that they are taken of, hence
/// MiniTorch's own tolerance; tests hold gradients to the bit where there is a second definition of them.
#[track_caller]
pub(crate) fn right<const N: usize>(name: &str, f: &dyn Fn([&T; N]) -> T, operands: [&T; N]) {
    let worst = check::gradients(&|operands| Ok(f(operands)), operands).unwrap();
    assert!(worst.error < 1e-2, "{name}: {worst:?} at {operands:?}");
}

/// The gradients of a function of two operands; a comparison has none and records nothing.
#[track_caller]
pub(crate) fn right_two(name: &str, f: fn(&T, &T) -> T, a: &T, b: &T) {
    if ["lt2", "gt2", "eq2"].contains(&name) {
        assert!(!f(&a.tracked(), &b.tracked()).is_tracked(), "{name}");
    } else if b.to_vec().iter().all(|&y| is_smooth(name, &[0.0, y])) {
        right(name, &|[a, b]| f(a, b), [a, b]);
    }
}
