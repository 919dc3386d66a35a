//! Kernels that a CUDA device gets as graphs compute what they compute one by one, whatever changes from time to time.

use minitorch_core::{Backend, Cpu, Generator, Tensor};
use minitorch_tests::real::assert_same;
use runner::backend::cuda::Cuda;

/// What `compute` gives on one thread has to come from both devices of the fake driver.
fn agrees<const N: usize>(
    on_cpu: impl Fn(&Cpu) -> [Vec<f32>; N],
    on_cuda: impl Fn(&Cuda) -> [Vec<f32>; N],
) {
    if !minitorch_fake_cuda::load() {
        return;
    }
    let expected = on_cpu(&Cpu::default());
    for number in [0, 1] {
        let device = Cuda::open(number).expect("a fake device");
        for (turn, (actual, expected)) in on_cuda(&device).iter().zip(&expected).enumerate() {
            assert_same(actual, expected, &|| format!("turn {turn} on {device:?}"));
        }
        let refused = device.without_graphs().expect("a device that works");
        assert_eq!(refused, None);
    }
}

/// Some kernels on a batch: a random draw, a changed factor, a sum.
fn step<B: Backend<Elem = f32>>(
    x: &Tensor<B>,
    weight: &Tensor<B>,
    turn: usize,
    rng: &mut Generator,
) -> Tensor<B> {
    let hidden = x.matmul(weight).relu().dropout(0.5, rng);
    let scaled = hidden.mul_scalar(turn as f64 + 0.25);
    &scaled.sum(&[0]) + &weight.sum(&[0])
}

fn batch(turn: usize, count: usize) -> Vec<f32> {
    let number = |at: usize| ((at * 37 + turn * 101) % 64) as f32 / 16.0 - 2.0;
    (0..count).map(number).collect()
}

#[test]
fn numbers_draws_and_factors_may_change() {
    fn run<B: Backend<Elem = f32>>(device: &B) -> [Vec<f32>; 6] {
        let mut rng = Generator::new(7);
        let weight = Tensor::from_slice(device, &batch(9, 20), [5, 4]);
        let mut x = Tensor::from_slice(device, &batch(0, 15), [3, 5]);
        std::array::from_fn(|turn| {
            x.try_write(&batch(turn, 15)).expect("numbers of the batch");
            step(&x, &weight, turn, &mut rng).to_vec()
        })
    }
    agrees(run::<Cpu>, run::<Cuda>);
}

#[test]
fn addresses_may_change() {
    fn run<B: Backend<Elem = f32>>(device: &B) -> [Vec<f32>; 6] {
        let mut rng = Generator::new(7);
        let weight = Tensor::from_slice(device, &batch(9, 20), [5, 4]);
        // Results that are kept are where those of the next turn cannot be.
        let mut kept = Vec::new();
        for turn in 0..6 {
            let x = Tensor::from_slice(device, &batch(turn, 15), [3, 5]);
            kept.push((step(&x, &weight, turn, &mut rng), x));
            let _ = kept[turn].0.to_vec();
        }
        // Nothing that came later has touched them.
        std::array::from_fn(|turn| kept[turn].0.to_vec())
    }
    agrees(run::<Cpu>, run::<Cuda>);
}

#[test]
fn grids_may_change() {
    fn run<B: Backend<Elem = f32>>(device: &B) -> [Vec<f32>; 9] {
        let mut rng = Generator::new(7);
        let weight = Tensor::from_slice(device, &batch(9, 20), [5, 4]);
        std::array::from_fn(|turn| {
            // The same kernels on batches of three sizes, which take one group, two and three.
            let rows = 60 * (1 + turn % 3);
            let x = Tensor::from_slice(device, &batch(turn, rows * 5), [rows, 5]);
            step(&x, &weight, turn, &mut rng).to_vec()
        })
    }
    agrees(run::<Cpu>, run::<Cuda>);
}

#[test]
fn there_may_be_more_sequences_than_are_kept() {
    fn run<B: Backend<Elem = f32>>(device: &B) -> [Vec<f32>; 150] {
        std::array::from_fn(|turn| {
            let mut x = Tensor::from_slice(device, &batch(turn, 7), [7]);
            // Fifty lengths, three times.
            for at in 0..4 + turn % 50 {
                x = x.mul_scalar(0.5).add_scalar((turn + at) as f64);
            }
            x.to_vec()
        })
    }
    agrees(run::<Cpu>, run::<Cuda>);
}

#[test]
fn a_sequence_may_be_longer_than_a_recording() {
    fn run<B: Backend<Elem = f32>>(device: &B) -> [Vec<f32>; 3] {
        std::array::from_fn(|turn| {
            let mut x = Tensor::from_slice(device, &batch(turn, 3), [3]);
            for at in 0..1300 {
                x = x.mul_scalar(0.75).add_scalar(f64::from(at % 11));
            }
            x.to_vec()
        })
    }
    agrees(run::<Cpu>, run::<Cuda>);
}

#[test]
fn numbers_may_be_written_many_times_before_any_are_read() {
    fn run<B: Backend<Elem = f32>>(device: &B) -> [Vec<f32>; 4] {
        // All but the longest are copied by way of page-locked memory, of which there is enough for sixteen of a megabyte.
        [1, 3000, 250_000, 400_000].map(|count| {
            let turns = if count > 3000 { 9 } else { 50 };
            let mut x = Tensor::zeros(device, [count]);
            let mut sum = Tensor::zeros(device, [count]);
            for turn in 0..turns {
                // Two writes without a kernel between them: the second is what counts.
                let other = Tensor::from_slice(device, &batch(turn + 1, count), [count]);
                x.try_write(&batch(turn, count)).expect("as many numbers");
                sum = &(&sum + &x) * &other;
                sum = sum.mul_scalar(0.25);
            }
            sum.to_vec()
        })
    }
    agrees(run::<Cpu>, run::<Cuda>);
}

#[test]
fn threads_may_share_a_device() {
    if !minitorch_fake_cuda::load() {
        return;
    }
    let run = |x: Tensor<Cuda>| {
        let sums = (0..40).map(|turn| {
            let turn = f64::from(turn);
            let y = x.mul_scalar(turn).add_scalar(1.0).mul_scalar(0.5);
            y.sum_all().item()
        });
        sums.collect::<Vec<_>>()
    };
    let device = Cuda::open(0).expect("a fake device");
    let expected: [Vec<f32>; 2] = [1.0, 2.0].map(|value| {
        (0..40)
            .map(|turn| 100.0 * (value * turn as f32 + 1.0) * 0.5)
            .collect()
    });
    std::thread::scope(|scope| {
        let threads = [1.0, 2.0].map(|value| {
            let device = &device;
            scope.spawn(move || run(Tensor::full(device, [100], value)))
        });
        for (thread, expected) in threads.into_iter().zip(&expected) {
            assert_eq!(&thread.join().expect("no panic"), expected);
        }
    });
}
