//! Without memory, what returns a `Result` returns an error.

mod memory;

use memory::with_allocations;
use minitorch_core::autodiff::check;
use minitorch_core::{Cpu, ErrorKind, Index, Tensor};

#[test]
fn downloads_need_memory() {
    let index = Index::new(&Cpu::<f32>::default(), &[3, 1]).unwrap();
    let error = with_allocations(0, || index.try_to_vec().err());
    assert_eq!(error.unwrap().kind(), ErrorKind::Memory);
    assert_eq!(index.to_vec(), [3, 1]);
    let x = Tensor::ones(&Cpu::<f32>::default(), [2]);
    let error = with_allocations(0, || x.try_to_vec().err());
    assert_eq!(error.unwrap().kind(), ErrorKind::Memory);
}

#[test]
fn checks_need_memory() {
    let x = Tensor::ones(&Cpu::<f64>::default(), [2]);
    for allocations in 0..3 {
        let error = with_allocations(allocations, || check::gradients(&|[x]| x.try_exp(), [&x]));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Memory);
    }
}
