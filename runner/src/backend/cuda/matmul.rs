//! Matrix products.
#![allow(unsafe_code)]

use std::array::from_fn;

use minitorch_core::Result;
use minitorch_core::backend::View;
use minitorch_core::shape::product;

use super::plain::plain;
use super::{Cuda, CudaBuffer, GROUP, address, word};

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

impl Cuda {
    /// `[.., m, k] x [.., k, n] -> [.., m, n]`.
    pub(super) fn product(&self, a: View<'_, Self>, b: View<'_, Self>) -> Result<CudaBuffer> {
        let leading = a.shape().rank() - 2;
        let [m, k, n] = [
            a.shape()[leading],
            a.shape()[leading + 1],
            b.shape()[leading + 1],
        ];
        let batch = product(a.shape()[..leading].iter().copied());
        let out = CudaBuffer::any(self, product([batch, m, n]))?;
        // Leading axes stand at the end, behind ones of size 1.
        let lead = |of: &dyn Fn(usize) -> usize, none: usize| {
            from_fn(|at| word((at + leading).checked_sub(LEADING).map_or(none, of)))
        };
        let matrix =
            |view: &View<'_, Self>| from_fn(|axis| word(view.layout.strides()[leading + axis]));
        let squares = |side: usize| [n, m].map(|size| size.div_ceil(side));
        let groups = |[across, down]: [usize; 2]| product([batch, across, down]);
        let (name, tiles) = match groups(squares(WIDE)) {
            MANY.. => ("matmul_wide", squares(WIDE)),
            _ => ("matmul", squares(TILE)),
        };
        let arguments = Matmul {
            out: out.address(),
            left: address(&a),
            right: address(&b),
            m: word(m),
            n: word(n),
            k: word(k),
            tiles: tiles.map(word),
            left_stride: matrix(&a),
            right_stride: matrix(&b),
            batch_size: lead(&|axis| a.shape()[axis], 1),
            left_batch: lead(&|axis| a.layout.strides()[axis], 0),
            right_batch: lead(&|axis| b.layout.strides()[axis], 0),
            unused: 0,
        };
        // SAFETY: these are the arguments of both kernels; the views end in their buffers, and the output in its own.
        unsafe { self.run(name, groups(tiles) * GROUP as usize, &arguments) }?;
        Ok(out)
    }
}
