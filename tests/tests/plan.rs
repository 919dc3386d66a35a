//! What a plan tells is what a kernel does: parts as an executor counts them, loops as naive indexing has them.

use minitorch_core::backend::Window;
use minitorch_core::executor::Executor;
use minitorch_core::isa::Level;
use minitorch_core::plan::{Access, Conv, Cut, Map, Matmul, Reduce};
use minitorch_core::{Cpu, Element, Generator, Layout, Padding, Shape, Tensor};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Says that it has so many workers, and counts the tasks that it is given.
#[derive(Clone)]
struct Counting {
    workers: usize,
    tasks: Arc<AtomicUsize>,
}

impl Executor for Counting {
    fn workers(&self) -> usize {
        self.workers
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        self.tasks.fetch_add(tasks, Ordering::Relaxed);
        (0..tasks).for_each(task);
    }
}

/// Asserts that `work` is cut as the plan says, for every number of workers. A single part never comes to an executor.
#[track_caller]
fn counted<E: Element>(what: &str, cut: &dyn Fn(usize) -> Cut, work: &dyn Fn(&Cpu<E>)) {
    counted_in_all(what, &|workers| vec![cut(workers)], work);
}

/// The same of `work` that is cut several times.
#[track_caller]
fn counted_in_all<E: Element>(
    what: &str,
    cuts: &dyn Fn(usize) -> Vec<Cut>,
    work: &dyn Fn(&Cpu<E>),
) {
    for workers in [1, 2, 3, 7, 16, 100] {
        let tasks = Arc::new(AtomicUsize::new(0));
        let counting = Counting {
            workers,
            tasks: tasks.clone(),
        };
        work(&Cpu::builder().executor(counting).build());
        let seen = tasks.load(Ordering::Relaxed);
        let tasks = cuts(workers).into_iter().map(|cut| cut.tasks);
        let told: usize = tasks.filter(|&tasks| tasks > 1).sum();
        assert_eq!(seen, told, "{what}, {workers}");
    }
}

fn dense(shape: &[usize]) -> Layout {
    Layout::contiguous(Shape::new(shape).unwrap()).unwrap()
}

/// A tensor of `shape` whose axes lie in memory in another order, with its layout.
fn permuted<E: Element>(device: &Cpu<E>, shape: &[usize], order: &[usize]) -> Tensor<Cpu<E>> {
    let mut inverse = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        inverse[axis] = place;
    }
    let memory: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    Tensor::ones(device, Shape::new(&memory).unwrap()).permute(&inverse)
}

/// Shapes with an order of the axes in memory.
const CASES: [(&[usize], &[usize]); 8] = [
    (&[], &[]),
    (&[5], &[0]),
    (&[400_000], &[0]),
    (&[300, 500], &[0, 1]),
    (&[300, 500], &[1, 0]),
    (&[70, 60, 50], &[2, 0, 1]),
    (&[70, 60, 50], &[0, 2, 1]),
    (&[9000, 1, 7], &[2, 1, 0]),
];

#[test]
fn elementwise_operations_are_cut_as_told() {
    for (shape, order) in CASES {
        let here: Cpu = Cpu::default();
        let x = permuted(&here, shape, order);
        let y = Tensor::ones(&here, Shape::new(shape).unwrap());
        counted::<f32>(
            &format!("exp of {shape:?}"),
            &|workers| Map::new(workers, [x.layout()]).cut,
            &|device| drop(permuted(device, shape, order).exp()),
        );
        counted::<f32>(
            &format!("sum of two {shape:?}"),
            &|workers| Map::new(workers, [x.layout(), y.layout()]).cut,
            &|device| {
                drop(
                    permuted(device, shape, order)
                        + Tensor::ones(device, Shape::new(shape).unwrap()),
                )
            },
        );
    }
}

#[test]
fn reductions_are_cut_as_told() {
    for (shape, order) in CASES {
        for mask in 0..1 << shape.len() {
            let marked: Vec<bool> = (0..shape.len()).map(|axis| mask >> axis & 1 == 1).collect();
            let axes: Vec<usize> = (0..shape.len()).filter(|&axis| marked[axis]).collect();
            if axes.is_empty() {
                continue;
            }
            let x = permuted::<f64>(&Cpu::default(), shape, order);
            counted::<f64>(
                &format!("sum of {shape:?} over {axes:?}"),
                &|workers| Reduce::new(workers, x.layout(), &marked).cut,
                &|device| drop(permuted(device, shape, order).sum(&axes)),
            );
        }
    }
}

