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

/// What PyTorch gives.
#[test]
fn sums_of_exponentials_at_infinities() {
    for (values, expected) in [
        ([-INF, -INF], -INF),
        ([INF, 0.0], INF),
        ([INF, -INF], INF),
        ([INF, INF], INF),
        ([-INF, 3.0], 3.0),
        ([1e30, 1e30], 1e30),
    ] {
        assert_eq!(row(&values).logsumexp(0).item(), expected, "{values:?}");
    }
    assert!(row(&[f32::NAN, INF]).logsumexp(0).item().is_nan());
    // No shares exist there, and the one of a NaN is not made up either.
    for values in [[-INF, -INF], [INF, INF]] {
        let x = row(&values);
        for shares in [x.softmax(0), x.log_softmax(0)] {
            assert!(shares.to_vec().iter().all(|x| x.is_nan()), "{values:?}");
        }
    }
}
