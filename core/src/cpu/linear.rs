//! Fully connected layers: the bias and ReLU are the epilogue of the product.

use super::{Cpu, CpuBuffer, operand};
use crate::backend::View;
use crate::element::Element;
use crate::error::Result;
use crate::kernels::{Epilogue, Operand, SMALL};
use crate::linear;
use crate::shape::product;

pub(super) fn forward<E: Element>(
    cpu: &Cpu<E>,
    x: View<'_, Cpu<E>>,
    weight: View<'_, Cpu<E>>,
    bias: Option<View<'_, Cpu<E>>>,
    relu: bool,
) -> Result<CpuBuffer<E>> {
    // Where memory is what counts, tensors do not even ask for this: bias and ReLU are operations of their own there.
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
    cpu.filled(product([x.shape()[0], outputs]), |context, out| {
        E::matmul(context, cpu.workspace(), operand(&x), weight, epilogue, out);
    })
}

#[cfg(test)]
mod tests {
    use crate::Cpu;
    use crate::backend::{Backend, View};
    use crate::element::Element;
    use crate::executor::Backwards;
    use crate::isa::Level;
    use crate::layout::Layout;
    use crate::linear;
    use alloc::vec::Vec;

    /// Numbers of both signs, among them -0, and now and then infinities, which make NaN.
    fn value<E: Element>(n: usize) -> E {
        E::from_f64(match n % 97 {
            13 => -0.0,
            41 if n.is_multiple_of(5) => f64::INFINITY,
            _ => (n as f64).sin(),
        })
    }

    /// Products with one row, with more outputs than rows and fewer, of tasks that start within a row, and large ones,
    /// whose right operand has several parts. The bias is dense, from an element on, or has a stride.
    fn as_passes_of_their_own<E: Element>() {
        for [rows, inputs, outputs] in [
            [1, 40, 10],
            [5, 0, 7],
            [40, 300, 10],
            [40, 300, 70],
            [2, 520, 520],
            [130, 257, 261],
            [130, 2100, 520],
        ] {
            // Software's rounding on a large product would take minutes.
            let large = rows * inputs * outputs > 1 << 24;
            let level = |level: &Level| !large || *level == Level::detect();
            for level in Level::supported().filter(level) {
                let cpu = Cpu::<E>::builder()
                    .level(level)
                    .executor(Backwards(7))
                    .build();
                let tensor = |count| {
                    let data: Vec<E> = (0..count).map(value).collect();
                    cpu.upload(&data).unwrap()
                };
                let [x, weight, bias] = [rows * inputs, outputs * inputs, 2 * outputs].map(tensor);
                let x = View::new(&x, Layout::contiguous([rows, inputs]).unwrap());
                let weight = View::new(&weight, Layout::contiguous([outputs, inputs]).unwrap());
                let pairs = Layout::contiguous([outputs, 2]).unwrap();
                let one = Layout::contiguous([2, outputs]).unwrap();
                let [dense, later] = [0, 1].map(|row| one.select(0, row).unwrap());
                let apart = pairs.select(1, 1).unwrap();
                let biases = [dense, later, apart].map(|layout| Some(View::new(&bias, layout)));
                for bias in biases.into_iter().chain([None]) {
                    for relu in [false, true] {
                        let once = cpu.linear(x, weight, bias, relu).unwrap();
                        let passes = linear::forward(&cpu, x, weight, bias, relu).unwrap();
                        // Any NaN is as good as another (R6).
                        let bits = |y: &[E]| {
                            let bits = |y: f64| if y.is_nan() { u64::MAX } else { y.to_bits() };
                            y.iter().map(|y| bits(y.to_f64())).collect::<Vec<_>>()
                        };
                        assert!(
                            bits(once.as_slice()) == bits(passes.as_slice()),
                            "{level:?}: {rows} rows, {inputs} inputs, {outputs} outputs"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn an_epilogue_is_as_passes_of_their_own() {
        as_passes_of_their_own::<f32>();
        as_passes_of_their_own::<f64>();
    }

    #[test]
    fn more_elements_than_can_be_counted_are_an_error() {
        let cpu = Cpu::<f32>::default();
        let one = cpu.upload(&[1.0]).unwrap();
        let many = Layout::contiguous([1, 1])
            .unwrap()
            .expand([1 << 33, 1])
            .unwrap();
        let many = View::new(&one, many);
        assert!(cpu.linear(many, many, None, true).is_err());
    }
}
