//! Which results have a history, and what it keeps alive.

use minitorch_core::{Cpu, Tensor};

#[test]
fn comparisons_have_no_history() {
    let x: Tensor = Tensor::ones(&Cpu::default(), [3]).tracked();
    for result in [x.lt(&x), x.le(&x), x.gt(&x), x.ge(&x), x.eq(&x), x.ne(&x)] {
        assert!(!result.is_tracked());
    }
    assert!(x.add(&x).is_tracked() && x.maximum(&x.detach()).is_tracked());
}
