//! The CUDA backend gives the bits of the definitions, as the other backends do: the same checks, on the two devices of the
//! fake driver, which run the kernels' threads in opposite orders; with the environment variable `MINITORCH_GPU`, on the
//! first device of the driver that is installed (scripts/gpu.sh).

use minitorch_core::backend::View;
use minitorch_core::isa::Isa;
use minitorch_core::ops::Op;
use minitorch_core::{Backend, Cpu, Element, ErrorKind, Index, Layout, Tensor};
use minitorch_tests::conformance::{
    block, elementwise, empty, in_place, index, linear, matmul, reduce, softmax, spatial,
};
use minitorch_tests::oracle;
use minitorch_tests::real::assert_same;
use minitorch_tests::samples::special;
use runner::backend::cuda::{self, Cuda};

/// The devices, or none without a C++ compiler, which is said.
fn devices() -> Option<Vec<Cuda>> {
    let open = |number| Cuda::open(number).expect("a device");
    if real() {
        return Some(vec![open(0)]);
    }
    minitorch_fake_cuda::load().then(|| [0, 1].map(open).into())
}

/// Whether the tests are to run on a GPU.
fn real() -> bool {
    std::env::var_os("MINITORCH_GPU").is_some()
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
    sequences = in_place::sequences;
    reductions = reduce::reductions;
    arg_max = reduce::arg_max;
    matrices = matmul::matmul;
    log_softmax = softmax::log_softmax;
    nll = softmax::nll;
    rows = index::rows;
    pick_and_place = index::pick_and_place;
    place_matmul = index::place_matmul;
    random = index::random;
    dropout = index::dropout;
    linear_layers = linear::linear;
    convolution = spatial::convolution;
    pooling = spatial::pooling;
    blocks = block::block;
    without_elements = empty::operations;
}

#[test]
fn products_of_large_matrices_have_edges() {
    // Enough for the kernel of large squares, around their side and the depth of their tiles.
    for [batch, i, k, j] in [
        [1, 512, 16, 512],
        [1, 513, 3, 520],
        [20, 70, 37, 65],
        [70, 64, 15, 33],
        [64, 5, 0, 7],
    ] {
        let left: Vec<f32> = (0..batch * i * k).map(|at| special(1, at)).collect();
        let right: Vec<f32> = (0..batch * k * j).map(|at| special(2, at)).collect();
        let expected = oracle::matmul(&left, &right, [batch, i, k, j]);
        for device in devices().into_iter().flatten() {
            let a = Tensor::from_slice(&device, &left, [batch, i, k]);
            let b = Tensor::from_slice(&device, &right, [batch, k, j]);
            let case = || format!("{:?} on {device:?}", [batch, i, k, j]);
            assert_same(&a.matmul(&b).to_vec(), &expected, &case);
            // The same with operands whose rows and columns are swapped in memory.
            let [a, b] = [a, b].map(|x| x.transpose(1, 2).contiguous().transpose(1, 2));
            assert_same(&a.matmul(&b).to_vec(), &expected, &case);
        }
    }
}

#[test]
fn an_operation_of_your_own_needs_a_compiler_which_is_said() {
    #[derive(Clone, Copy)]
    struct Softplus;
    impl Op<1> for Softplus {
        const NAME: &'static str = "softplus";
        const C: &'static str = "mt_log(1 + mt_exp(x0))";
        fn eval<I: Isa, E: Element>(self, [x]: [E; 1]) -> E {
            (E::ONE + x.exp::<I>()).log::<I>()
        }
    }
    for device in devices().into_iter().flatten() {
        let x = device.full(3, 1.0).expect("three numbers");
        let view = View::new(&x, Layout::contiguous([3]).expect("a shape"));
        let made = device.map(Softplus, [view]);
        if real() && cuda::compiler() {
            let mut out = [0.0; 3];
            let read = made.and_then(|made| device.download(&made, &mut out));
            assert_eq!(read, Ok(()));
            let expected = Tensor::from_slice(&Cpu::default(), &[1.0f32; 3], [3]);
            assert_same(
                &out,
                &expected.exp().add_scalar(1.0).log().to_vec(),
                &|| "softplus".into(),
            );
            continue;
        }
        let error = made.unwrap_err();
        assert_eq!((error.kind(), error.op()), (ErrorKind::Device, "softplus"));
        // The fake driver has no kernel for what is compiled now, either.
        if !cuda::compiler() {
            let said = error.to_string();
            assert!(
                said.contains("no NVRTC here") && said.ends_with("or use a CPU"),
                "{said}"
            );
        }
    }
}

#[test]
fn views_of_more_elements_than_kernels_count_are_errors() {
    for device in devices().into_iter().flatten() {
        let one = Tensor::ones(&device, [1, 1]);
        let expand = |shape: [usize; 2]| one.try_expand(shape).expect("a view");
        let size = |result: minitorch_core::Result<Tensor<Cuda>>| {
            let error = result.expect_err("too many elements");
            assert_eq!(error.kind(), ErrorKind::Size, "{error}");
        };
        // From the last block of a sum on.
        for shape in [
            [(1 << 16) - 1, (1 << 16) + 1],
            [1 << 16, 1 << 16],
            [1, 1 << 33],
        ] {
            let x = expand(shape);
            size(x.try_sum_all());
            size(x.try_sum(&[0]));
            size(x.try_max_all());
            size(x.try_matmul(&expand([shape[1], 1])));
            size(x.try_exp());
        }
        // A lookup whose result is larger than a buffer.
        let index = Index::new(&device, &[0; 1 << 10]).expect("numbers");
        size(expand([1, 1 << 21]).try_rows(&index));
        // The gradient of a loss over labels, of which there may be few.
        let labels = device.upload_index(&[0; 1 << 16]).expect("numbers");
        let number = device.full(1, 1.0).expect("a number");
        let g = View::new(&number, Layout::contiguous([]).expect("a shape"));
        for shape in [
            [1 << 16, 1 << 16],
            [1, 1 << 31],
            [1, 1 << 33],
            [3, usize::MAX / 3],
        ] {
            let error = device
                .nll_grad(g, &labels, shape)
                .expect_err("too many elements");
            assert_eq!(error.kind(), ErrorKind::Size, "{error}");
        }
        assert_eq!(one.sum_all().item(), 1.0);
    }
}

#[test]
#[ignore = "billions of additions; scripts/gpu.sh runs it"]
fn a_sum_may_be_of_more_than_two_to_the_31_elements() {
    // Sums of 512 ones are added, which is exact below 2^33.
    const MORE: usize = (1 << 31) + 3 * 512;
    for device in devices().into_iter().flatten() {
        let one = Tensor::ones(&device, [1, 1]);
        let all = one.expand([1, MORE]).sum_all();
        assert_eq!(all.item(), MORE as f32);
        let rows = one.expand([3, MORE / 2]).sum(&[1]);
        assert_eq!(rows.to_vec(), [(MORE / 2) as f32; 3]);
        // One thread for each output.
        let columns = one.expand([1 << 10, 1 << 21]).sum(&[0]);
        assert!(columns.to_vec().iter().all(|&sum| sum == 1024.0));
    }
}

#[test]
fn what_does_not_fit_is_an_error_and_the_device_goes_on() {
    for device in devices().into_iter().flatten() {
        let error = Tensor::try_zeros(&device, [1 << 31]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Size);
        assert_eq!(
            error.to_string(),
            "allocate: [2147483648]: a buffer of a CUDA device has less than 2^31 numbers"
        );
        assert_eq!(Tensor::ones(&device, [3]).sum_all().item(), 3.0);
    }
}
