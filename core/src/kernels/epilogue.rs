//! What follows a matrix product in a fully connected layer: the task that has the sums goes on with them.

use crate::element::Element;
use crate::isa::Isa;
use crate::ops::Op;
use crate::ops::binary::Add;
use crate::ops::unary::Relu;

/// `out[i, j] = relu(sum[i, j] + bias[j])`, or a part of that. Each step rounds as the operation of its own would (R3).
#[derive(Clone, Copy)]
pub struct Epilogue<'a, E> {
    /// As many numbers as the product has columns.
    pub(crate) bias: Option<&'a [E]>,
    pub(crate) relu: bool,
}

impl<E: Element> Epilogue<'_, E> {
    /// The product as it is.
    pub(crate) const NONE: Self = Self {
        bias: None,
        relu: false,
    };

    /// Goes over a rectangle of complete sums. In the product it starts at `column`; in `out`, where rows are `pitch` apart,
    /// at 0.
    #[inline(always)]
    pub(crate) fn apply<I: Isa>(
        &self,
        column: usize,
        [rows, columns]: [usize; 2],
        pitch: usize,
        out: &mut [E],
    ) {
        let Self { bias, relu } = *self;
        if bias.is_none() && !relu {
            return;
        }
        let bias = bias.map(|bias| &bias[column..][..columns]);
        for row in 0..rows {
            let sums = &mut out[row * pitch..][..columns];
            if let Some(bias) = bias {
                for (sum, &bias) in sums.iter_mut().zip(bias) {
                    *sum = Add.eval::<I, E>([*sum, bias]);
                }
            }
            if relu {
                for sum in sums {
                    *sum = Relu.eval::<I, E>([*sum]);
                }
            }
        }
    }
}
