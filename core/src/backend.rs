//! The backend trait: few kernels over (buffer, layout), the whole of what a device must offer.
//!
//! A backend computes; it knows nothing of gradients, modules or names. What it is asked for has been checked: shapes
//! agree, layouts stay inside of their buffers, arguments are in range. Every result is defined to the bit (see
//! [`crate::arithmetic`]), so two backends are compared by equality.

use crate::block::{Backward, Block, Forward};
use crate::element::Element;
use crate::error::Result;
use crate::fused::PerOperand;
use crate::layout::Layout;
use crate::linear;
use crate::ops::Op;
use crate::ops::special::Keep;
use crate::random::Generator;
use crate::reduction::Reduction;
use crate::shape::Shape;

/// What a kernel reads: a buffer and the layout that says where the elements are.
pub struct View<'a, B: Backend> {
    /// The elements.
    pub buffer: &'a B::Buffer,
    /// Where they are.
    pub layout: Layout,
}

impl<B: Backend> core::fmt::Debug for View<'_, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "View({:?})", self.layout)
    }
}

impl<B: Backend> Clone for View<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend> Copy for View<'_, B> {}

impl<'a, B: Backend> View<'a, B> {
    /// `buffer` seen through `layout`.
    pub const fn new(buffer: &'a B::Buffer, layout: Layout) -> Self {
        Self { buffer, layout }
    }

    /// The sizes of the axes.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        self.layout.shape()
    }
}

/// How a kernel slides over two axes: convolution and pooling, in one or two dimensions (then the height is 1).
///
/// Output `(y, x)` reads the input rows `y * stride[0] + i - before[0]` for `i` in `0..kernel[0]`, and columns alike.
/// Positions outside of the input are padding: zeros for convolution. How far the padding reaches at the bottom and
/// right follows from `output`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Height and width of the kernel; at least 1.
    pub kernel: [usize; 2],
    /// Steps between two outputs; at least 1.
    pub stride: [usize; 2],
    /// Rows of padding above and columns of padding to the left.
    pub before: [usize; 2],
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
}

