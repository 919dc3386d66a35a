//! Convolution and its gradients against scalar loops and against the default methods, to the bit.

mod exact;

use exact::{Backwards, Dense, Random, Real, Reference, host, machines, same, window};
use minitorch_core::backend::{Backend, View, Window};
use minitorch_core::{Cpu, Layout};
use std::fmt::Debug;

/// `x[n, c, y, x]`, +0 in the padding.
fn padded<R: Real>(x: &Dense<R>, n: usize, c: usize, y: isize, column: isize) -> R {
    let inside =
        y >= 0 && column >= 0 && (y as usize) < x.shape[2] && (column as usize) < x.shape[3];
    if inside {
        x.at(&[n, c, y as usize, column as usize])
    } else {
        R::ZERO
    }
}

fn forward<R: Real>(x: &Dense<R>, weight: &Dense<R>, window: &Window) -> Vec<R> {
    let Window {
        kernel,
        stride,
        before,
        output,
        ..
    } = *window;
    let mut out = vec![];
    for n in 0..x.shape[0] {
        for o in 0..weight.shape[0] {
            for y in 0..output[0] {
                for column in 0..output[1] {
                    let mut acc = R::ZERO;
                    for c in 0..x.shape[1] {
                        for i in 0..kernel[0] {
                            for j in 0..kernel[1] {
                                let row = (y * stride[0] + i) as isize - before[0] as isize;
                                let column = (column * stride[1] + j) as isize - before[1] as isize;
                                acc = R::fused(
                                    weight.at(&[o, c, i, j]),
                                    padded(x, n, c, row, column),
                                    acc,
                                );
                            }
                        }
                    }
                    out.push(acc);
                }
            }
        }
    }
    out
}

fn input_grad<R: Real>(g: &Dense<R>, weight: &Dense<R>, window: &Window) -> Vec<R> {
    let Window {
        kernel,
        stride,
        before,
        input,
        ..
    } = *window;
    let mut out = vec![];
    for n in 0..g.shape[0] {
        for c in 0..weight.shape[1] {
            for y in 0..input[0] {
                for x in 0..input[1] {
                    let mut acc = R::ZERO;
                    for o in 0..weight.shape[0] {
                        for i in 0..kernel[0] {
                            for j in 0..kernel[1] {
                                let row = (y + before[0]) as isize - i as isize;
                                let column = (x + before[1]) as isize - j as isize;
                                let (sy, sx) = (stride[0] as isize, stride[1] as isize);
                                if row.rem_euclid(sy) != 0 || column.rem_euclid(sx) != 0 {
                                    continue;
                                }
                                let g = padded(g, n, o, row.div_euclid(sy), column.div_euclid(sx));
                                acc = R::fused(weight.at(&[o, c, i, j]), g, acc);
                            }
                        }
                    }
                    out.push(acc);
                }
            }
        }
    }
    out
}

fn weight_grad<R: Real>(x: &Dense<R>, g: &Dense<R>, window: &Window) -> Vec<R> {
    let Window {
        kernel,
        stride,
        before,
        output,
        ..
    } = *window;
    let mut out = vec![];
    for o in 0..g.shape[1] {
        for c in 0..x.shape[1] {
            for i in 0..kernel[0] {
                for j in 0..kernel[1] {
                    let mut total = R::ZERO;
                    for n in 0..x.shape[0] {
                        let mut lanes = [R::ZERO; 8];
                        for y in 0..output[0] {
                            for column in 0..output[1] {
                                let row = (y * stride[0] + i) as isize - before[0] as isize;
                                let place = (column * stride[1] + j) as isize - before[1] as isize;
                                let lane = &mut lanes[column % 8];
                                *lane = R::fused(
                                    g.at(&[n, o, y, column]),
                                    padded(x, n, c, row, place),
                                    *lane,
                                );
                            }
                        }
                        let [a, b, c, d, e, f, g, h] = lanes;
                        total = total + (((a + e) + (c + g)) + ((b + f) + (d + h)));
                    }
                    out.push(total);
                }
            }
        }
    }
    out
}

