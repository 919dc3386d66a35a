//! A device that fails in the middle of work, which the fake driver does on purpose: every operation ends with an error, and
//! nothing is lost but the result. What is not given back ends the process (`tests/fake-cuda/src/faults.h`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use minitorch_core::backend::{View, Window};
use minitorch_core::block::{Backward, Block, Pooling, Saved};
use minitorch_core::fused::Incoming;
use minitorch_core::nn::{Conv2d, Dropout, Flatten, Layer, Linear, MaxPool2d, Module, Relu};
use minitorch_core::nn::{Embedding, try_cross_entropy};
use minitorch_core::ops::{binary, unary};
use minitorch_core::optim::{Adam, Optimizer, clip_grad_norm};
use minitorch_core::reduction::Sum;
use minitorch_core::{
    Backend, Cpu, Error, ErrorKind, Generator, Index, Layout, Result, Shape, Tensor,
};
use minitorch_tests::samples::plain;
use runner::backend::cuda::{Cuda, Missing};

/// More requests than anything here makes: whoever counts as far has found no end.
const MOST: u64 = 1000;

/// The driver, for one test at a time, since it fails for the whole process.
struct Turn {
    _lock: MutexGuard<'static, ()>,
}

impl Turn {
    /// `None` without a C++ compiler, which is said.
    fn take() -> Option<Self> {
        static LOCK: Mutex<()> = Mutex::new(());
        let turn = Self {
            _lock: LOCK.lock().unwrap_or_else(PoisonError::into_inner),
        };
        minitorch_fake_cuda::load().then_some(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        minitorch_fake_cuda::fail("", 0);
    }
}

/// What `f` gives while the driver fails.
fn failing<T>(kind: &str, at: u64, f: impl FnOnce() -> Result<T>) -> Result<T> {
    minitorch_fake_cuda::fail(kind, at);
    let result = f();
    minitorch_fake_cuda::fail("", 0);
    result
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

type Network<B> = ((Conv2d<B>, Relu, MaxPool2d), (Flatten, Dropout), Linear<B>);

/// Three steps of a small network of images; the weights at the end, as bits.
fn train<B: Backend<Elem = f32>>(device: &B) -> Result<Vec<u32>> {
    let mut rng = Generator::new(1);
    let conv = Conv2d::new(device, 2, 3, [3, 3], &mut rng)?;
    let pool = MaxPool2d::new([2, 2]);
    let dropout = Dropout::new(0.25, &mut rng)?;
    let linear = Linear::new(device, 27, 4, &mut rng)?;
    let mut network: Network<B> = ((conv, Relu, pool), (Flatten, dropout), linear);
    let mut adam = Adam::new(0.01).weight_decay(0.1);
    for step in 0..3 {
        let images: Vec<f32> = (0..5 * 2 * 64).map(|at| plain(step, at)).collect();
        let images = Tensor::try_from_slice(device, &images, [5, 2, 8, 8])?;
        let labels = Index::new(device, &[0, 3, 1, 2, 2])?;
        let loss = try_cross_entropy(&network.try_forward(&images)?, &labels)?;
        let mut grads = loss.try_backward()?;
        clip_grad_norm(&network, &mut grads, 0.5)?;
        adam.try_step(&mut network, grads)?;
    }
    let mut weights = Vec::new();
    network.each_param(&mut |_, param| {
        weights.extend(bits(&param.value().try_to_vec()?));
        Ok(())
    })?;
    Ok(weights)
}

#[test]
fn training_survives_the_end_of_memory_at_every_allocation() {
    let Some(_turn) = Turn::take() else { return };
    let expected = train(&Cpu::default()).expect("the processor");
    let device = Cuda::open(0).expect("a fake device");
    assert_eq!(train(&device), Ok(expected.clone()));
    let fails = |at: &u64| {
        // A device of its own keeps no memory from the runs before.
        let device = Cuda::open(0).expect("a fake device");
        let error = match failing("alloc", *at, || train(&device)) {
            Ok(weights) => {
                assert_eq!(weights, expected);
                return false;
            }
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
        // The same device goes on, with what it kept.
        assert_eq!(train(&device), Ok(expected.clone()), "after {at}: {error}");
        true
    };
    let failed = (1..MOST).take_while(fails).count();
    assert!((20..500).contains(&failed), "{failed} allocations");
}

#[test]
fn memory_that_is_missing_for_a_moment_changes_nothing() {
    let Some(_turn) = Turn::take() else { return };
    let expected = train(&Cpu::default());
    for at in (1..100).step_by(7) {
        let device = Cuda::open(0).expect("a fake device");
        // What the pool keeps is given back, and then there is enough.
        assert_eq!(failing("alloc-once", at, || train(&device)), expected);
    }
}

#[test]
fn a_kernel_that_fails_ends_in_an_error_and_the_processor_goes_on() {
    let Some(_turn) = Turn::take() else { return };
    let expected = train(&Cpu::default());
    for (kind, what) in [("launch", "a kernel failed"), ("lost", "is lost")] {
        let fails = |at: &u64| {
            let device = Cuda::open(0).expect("a fake device");
            minitorch_fake_cuda::fail(kind, *at);
            let Err(error) = train(&device) else {
                return false;
            };
            let says = |error: Error| {
                assert_eq!(error.kind(), ErrorKind::Device, "{error}");
                assert!(error.to_string().contains(what), "{error}");
            };
            says(error);
            // It does not recover, and a new handle says why.
            says(train(&device).expect_err("a broken device"));
            let Err(Missing::Fault(fault)) = Cuda::open(0) else {
                panic!("a broken device opens");
            };
            assert!(fault.what.contains(what), "{fault:?}");
            assert_eq!(train(&Cpu::default()), expected);
            minitorch_fake_cuda::fail("", 0);
            true
        };
        let launches = (1..MOST).find(|at| !fails(at)).expect("an end");
        assert!((100..MOST).contains(&launches), "{launches} launches");
        minitorch_fake_cuda::fail("", 0);
    }
}

/// An operation of the backend, without its result.
type Operation<'a> = (&'static str, Box<dyn Fn() -> Result<()> + 'a>);

/// Every method of [`Backend`] that needs the device, on small operands.
fn operations<'a>(
    device: &'a Cuda,
    x: &'a <Cuda as Backend>::Buffer,
    index: &'a <Cuda as Backend>::Index,
) -> Vec<Operation<'a>> {
    fn operation<'a, T>(name: &'static str, f: impl Fn() -> Result<T> + 'a) -> Operation<'a> {
        (name, Box::new(move || f().map(drop)))
    }
    let view =
        |shape: Shape| View::<Cuda>::new(x, Layout::contiguous(shape).expect("a small shape"));
    let image = view([2, 3, 4, 4].into());
    let small = view([2, 3, 2, 2].into());
    let window = |kernel, stride, output| Window {
        kernel,
        stride,
        before: [0, 0],
        input: [4, 4],
        output,
    };
    let conv = window([3, 3], [1, 1], [2, 2]);
    let pool = window([2, 2], [2, 2], [2, 2]);
    let block = Block {
        conv,
        relu: true,
        pool: Some(Pooling::Max(Window {
            input: [2, 2],
            output: [1, 1],
            ..pool
        })),
    };
    let weight = view([3, 3, 3, 3].into());
    let matrix = view([8, 12].into());
    let own = move || device.full(96, 1.0);
    let out = Layout::contiguous([8, 12]).expect("a small shape");
    let rng = || Generator::new(3);
    vec![
        operation("upload", || device.upload(&[1.0, 2.0])),
        operation("upload_index", || device.upload_index(&[1, 2])),
        operation("full", own),
        operation("write", move || device.write(&mut own()?, &[1.0])),
        operation("download", || device.download(x, &mut [0.0; 4])),
        operation("download_index", || {
            device.download_index(index, &mut [0; 4])
        }),
        operation("map", move || device.map(unary::Exp, [matrix])),
        operation("update", move || {
            device.update(binary::Add, &mut own()?, &out, [matrix])
        }),
        operation("assign", move || device.assign(&mut own()?, &out, matrix)),
        operation("reduce", move || device.reduce(Sum, matrix, &[true, false])),
        operation("reduce all", move || {
            device.reduce(Sum, matrix, &[true, true])
        }),
        operation("arg_max", move || device.arg_max(view([2, 3, 16].into()))),
        operation("matmul", move || {
            device.matmul(matrix, view([12, 5].into()))
        }),
        operation("rows", move || device.rows(matrix, index, 4)),
        operation("rows_add", move || {
            device.rows_add(view([4, 12].into()), index, 8)
        }),
        operation("pick", move || device.pick(view([2, 8, 2].into()), index)),
        operation("place", move || device.place(view([2, 2].into()), index, 8)),
        operation("place_matmul", move || {
            device.place_matmul(view([2, 2].into()), index, 8, view([16, 3].into()))
        }),
        operation("uniform", move || device.uniform(96, &rng())),
        operation("normal", move || device.normal(96, &rng())),
        operation("conv2d", move || device.conv2d(image, weight, &conv)),
        operation("conv2d_input_grad", move || {
            device.conv2d_input_grad(small, weight, &conv)
        }),
        operation("conv2d_weight_grad", move || {
            device.conv2d_weight_grad(image, small, &conv)
        }),
        operation("conv_block", move || {
            device.conv_block(image, weight, Some(view([3, 1, 1].into())), &block, true)
        }),
        operation("conv_block_grad", move || {
            let given = Backward {
                x: image,
                weight,
                saved: Saved::Kept(small.buffer),
                g: Incoming::Shared(view([2, 3, 1, 1].into())),
            };
            device.conv_block_grad(given, &block, [true; 3])
        }),
        operation("avg_pool2d", move || device.avg_pool2d(image, &pool)),
        operation("avg_pool2d_grad", move || {
            device.avg_pool2d_grad(small, &pool)
        }),
        operation("max_pool2d", move || device.max_pool2d(image, &pool)),
        operation("max_pool2d_grad", move || {
            device.max_pool2d_grad(image, small, &pool)
        }),
    ]
}

#[test]
fn every_operation_survives_the_end_of_memory_and_a_kernel_that_fails() {
    let Some(_turn) = Turn::take() else { return };
    const OPERATIONS: usize = 29;
    for (kind, expected, least) in [
        // All but what copies alone.
        ("alloc", ErrorKind::Memory, OPERATIONS - 2),
        ("launch", ErrorKind::Device, OPERATIONS - 4),
        ("lost", ErrorKind::Device, OPERATIONS - 4),
    ] {
        let mut failing_operations = 0;
        for number in 0..OPERATIONS {
            let mut failed = 0;
            for at in 1..MOST {
                // Made anew, so that it keeps no memory and nothing of it is broken.
                let device = Cuda::open(1).expect("a fake device");
                let data: Vec<f32> = (0..96).map(|at| plain(5, at)).collect();
                let x = device.upload(&data).expect("memory");
                let index = device.upload_index(&[0, 5, 5, 7]).expect("memory");
                let operations = operations(&device, &x, &index);
                assert_eq!(operations.len(), OPERATIONS);
                let (name, run) = &operations[number];
                let result = failing(kind, at, || {
                    // A failed kernel is noticed by what waits for it.
                    run().and_then(|()| device.download(&x, &mut [0.0]))
                });
                let Err(error) = result else { break };
                assert_eq!(error.kind(), expected, "{name}, {kind}:{at}: {error}");
                let again = run().and_then(|()| device.download(&x, &mut [0.0]));
                // Without memory nothing was lost. A kernel that failed may have been queued, which the device then keeps
                // telling of; the next turn opens it anew.
                if kind == "alloc" {
                    again.unwrap_or_else(|error| panic!("{name} after {kind}:{at}: {error}"));
                }
                failed += 1;
            }
            assert!(failed < 12, "{kind} in operation {number}: {failed}");
            failing_operations += usize::from(failed > 0);
        }
        assert_eq!(failing_operations, least, "{kind}");
    }
}

#[test]
fn a_device_without_memory_for_its_kernels_says_so() {
    let Some(_turn) = Turn::take() else { return };
    for at in [1, 2] {
        minitorch_fake_cuda::fail("alloc", at);
        let Err(Missing::Fault(fault)) = Cuda::open(0) else {
            panic!("a device opens without its kernels");
        };
        assert_eq!(fault.what, "the CUDA device has no memory left");
        assert!(fault.remedy.contains("nvidia-smi"));
    }
    minitorch_fake_cuda::fail("", 0);
    Cuda::open(0).expect("a fake device");
}

#[test]
fn a_lookup_survives_the_end_of_memory() {
    let Some(_turn) = Turn::take() else { return };
    let step = |device: &Cuda| {
        let embedding = Embedding::new(device, 10, 4, &mut Generator::new(2))?;
        let words = Index::new(device, &[1, 9, 1])?;
        let rows = embedding.try_forward(&words)?;
        let grads = rows.try_square()?.try_sum_all()?.try_backward()?;
        let grad = grads.get(embedding.weight.leaf()).map(Tensor::try_to_vec);
        grad.transpose()
    };
    let device = Cuda::open(0).expect("a fake device");
    let expected = step(&device).expect("a gradient");
    assert!(expected.is_some());
    let succeeds = |&at: &u64| {
        let device = Cuda::open(0).expect("a fake device");
        let result = failing("alloc", at, || step(&device));
        assert_eq!(step(&device).as_ref(), Ok(&expected));
        match result {
            Ok(grad) => {
                assert_eq!(grad, expected);
                true
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Memory);
                false
            }
        }
    };
    let at = (1..MOST).find(succeeds).expect("an end");
    assert!(at > 3, "{at}");
}
