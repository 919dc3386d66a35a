//! Pooling and its gradients against scalar loops and against the default methods, to the bit.

mod exact;

use exact::{Dense, Random, Real, Reference, host, machines, same, window};
use minitorch_core::Cpu;
use minitorch_core::backend::{Backend, View, Window};

/// Calls `visit(plane, output, taps)` for each window, `taps` being positions in the plane, row by row.
fn windows(planes: usize, window: &Window, mut visit: impl FnMut(usize, usize, &[usize])) {
    let Window {
        kernel,
        stride,
        input,
        output,
        ..
    } = *window;
    for plane in 0..planes {
        for at in 0..output[0] * output[1] {
            let (y, x) = (at / output[1], at % output[1]);
            let taps: Vec<usize> = (0..kernel[0] * kernel[1])
                .map(|tap| {
                    (y * stride[0] + tap / kernel[1]) * input[1] + x * stride[1] + tap % kernel[1]
                })
                .collect();
            visit(plane, plane * output[0] * output[1] + at, &taps);
        }
    }
}

fn largest<R: Real>(a: R, b: R) -> R {
    if a > b || a.to_f64().is_nan() { a } else { b }
}

/// Average, its gradient, maximum, its gradient.
fn expected<R: Real>(x: &Dense<R>, g: &Dense<R>, window: &Window) -> [Vec<R>; 4] {
    let planes = x.shape[0] * x.shape[1];
    let size = window.input[0] * window.input[1];
    let count = R::from_f64((window.kernel[0] * window.kernel[1]) as f64);
    let mut results = [
        g.data.clone(),
        vec![R::ZERO; x.data.len()],
        g.data.clone(),
        vec![R::ZERO; x.data.len()],
    ];
    windows(planes, window, |plane, out, taps| {
        let x = &x.data[plane * size..][..size];
        results[0][out] = taps.iter().fold(R::ZERO, |sum, &tap| sum + x[tap]) / count;
        for &tap in taps {
            results[1][plane * size + tap] = results[1][plane * size + tap] + g.data[out] / count;
        }
        results[2][out] = taps[1..]
            .iter()
            .fold(x[taps[0]], |best, &tap| largest(best, x[tap]));
        let nan = taps.iter().find(|&&tap| x[tap].to_f64().is_nan());
        let best = nan.or_else(|| {
            taps.iter()
                .find(|&&tap| taps.iter().all(|&other| x[tap] >= x[other]))
        });
        let best = plane * size + best.unwrap();
        results[3][best] = results[3][best] + g.data[out];
    });
    results
}

fn results<B: Backend<Elem: Real>>(
    backend: &B,
    random: &mut Random,
    x: &Dense<B::Elem>,
    g: &Dense<B::Elem>,
    window: &Window,
) -> [Vec<B::Elem>; 4] {
    let (inputs, outputs) = (x.data.len(), g.data.len());
    let ((x, x_layout), (g, g_layout)) = (x.shown(random), g.shown(random));
    let (x, g) = (backend.upload(&x).unwrap(), backend.upload(&g).unwrap());
    let (x, g) = (View::new(&x, x_layout), View::new(&g, g_layout));
    [
        host(backend, &backend.avg_pool2d(x, window).unwrap(), outputs),
        host(
            backend,
            &backend.avg_pool2d_grad(g, window).unwrap(),
            inputs,
        ),
        host(backend, &backend.max_pool2d(x, window).unwrap(), outputs),
        host(
            backend,
            &backend.max_pool2d_grad(x, g, window).unwrap(),
            inputs,
        ),
    ]
}

fn check<R: Real>(
    machines: &[Cpu<R>],
    random: &mut Random,
    planes: [usize; 2],
    window: &Window,
    one_in: usize,
) {
    let [b, c] = planes;
    let mut x = Dense::<R>::random(random, &[b, c, window.input[0], window.input[1]], one_in);
    let g = Dense::random(random, &[b, c, window.output[0], window.output[1]], one_in);
    if random.below(2) == 0 {
        // Coarse numbers, so that several taps are equal.
        for x in x.data.iter_mut().filter(|x| x.abs() <= R::ONE) {
            *x = R::from_f64((x.to_f64() * 2.0).round());
        }
    }
    let expected = expected(&x, &g, window);
    let compare = |who: &dyn std::fmt::Debug, results: [Vec<R>; 4]| {
        for (name, (actual, expected)) in ["avg", "avg_grad", "max", "max_grad"]
            .iter()
            .zip(results.iter().zip(&expected))
        {
            same(&(name, who, window, b, c), actual, expected);
        }
    };
    for machine in machines {
        compare(machine, results(machine, random, &x, &g, window));
    }
    compare(
        &"default methods",
        results(&Reference(machines[0].clone()), random, &x, &g, window),
    );
}

fn random_cases<R: Real>(seed: u64, cases: usize, most: usize, one_in: usize) {
    let (mut random, machines) = (Random(seed), machines::<R>());
    for _ in 0..cases {
        let input = [random.within(1, most), random.within(1, most)];
        let kernel = [random.within(1, 5), random.within(1, 5)];
        let mut stride = kernel;
        if random.below(2) == 0 {
            stride = [random.within(1, 6), random.within(1, 6)];
        }
        let planes = [random.below(4), random.below(4)];
        if let Some(window) = window(&mut random, input, kernel, stride, false) {
            check::<R>(&machines, &mut random, planes, &window, one_in);
        }
    }
}

#[test]
fn plain_values() {
    random_cases::<f32>(1, 300, 20, 0);
    random_cases::<f64>(2, 100, 20, 0);
}

#[test]
fn special_values() {
    random_cases::<f32>(3, 300, 20, 10);
    random_cases::<f64>(4, 100, 20, 10);
}

#[test]
fn the_network_of_mnist() {
    let (mut random, machines) = (Random(5), machines::<f32>());
    for (size, kernel) in [(28, 4), (28, 2), (16, 2), (64, 4)] {
        let window = window(&mut random, [size; 2], [kernel; 2], [kernel; 2], false).unwrap();
        check::<f32>(&machines, &mut random, [3, 8], &window, 0);
    }
    let over_time = window(&mut random, [1, 50], [1, 50], [1, 1], false).unwrap();
    check::<f32>(&machines, &mut random, [3, 20], &over_time, 0);
}

#[test]
fn squares_side_by_side() {
    let (mut random, machines) = (Random(6), machines::<f32>());
    for kernel in [2, 4] {
        for _ in 0..40 {
            // With rows and columns that no window covers, and one row wider than what is computed at a time.
            let most = if random.below(8) == 0 { 700 } else { 40 };
            let input = [random.within(kernel, 20), random.within(kernel, most)];
            let window = window(&mut random, input, [kernel; 2], [kernel; 2], false).unwrap();
            check::<f32>(&machines, &mut random, [2, 3], &window, 10);
        }
    }
}
