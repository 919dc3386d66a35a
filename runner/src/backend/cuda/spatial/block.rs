//! A convolution with bias, ReLU and pooling as one operation: two kernels at most forward, and
//! three backward, or four for the bias of one image or of points.
#![allow(unsafe_code)]

use minitorch_core::backend::{Backend, View, Window as Sliding};
use minitorch_core::block::{self, Backward, Block, Forward, Pooling};
use minitorch_core::fused::PerOperand;
use minitorch_core::reduction::Sum;
use minitorch_core::{Layout, Result};

use super::super::plain::plain;
use super::super::{Cuda, CudaBuffer, Epilogue, GROUP, address, strides, word};
use super::{PerImage, Pool, Window};

plain! {
    /// What `kernels/block.cu` calls `MapsGrad`.
    struct MapsGrad {
        pool: Pool,
        sums: u64,
        pooling: u32,
        relu: u32,
    }
}
const _: () = assert!(size_of::<MapsGrad>() == 120);

/// What `maps_grad` is told of pooling.
#[derive(Clone, Copy)]
pub(in super::super) enum PoolingKind {
    None,
    Avg,
    Max,
}

impl PoolingKind {
    /// All of them, and what kernels call them.
    pub(in super::super) const ALL: [(Self, &'static str); 3] = [
        (Self::None, "NOT_POOLED"),
        (Self::Avg, "AVERAGE"),
        (Self::Max, "LARGEST"),
    ];
}

impl Cuda {
    /// [`Backend::conv_block`].
    pub(in super::super) fn block(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        block: &Block,
        keep: bool,
    ) -> Result<Forward<Self>> {
        let relu = block.relu;
        let maps = self.convolved(x, weight, &block.conv, Epilogue { bias, relu })?;
        let layout = block.maps(&x.layout, &weight.layout)?;
        block::pooled(self, maps, layout, block, keep)
    }

    /// [`Backend::conv_block_grad`].
    pub(in super::super) fn block_grad(
        &self,
        given: Backward<'_, Self>,
        block: &Block,
        [by_x, by_weight, by_bias]: PerOperand<bool>,
    ) -> Result<PerOperand<Option<CudaBuffer>>> {
        let maps = given.maps(block)?;
        let Backward { x, weight, g, .. } = given;
        let layout = Layout::contiguous(*maps.shape())?;
        let [images, _, height, width] = [0, 1, 2, 3].map(|axis| maps.shape()[axis]);
        // Axes of size 1 do not count in a sum, so that of one image goes by rows, and that of points by blocks of images.
        let by_planes = by_bias && images != 1 && [height, width] != [1, 1];
        let (grad, sums) = self.maps_grad(maps, g.view(), block, by_planes)?;
        let g = View::new(&grad, layout);
        let (by_x, by_weight) = match (by_x, by_weight) {
            (true, true) => {
                let (by_x, by_weight) = self.both_grads([x, weight, g], &block.conv)?;
                (Some(by_x), Some(by_weight))
            }
            (true, false) => (
                Some(self.convolved_input_grad(g, weight, &block.conv)?),
                None,
            ),
            (false, true) => (None, Some(self.weight_grads(x, g, &block.conv)?)),
            (false, false) => (None, None),
        };
        self.add_images([by_weight.as_ref(), sums.as_ref()], images)?;
        let by_bias = match sums {
            None if by_bias => Some(self.reduce(Sum, g, &[true, false, true, true])?),
            sums => sums.map(|sums| sums.sum),
        };
        Ok([by_x, by_weight.map(|grads| grads.sum), by_bias])
    }

    /// The gradient of the maps, and the sums of its planes, if they are wanted.
    fn maps_grad(
        &self,
        maps: View<'_, Self>,
        g: View<'_, Self>,
        block: &Block,
        sums: bool,
    ) -> Result<(CudaBuffer, Option<PerImage>)> {
        let (images, channels) = (maps.shape()[0], maps.shape()[1]);
        let out = CudaBuffer::any(self, maps.layout.elements())?;
        let sums = match sums {
            true => Some(PerImage {
                images: CudaBuffer::any(self, images * channels)?,
                sum: CudaBuffer::any(self, channels)?,
            }),
            false => None,
        };
        let size = block.conv.output;
        let single = Sliding {
            kernel: [1, 1],
            stride: [1, 1],
            before: [0, 0],
            input: size,
            output: size,
        };
        let (pooling, window) = match &block.pool {
            None => (PoolingKind::None, &single),
            Some(Pooling::Avg(window)) => (PoolingKind::Avg, window),
            Some(Pooling::Max(window)) => (PoolingKind::Max, window),
        };
        let arguments = MapsGrad {
            pool: Pool {
                out: out.address(),
                x: address(&maps),
                g: address(&g),
                count: word(out.count()),
                channels: word(channels),
                window: Window::new("conv_block", window)?,
                x_stride: strides(&maps.layout),
                g_stride: strides(&g.layout),
            },
            sums: sums.as_ref().map_or(0, |sums| sums.images.address()),
            pooling: pooling as u32,
            relu: block.relu.into(),
        };
        let threads = images * channels * GROUP as usize;
        // SAFETY: these are the arguments of `maps_grad`, which has a group for each plane; the views end in their buffers,
        // `out` is as large as the maps, and there is a sum for each plane, if there are any.
        unsafe { self.run("maps_grad", threads, &arguments) }?;
        Ok((out, sums))
    }
}
