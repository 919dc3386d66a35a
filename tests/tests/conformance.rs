//! One run, one hash: every operation of the CPU backend gives the bits of its definition, whatever the instruction
//! set, the number of threads and the layout of its operands.

use minitorch_core::Cpu;
use minitorch_tests::conformance::{
    block, elementwise, empty, in_place, index, linear, matmul, reduce, softmax, spatial,
};
use minitorch_tests::devices::cpus;

/// For the default methods of a backend.
#[path = "../../core/tests/exact/mod.rs"]
mod exact;

#[test]
fn without_elements_by_default_methods() {
    empty::operations(&[exact::Reference(Cpu::<f32>::default())]);
}

macro_rules! every_configuration {
    ($($name:ident = $check:path;)*) => {$(
        mod $name {
            #[test]
            fn f32() {
                $check(&super::cpus::<f32>());
            }
            #[test]
            fn f64() {
                $check(&super::cpus::<f64>());
            }
        }
    )*};
}

every_configuration! {
    unary = super::elementwise::unary;
    binary = super::elementwise::binary;
    assign = super::in_place::assign;
    update = super::in_place::update;
    sequences = super::in_place::sequences;
    reductions = super::reduce::reductions;
    arg_max = super::reduce::arg_max;
    matrices = super::matmul::matmul;
    log_softmax = super::softmax::log_softmax;
    nll = super::softmax::nll;
    rows = super::index::rows;
    pick_and_place = super::index::pick_and_place;
    place_matmul = super::index::place_matmul;
    random = super::index::random;
    dropout = super::index::dropout;
    linear_layers = super::linear::linear;
    convolution = super::spatial::convolution;
    pooling = super::spatial::pooling;
    blocks = super::block::block;
    without_elements = super::empty::operations;
}