/// A device that computes on tensors. Its value is a handle: cheap to clone, and clones share the device.
///
/// New buffers are dense and row-major; their shape follows from the operands. Every method may fail for want of
/// memory or because the device does; none panics on what the caller could have checked.
pub trait Backend: Clone + Send + Sync + 'static {
    /// The type of the elements.
    type Elem: Element;
    /// Elements on the device. Its drop may give the memory back to a pool.
    type Buffer: Send + Sync + 'static;
    /// Whole numbers on the device: classes, words, positions.
    type Index: Send + Sync + 'static;

    /// The device that a buffer is on.
    fn of(buffer: &Self::Buffer) -> &Self;
    /// A buffer with the elements of `data`.
    fn upload(&self, data: &[Self::Elem]) -> Result<Self::Buffer>;
    /// An index buffer with the numbers of `data`.
    fn upload_index(&self, data: &[u32]) -> Result<Self::Index>;
    /// A buffer of `count` elements equal to `value`.
    fn full(&self, count: usize, value: Self::Elem) -> Result<Self::Buffer>;
    /// Overwrites the first `data.len()` elements of `buffer`.
    fn write(&self, buffer: &mut Self::Buffer, data: &[Self::Elem]) -> Result<()>;
    /// Overwrites the first `data.len()` numbers of `index`.
    fn write_index(&self, index: &mut Self::Index, data: &[u32]) -> Result<()>;
    /// Copies the first `out.len()` elements of `buffer` to the host.
    fn download(&self, buffer: &Self::Buffer, out: &mut [Self::Elem]) -> Result<()>;
    /// Copies the first `out.len()` numbers of `index` to the host.
    fn download_index(&self, index: &Self::Index, out: &mut [u32]) -> Result<()>;

    /// Applies `op` to each element of `N` operands of one shape.
    fn map<const N: usize, O: Op<N>>(
        &self,
        op: O,
        operands: [View<'_, Self>; N],
    ) -> Result<Self::Buffer>;
    /// Replaces each element of `out` under `layout` by `op` of itself, as operand number [`Op::IN_PLACE`], and the `N`
    /// operands; `M` is `N + 1`.
    ///
    /// No two indices of `layout` may share a position.
    fn update<const N: usize, const M: usize, O: Op<M>>(
        &self,
        op: O,
        out: &mut Self::Buffer,
        layout: &Layout,
        operands: [View<'_, Self>; N],
    ) -> Result<()>;
    /// Copies `from` into the positions of `out` that `layout`, of the same shape, names.
    fn assign(&self, out: &mut Self::Buffer, layout: &Layout, from: View<'_, Self>) -> Result<()>;
    /// Folds the axes marked in `axes`; the others stay, in order. The order of the fold is [`crate::reduction`]'s.
    fn reduce<R: Reduction>(
        &self,
        reduction: R,
        x: View<'_, Self>,
        axes: &[bool],
    ) -> Result<Self::Buffer>;
    /// The position of the first largest element (or not-a-number) along axis 1 of `[outer, n, inner]`, `n` at least 1.
    fn arg_max(&self, x: View<'_, Self>) -> Result<Self::Index>;
    /// `[.., i, k] x [.., k, j] -> [.., i, j]` over equal leading axes. `out[i, j]` starts at `+0` and takes
    /// `fma(a[i, k], b[k, j], out)` for `k` ascending (R3).
    fn matmul(&self, a: View<'_, Self>, b: View<'_, Self>) -> Result<Self::Buffer>;

    /// Rows of a table: `[v, d]` and `n` numbers below `v` give `[n, d]`.
    fn rows(
        &self,
        table: View<'_, Self>,
        index: &Self::Index,
        count: usize,
    ) -> Result<Self::Buffer>;
    /// The reverse of [`Backend::rows`]: adds the rows of `[n, d]`, in ascending order, to a `[v, d]` of `+0`.
    fn rows_add(
        &self,
        rows: View<'_, Self>,
        index: &Self::Index,
        table_rows: usize,
    ) -> Result<Self::Buffer>;
    /// One element along axis 1: `[outer, n, inner]` and `outer * inner` numbers below `n` give `[outer, inner]`.
    fn pick(&self, x: View<'_, Self>, index: &Self::Index) -> Result<Self::Buffer>;
    /// The reverse of [`Backend::pick`]: puts `[outer, inner]` into a `[outer, n, inner]` of `+0`.
    fn place(&self, x: View<'_, Self>, index: &Self::Index, n: usize) -> Result<Self::Buffer>;
    /// What [`Backend::place`] makes of `[outer, inner]`, as a matrix `[outer * n, inner]` transposed, times `rows`
    /// `[outer * n, k]`: `[inner, k]`, with the bits of [`Backend::matmul`].
    ///
    /// The default makes that matrix, of `outer * n * inner` elements, and frees it before it returns. Others may do
    /// without, and whether they can may depend on the values, as products with 0 can be left out only where that changes no
    /// bit. To bound memory in advance, count that matrix: no implementation takes more.
    fn place_matmul(
        &self,
        x: View<'_, Self>,
        index: &Self::Index,
        n: usize,
        rows: View<'_, Self>,
    ) -> Result<Self::Buffer> {
        place_matmul(self, x, index, n, rows)
    }

    /// The logarithm of softmax along axis 1 of `[outer, n, inner]`; see [`crate::softmax`] for the formulas and the order.
    fn log_softmax(&self, x: View<'_, Self>) -> Result<Self::Buffer> {
        crate::softmax::log_softmax(self, x)
    }
    /// The gradient of [`Backend::log_softmax`], given its result `y` and the gradient `g` of that.
    fn log_softmax_grad(&self, y: View<'_, Self>, g: View<'_, Self>) -> Result<Self::Buffer> {
        crate::softmax::log_softmax_grad(self, y, g)
    }
    /// The negative log-likelihood of `b` labels below `n`, by the logarithms of probabilities `[b, n]`: one number.
    fn nll(&self, log_p: View<'_, Self>, labels: &Self::Index) -> Result<Self::Buffer> {
        crate::softmax::nll(self, log_p, labels)
    }
    /// The gradient of [`Backend::nll`] by `[b, n]` of this shape, given that of its result, which has no axes.
    fn nll_grad(
        &self,
        g: View<'_, Self>,
        labels: &Self::Index,
        shape: [usize; 2],
    ) -> Result<Self::Buffer> {
        crate::softmax::nll_grad(self, g, labels, shape)
    }

    /// `count` numbers, uniform in `[0, 1)`: element `i` is `(x >> 8) * 2^-24` of output `i` of `draw` (R8).
    fn uniform(&self, count: usize, draw: &Generator) -> Result<Self::Buffer> {
        crate::random::uniform(self, count, draw)
    }
    /// `count` normal numbers of mean 0 and variance 1: element `i` by Box and Muller from outputs `2i` and `2i + 1`.
    fn normal(&self, count: usize, draw: &Generator) -> Result<Self::Buffer> {
        crate::random::normal(self, count, draw)
    }

    /// Dropout: `x` times a mask of its shape, which is 0 where the number of [`Backend::uniform`] is below `keep.p`, else
    /// `keep.scale`; the product and the mask.
    fn dropout(
        &self,
        x: View<'_, Self>,
        keep: Keep,
        draw: &Generator,
    ) -> Result<[Self::Buffer; 2]> {
        crate::random::dropout(self, x, keep, draw)
    }

    /// A fully connected layer: `x` `[rows, inputs]`, `weight` `[outputs, inputs]` and `bias` `[outputs]` give
    /// `x weight^T + bias`, `[rows, outputs]`, through ReLU if so wanted; see [`crate::linear`].
    fn linear(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        relu: bool,
    ) -> Result<Self::Buffer> {
        linear::forward(self, x, weight, bias, relu)
    }
    /// The gradients of [`Backend::linear`] by those operands that `wanted` marks.
    fn linear_grad(
        &self,
        given: linear::Backward<'_, Self>,
        wanted: PerOperand<bool>,
    ) -> Result<PerOperand<Option<Self::Buffer>>> {
        linear::backward(self, given, wanted)
    }

    /// Cross-correlation: `x` `[b, c, h, w]` with `weight` `[o, c, kh, kw]` gives `[b, o, oh, ow]`; see
    /// [`crate::conv`] for the formula and the order of its sums (R4).
    fn conv2d(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        window: &Window,
    ) -> Result<Self::Buffer> {
        crate::conv::forward(self, x, weight, window)
    }
    /// The gradient of [`Backend::conv2d`] by its input: `[b, o, oh, ow]` and `[o, c, kh, kw]` give `[b, c, h, w]`.
    fn conv2d_input_grad(
        &self,
        g: View<'_, Self>,
        weight: View<'_, Self>,
        window: &Window,
    ) -> Result<Self::Buffer> {
        crate::conv::input_grad(self, g, weight, window)
    }
    /// The gradient of [`Backend::conv2d`] by its weight: `[b, c, h, w]` and `[b, o, oh, ow]` give `[o, c, kh, kw]`.
    fn conv2d_weight_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Window,
    ) -> Result<Self::Buffer> {
        crate::conv::weight_grad(self, x, g, window)
    }
    /// The mean of each window of `[b, c, h, w]` (no padding): taps added row by row from `+0`, then one division.
    fn avg_pool2d(&self, x: View<'_, Self>, window: &Window) -> Result<Self::Buffer> {
        crate::pool::avg(self, x, window)
    }
    /// The gradient of [`Backend::avg_pool2d`]: each input sums `g / taps` of its windows, in row-major order.
    fn avg_pool2d_grad(&self, g: View<'_, Self>, window: &Window) -> Result<Self::Buffer> {
        crate::pool::avg_grad(self, g, window)
    }
    /// The largest element of each window of `[b, c, h, w]` (no padding), found in row-major order (R6).
    fn max_pool2d(&self, x: View<'_, Self>, window: &Window) -> Result<Self::Buffer> {
        crate::pool::max(self, x, window)
    }
    /// The gradient of [`Backend::max_pool2d`]: the first of the largest elements of a window gets its gradient.
    fn max_pool2d_grad(
        &self,
        x: View<'_, Self>,
        g: View<'_, Self>,
        window: &Window,
    ) -> Result<Self::Buffer> {
        crate::pool::max_grad(self, x, g, window)
    }
    /// Convolution, bias, ReLU and pooling as one operation: `x` `[b, c, h, w]`, `weight` `[o, c, kh, kw]` and `bias`
    /// `[o, 1, 1]`; see [`crate::block`]. `keep` says whether [`Backend::conv_block_grad`] will be asked for.
    fn conv_block(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        bias: Option<View<'_, Self>>,
        block: &Block,
        keep: bool,
    ) -> Result<Forward<Self>> {
        crate::block::forward(self, x, weight, bias, block, keep)
    }
    /// The gradients of [`Backend::conv_block`] by those operands that `wanted` marks.
    fn conv_block_grad(
        &self,
        given: Backward<'_, Self>,
        block: &Block,
        wanted: PerOperand<bool>,
    ) -> Result<PerOperand<Option<Self::Buffer>>> {
        crate::block::backward(self, given, block, wanted)
    }
}

/// [`Backend::place_matmul`] in the other operations.
pub(crate) fn place_matmul<B: Backend>(
    backend: &B,
    x: View<'_, B>,
    index: &B::Index,
    n: usize,
    rows: View<'_, B>,
) -> Result<B::Buffer> {
    let placed = backend.place(x, index, n)?;
    let layout = Layout::contiguous([rows.shape()[0], x.shape()[1]])?;
    backend.matmul(View::new(&placed, layout.transpose(0, 1)?), rows)
}
