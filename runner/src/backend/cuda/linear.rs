//! A fully connected layer: one kernel forward, and one for all gradients, unless there is work for a whole device. Then
//! the definition's steps are kernels of their own.
#![allow(unsafe_code)]

use minitorch_core::backend::View;
use minitorch_core::fused::PerOperand;
use minitorch_core::linear::{self, Backward};
use minitorch_core::{Layout, Result};

use super::matmul::{Product, is_wide};
use super::plain::plain;
use super::reduce::LONG;
use super::{Cuda, CudaBuffer, Epilogue, GROUP};

plain! {
    /// What `kernels/matmul.cu` calls `LinearGrad`.
    struct LinearGrad {
        by_x: Product,
        by_weight: Product,
        by_bias: Product,
    }
}
const _: () = assert!(size_of::<LinearGrad>() == 432);

impl Cuda {
    /// `x` `[rows, inputs]` and the weight `[outputs, inputs]` give `[rows, outputs]`.
    pub(super) fn linear_layer(
        &self,
        x: View<'_, Self>,
        weight: View<'_, Self>,
        epilogue: Epilogue<'_>,
    ) -> Result<CudaBuffer> {
        if is_wide([1, x.shape()[0], weight.shape()[0]]) {
            let Epilogue { bias, relu } = epilogue;
            return linear::forward(self, x, weight, bias, relu);
        }
        let turned = View::new(weight.buffer, weight.layout.transpose(0, 1)?);
        self.small_product(x, turned, epilogue)
    }

    /// By `x` `[rows, inputs]`, the weight `[outputs, inputs]` and the bias: none needs another, so all are one kernel.
    pub(super) fn linear_grads(
        &self,
        given: Backward<'_, Self>,
        wanted: PerOperand<bool>,
    ) -> Result<PerOperand<Option<CudaBuffer>>> {
        let [rows, inputs] = [0, 1].map(|axis| given.x.shape()[axis]);
        let outputs = given.weight.shape()[0];
        assert_eq!(given.weight.shape()[1], inputs, "a weight for each input");
        for maps in given.y.iter().chain([&given.g.view()]) {
            assert_eq!(**maps.shape(), [rows, outputs], "a result and its gradient");
        }
        let products = [[1, rows, inputs], [1, outputs, inputs]];
        if rows >= LONG || products.into_iter().any(is_wide) {
            return linear::backward(self, given, wanted);
        }
        let Backward { x, weight, y, g } = given;
        let g = g.view();
        let turned = |view: View<'_, Self>| -> Result<Layout> { view.layout.transpose(0, 1) };
        let by_output = View::new(g.buffer, turned(g)?);
        let passed = match y {
            Some(y) => Some([y, View::new(y.buffer, turned(y)?)]),
            None => None,
        };
        let made = |wanted: bool, count: usize| match wanted {
            true => CudaBuffer::any(self, count).map(Some),
            false => Ok(None),
        };
        let [by_x, by_weight, by_bias] = wanted;
        let grads = [
            made(by_x, rows * inputs)?,
            made(by_weight, outputs * inputs)?,
            made(by_bias, outputs)?,
        ];
        // Of each: where it goes, and whether it takes the gradient as it is, or transposed.
        let part = |grad: usize, side: usize, of: &dyn Fn(&CudaBuffer) -> Product| {
            let part = grads[grad].as_ref().map_or(Product::NOTHING, of);
            passed.as_ref().map_or(part, |y| part.passed(&y[side]))
        };
        let arguments = LinearGrad {
            by_x: part(0, 0, &|out| Product::new(out, &g, &weight)),
            by_weight: part(1, 1, &|out| Product::new(out, &by_output, &x)),
            by_bias: part(2, 1, &|out| Product::sums(out, &by_output)),
        };
        let LinearGrad {
            by_x,
            by_weight,
            by_bias,
        } = &arguments;
        let groups = by_x.groups() + by_weight.groups() + by_bias.groups();
        // SAFETY: these are the arguments of `linear_grad`, which has a group for each square of the products, and a thread
        // for each sum; the views, whose shapes were compared, end in their buffers, and each gradient is as large as its
        // operand.
        unsafe { self.run("linear_grad", groups * GROUP as usize, &arguments) }?;
        Ok(grads)
    }
}
