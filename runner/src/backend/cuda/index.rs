//! Reading and writing by whole numbers, numbers that are all equal, and random ones.
#![allow(unsafe_code)]

use minitorch_core::backend::View;
use minitorch_core::ops::special::Keep;
use minitorch_core::{Generator, Result, random};

use super::plain::plain;
use super::{Cuda, CudaBuffer, CudaIndex, address, strides, word};

plain! {
    /// What `kernels/index.cu` calls `Fill`.
    struct Fill {
        out: u64,
        count: u32,
        value: f32,
    }
}
const _: () = assert!(size_of::<Fill>() == 16);

plain! {
    /// What `kernels/index.cu` calls `Rows`.
    struct Rows {
        out: u64,
        operand: u64,
        index: u64,
        rows: u32,
        width: u32,
        stride: [u32; 2],
    }
}
const _: () = assert!(size_of::<Rows>() == 40);

plain! {
    /// What `kernels/index.cu` calls `Pick`.
    struct Pick {
        out: u64,
        operand: u64,
        index: u64,
        count: u32,
        n: u32,
        inner: u32,
        stride: [u32; 3],
    }
}
const _: () = assert!(size_of::<Pick>() == 48);

plain! {
    /// What `kernels/random.cu` calls `Draw`.
    struct Draw {
        out: u64,
        /// Seed, stream and position.
        generator: [u64; 3],
        count: u32,
        unused: u32,
    }
}
const _: () = assert!(size_of::<Draw>() == 40);

plain! {
    /// What `kernels/random.cu` calls `Dropout`.
    struct Dropout {
        draw: Draw,
        out: u64,
        operand: u64,
        p: f32,
        scale: f32,
    }
}
const _: () = assert!(size_of::<Dropout>() == 64);

impl Cuda {
    /// Overwrites all of a buffer.
    pub(super) fn fill(&self, out: &mut CudaBuffer, value: f32) -> Result<()> {
        let arguments = Fill {
            out: out.address(),
            count: word(out.count()),
            value,
        };
        // SAFETY: these are the arguments of `fill`, which writes all numbers of the buffer.
        unsafe { self.run("fill", out.count(), &arguments) }
    }

    /// A buffer of equal numbers.
    pub(super) fn filled(&self, count: usize, value: f32) -> Result<CudaBuffer> {
        let mut out = CudaBuffer::any(self, count)?;
        self.fill(&mut out, value)?;
        Ok(out)
    }

    /// `count` rows of a table `[v, d]`.
    pub(super) fn rows_of(
        &self,
        table: View<'_, Self>,
        index: &CudaIndex,
        count: usize,
    ) -> Result<CudaBuffer> {
        let out = CudaBuffer::any(self, count * table.shape()[1])?;
        self.by_rows("rows", &out, table, index, count)?;
        Ok(out)
    }

    /// A table of `v` rows of +0, to which the rows of `[n, d]` are added.
    pub(super) fn rows_added(
        &self,
        rows: View<'_, Self>,
        index: &CudaIndex,
        v: usize,
    ) -> Result<CudaBuffer> {
        let out = self.filled(v * rows.shape()[1], 0.0)?;
        self.by_rows("rows_add", &out, rows, index, rows.shape()[0])?;
        Ok(out)
    }

    fn by_rows(
        &self,
        name: &'static str,
        out: &CudaBuffer,
        x: View<'_, Self>,
        index: &CudaIndex,
        rows: usize,
    ) -> Result<()> {
        assert!(rows <= index.count(), "fewer numbers than rows");
        let width = x.shape()[1];
        let arguments = Rows {
            out: out.address(),
            operand: address(&x),
            index: index.address(),
            rows: word(rows),
            width: word(width),
            stride: strides(&x.layout),
        };
        // SAFETY: these are the arguments of both kernels. The view ends in its buffer, and there are enough numbers in the
        // index. That they are numbers of rows, the caller of the backend answers for.
        unsafe { self.run(name, rows * width, &arguments) }
    }

