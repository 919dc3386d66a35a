//! Matrix products against a scalar loop, to the bit.

mod exact;

use exact::{Dense, Random, Real, host, machines, same};
use minitorch_core::backend::{Backend, View};
use minitorch_core::{Cpu, ErrorKind, Generator, Layout, Tensor};

/// `[.., i, k] x [.., k, j]`, one accumulator for each element.
fn product<R: Real>(a: &Dense<R>, b: &Dense<R>) -> Vec<R> {
    let rank = a.shape.len();
    let (rows, depth, columns) = (a.shape[rank - 2], a.shape[rank - 1], b.shape[rank - 1]);
    let batch: usize = a.shape[..rank - 2].iter().product();
    let mut out = vec![];
    for n in 0..batch {
        for i in 0..rows {
            for j in 0..columns {
                let term = |acc, k| {
                    R::fused(
                        a.data[(n * rows + i) * depth + k],
                        b.data[(n * depth + k) * columns + j],
                        acc,
                    )
                };
                out.push((0..depth).fold(R::ZERO, term));
            }
        }
    }
    out
}

fn check<R: Real>(machines: &[Cpu<R>], random: &mut Random, a: &Dense<R>, b: &Dense<R>) {
    let expected = product(a, b);
    for machine in machines {
        let ((a_data, a_layout), (b_data, b_layout)) = (a.shown(random), b.shown(random));
        let (x, y) = (
            machine.upload(&a_data).unwrap(),
            machine.upload(&b_data).unwrap(),
        );
        let out = machine
            .matmul(View::new(&x, a_layout), View::new(&y, b_layout))
            .unwrap();
        let what = (
            machine,
            &a.shape,
            &b.shape,
            a_layout.strides(),
            b_layout.strides(),
        );
        same(&what, &host(machine, &out, expected.len()), &expected);
    }
}

fn random_cases<R: Real>(seed: u64, cases: usize, most: usize, one_in: usize) {
    let (mut random, machines) = (Random(seed), machines::<R>());
    for _ in 0..cases {
        let mut lead: Vec<usize> = (0..random.below(3)).map(|_| random.below(4)).collect();
        if random.below(10) == 0 {
            lead.extend([1, 2]);
        }
        let [rows, depth, columns] = [0; 3].map(|_| random.below(most));
        let shape = |tail: [usize; 2]| [&lead[..], &tail].concat();
        let a = Dense::random(&mut random, &shape([rows, depth]), one_in);
        let b = Dense::random(&mut random, &shape([depth, columns]), one_in);
        check::<R>(&machines, &mut random, &a, &b);
    }
}

#[test]
fn small() {
    random_cases::<f32>(1, 400, 10, 0);
    random_cases::<f64>(2, 100, 10, 0);
}

#[test]
fn medium() {
    random_cases::<f32>(3, 60, 80, 0);
    random_cases::<f64>(4, 20, 80, 0);
}

#[test]
fn special_values() {
    random_cases::<f32>(5, 200, 20, 100);
    random_cases::<f64>(6, 50, 20, 100);
}

/// Few rows, few columns, long sums, more rows than are taken at once.
#[test]
fn shapes_of_layers() {
    let (mut random, machines) = (Random(7), machines::<f32>());
    for [rows, depth, columns] in [
        [1, 392, 64],
        [16, 392, 64],
        [64, 64, 10],
        [3, 600, 200],
        [1, 3, 1000],
        [300, 5, 1],
        [1000, 1, 1],
        [2, 513, 17],
        [530, 300, 40],
        [7, 256, 65],
        [1, 700, 1],
        // Packed rows, of which the last tiles are small ones.
        [9, 4000, 200],
        [5, 3000, 210],
        [23, 500, 200],
        // Columns of one tile or one vector are read where they lie, of others they are packed.
        [64, 1100, 8],
        [40, 1000, 16],
        [40, 1000, 20],
        [40, 600, 32],
    ] {
        let a = Dense::random(&mut random, &[rows, depth], 0);
        let b = Dense::random(&mut random, &[depth, columns], 0);
        for _ in 0..4 {
            check::<f32>(&machines, &mut random, &a, &b);
        }
    }
}

/// Columns that are packed once for all rows: in one part, and in two by columns and by terms.
#[test]
fn large() {
    let mut random = Random(9);
    let (single, double) = (machines::<f32>(), machines::<f64>());
    for shape in [[130, 260, 131], [257, 513, 160], [200, 300, 1000]] {
        let a = Dense::random(&mut random, &[1, shape[0], shape[1]], 0);
        let b = Dense::random(&mut random, &[1, shape[1], shape[2]], 0);
        check::<f32>(&single, &mut random, &a, &b);
    }
    for _ in 0..4 {
        let a = Dense::random(&mut random, &[133, 270], 1000);
        let b = Dense::random(&mut random, &[270, 135], 1000);
        check::<f64>(&double, &mut random, &a, &b);
    }
    let a = Dense::random(&mut random, &[128, 2100], 0);
    let b = Dense::random(&mut random, &[2100, 515], 0);
    check::<f32>(&single, &mut random, &a, &b);
}