#[test]
fn the_terms_of_a_large_output_are_cut_as_told() {
    let cases: [(&[usize], &[usize]); 5] = [
        (&[600_001], &[0]),
        (&[700, 800], &[0, 1]),
        (&[700, 800], &[1, 0]),
        (&[90, 80, 83], &[0, 2, 1]),
        // More parts than scratch memory holds: they come in two rounds.
        (&[70_000, 9], &[0, 1]),
    ];
    for (shape, order) in cases {
        let here: Cpu = Cpu::default();
        let values = Tensor::rand(&here, Shape::new(shape).unwrap(), &mut Generator::new(3));
        let marked = vec![true; shape.len()];
        let x = permuted::<f32>(&here, shape, order);
        assert!(Reduce::new(2, x.layout(), &marked).by_parts, "{shape:?}");
        if shape[0] != 70_000 {
            counted::<f32>(
                &format!("sum of {shape:?}"),
                &|workers| Reduce::new(workers, x.layout(), &marked).cut,
                &|device| drop(permuted(device, shape, order).sum_all()),
            );
        }
        let expected = values.sum_all().item();
        for workers in [2, 3, 16] {
            let tasks = Arc::default();
            let device = Cpu::builder().executor(Counting { workers, tasks }).build();
            let x = Tensor::from_slice(&device, &values.to_vec(), *values.shape());
            assert_eq!(x.sum_all().item().to_bits(), expected.to_bits());
        }
    }
}

fn products_are_cut_as_told_in<E: Element>() {
    let cases: [(&[usize], &[usize]); 7] = [
        (&[2, 3], &[3, 4]),
        (&[300, 200], &[200, 250]),
        (&[1, 900], &[900, 5000]),
        (&[5000, 900], &[900, 1]),
        (&[3, 400], &[400, 3000]),
        (&[20, 30, 40], &[20, 40, 50]),
        (&[64, 0], &[0, 64]),
    ];
    for (a, b) in cases {
        for turned in [[false, false], [true, false], [false, true], [true, true]] {
            let side = |device: &Cpu<E>, shape: &[usize], turned: bool| {
                let mut order: Vec<usize> = (0..shape.len()).collect();
                if turned {
                    order.swap(shape.len() - 2, shape.len() - 1);
                }
                permuted(device, shape, &order)
            };
            let both = |device: &Cpu<E>| [side(device, a, turned[0]), side(device, b, turned[1])];
            let [left, right] = both(&Cpu::default());
            counted_in_all::<E>(
                &format!("{a:?} x {b:?}, {turned:?}"),
                &|workers| {
                    let plan =
                        Matmul::new::<E>(workers, Level::detect(), left.layout(), right.layout());
                    let plan = plan.expect("a product");
                    plan.packing.into_iter().chain([plan.cut]).collect()
                },
                &|device| {
                    let [left, right] = both(device);
                    drop(left.matmul(&right));
                },
            );
        }
    }
}

#[test]
fn products_are_cut_as_told() {
    products_are_cut_as_told_in::<f32>();
    products_are_cut_as_told_in::<f64>();
}

#[test]
fn convolutions_are_cut_as_told() {
    for ([b, c, h, w], [o, kh, kw]) in [
        ([16, 1, 28, 28], [4, 3, 3]),
        ([1, 64, 28, 28], [64, 3, 3]),
        ([50, 8, 14, 14], [16, 5, 3]),
        ([3, 3, 100, 90], [9, 1, 1]),
    ] {
        let window = Window {
            kernel: [kh, kw],
            stride: [1, 1],
            before: [0, 0],
            input: [h, w],
            output: [h, w],
        };
        let (x, weight) = (dense(&[b, c, h, w]), dense(&[o, c, kh, kw]));
        counted::<f32>(
            &format!("{b} images of {c} channels"),
            &|workers| {
                Conv::new::<f32>(workers, Level::detect(), &x, &weight, &window)
                    .unwrap()
                    .cut
            },
            &|device| {
                let x = Tensor::ones(device, x.shape());
                let weight = Tensor::ones(device, weight.shape());
                drop(x.conv2d(&weight, [1, 1], Padding::MiniTorch));
            },
        );
    }
}

/// The parts cover the output, and none but the last is short.
#[test]
fn parts_cover_the_output() {
    for workers in 0..70 {
        for elements in [0, 1, 16_384, 16_385, 99_999, 1 << 20, (1 << 22) + 1] {
            let Cut { size, tasks } = Map::new(workers, [&dense(&[elements])]).cut;
            assert!((1..=64).contains(&tasks) && size > 0);
            assert!(tasks * size >= elements);
            assert!((tasks - 1) * size < elements.max(1));
        }
    }
}