struct Case<R> {
    window: Window,
    x: Dense<R>,
    weight: Dense<R>,
    g: Dense<R>,
}

impl<R: Real> Case<R> {
    fn new(random: &mut Random, [b, c, o]: [usize; 3], window: Window, one_in: usize) -> Self {
        let Window {
            kernel,
            input,
            output,
            ..
        } = window;
        Self {
            window,
            x: Dense::random(random, &[b, c, input[0], input[1]], one_in),
            weight: Dense::random(random, &[o, c, kernel[0], kernel[1]], one_in),
            g: Dense::random(random, &[b, o, output[0], output[1]], one_in),
        }
    }

    /// All three results of a backend, with operands in random layouts.
    fn results<B: Backend<Elem = R>>(&self, backend: &B, random: &mut Random) -> [Vec<R>; 3] {
        let mut upload = |dense: &Dense<R>| {
            let (data, layout) = dense.shown(random);
            (backend.upload(&data).unwrap(), layout)
        };
        let (x, weight, g) = (upload(&self.x), upload(&self.weight), upload(&self.g));
        let (x, weight, g) = (
            View::new(&x.0, x.1),
            View::new(&weight.0, weight.1),
            View::new(&g.0, g.1),
        );
        let out = backend.conv2d(x, weight, &self.window).unwrap();
        let dx = backend.conv2d_input_grad(g, weight, &self.window).unwrap();
        let dw = backend.conv2d_weight_grad(x, g, &self.window).unwrap();
        [
            host(backend, &out, self.g.data.len()),
            host(backend, &dx, self.x.data.len()),
            host(backend, &dw, self.weight.data.len()),
        ]
    }

    /// The results of all machines and of the default methods against the scalar loops.
    fn check(&self, machines: &[Cpu<R>], random: &mut Random) {
        let expected = [
            forward(&self.x, &self.weight, &self.window),
            input_grad(&self.g, &self.weight, &self.window),
            weight_grad(&self.x, &self.g, &self.window),
        ];
        self.compare(machines, random, &expected);
        let default = self.results(&Reference(machines[0].clone()), random);
        self.same(&"default methods", &default, &expected);
    }

    /// The results of all machines against the default methods: where the scalar loops would take too long.
    fn check_by_default(&self, machines: &[Cpu<R>], random: &mut Random) {
        let expected = self.results(&Reference(machines[0].clone()), random);
        self.compare(machines, random, &expected);
    }

    fn compare(&self, machines: &[Cpu<R>], random: &mut Random, expected: &[Vec<R>; 3]) {
        for machine in machines {
            self.same(machine, &self.results(machine, random), expected);
        }
    }

    fn same(&self, who: &dyn Debug, results: &[Vec<R>; 3], expected: &[Vec<R>; 3]) {
        let what = (self.window, &self.x.shape, &self.weight.shape);
        for (name, (actual, expected)) in ["output", "input gradient", "weight gradient"]
            .iter()
            .zip(results.iter().zip(expected))
        {
            same(&(name, who, &what), actual, expected);
        }
    }
}

/// Random cases of up to `most` rows and columns.
fn random_cases<R: Real>(seed: u64, cases: usize, most: usize, one_in: usize) {
    let (mut random, machines) = (Random(seed), machines::<R>());
    for _ in 0..cases {
        let mut input = [random.within(1, most), random.within(1, most)];
        let mut kernel = [random.within(1, 5), random.within(1, 5)];
        if random.below(4) == 0 {
            (input[0], kernel[0]) = (1, 1);
        }
        let stride = [random.within(1, 3), random.within(1, 3)];
        let sizes = [random.below(4), random.below(7), random.below(10)];
        if let Some(window) = window(&mut random, input, kernel, stride, true) {
            Case::<R>::new(&mut random, sizes, window, one_in).check(&machines, &mut random);
        }
    }
}

#[test]
fn small_images() {
    random_cases::<f32>(1, 300, 12, 0);
    random_cases::<f64>(2, 60, 12, 0);
}

#[test]
fn larger_images() {
    random_cases::<f32>(3, 40, 45, 0);
}

