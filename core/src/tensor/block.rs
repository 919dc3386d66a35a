//! A convolution with what follows it, as one operation.

use super::conv::Padding;
use super::{Tensor, plain_forms};
use crate::autodiff::Sink;
use crate::backend::Backend;
use crate::block::{Backward, Block, Forward, Pooling, Saved};
use crate::error::{Error, ErrorKind, Result};
use crate::kernels::SMALL;
use core::fmt;

/// How a convolution slides, and what follows it in the same operation; see [`crate::block`].
///
/// The default is a plain convolution: stride 1, no padding, nothing after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConvBlock {
    /// Rows and columns between two outputs.
    pub stride: [usize; 2],
    /// The zeros around the input.
    pub padding: Padding,
    /// Whether the sums go through ReLU.
    pub relu: bool,
    /// How the maps are pooled, if they are.
    pub pool: Option<Pool>,
}

impl Default for ConvBlock {
    fn default() -> Self {
        Self {
            stride: [1, 1],
            padding: Padding::Valid,
            relu: false,
            pool: None,
        }
    }
}

/// The steps behind the sums, in order, with commas between them: `relu, max_pool2d [2, 2]`.
impl fmt::Display for ConvBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.relu {
            f.write_str("relu")?;
        }
        let Some(pool) = self.pool else {
            return Ok(());
        };
        let (name, [height, width]) = match pool {
            Pool::Avg(size) => ("avg_pool2d", size),
            Pool::Max(size) => ("max_pool2d", size),
        };
        let comma = if self.relu { ", " } else { "" };
        write!(f, "{comma}{name} [{height}, {width}]")
    }
}

/// Pooling in windows of some height and width, side by side; windows that do not fit are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pool {
    /// The mean of each: as [`Tensor::try_avg_pool2d`].
    Avg([usize; 2]),
    /// The largest element of each: as [`Tensor::try_max_pool2d`].
    Max([usize; 2]),
}

impl Pool {
    fn over(self, maps: [usize; 2]) -> Result<Pooling> {
        let window = |op, size| Padding::Valid.window(op, maps, size, size);
        Ok(match self {
            Self::Avg(size) => Pooling::Avg(window("avg_pool2d", size)?),
            Self::Max(size) => Pooling::Max(window("max_pool2d", size)?),
        })
    }
}

/// What a node holds of the maps.
enum Held<B: Backend> {
    /// The maps, which are the result.
    Maps(Tensor<B>),
    /// What is kept of maps that are pooled.
    Kept(B::Buffer),
}

impl<B: Backend> Tensor<B> {
    /// Two-dimensional convolution with what follows it: `x` `[b, c, h, w]`, kernels `[o, c, kh, kw]` and a bias `[o]`
    /// give `pool(relu(conv2d(x, weight) + bias))`, as far as `block` says. The bits are those of the operations one after
    /// the other; the history is one node, or several where that takes less memory (on small machines, see
    /// [`Cpu`](crate::Cpu), and where no gradient reads the maps).
    ///
    /// ```
    /// use minitorch_core::{ConvBlock, Cpu, Pool, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let image = Tensor::arange(&dev, 0.0, 9, 1.0).reshape([1, 1, 3, 3]);
    /// let (sum, bias) = (Tensor::ones(&dev, [1, 1, 2, 2]), Tensor::from_slice(&dev, &[-10.0], [1]));
    /// let block = ConvBlock { relu: true, ..ConvBlock::default() };
    /// assert_eq!(image.conv_block(&sum, Some(&bias), &block).to_vec(), [0.0, 2.0, 10.0, 14.0]);
    /// let pooled = ConvBlock { pool: Some(Pool::Max([2, 2])), ..block };
    /// assert_eq!(image.conv_block(&sum, Some(&bias), &pooled).to_vec(), [14.0]);
    /// ```
    ///
    /// # Errors
    /// Those of [`Tensor::try_conv2d`]; [`ErrorKind::Shape`] if the bias is not `[o]` or the pool's window larger than the
    /// maps; [`ErrorKind::Argument`] if a window has no rows or columns.
    pub fn try_conv_block(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        block: &ConvBlock,
    ) -> Result<Self> {
        let ([b, o], conv) = self.convolved(weight, block.stride, block.padding)?;
        let bias = match bias {
            Some(bias) if **bias.shape() != [o] => {
                return Err(Error::between(
                    ErrorKind::Shape,
                    "conv_block",
                    bias.shape(),
                    weight.shape(),
                )
                .advise("the bias must be [o] for a weight [o, c, kh, kw]"));
            }
            bias => bias,
        };
        let pool = block.pool.map(|pool| pool.over(conv.output)).transpose()?;
        let relu = block.relu;
        let fused = Block { conv, relu, pool };
        let added = match bias {
            Some(bias) => Some(bias.try_reshape([o, 1, 1])?),
            None => None,
        };
        let reads_maps = block.relu || matches!(block.pool, Some(Pool::Max(_)));
        if SMALL || !reads_maps {
            return self.one_by_one(weight, added.as_ref(), block);
        }
        let keep = match bias {
            Some(bias) => Self::is_recorded([self, weight, bias]),
            None => Self::is_recorded([self, weight]),
        };
        let Forward { out, kept } = self.device().conv_block(
            self.view(),
            weight.view(),
            added.as_ref().map(Self::view),
            &fused,
            keep,
        )?;
        let [height, width] = pool.map_or(conv.output, |pool| pool.window().output);
        let out = Self::dense(out, [b, o, height, width])?;
        debug_assert_eq!(kept.is_some(), keep && pool.is_some());
        let held = match kept {
            Some(kept) => Held::Kept(kept),
            None => Held::Maps(out.detach()),
        };
        let rule = || {
            let (x, weight) = (self.detach(), weight.detach());
            move |grad: Self, sink: &mut Sink<'_, Self>| {
                let shapes = [*x.shape(), *weight.shape(), [o].into()];
                grad.pull_layer(sink, shapes, |device, g, wanted| {
                    let given = Backward {
                        x: x.view(),
                        weight: weight.view(),
                        saved: match &held {
                            Held::Maps(maps) => Saved::Maps(maps.view()),
                            Held::Kept(kept) => Saved::Kept(kept),
                        },
                        g,
                    };
                    device.conv_block_grad(given, &fused, wanted)
                })
            }
        };
        match bias {
            Some(bias) => out.recorded("conv2d", [self, weight, bias], rule),
            None => out.recorded("conv2d", [self, weight], rule),
        }
    }

    /// The operations one after the other: where no gradient reads the maps, which then need not be kept, and for machines
    /// where memory is what counts, as maps are then freed before the convolution's gradients are made.
    fn one_by_one(&self, weight: &Self, bias: Option<&Self>, block: &ConvBlock) -> Result<Self> {
        let mut out = self.try_conv2d(weight, block.stride, block.padding)?;
        if let Some(bias) = bias {
            out = out.try_add(bias)?;
        }
        if block.relu {
            out = out.try_relu()?;
        }
        match block.pool {
            None => Ok(out),
            Some(Pool::Avg(size)) => out.try_avg_pool2d(size, size),
            Some(Pool::Max(size)) => out.try_max_pool2d(size, size),
        }
    }
}

plain_forms! {
    fn conv_block = try_conv_block(weight: &Self, bias: Option<&Self>, block: &ConvBlock) -> Self;
}