#[test]
fn the_loops_of_views() {
    let told = |layouts: [&Layout; 2]| {
        let Map { nest, access, .. } = Map::new(1, layouts);
        (nest.sizes().to_vec(), nest.strides().to_vec(), access)
    };
    let whole = dense(&[20, 300, 400]);
    let row = dense(&[400]).expand([20, 300, 400]).unwrap();
    let columns = dense(&[400, 300, 20]).permute(&[2, 1, 0]).unwrap();
    let short = dense(&[20, 300, 4]);
    // Dense memory is one loop; what is broadcast along the outer axes leaves these merged.
    let all = told([&whole, &whole]);
    assert_eq!(all, (vec![2_400_000], vec![[1, 1]], Access::InPlace));
    let broadcast = told([&whole, &row]);
    let strides = vec![[400, 0], [1, 1]];
    assert_eq!(broadcast, (vec![6000, 400], strides, Access::InPlace));
    // One operand that steps by more is copied, and keeps the axes of the others apart.
    let permuted = told([&whole, &columns]);
    let strides = vec![[120_000, 1], [400, 20], [1, 6000]];
    assert_eq!(permuted, (vec![20, 300, 400], strides, Access::Staged));
    // One that steps by 1 in the loop around the innermost one is copied in tiles.
    let turned = dense(&[20, 400, 300]).permute(&[0, 2, 1]).unwrap();
    let transposed = told([&whole, &turned]);
    let strides = vec![[120_000, 120_000], [400, 1], [1, 300]];
    assert_eq!(
        transposed,
        (vec![20, 300, 400], strides, Access::Transposed)
    );
    let one = dense(&[]).expand([20, 300, 400]).unwrap();
    let number = told([&whole, &one]);
    assert_eq!(number, (vec![2_400_000], vec![[1, 0]], Access::Staged));
    // Rows of four elements are too short for a loop of their own, unless they merge.
    let merged = told([&short, &short]);
    assert_eq!(merged, (vec![24_000], vec![[1, 1]], Access::InPlace));
    let rows = dense(&[4]).expand([20, 300, 4]).unwrap();
    let gathered = told([&short, &rows]);
    let strides = vec![[4, 0], [1, 1]];
    assert_eq!(gathered, (vec![6000, 4], strides, Access::Gathered));
}

#[test]
fn the_groups_of_a_reduction() {
    let layout = dense(&[30, 40, 50]);
    let told = |axes: [bool; 3]| {
        let Reduce {
            kept,
            outer,
            inner,
            side_by_side,
            ..
        } = Reduce::new(2, &layout, &axes);
        let sizes = [kept.sizes().to_vec(), inner.sizes().to_vec()];
        (sizes, outer, side_by_side)
    };
    let [no, yes] = [false, true];
    assert_eq!(told([no, no, yes]), ([vec![1200], vec![50]], None, false));
    assert_eq!(told([yes, no, no]), ([vec![2000], vec![30]], None, true));
    let bias = told([yes, no, yes]);
    assert_eq!(bias, ([vec![40], vec![50]], Some((30, 2000)), false));
    let all = told([yes, yes, yes]);
    assert_eq!(all, ([vec![1], vec![2000]], Some((30, 2000)), false));
}

#[test]
fn the_tiles_of_a_product() {
    let [a, b] = [dense(&[64, 300]), dense(&[300, 128])];
    let plan = |a: &Layout, b: &Layout| Matmul::new::<f32>(1, Level::PORTABLE, a, b).unwrap();
    let many = plan(&a, &b);
    assert!(!many.transposed && !many.reads_in_place(64));
    assert_eq!(many.rectangle(0, many.cut.size), [64, 128]);
    // A rectangle that starts within a row ends with it.
    assert_eq!(many.rectangle(120, 64 * 128), [1, 8]);
    assert_eq!(many.rectangle(128, 600), [3, 128]);
    let one = plan(&dense(&[1, 300]), &b);
    assert!(one.reads_in_place(1));
    // Large operands are packed, small ones are read where they lie.
    let large = plan(&dense(&[640, 300]), &dense(&[300, 1280]));
    assert!(large.packs_left([640, 1280]) && !large.reads_in_place(640));
    assert!(large.packing.is_some() && many.packing.is_none());
    // Each of several products has columns of its own.
    assert!(
        plan(&dense(&[2, 640, 300]), &dense(&[2, 300, 1280]))
            .packing
            .is_none()
    );
    let small = plan(&dense(&[64, 64]), &dense(&[64, 64]));
    assert!(!small.packs_left([64, 64]) && small.reads_in_place(64));
    // Columns of one tile lie as if they were packed.
    let narrow = |columns| plan(&dense(&[64, 1200]), &dense(&[1200, columns]));
    let [_, tile] = many.tile;
    assert!(narrow(tile).reads_in_place(64) && !narrow(tile - 1).reads_in_place(64));
    // Rows are packed where enough columns follow.
    assert!(many.packs_left([64, 6 * tile]) && !many.packs_left([64, 6 * tile - 1]));
    // Columns that are not contiguous: the transposed product, if that packs less.
    let turned = dense(&[128, 300]).permute(&[1, 0]).unwrap();
    assert!(plan(&a, &turned).transposed);
    assert!(!plan(&dense(&[200, 300]), &turned).transposed);
    // A few samples would leave most of a vector empty: squares of the right operand are turned.
    let few = plan(&dense(&[4, 300]), &turned);
    assert!(few.turned && !few.transposed && few.reads_in_place(4) && few.depth_at_once() == 300);
    assert!(!plan(&dense(&[5, 300]), &turned).turned);
    assert!(plan(&dense(&[5, 300]), &turned).transposed);
    // What is no product has no plan.
    assert!(Matmul::new::<f32>(1, Level::PORTABLE, &dense(&[3]), &b).is_none());
    assert!(Matmul::new::<f32>(1, Level::PORTABLE, &a, &dense(&[2, 300, 128])).is_none());
    assert!(Matmul::new::<f32>(1, Level::PORTABLE, &dense(&[0, 300]), &b).is_none());
}
