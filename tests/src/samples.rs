//! Operands: numbers of every kind in memory of every layout.

use crate::real::Real;
use minitorch_core::indexing::{Indices, index_to_position};
use minitorch_core::{Backend, Layout, Shape};

/// A buffer and a view of it.
#[derive(Clone, Debug)]
pub struct Sample<E> {
    /// The kind of layout.
    pub name: &'static str,
    /// The whole buffer.
    pub data: Vec<E>,
    /// The view.
    pub layout: Layout,
}

impl<E: Real> Sample<E> {
    /// A buffer that is just large enough for `base`, seen through `layout`.
    fn new(name: &'static str, base: &Layout, layout: Layout, values: &dyn Fn(usize) -> E) -> Self {
        Self {
            name,
            data: (0..base.elements()).map(values).collect(),
            layout,
        }
    }

    /// The elements of the view in row-major order, read one by one.
    #[must_use]
    pub fn elements(&self) -> Vec<E> {
        positions(&self.layout).map(|at| self.data[at]).collect()
    }

    /// The sizes of the axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// The buffer on a device.
    ///
    /// # Panics
    /// If the device fails.
    #[must_use]
    pub fn upload<B: Backend<Elem = E>>(&self, device: &B) -> B::Buffer {
        device.upload(&self.data).expect("upload")
    }
}

/// The positions in the buffer of a view's elements, in row-major order.
pub fn positions(layout: &Layout) -> impl Iterator<Item = usize> {
    Indices::new(*layout.shape())
        .map(move |index| layout.offset() + index_to_position(&index, layout.strides()))
}

/// The `at`-th number of a sequence that looks random: uniform in -4..4.
#[must_use]
pub fn plain<E: Real>(seed: u64, at: usize) -> E {
    E::from_f64(noise(seed, at) as f64 / 2f64.powi(61) - 4.0)
}

/// As [`plain`], but every third number, about, is one of [`Real::SPECIALS`].
#[must_use]
pub fn special<E: Real>(seed: u64, at: usize) -> E {
    let choice = noise(seed ^ 0xabcd, at) as usize % (3 * E::SPECIALS.len());
    E::SPECIALS
        .get(choice)
        .copied()
        .unwrap_or_else(|| plain(seed, at))
}

/// As [`plain`], but so small that products of two are about the smallest number there is: some are rounded to 0.
#[must_use]
pub fn small<E: Real>(seed: u64, at: usize) -> E {
    let half = if size_of::<E>() == 4 { 48 } else { 480 };
    let exponent = half + whole(seed, at, 64) as i32;
    plain::<E>(seed, at) * E::from_f64(2.0_f64.powi(-exponent))
}

/// A few equal numbers, so that the largest one is there several times.
#[must_use]
pub fn ties<E: Real>(seed: u64, at: usize) -> E {
    E::from_f64((noise(seed, at) % 4) as f64 - 1.5)
}

/// The `at`-th number of a sequence of whole numbers below `below`. `scripts/pytorch_operations.py` makes the same one.
#[must_use]
pub fn whole(seed: u64, at: usize, below: u64) -> u64 {
    (noise(seed, at) >> 32) % below
}

/// SplitMix64.
fn noise(seed: u64, at: usize) -> u64 {
    let mut x = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(at as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The shapes for elementwise operations: every rank, sizes 0 and 1, and runs around the sizes of blocks.
#[must_use]
pub fn shapes() -> Vec<Vec<usize>> {
    let mut shapes: Vec<Vec<usize>> = vec![
        vec![],
        vec![0],
        vec![3, 0],
        vec![0, 4, 2],
        vec![1, 1],
        vec![2, 1, 3],
        vec![2, 1, 3, 4],
        vec![2, 2, 1, 3, 2],
        vec![2, 1, 2, 2, 1, 3],
    ];
    shapes.extend([1, 7, 8, 15, 16, 17, 127, 128, 129, 511, 512, 513].map(|n| vec![n]));
    shapes.extend([1, 7, 17, 128, 130].map(|n| vec![3, n]));
    shapes
}

/// Shapes that are large enough to be split among threads.
#[must_use]
pub fn large_shapes() -> Vec<Vec<usize>> {
    vec![vec![20_000], vec![150, 140]]
}

/// Views of one shape in every kind of layout, the dense one first.
///
/// # Panics
/// If a layout cannot be made, which is a bug.
#[must_use]
pub fn views<E: Real>(shape: &[usize], values: &dyn Fn(usize) -> E) -> Vec<Sample<E>> {
    let dense =
        |sizes: &[usize]| Layout::contiguous(Shape::new(sizes).expect("rank")).expect("size");
    let whole = Shape::new(shape).expect("rank");
    let mut all = Vec::new();
    let mut add =
        |name, base: &Layout, view: Layout| all.push(Sample::new(name, base, view, values));

    add("dense", &dense(shape), dense(shape));
    add(
        "one number",
        &dense(&[]),
        dense(&[]).expand(whole).expect("expand"),
    );
    let rank = shape.len();
    if rank < 6 {
        let base = dense(&[&[3], shape].concat());
        let view = base.narrow(0, 1, 1).and_then(|view| view.squeeze(0));
        add("offset", &base, view.expect("narrow"));
    }
    if rank == 0 {
        return all;
    }
    let with = |axis: usize, size: usize| {
        let mut sizes = shape.to_vec();
        sizes[axis] = size;
        dense(&sizes)
    };
    let last = rank - 1;
    add(
        "first axis broadcast",
        &with(0, 1),
        with(0, 1).expand(whole).expect("expand"),
    );
    for (name, axis, start, step) in [("every third", last, 1, 3), ("every second row", 0, 0, 2)] {
        let base = with(axis, start + step * shape[axis]);
        add(
            name,
            &base,
            base.slice(axis, start, shape[axis], step).expect("slice"),
        );
    }
    if rank >= 2 {
        add(
            "last axis broadcast",
            &with(last, 1),
            with(last, 1).expand(whole).expect("expand"),
        );
        let base = dense(&shape.iter().rev().copied().collect::<Vec<_>>());
        let order: Vec<usize> = (0..rank).rev().collect();
        add("transposed", &base, base.permute(&order).expect("permute"));
    }
    if rank >= 3 {
        let base = dense(&[&shape[1..], &shape[..1]].concat());
        let order: Vec<usize> = (0..rank).map(|axis| (axis + rank - 1) % rank).collect();
        add("rotated", &base, base.permute(&order).expect("permute"));
    }
    if let [windows, size] = *shape
        && windows * size > 0
    {
        let base = dense(&[windows + size - 1]);
        add(
            "overlapping",
            &base,
            base.window(0, size, 1).expect("window"),
        );
    }
    all
}
