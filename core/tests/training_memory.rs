//! Training does not grow: live memory stays flat, and a plain step of gradient descent allocates nothing.

use minitorch_core::nn::{Conv2d, Dropout, Flatten, Layer, Linear, MaxPool2d, Module, Relu};
use minitorch_core::nn::{cross_entropy, mse};
use minitorch_core::optim::{Adam, Optimizer, Sgd};
use minitorch_core::{Cpu, ErrorKind, Generator, Index, Padding, Pool, Tensor};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count of live bytes, of the most there were, and of allocations.
struct Counting;

// Of each thread by itself: what the test harness allocates on its own thread is not training's. Constant and without a
// destructor, so that reading them allocates nothing.
thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: all is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + layout.size() as isize);
        PEAK.set(PEAK.get().max(LIVE.get()));
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

#[test]
fn a_step_within_the_backward_pass_has_the_same_bits_and_a_lower_peak() {
    const WIDTH: usize = 64;
    let dev: Cpu = Cpu::builder().pool_bytes(0).build();
    let train = |optimizer: &mut dyn Optimizer<Cpu>, within: bool| {
        let mut rng = Generator::new(3);
        let mut square = || Linear::new(&dev, WIDTH, WIDTH, &mut rng).unwrap();
        let mut net = (square(), square(), square());
        let x = Tensor::rand(&dev, [2, WIDTH], &mut rng);
        let y = Tensor::rand(&dev, [2, WIDTH], &mut rng);
        let mut peak = 0;
        for step in 0..5 {
            // The middle layer is used twice: its gradient is complete only after the second time.
            let hidden = net.1.forward(&net.0.forward(&x).tanh()).tanh();
            let loss = mse(&net.2.forward(&net.1.forward(&hidden).tanh()), &y);
            drop(hidden);
            let before = LIVE.get();
            PEAK.set(before);
            if within {
                optimizer.step_backward(&mut net, loss);
            } else {
                optimizer.step(&mut net, loss.backward());
            }
            // The first step makes what the optimiser remembers.
            peak = if step == 0 {
                0
            } else {
                peak.max(PEAK.get() - before)
            };
        }
        (net.weights_hash(), peak)
    };
    let compare = |optimizers: [&mut dyn Optimizer<Cpu>; 2]| {
        let (hash, peak) = train(optimizers[0], false);
        let (same, lower) = train(optimizers[1], true);
        assert_eq!(same, hash);
        // Two of the three layers' gradients are never there at the same time.
        let gradient = (WIDTH * WIDTH * size_of::<f32>()) as isize;
        assert!(
            lower + gradient < peak,
            "{lower} bytes, and {peak} for the two in turn"
        );
    };
    compare([&mut Sgd::new(0.1), &mut Sgd::new(0.1)]);
    compare([&mut Adam::new(0.01), &mut Adam::new(0.01)]);

    let mut net = Linear::new(&dev, 2, 2, &mut Generator::new(0)).unwrap();
    let x = Tensor::ones(&dev, [1, 2]);
    let mut optimizer = Sgd::new(0.1);
    let mut kind = |loss| {
        optimizer
            .try_step_backward(&mut net, loss)
            .unwrap_err()
            .kind()
    };
    assert_eq!(kind(x.tracked()), ErrorKind::Shape);
    assert_eq!(kind(x.tracked().sum_all()), ErrorKind::Argument);
}

/// What [`Tensor::try_matmul_max`] and [`Backend::place_matmul`](minitorch_core::Backend::place_matmul) say of memory.
#[test]
fn the_gradient_of_largest_products_takes_no_more_than_it_says() {
    let [b, n, k, m] = [32, 64, 16, 256];
    let dev: Cpu = Cpu::builder().pool_bytes(0).build();
    let mut rng = Generator::new(4);
    let peak = |x: &Tensor, vectors: &Tensor| {
        let loss = x.matmul_max(vectors).square().sum_all();
        let before = LIVE.get();
        PEAK.set(before);
        drop(loss.backward());
        PEAK.get() - before
    };
    let x = Tensor::rand(&dev, [b, n, k], &mut rng);
    let vectors = Tensor::rand(&dev, [m, k], &mut rng).tracked();
    // Far more than the scratch memory of kernels, of which there is one at a time.
    let (all, scratch) = ((b * n * m * size_of::<f32>()) as isize, 512 << 10);
    let least = peak(&x, &vectors);
    assert!(least < scratch, "{least} bytes for the rows alone");
    let mut values = x.to_vec();
    // Beside gradients of about 10, the last one is less than the 2^-101 that sums without products with 0 need.
    for odd in [f32::NAN, f32::INFINITY, 1e-38] {
        values[7] = odd;
        let odd_one = Tensor::from_slice(&dev, &values, [b, n, k]);
        let most = peak(&odd_one, &vectors);
        assert!((all..all + scratch).contains(&most), "{odd}: {most} bytes");
    }
    let most = peak(&x.tracked(), &vectors);
    assert!((all..all + scratch).contains(&most), "{most} bytes for x");
}

#[test]
fn a_view_is_read_without_what_lies_in_front_of_it() {
    let dev: Cpu = Cpu::builder().pool_bytes(0).build();
    let all = Tensor::arange(&dev, 0.0, 10_000, 1.0);
    let (before, last) = (LIVE.get(), all.select(0, 9_999));
    PEAK.set(before);
    assert_eq!(last.item(), 9_999.0);
    assert_eq!(
        all.narrow(0, 9_000, 3).to_vec(),
        [9_000.0, 9_001.0, 9_002.0]
    );
    let most = PEAK.get() - before;
    assert!(most < 1_000, "{most} bytes");
}

#[test]
fn of_pooled_maps_little_is_kept_and_nothing_without_history() {
    let dev: Cpu = Cpu::builder().pool_bytes(0).build();
    let x = Tensor::rand(&dev, [64, 1, 28, 28], &mut Generator::new(4));
    let maps = (64 * 8 * 28 * 28 * size_of::<f32>()) as isize;
    for pool in [Pool::Avg([4, 4]), Pool::Max([4, 4])] {
        let layer = Conv2d::new(&dev, 1, 8, [3, 3], &mut Generator::new(5)).unwrap();
        let mut layer = layer.padding(Padding::MiniTorch).relu().pool(pool);
        // The result, and with history a bit or a tap for what it was made of.
        let result = maps / 16;
        for (history, kept) in [(true, result + maps / 14), (false, result)] {
            if !history {
                layer.eval();
            }
            let before = LIVE.get();
            PEAK.set(before);
            let out = layer.forward(&x);
            let (live, peak) = (LIVE.get() - before, PEAK.get() - before);
            assert_eq!(out.is_tracked(), history);
            assert!(
                live <= kept + 4096,
                "{pool:?}, {history}: {live} of {maps} bytes are kept"
            );
            // Scratch memory of the convolution, and the maps of a few images.
            let near = 2 * (224 << 10);
            assert!(
                peak <= live + near,
                "{pool:?}, {history}: {peak} of {maps} bytes"
            );
            if history {
                let loss = out.sum_all();
                drop(out);
                let live = LIVE.get() - before;
                assert!(
                    live <= kept - result + 4096,
                    "{pool:?}: the result is still there"
                );
                drop(loss.backward());
            }
        }
    }
}
