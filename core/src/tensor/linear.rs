//! Fully connected layers.

use super::{Tensor, plain_forms};
use crate::autodiff::Sink;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::kernels::SMALL;
use crate::layout::Layout;
use crate::linear::Backward;
use crate::shape::{Shape, product};

impl<B: Backend> Tensor<B> {
    /// Each output is a bias and a weighted sum of all inputs: `x` `[.., inputs]`, `weight` `[outputs, inputs]` (as PyTorch
    /// stores it) and a bias `[outputs]` give `y` `[.., outputs]`,
    ///
    /// ```text
    /// y = x weight^T + bias        or, with `relu`, the ReLU of that
    /// ```
    ///
    /// The bits are those of the operations one after the other, [`Tensor::try_matmul`], [`Tensor::try_add`] and
    /// [`Tensor::try_relu`], on a matrix that has all leading axes as rows. The history of that is one node, or several on
    /// small machines (see [`Cpu`](crate::Cpu)), where that takes less memory.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::from_slice(&dev, &[1.0, 2.0], [1, 2]);
    /// let weight = Tensor::from_slice(&dev, &[3.0, 4.0, -5.0, 1.0], [2, 2]);
    /// let bias = Tensor::from_slice(&dev, &[0.5, 1.0], [2]);
    /// assert_eq!(x.linear(&weight, Some(&bias), false).to_vec(), [11.5, -2.0]);
    /// assert_eq!(x.linear(&weight, Some(&bias), true).to_vec(), [11.5, 0.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if the sizes do not agree, [`ErrorKind::Size`] if there would be too many elements; those of
    /// the device.
    pub fn try_linear(&self, weight: &Self, bias: Option<&Self>, relu: bool) -> Result<Self> {
        let (&[outputs, inputs], Some((&last, lead))) =
            (&weight.shape()[..], self.shape().split_last())
        else {
            return Err(mismatch(self, weight));
        };
        if last != inputs {
            return Err(mismatch(self, weight));
        }
        if let Some(bias) = bias
            && **bias.shape() != [outputs]
        {
            let error = Error::between(ErrorKind::Shape, "linear", weight.shape(), bias.shape());
            return Err(error.advise("the bias must be [outputs] for a weight [outputs, inputs]"));
        }
        if lead.len() == 1 {
            return self.rows_through(weight, bias, relu);
        }
        // Leading axes become rows of one matrix: one large product, whose weight gradient sums over all rows.
        let mut shape: Shape = *self.shape();
        if let Some(last) = shape.sizes_mut().last_mut() {
            *last = outputs;
        }
        self.try_reshape([product(lead.iter().copied()), inputs])?
            .rows_through(weight, bias, relu)?
            .try_reshape(shape)
    }

    /// The same of `[rows, inputs]`.
    fn rows_through(&self, weight: &Self, bias: Option<&Self>, relu: bool) -> Result<Self> {
        if SMALL {
            return self.one_after_the_other(weight, bias, relu);
        }
        let device = self.device();
        let added = bias.map(Self::view);
        let [outputs, rows] = [weight.shape()[0], self.shape()[0]];
        // Too many elements are an error before the device is asked.
        Layout::contiguous([rows, outputs])?;
        let y = device.linear(self.view(), weight.view(), added, relu)?;
        let out = Self::dense(y, [rows, outputs])?;
        let passed = relu.then(|| out.detach());
        let rule = || {
            let (x, weight) = (self.detach(), weight.detach());
            move |grad: Self, sink: &mut Sink<'_, Self>| {
                let shapes = [*x.shape(), *weight.shape(), [outputs].into()];
                grad.pull_layer(sink, shapes, |device, g, wanted| {
                    let given = Backward {
                        x: x.view(),
                        weight: weight.view(),
                        y: passed.as_ref().map(Self::view),
                        g,
                    };
                    device.linear_grad(given, wanted)
                })
            }
        };
        match bias {
            Some(bias) => out.recorded("linear", [self, weight, bias], rule),
            None => out.recorded("linear", [self, weight], rule),
        }
    }

    /// For machines where memory is what counts: a gradient is used before the next one is made.
    fn one_after_the_other(&self, weight: &Self, bias: Option<&Self>, relu: bool) -> Result<Self> {
        let mut y = self.try_matmul(&weight.try_transpose(0, 1)?)?;
        if let Some(bias) = bias {
            y = y.try_add(bias)?;
        }
        if relu { y.try_relu() } else { Ok(y) }
    }
}

fn mismatch<B: Backend>(x: &Tensor<B>, weight: &Tensor<B>) -> Error {
    Error::between(ErrorKind::Shape, "linear", x.shape(), weight.shape())
        .advise("an input [.., inputs] and a weight [outputs, inputs] must agree in inputs")
}

plain_forms! {
    fn linear = try_linear(weight: &Self, bias: Option<&Self>, relu: bool) -> Self;
}
