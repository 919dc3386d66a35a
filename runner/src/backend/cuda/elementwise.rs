//! Elementwise operations, and copies from view to view.
#![allow(unsafe_code)]

use std::array::from_fn;
use std::ops::Range;

use minitorch_core::backend::View;
use minitorch_core::nest::Nest;
use minitorch_core::ops::Op;
use minitorch_core::shape::MAX_RANK;
use minitorch_core::{Layout, Result};

use super::ops::OPERANDS;
use super::plain::plain;
use super::updates::Update;
use super::{Cuda, CudaBuffer, address, place, stream, word};

plain! {
    /// What `kernels/map.cuh` calls `Map`.
    #[derive(Debug)]
    pub(super) struct Map {
        out: u64,
        operands: [u64; OPERANDS],
        pub(super) count: u32,
        rank: u32,
        size: [u32; MAX_RANK],
        stride: [[u32; MAX_RANK]; OPERANDS + 1],
        parameters: [f32; 3],
        unused: u32,
    }
}
const _: () = assert!(size_of::<Map>() == 208);

/// Where an operand is.
#[derive(Clone, Copy)]
struct Operand {
    address: u64,
    layout: Layout,
}

impl Operand {
    fn of(view: &View<'_, Cuda>) -> Self {
        Self {
            address: address(view),
            layout: view.layout,
        }
    }

    /// The addresses from its first element to its last.
    fn span(&self) -> Range<u64> {
        let numbers = self.layout.end().saturating_sub(self.layout.offset());
        self.address..self.address + (numbers * size_of::<f32>()) as u64
    }
}

impl Cuda {
    /// Applies `op` to `operands` and puts the results into a new buffer.
    pub(super) fn mapped<const N: usize, O: Op<N>>(
        &self,
        op: O,
        operands: [View<'_, Self>; N],
    ) -> Result<CudaBuffer> {
        let shape = operands.first().map_or(Layout::contiguous([0]), |first| {
            Layout::contiguous(first.shape())
        });
        let layout = shape?;
        let out = CudaBuffer::any(self, layout.elements())?;
        let operands = from_fn(|k| Operand::of(&operands[k]));
        let place = Operand {
            address: out.address(),
            layout,
        };
        self.apply(op, place, operands)?;
        Ok(out)
    }

    /// Replaces the elements of `out` under `layout` by `op` of themselves and `operands`.
    pub(super) fn updated<const N: usize, const M: usize, O: Op<M>>(
        &self,
        op: O,
        out: &mut CudaBuffer,
        layout: &Layout,
        operands: [View<'_, Self>; N],
    ) -> Result<()> {
        const { assert!(M == N + 1, "the old value is an operand, too") };
        let out = Operand {
            address: place(out, layout),
            layout: *layout,
        };
        let old = O::IN_PLACE;
        let operands = from_fn(|k| match k.cmp(&old) {
            std::cmp::Ordering::Less => Operand::of(&operands[k]),
            std::cmp::Ordering::Equal => out,
            std::cmp::Ordering::Greater => Operand::of(&operands[k - 1]),
        });
        let Some(kernel) = self.machine.modules.updates::<M, O>()? else {
            return self.apply(op, out, operands);
        };
        let update = Update {
            map: Map::new(op.params(), out, &operands),
            writes: out.span(),
            reads: from_fn(|k| operands.get(k).map_or(0..0, Operand::span)),
        };
        // SAFETY: the kernel takes what has such updates in it, and `place` has asserted that the views end in their buffers.
        let queued = unsafe { self.machine.stream.update(&kernel, update) };
        queued.map_err(stream::error(O::NAME, out.layout.elements()))
    }

    /// Copies `from` into the places of `out` that `layout` names.
    pub(super) fn assigned(
        &self,
        out: &mut CudaBuffer,
        layout: &Layout,
        from: View<'_, Self>,
    ) -> Result<()> {
        let out = Operand {
            address: place(out, layout),
            layout: *layout,
        };
        self.apply(
            minitorch_core::ops::unary::Identity,
            out,
            [Operand::of(&from)],
        )
    }

    fn apply<const N: usize, O: Op<N>>(
        &self,
        op: O,
        out: Operand,
        operands: [Operand; N],
    ) -> Result<()> {
        let kernel = self.machine.modules.map::<N, O>()?;
        let arguments = Map::new(op.params(), out, &operands);
        // SAFETY: these are the arguments of all kernels of `map`, and `place` has asserted that the views end in their buffers.
        unsafe { self.launch(O::NAME, &kernel, out.layout.elements(), &arguments) }
    }
}

impl Map {
    /// An operation on no elements.
    pub(super) const NOTHING: Self = Self {
        out: 0,
        operands: [0; OPERANDS],
        count: 0,
        rank: 0,
        size: [0; MAX_RANK],
        stride: [[0; MAX_RANK]; OPERANDS + 1],
        parameters: [0.0; 3],
        unused: 0,
    };

    /// An operation of operands, of which there are no more than its kernel has places for: the same code for all of them.
    fn new(parameters: [f64; 3], out: Operand, operands: &[Operand]) -> Self {
        // Of the output, then of the operands.
        let all: [Layout; OPERANDS + 1] = from_fn(|k| match k.checked_sub(1) {
            None => out.layout,
            Some(k) => operands.get(k).map_or(out.layout, |operand| operand.layout),
        });
        let nest = Nest::new(from_fn::<_, { OPERANDS + 1 }, _>(|k| &all[k]));
        let rank = nest.sizes().len();
        let axis = |axis: usize, of: &dyn Fn(usize) -> usize| match axis < rank {
            true => word(of(axis)),
            false => 0,
        };
        Self {
            out: out.address,
            operands: from_fn(|k| operands.get(k).map_or(0, |operand| operand.address)),
            count: word(out.layout.elements()),
            rank: word(rank),
            size: from_fn(|at| axis(at, &|at| nest.sizes()[at])),
            stride: from_fn(|k| from_fn(|at| axis(at, &|at| nest.strides()[at][k]))),
            parameters: parameters.map(|parameter| parameter as f32),
            unused: 0,
        }
    }
}
