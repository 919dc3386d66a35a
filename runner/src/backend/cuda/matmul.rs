//! Matrix products.
#![allow(unsafe_code)]

use std::array::from_fn;

use minitorch_core::Result;
use minitorch_core::backend::View;
use minitorch_core::shape::product;

use super::plain::plain;
use super::{Cuda, CudaBuffer, Epilogue, GROUP, address, strides, word};

/// The side of the square of outputs that a group of threads computes.
const TILE: usize = 16;
/// The same of the kernel that uses a number more often.
const WIDE: usize = 64;
/// From so many of the larger squares on, there is one for most of a device's processors.
const MANY: usize = 64;
/// The most leading axes: the rank of a tensor without the two of a matrix.
const LEADING: usize = 4;

plain! {
    /// What `kernels/matmul.cu` calls `Matmul`.
    struct Matmul {
        out: u64,
        left: u64,
        right: u64,
        m: u32,
        n: u32,
        k: u32,
        tiles: [u32; 2],
        left_stride: [u32; 2],
        right_stride: [u32; 2],
        batch_size: [u32; LEADING],
        left_batch: [u32; LEADING],
        right_batch: [u32; LEADING],
        unused: u32,
    }
}
const _: () = assert!(size_of::<Matmul>() == 112 && TILE * TILE == GROUP as usize);

plain! {
    /// What `kernels/matmul.cu` calls `Product`.
    pub(super) struct Product {
        of: Matmul,
        passed: u64,
        bias: u64,
        passed_stride: [u32; 2],
        bias_stride: u32,
        relu: u32,
    }
}
const _: () = assert!(size_of::<Product>() == 144);

/// Whether a product `[batch, m, n]` has enough outputs for the kernel of the larger squares.
pub(super) fn is_wide(sizes: [usize; 3]) -> bool {
    groups(sizes, WIDE) >= MANY
}

impl Cuda {
    /// `[.., m, k] x [.., k, n] -> [.., m, n]`.
    pub(super) fn product(&self, a: View<'_, Self>, b: View<'_, Self>) -> Result<CudaBuffer> {
        let sizes = sizes(&a, &b);
        if !is_wide(sizes) {
            return self.small_product(a, b, Epilogue::default());
        }
        let out = CudaBuffer::any(self, product(sizes))?;
        let arguments = Matmul::new(&out, &a, &b, WIDE);
        let threads = groups(sizes, WIDE) * GROUP as usize;
        // SAFETY: these are the arguments of `matmul_wide`; the views, whose shapes `sizes` compared, end in their buffers,
        // and the output in its own.
        unsafe { self.run("matmul_wide", threads, &arguments) }?;
        Ok(out)
    }

    /// The same by the kernel of the smaller squares, and what follows.
    pub(super) fn small_product(
        &self,
        a: View<'_, Self>,
        b: View<'_, Self>,
        Epilogue { bias, relu }: Epilogue<'_>,
    ) -> Result<CudaBuffer> {
        let sizes = sizes(&a, &b);
        if let Some(bias) = &bias {
            assert_eq!(**bias.shape(), [sizes[2]], "a bias for each column");
        }
        let out = CudaBuffer::any(self, product(sizes))?;
        let arguments = Product {
            bias: bias.as_ref().map_or(0, address),
            bias_stride: bias.map_or(0, |bias| word(bias.layout.strides()[0])),
            relu: relu.into(),
            ..Product::new(&out, &a, &b)
        };
        let threads = groups(sizes, TILE) * GROUP as usize;
        // SAFETY: these are the arguments of `matmul`; the views, whose shapes were compared, end in their buffers, and the
        // output in its own.
        unsafe { self.run("matmul", threads, &arguments) }?;
        Ok(out)
    }
}

