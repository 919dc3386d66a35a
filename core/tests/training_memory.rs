//! Training does not grow: live memory stays flat, and a plain step of gradient descent allocates nothing.

use minitorch_core::nn::{Conv2d, Dropout, Flatten, Layer, Linear, MaxPool2d, Module, Relu};
use minitorch_core::nn::{cross_entropy, mse};
use minitorch_core::optim::{Adam, Optimizer, Sgd};
use minitorch_core::{Cpu, Generator, Index, Padding, Tensor};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count of live bytes and of allocations.
struct Counting;

// Of each thread by itself: what the test harness allocates on its own thread is not training's. Constant and without a
// destructor, so that reading them allocates nothing.
thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: all is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + layout.size() as isize);
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn plain_steps_allocate_nothing() {
    let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(1));
    let mut net = (
        Linear::new(&dev, 20, 30, &mut rng).unwrap(),
        Relu,
        Linear::new(&dev, 30, 1, &mut rng).unwrap(),
    );
    let x = Tensor::rand(&dev, [16, 20], &mut rng);
    let y = Tensor::rand(&dev, [16, 1], &mut rng);
    let (mut sgd, mut adam) = (Sgd::new(0.01), Adam::new(0.01));
    for step in 0..20 {
        let optimizers: [&mut dyn Optimizer<Cpu>; 2] = [&mut sgd, &mut adam];
        for optimizer in optimizers {
            let grads = mse(&net.forward(&x), &y).backward();
            let before = ALLOCATIONS.get();
            optimizer.step(&mut net, grads);
            let count = ALLOCATIONS.get() - before;
            // The first steps make the optimiser's memory and the lists of the buffer pool.
            assert!(step < 3 || count == 0, "step {step}: {count} allocations");
        }
    }
}

#[test]
fn live_memory_is_flat() {
    let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(2));
    let conv = Conv2d::new(&dev, 1, 2, [3, 3], &mut rng).unwrap();
    let mut net = (
        conv.padding(Padding::MiniTorch),
        Relu,
        MaxPool2d::new([2, 2]),
        Flatten,
        Dropout::new(0.25, &mut rng).unwrap(),
        Linear::new(&dev, 18, 3, &mut rng).unwrap(),
    );
    let mut optimizer = Adam::new(0.001);
    let mut x = Tensor::zeros(&dev, [4, 1, 6, 6]);
    let labels = Index::new(&dev, &[0, 1, 2, 1]).unwrap();
    let mut step = |step: u64| {
        let values: Vec<f32> = (0..144).map(|i| ((i * 7 + step) % 13) as f32).collect();
        x.try_write(&values).unwrap();
        let loss = cross_entropy(&net.forward(&x), &labels);
        let grads = loss.backward();
        let before = ALLOCATIONS.get();
        optimizer.step(&mut net, grads);
        let count = ALLOCATIONS.get() - before;
        assert!(step < 3 || count == 0, "step {step}: {count} allocations");
        if step.is_multiple_of(100) {
            net.eval();
            assert!(!net.forward(&x).is_tracked());
            net.train();
        }
    };
    (0..200).for_each(&mut step);
    let before = LIVE.get();
    (200..10_200).for_each(&mut step);
    let grown = LIVE.get() - before;
    assert_eq!(grown, 0, "bytes after 10,000 steps");
}
