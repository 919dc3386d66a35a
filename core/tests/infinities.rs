//! Reductions whose operands are infinite, or overflow on the way.

use minitorch_core::{Cpu, Tensor};

const INF: f32 = f32::INFINITY;

fn row(values: &[f32]) -> Tensor {
    Tensor::from_slice(&Cpu::default(), values, values.len())
}

#[test]
fn other_factors_that_overflow_leave_nothing_beside_a_zero() {
    for (factors, expected) in [
        ([0.0, 1e30, 1e30], [INF, 0.0, 0.0]),
        ([0.0, 0.0, INF], [0.0, 0.0, 0.0]),
        ([2.0, 0.0, -3.0], [0.0, -6.0, 0.0]),
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
    ] {
        let x = row(&factors).tracked();
        let grads = x.prod(&[0]).backward();
        assert_eq!(grads.get(&x).unwrap().to_vec(), expected, "{factors:?}");
    }
}
