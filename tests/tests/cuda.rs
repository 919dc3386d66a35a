//! The CUDA backend gives the bits of the definitions, as the other backends do: the same checks, on the two devices of the
//! fake driver, which run the kernels' threads in opposite orders.

use minitorch_tests::conformance::{elementwise, in_place, index, matmul, reduce, spatial};
use runner::backend::cuda::Cuda;

/// The devices, or none without a C++ compiler, which is said.
fn devices() -> Option<Vec<Cuda>> {
    minitorch_fake_cuda::load()
        .then(|| [0, 1].map(|number| Cuda::open(number).expect("a fake device")))
        .map(Vec::from)
}

macro_rules! conforms {
    ($($name:ident = $check:path;)*) => {$(
        #[test]
        fn $name() {
            if let Some(devices) = devices() {
                $check(&devices);
            }
        }
    )*};
}

conforms! {
    unary = elementwise::unary;
    binary = elementwise::binary;
    assign = in_place::assign;
    update = in_place::update;
    reductions = reduce::reductions;
    arg_max = reduce::arg_max;
    matrices = matmul::matmul;
    rows = index::rows;
    pick_and_place = index::pick_and_place;
    random = index::random;
    convolution = spatial::convolution;
    pooling = spatial::pooling;
}
