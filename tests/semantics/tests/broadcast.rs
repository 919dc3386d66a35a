//! Properties of broadcasting and indexing, against definitions that are as short as the words.

use minitorch_core::indexing::{Indices, broadcast_index, index_to_position, to_index};
use minitorch_core::shape::shape_broadcast;
use minitorch_core::{Cpu, ErrorKind, Layout, Shape, Tensor};
use minitorch_tests::oracle::{indices, place};
use proptest::prelude::*;
use proptest::sample::select;

fn sizes(most: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(select(vec![0, 1, 1, 2, 3, 4]), 0..=most)
}

/// The size of axis `from_right`, where missing axes have size 1.
fn size(shape: &[usize], from_right: usize) -> usize {
    shape
        .len()
        .checked_sub(from_right + 1)
        .map_or(1, |axis| shape[axis])
}

/// The rule, axis by axis: equal sizes, or one of them is 1.
fn naive_broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    (0..a.len().max(b.len()))
        .rev()
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shapes_broadcast_axis_by_axis(a in sizes(6), b in sizes(6)) {
        let result = shape_broadcast(&a, &b);
        prop_assert_eq!(result.ok().map(|shape| shape.to_vec()), naive_broadcast(&a, &b));
        prop_assert_eq!(result.ok(), shape_broadcast(&b, &a).ok());
        if let Err(error) = result {
            prop_assert_eq!(error.kind(), ErrorKind::Broadcast);
        }
    }

    #[test]
    fn more_than_six_axes_are_refused(a in prop::collection::vec(1..3usize, 7..9), b in sizes(6)) {
        prop_assert_eq!(shape_broadcast(&a, &b).unwrap_err().kind(), ErrorKind::Rank);
        prop_assert_eq!(shape_broadcast(&b, &a).unwrap_err().kind(), ErrorKind::Rank);
        prop_assert_eq!(Shape::new(&a).unwrap_err().kind(), ErrorKind::Rank);
    }

    #[test]
    fn an_index_and_its_position_are_one(shape in sizes(6)) {
        let layout = Layout::contiguous(Shape::new(&shape).unwrap()).unwrap();
        let count: usize = shape.iter().product();
        let mut index = vec![usize::MAX; shape.len()];
        for ordinal in 0..count {
            to_index(ordinal, &shape, &mut index);
            prop_assert!(index.iter().zip(&shape).all(|(index, size)| index < size));
            prop_assert_eq!(index_to_position(&index, layout.strides()), ordinal);
        }
        let listed = Indices::new(*layout.shape());
        prop_assert_eq!(listed.len(), count);
        let all: Vec<Vec<usize>> = listed.map(|index| index.to_vec()).collect();
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "row-major order is the order of the indices");
        prop_assert_eq!(all.len(), count);
    }

    #[test]
    fn a_broadcast_index_reads_axes_of_one_at_0(big in sizes(6), keep in prop::collection::vec(any::<bool>(), 6), rank in 0..7usize) {
        let rank = rank.min(big.len());
        let lead = big.len() - rank;
        let small: Vec<usize> = (0..rank).map(|axis| if keep[axis] { big[lead + axis] } else { 1 }).collect();
        for big_index in indices(&big) {
            let mut index = vec![usize::MAX; rank];
            broadcast_index(&big_index, &big, &small, &mut index).unwrap();
            for axis in 0..rank {
                let expected = if small[axis] == 1 { 0 } else { big_index[lead + axis] };
                prop_assert_eq!(index[axis], expected);
            }
        }
    }

    #[test]
    fn operators_broadcast_as_the_indices_say(a in sizes(4), b in sizes(4)) {
        let device: Cpu<f64> = Cpu::default();
        let make = |shape: &[usize], start: f64| {
            let count = shape.iter().product();
            Tensor::arange(&device, start, count, 1.0).reshape(Shape::new(shape).unwrap())
        };
        let (x, y) = (make(&a, 1.0), make(&b, 1000.0));
        let Some(shape) = naive_broadcast(&a, &b) else {
            prop_assert_eq!(x.try_mul(&y).unwrap_err().kind(), ErrorKind::Broadcast);
            return Ok(());
        };
        let out = x.mul(&y);
        prop_assert_eq!(out.shape().to_vec(), shape.clone());
        let (x, y, out) = (x.to_vec(), y.to_vec(), out.to_vec());
        for (at, index) in indices(&shape).enumerate() {
            let read = |values: &[f64], small: &[usize]| {
                let mut own = vec![0; small.len()];
                broadcast_index(&index, &shape, small, &mut own).unwrap();
                values[place(&own, small)]
            };
            prop_assert_eq!(out[at], read(&x, &a) * read(&y, &b));
        }
    }
}

#[test]
fn broadcast_index_refuses_lengths_that_do_not_fit() {
    let refused = |big_index: &[usize], big: &[usize], small: &[usize], length: usize| {
        let error = broadcast_index(big_index, big, small, &mut vec![0; length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rank);
    };
    refused(&[0, 0], &[2, 3], &[1, 2, 3], 3);
    refused(&[0], &[2, 3], &[3], 1);
    refused(&[0, 0], &[2, 3], &[3], 2);
}