#[test]
fn special_values() {
    random_cases::<f32>(4, 150, 12, 40);
    random_cases::<f32>(5, 150, 12, 400);
    random_cases::<f64>(6, 40, 12, 100);
}

#[test]
fn the_networks_of_mnist_and_sentiment() {
    let (mut random, machines) = (Random(7), machines::<f32>());
    let square = Window {
        kernel: [3; 2],
        stride: [1; 2],
        before: [0; 2],
        input: [28; 2],
        output: [28; 2],
    };
    let row = Window {
        kernel: [1, 4],
        stride: [1; 2],
        before: [0; 2],
        input: [1, 53],
        output: [1, 50],
    };
    for (sizes, window) in [
        ([3, 1, 4], square),
        ([3, 4, 8], square),
        ([2, 50, 100], row),
    ] {
        Case::<f32>::new(&mut random, sizes, window, 0).check(&machines, &mut random);
    }
}

/// More taps, channels, columns or rows than fit into scratch memory at once; strides beyond the kernel.
#[test]
fn what_does_not_fit_at_once() {
    let (mut random, machines) = (Random(8), machines::<f32>());
    let cases = [
        ([2, 40, 9], [7, 9], [3, 3], [1, 1]),
        ([1, 2, 3], [40, 40], [17, 19], [1, 1]),
        ([1, 1, 2], [1, 1200], [1, 300], [1, 1]),
        ([1, 2, 5], [3, 5000], [2, 3], [1, 1]),
        ([1, 2, 5], [3, 9000], [2, 3], [1, 2]),
        ([1, 300, 3], [4, 4], [1, 1], [1, 1]),
        ([1, 2, 3], [90, 400], [2, 2], [40, 50]),
        ([1, 1, 1], [300, 300], [1, 1], [70, 1]),
        ([1, 3, 2], [40, 700], [20, 30], [19, 29]),
        ([2, 33, 70], [9, 9], [3, 3], [2, 2]),
    ];
    for (sizes, input, kernel, stride) in cases {
        for padded in [false, true] {
            let window = window(&mut random, input, kernel, stride, padded).unwrap();
            Case::<f32>::new(&mut random, sizes, window, 0).check(&machines[..], &mut random);
        }
    }
}

/// Strides and padding as large as sizes can be: few windows meet the image, and only their taps are looked at.
#[test]
fn windows_that_reach_far() {
    const FAR: usize = isize::MAX as usize / 4 - 8;
    let (mut random, machines) = (Random(12), machines::<f32>());
    for _ in 0..200 {
        let input = [random.within(1, 6), random.within(1, 6)];
        let kernel = [random.within(1, 3), random.within(1, 3)];
        let (mut stride, mut before, mut output) = ([1; 2], [0; 2], [0; 2]);
        for axis in 0..2 {
            if random.below(3) > 0 {
                stride[axis] = [1 << 31, 1 << 32, (1 << 40) + 1, FAR][random.below(4)];
                before[axis] = [0, stride[axis], 2 * stride[axis]][random.below(3)];
                // So that the second or third window, or both, can meet the image.
                before[axis] = (before[axis] + random.below(8)).saturating_sub(random.below(8));
            }
            let room = (input[axis] + 2 * before[axis]).saturating_sub(kernel[axis]);
            output[axis] = (room / stride[axis] + 1).min(9);
        }
        let window = Window {
            kernel,
            stride,
            before,
            input,
            output,
        };
        let sizes = [2, random.within(1, 3), random.within(1, 9)];
        let case = Case::<f32>::new(&mut random, sizes, window, 0);
        let expected = [
            forward(&case.x, &case.weight, &window),
            input_grad(&case.g, &case.weight, &window),
            weight_grad(&case.x, &case.g, &window),
        ];
        case.compare(&machines, &mut random, &expected);
        // The default methods of the others would need memory for the padding.
        let reference = Reference(machines[0].clone());
        let [g, weight] = [&case.g, &case.weight].map(|dense| {
            let (data, layout) = dense.shown(&mut random);
            (reference.upload(&data).unwrap(), layout)
        });
        let [g, weight] = [&g, &weight].map(|(buffer, layout)| View::new(buffer, *layout));
        let dx = reference.conv2d_input_grad(g, weight, &window).unwrap();
        let dx = host(&reference, &dx, case.x.data.len());
        same(&("default method", window), &dx, &expected[1]);
    }
}

