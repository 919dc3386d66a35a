//! Fully connected layers: the bias and ReLU are the epilogue of the product.

use super::{Cpu, CpuBuffer, operand};
use crate::backend::View;
use crate::element::Element;
use crate::error::Result;
use crate::kernels::{Epilogue, Operand, SMALL};
use crate::linear;

pub(super) fn forward<E: Element>(
    cpu: &Cpu<E>,
    x: View<'_, Cpu<E>>,
    weight: View<'_, Cpu<E>>,
    bias: Option<View<'_, Cpu<E>>>,
    relu: bool,
) -> Result<CpuBuffer<E>> {
    let dense = |bias: &View<'_, Cpu<E>>| bias.layout.is_contiguous();
    if SMALL || !bias.as_ref().is_none_or(dense) {
        return linear::forward(cpu, x, weight, bias, relu);
    }
    let outputs = weight.shape()[0];
    let turned = weight.layout.transpose(0, 1)?;
    let weight = Operand {
        data: weight.buffer.as_slice(),
        layout: &turned,
    };
    let bias = bias
        .as_ref()
        .map(|bias| &operand(bias).elements()[..outputs]);
    let epilogue = Epilogue { bias, relu };
    cpu.filled(x.shape()[0] * outputs, |context, out| {
        E::matmul(context, cpu.workspace(), operand(&x), weight, epilogue, out);
    })
}

#[cfg(test)]
mod tests {
    use crate::Cpu;
    use crate::backend::{Backend, View};
    use crate::element::Element;
    use crate::isa::Level;
    use crate::layout::Layout;
    use crate::linear;
    use crate::shape::Shape;
    use alloc::vec::Vec;

    /// Products with one row, with blocks of rows, and large ones, whose right operand has several parts.
    fn as_passes_of_their_own<E: Element>() {
        for [rows, inputs, outputs] in [
            [1, 40, 10],
            [5, 0, 7],
            [40, 300, 70],
            [130, 257, 261],
            [130, 2100, 520],
        ] {
            // Software's rounding on a large product would take minutes.
            let large = rows * inputs * outputs > 1 << 24;
            let level = |level: &Level| !large || *level == Level::detect();
            for level in Level::supported().filter(level) {
                let cpu = Cpu::<E>::builder().level(level).build();
                let tensor = |shape: Shape| {
                    let layout = Layout::row_major(shape);
                    let value = |n: usize| E::from_f64((n as f64).sin());
                    let data: Vec<E> = (0..layout.elements()).map(value).collect();
                    (cpu.upload(&data).unwrap(), layout)
                };
                let x = tensor([rows, inputs].into());
                let weight = tensor([outputs, inputs].into());
                let bias = tensor([outputs].into());
                let view = |(buffer, layout)| View::new(buffer, layout);
                let [x, weight, bias] = [&x, &weight, &bias].map(|(b, layout)| view((b, *layout)));
                for (bias, relu) in [(Some(bias), false), (None, true), (Some(bias), true)] {
                    let once = cpu.linear(x, weight, bias, relu).unwrap();
                    let passes = linear::forward(&cpu, x, weight, bias, relu).unwrap();
                    let bits = |y: &[E]| y.iter().map(|y| y.to_f64().to_bits()).collect::<Vec<_>>();
                    assert!(
                        bits(once.as_slice()) == bits(passes.as_slice()),
                        "{level:?}: {rows} rows, {inputs} inputs, {outputs} outputs"
                    );
                }
            }
        }
    }

    #[test]
    fn an_epilogue_is_as_passes_of_their_own() {
        as_passes_of_their_own::<f32>();
        as_passes_of_their_own::<f64>();
    }
}