/// Expanded operands: stride 0 along the batch, the rows, the columns or the sum.
#[test]
fn broadcast_operands() {
    let mut random = Random(8);
    let a = Dense::<f32>::random(&mut random, &[19], 0);
    for machine in machines::<f32>() {
        let buffer = machine.upload(&a.data).unwrap();
        let row = Layout::contiguous([19]).unwrap();
        let column = Layout::contiguous([19, 1]).unwrap();
        for (x, y) in [
            (
                row.expand([3, 21, 19]).unwrap(),
                column.expand([3, 19, 33]).unwrap(),
            ),
            (
                column.expand([3, 19, 21]).unwrap(),
                row.expand([3, 21, 19]).unwrap(),
            ),
        ] {
            let dense = |layout: &Layout| {
                let shape = layout.shape().to_vec();
                let strides = layout.strides();
                let data = (0..shape.iter().product())
                    .map(|n: usize| {
                        a.data[n / shape[2] % shape[1] * strides[1] + n % shape[2] * strides[2]]
                    })
                    .collect();
                Dense { shape, data }
            };
            let expected = product(&dense(&x), &dense(&y));
            let out = machine
                .matmul(View::new(&buffer, x), View::new(&buffer, y))
                .unwrap();
            same(
                &(&machine, x, y),
                &host(&machine, &out, expected.len()),
                &expected,
            );
        }
    }
}

/// A sum of nothing is +0.
#[test]
fn empty_sum() {
    for machine in machines::<f32>() {
        let nothing = machine.upload(&[]).unwrap();
        let (a, b) = (
            Layout::contiguous([3, 0]).unwrap(),
            Layout::contiguous([0, 5]).unwrap(),
        );
        let out = machine
            .matmul(View::new(&nothing, a), View::new(&nothing, b))
            .unwrap();
        same(&"empty", &host(&machine, &out, 15), &[0.0; 15]);
    }
}

/// The largest products have the bits of the operations that they are made of, and so have their gradients.
#[test]
fn the_largest_of_products_has_the_bits_of_a_product_and_its_largest() {
    let device: Cpu = Cpu::default();
    let bits = |x: &Tensor| -> Vec<u32> { x.to_vec().into_iter().map(f32::to_bits).collect() };
    for (seed, [b, n, k, m]) in [(1, [1, 1, 1, 1]), (2, [3, 5, 7, 4]), (3, [12, 9, 40, 33])] {
        let mut rng = Generator::new(seed);
        let x = Tensor::randn(&device, [b, n, k], &mut rng).tracked();
        let vectors = Tensor::randn(&device, [m, k], &mut rng).tracked();
        let apart = x
            .reshape([b * n, k])
            .matmul(&vectors.transpose(0, 1))
            .reshape([b, n, m])
            .max(1);
        let together = x.matmul_max(&vectors);
        assert_eq!(together.shape(), apart.shape());
        assert_eq!(bits(&together), bits(&apart));
        let grads = [&together, &apart].map(|out| out.square().sum_all().backward());
        for operand in [&x, &vectors] {
            let [together, apart] = [0, 1].map(|n| bits(grads[n].get(operand).unwrap()));
            assert_eq!(together, apart, "{b} {n} {k} {m}");
        }
    }
    let [x, vectors] = [
        Tensor::ones(&device, [2, 3, 4]),
        Tensor::ones(&device, [5, 3]),
    ];
    let kind = |x: &Tensor, v: &Tensor| x.try_matmul_max(v).unwrap_err().kind();
    assert_eq!(kind(&x, &vectors), ErrorKind::Shape);
    assert_eq!(kind(&vectors, &vectors), ErrorKind::Rank);
    let none = Tensor::ones(&device, [2, 0, 3]);
    assert_eq!(kind(&none, &vectors), ErrorKind::Size);
    let error = none.try_matmul_max(&vectors).unwrap_err().to_string();
    assert!(error.starts_with("matmul_max: "), "{error}");
    let many = Tensor::zeros(&device, [1 << 40, 1 << 40, 0]);
    let none = Tensor::zeros(&device, [3, 0]);
    assert!(many.try_matmul_max(&none).is_err());
    // Nor does a count of what is around an axis overflow.
    assert!(many.try_log_softmax(2).is_err());
    assert!(many.try_argmax(2).is_err());
}
