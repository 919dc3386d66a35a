//! Folding axes.
#![allow(unsafe_code)]

use std::array::from_fn;

use minitorch_core::Result;
use minitorch_core::backend::View;
use minitorch_core::nest::Nest;
use minitorch_core::plan::Reduce as Plan;
use minitorch_core::reduction::Reduction;
use minitorch_core::shape::{MAX_RANK, product};

use super::plain::plain;
use super::{Cuda, CudaBuffer, GROUP, address, word};

plain! {
    /// What `kernels/reduce.cuh` calls `Axes`.
    struct Axes {
        rank: u32,
        size: [u32; MAX_RANK],
        stride: [u32; MAX_RANK],
    }
}

plain! {
    /// What `kernels/reduce.cuh` calls `Reduce`.
    struct Reduce {
        out: u64,
        operand: u64,
        count: u32,
        kept: Axes,
        several: u32,
        outer_count: u32,
        outer_stride: u32,
        inner_count: u32,
        inner: Axes,
        unused: u32,
    }
}
const _: () = assert!(size_of::<Reduce>() == 144);
/// A group has so many threads, as `kernels/reduce.cuh` counts on.
const _: () = assert!(GROUP == 32 * 8);

/// From so many elements to an output on, a group of threads folds it, unless there are enough outputs for one thread each.
pub(super) const LONG: usize = 256;
/// Outputs that occupy a device with one thread each.
pub(super) const MANY: usize = 16 * 1024;

impl Cuda {
    /// Folds the axes that are marked in `axes`.
    pub(super) fn folded<R: Reduction>(
        &self,
        x: View<'_, Self>,
        axes: &[bool],
    ) -> Result<CudaBuffer> {
        let sizes = x.shape().iter().zip(axes);
        let kept = sizes.filter(|(_, folded)| !**folded).map(|(&size, _)| size);
        let count = product(kept);
        let mut out = CudaBuffer::any(self, count)?;
        if x.layout.elements() == 0 {
            self.fill(&mut out, R::START as f32)?;
            return Ok(out);
        }
        let plan = Plan::new(1, &x.layout, axes);
        let (outer_count, outer_stride) = plan.outer.unwrap_or((1, 0));
        let inner_count = plan.inner.elements();
        let arguments = Reduce {
            out: out.address(),
            // The plan's outputs begin at the view's offset, which the address has in it.
            operand: address(&x),
            count: word(count),
            kept: Axes::of(&plan.kept),
            several: plan.outer.is_some().into(),
            outer_count: word(outer_count),
            outer_stride: word(outer_stride),
            inner_count: word(inner_count),
            inner: Axes::of(&plan.inner),
            unused: 0,
        };
        let (way, threads) = if outer_count * inner_count >= LONG && count < MANY {
            ("_block", count * GROUP as usize)
        } else {
            ("_each", count)
        };
        let kernel = self.machine.modules.reduce::<R>(way)?;
        // SAFETY: these are the arguments of both ways to fold; the view ends in its buffer, and `out` has a number for each
        // output.
        unsafe { self.launch(R::NAME, &kernel, threads, &arguments) }?;
        Ok(out)
    }
}

impl Axes {
    fn of(nest: &Nest<1>) -> Self {
        let (sizes, strides) = (nest.sizes(), nest.strides());
        Self {
            rank: word(sizes.len()),
            size: from_fn(|axis| sizes.get(axis).map_or(1, |&size| word(size))),
            stride: from_fn(|axis| strides.get(axis).map_or(0, |&[stride]| word(stride))),
        }
    }
}