    /// One element along axis 1 of `[outer, n, inner]`.
    pub(super) fn picked(&self, x: View<'_, Self>, index: &CudaIndex) -> Result<CudaBuffer> {
        let [outer, n, inner] = [0, 1, 2].map(|axis| x.shape()[axis]);
        let out = CudaBuffer::any(self, outer * inner)?;
        let [outer, inner] = [outer * inner, inner];
        self.pick(
            "pick",
            out.address(),
            &x,
            index,
            [outer, n, inner],
            strides(&x.layout),
        )?;
        Ok(out)
    }

    /// The reverse of [`Cuda::picked`]: `[outer, inner]` is put into a `[outer, n, inner]` of +0.
    pub(super) fn placed(
        &self,
        x: View<'_, Self>,
        index: &CudaIndex,
        n: usize,
    ) -> Result<CudaBuffer> {
        let (count, inner) = (x.layout.elements(), x.shape()[1]);
        let out = self.filled(count * n, 0.0)?;
        let [by_outer, by_inner] = strides(&x.layout);
        let stride = [by_outer, 0, by_inner];
        self.pick("place", out.address(), &x, index, [count, n, inner], stride)?;
        Ok(out)
    }

    /// The position of the first largest element along axis 1 of `[outer, n, inner]`.
    pub(super) fn largest(&self, x: View<'_, Self>) -> Result<CudaIndex> {
        let [outer, n, inner] = [0, 1, 2].map(|axis| x.shape()[axis]);
        let out = CudaIndex::any(self, outer * inner)?;
        self.pick(
            "arg_max",
            0,
            &x,
            &out,
            [outer * inner, n, inner],
            strides(&x.layout),
        )?;
        Ok(out)
    }

    fn pick(
        &self,
        name: &'static str,
        out: u64,
        x: &View<'_, Self>,
        index: &CudaIndex,
        [count, n, inner]: [usize; 3],
        stride: [u32; 3],
    ) -> Result<()> {
        assert!(count <= index.count(), "fewer numbers than elements");
        let arguments = Pick {
            out,
            operand: address(x),
            index: index.address(),
            count: word(count),
            n: word(n),
            inner: word(inner),
            stride,
        };
        // SAFETY: these are the arguments of all three kernels. The view ends in its buffer, and there are enough numbers in
        // the index. That those which are read are below `n`, the caller of the backend answers for.
        unsafe { self.run(name, count, &arguments) }
    }

    /// The kernel of a draw: `uniform` or `normal`.
    pub(super) fn drawn(
        &self,
        name: &'static str,
        count: usize,
        draw: &Generator,
    ) -> Result<CudaBuffer> {
        let out = CudaBuffer::any(self, count)?;
        let arguments = Draw::new(&out, draw);
        // SAFETY: these are the arguments of both draws, which write all numbers of the buffer.
        unsafe { self.run(name, count, &arguments) }?;
        Ok(out)
    }

    /// `x` times a mask, and the mask, by one kernel if the elements of `x` are in order.
    pub(super) fn dropped(
        &self,
        x: View<'_, Self>,
        keep: Keep,
        draw: &Generator,
    ) -> Result<[CudaBuffer; 2]> {
        if !x.layout.is_contiguous() {
            return random::dropout(self, x, keep, draw);
        }
        let count = x.layout.elements();
        let [out, mask] = [CudaBuffer::any(self, count)?, CudaBuffer::any(self, count)?];
        let arguments = Dropout {
            draw: Draw::new(&mask, draw),
            out: out.address(),
            operand: address(&x),
            p: keep.p as f32,
            scale: keep.scale as f32,
        };
        // SAFETY: these are the arguments of `dropout`, which writes all numbers of both buffers and reads as many in a row,
        // which is where the view ends.
        unsafe { self.run("dropout", count, &arguments) }?;
        Ok([out, mask])
    }
}

impl Draw {
    /// A draw that fills a buffer.
    fn new(out: &CudaBuffer, draw: &Generator) -> Self {
        Self {
            out: out.address(),
            generator: draw.parts(),
            count: word(out.count()),
            unused: 0,
        }
    }
}