/// Kernels of every width up to 300, and of many heights, over lines that about fill 4096 elements, the memory that there
/// is at least, or end a little before or behind it.
#[test]
fn kernels_of_every_width() {
    const SCRATCH: usize = 4096;
    const TAPS: usize = 256;
    let mut random = Random(10);
    let machines = [
        Cpu::<f32>::default(),
        Cpu::builder().executor(Backwards).build(),
    ];
    for width in 1..=300 {
        let height = match random.below(3) {
            0 => random.within(2, 300 / width + 2),
            _ => 1,
        };
        let channels = [1, 2, 8][random.below(3)];
        let stride = [1, random.within(1, 3)];
        // Lines of the image that lie in scratch memory together.
        let rows = random.within(1, 3);
        let together = (TAPS / (height * width)).clamp(1, channels) * stride[1].min(width);
        let line = SCRATCH / (together * (rows + height - 1));
        let columns = (line + 50).saturating_sub((width - 1) / stride[1] + random.below(100));
        let columns = match random.below(4) {
            0 => 2 * columns,
            _ => columns,
        };
        let input = [rows + height - 1, columns.max(1) * stride[1] + width];
        let padded = random.below(2) == 0;
        let window = window(&mut random, input, [height, width], stride, padded).unwrap();
        let sizes = [1, channels, random.within(1, 2)];
        Case::<f32>::new(&mut random, sizes, window, 0).check_by_default(&machines, &mut random);
    }
}

/// Sounds, one long line under kernels of a few milliseconds, and an image under a kernel almost as wide.
#[test]
fn wide_kernels() {
    let mut random = Random(11);
    let machines = [Cpu::<f32>::default()];
    for (channels, width, input) in [
        (8, 66, [1, 22_050]),
        (2, 128, [1, 16_000]),
        (1, 300, [1, 20_000]),
        (1, 251, [1, 16_000]),
        (1, 247, [16, 256]),
    ] {
        let window = window(&mut random, input, [1, width], [1, 1], false).unwrap();
        let sizes = [1, channels, 1];
        Case::<f32>::new(&mut random, sizes, window, 0).check_by_default(&machines, &mut random);
    }
}

/// Expanded operands, as a sum's gradient is: stride 0.
#[test]
fn broadcast_operands() {
    let mut random = Random(9);
    let window = window(&mut random, [9, 10], [3, 2], [1, 1], true).unwrap();
    let mut case = Case::<f32>::new(&mut random, [2, 3, 4], window, 0);
    for dense in [&mut case.x, &mut case.weight, &mut case.g] {
        let value = dense.data[0];
        dense.data.fill(value);
    }
    let expected = [
        forward(&case.x, &case.weight, &window),
        input_grad(&case.g, &case.weight, &window),
        weight_grad(&case.x, &case.g, &window),
    ];
    for machine in machines::<f32>() {
        let view = |dense: &Dense<f32>| {
            let sizes = <[usize; 4]>::try_from(&*dense.shape).unwrap();
            (
                machine.upload(&dense.data[..1]).unwrap(),
                Layout::contiguous([1]).unwrap().expand(sizes).unwrap(),
            )
        };
        let (x, weight, g) = (view(&case.x), view(&case.weight), view(&case.g));
        let (x, weight, g) = (
            View::new(&x.0, x.1),
            View::new(&weight.0, weight.1),
            View::new(&g.0, g.1),
        );
        let results = [
            machine.conv2d(x, weight, &window).unwrap(),
            machine.conv2d_input_grad(g, weight, &window).unwrap(),
            machine.conv2d_weight_grad(x, g, &window).unwrap(),
        ];
        for (result, expected) in results.iter().zip(&expected) {
            same(&(&machine, "broadcast"), result.as_slice(), expected);
        }
    }
}