/// The sizes `[batch, m, n]` of a product.
///
/// # Panics
///
/// If there is no such product.
fn sizes(a: &View<'_, Cuda>, b: &View<'_, Cuda>) -> [usize; 3] {
    let leading = a.shape().rank() - 2;
    assert_eq!(a.shape()[..leading], b.shape()[..leading], "leading axes");
    assert_eq!(a.shape()[leading + 1], b.shape()[leading], "terms");
    let batch = product(a.shape()[..leading].iter().copied());
    [batch, a.shape()[leading], b.shape()[leading + 1]]
}

/// The squares of `side` in outputs of these sizes.
fn groups([batch, m, n]: [usize; 3], side: usize) -> usize {
    product([batch, m.div_ceil(side), n.div_ceil(side)])
}

impl Matmul {
    /// No output.
    const NOTHING: Self = Self {
        out: 0,
        left: 0,
        right: 0,
        m: 0,
        n: 0,
        k: 0,
        tiles: [0; 2],
        left_stride: [0; 2],
        right_stride: [0; 2],
        batch_size: [1; LEADING],
        left_batch: [0; LEADING],
        right_batch: [0; LEADING],
        unused: 0,
    };

    /// `[.., m, k] x [.., k, n]` into `out`, in squares of `side`.
    fn new(out: &CudaBuffer, a: &View<'_, Cuda>, b: &View<'_, Cuda>, side: usize) -> Self {
        let leading = a.shape().rank() - 2;
        let [m, k, n] = [
            a.shape()[leading],
            a.shape()[leading + 1],
            b.shape()[leading + 1],
        ];
        // Leading axes stand at the end, behind ones of size 1.
        let lead = |of: &dyn Fn(usize) -> usize, none: usize| {
            from_fn(|at| word((at + leading).checked_sub(LEADING).map_or(none, of)))
        };
        let matrix =
            |view: &View<'_, Cuda>| from_fn(|axis| word(view.layout.strides()[leading + axis]));
        Self {
            out: out.address(),
            left: address(a),
            right: address(b),
            m: word(m),
            n: word(n),
            k: word(k),
            tiles: [n, m].map(|size| word(size.div_ceil(side))),
            left_stride: matrix(a),
            right_stride: matrix(b),
            batch_size: lead(&|axis| a.shape()[axis], 1),
            left_batch: lead(&|axis| a.layout.strides()[axis], 0),
            right_batch: lead(&|axis| b.layout.strides()[axis], 0),
            unused: 0,
        }
    }
}

impl Product {
    /// No output.
    pub(super) const NOTHING: Self = Self {
        of: Matmul::NOTHING,
        passed: 0,
        bias: 0,
        passed_stride: [0; 2],
        bias_stride: 0,
        relu: 0,
    };

    /// `[.., m, k] x [.., k, n]` into `out`.
    pub(super) fn new(out: &CudaBuffer, a: &View<'_, Cuda>, b: &View<'_, Cuda>) -> Self {
        Self {
            of: Matmul::new(out, a, b, TILE),
            ..Self::NOTHING
        }
    }

    /// The sums of the rows of `a` `[m, k]` into `out`, each by a thread.
    pub(super) fn sums(out: &CudaBuffer, a: &View<'_, Cuda>) -> Self {
        let [m, k] = [0, 1].map(|axis| a.shape()[axis]);
        let of = Matmul {
            out: out.address(),
            left: address(a),
            left_stride: strides(&a.layout),
            m: word(m),
            k: word(k),
            tiles: [1, word(m.div_ceil(GROUP as usize))],
            ..Matmul::NOTHING
        };
        Self {
            of,
            ..Self::NOTHING
        }
    }

    /// The same of a left operand, a matrix, that is the gradient of what ReLU made: of `y`, of its shape.
    pub(super) fn passed(self, y: &View<'_, Cuda>) -> Self {
        Self {
            passed: address(y),
            passed_stride: strides(&y.layout),
            ..self
        }
    }

    /// The groups of threads of matrices without leading axes.
    pub(super) const fn groups(&self) -> usize {
        self.of.tiles[0] as usize * self.of.tiles[1] as usize
    }
}
