//! Each operation with its gradients, over shapes, strides, paddings and axes.

use super::case::{Case, tensor};
use super::reference::{close, fold, numbers, reference, sixteenths};
use minitorch_core::{Cpu, Element, Tensor, nn};

/// Rounding of `f64`. Seen: 4.9e-15.
const DOUBLE: f64 = 1e-13;
/// Rounding of `f32`. Seen: 2.7e-7.
const SINGLE: f64 = 2e-6;
/// Of binary cross-entropy at probabilities 0 and 1: what PyTorch takes for 1e-12 there is rounded to `f32`, also in
/// `f64`. Seen: 4.0e-9.
const EDGE: f64 = 1e-8;

#[test]
fn results_and_gradients_in_double_precision() {
    check(&Cpu::<f64>::default(), DOUBLE);
}

#[test]
fn results_and_gradients_in_single_precision() {
    check(&Cpu::<f32>::default(), SINGLE);
}

fn check<E: Element>(device: &Cpu<E>, tolerance: f64) {
    let file = reference!("operations");
    assert!(file.views().len() > 300);
    for view in file.views() {
        let case = Case::new(view.name());
        let tolerance = match case.name {
            "bce_of_labels" => tolerance.max(EDGE),
            _ => tolerance,
        };
        let expected = numbers(&file, view.name());
        let mut rest = &expected[..];
        for (number, part) in answer(device, &case).iter().enumerate() {
            let what = [
                "result",
                "first gradient",
                "second gradient",
                "third gradient",
            ][number];
            let (theirs, after) = rest.split_at(part.len());
            close(&format!("{}: {what}", view.name()), part, theirs, tolerance);
            rest = after;
        }
        assert!(rest.is_empty(), "{}: nothing is left over", view.name());
    }
}

/// The result and the gradient by each operand, cut down.
fn answer<E: Element>(device: &Cpu<E>, case: &Case<'_>) -> Vec<Vec<f64>> {
    let operands = case.tensors(device);
    let result = result(device, case, &operands);
    let mut parts = vec![cut(&result)];
    if result.is_tracked() {
        let upstream = tensor(device, &sixteenths(0, result.elements()), result.shape());
        let grads = result.backward_with(upstream);
        parts.extend(operands.iter().map(|operand| match grads.get(operand) {
            Some(grad) => cut(grad),
            None => fold(&vec![0.0; operand.elements()]),
        }));
    }
    parts
}

fn cut<E: Element>(tensor: &Tensor<Cpu<E>>) -> Vec<f64> {
    let values: Vec<f64> = tensor.to_vec().into_iter().map(E::to_f64).collect();
    fold(&values)
}

/// The operation that a case names.
fn result<E: Element>(
    device: &Cpu<E>,
    case: &Case<'_>,
    operands: &[Tensor<Cpu<E>>],
) -> Tensor<Cpu<E>> {
    let a = &operands[0];
    let b = operands.get(1).unwrap_or(a);
    let axis = || case.number("axis");
    let (kernel, stride) = (|| case.pair("kernel"), || case.pair("stride"));
    match case.name {
        "neg" => a.neg(),
        "inv" => a.inv(),
        "exp" => a.exp(),
        "log" => a.log(),
        "relu" => a.relu(),
        "sigmoid" => a.sigmoid(),
        "tanh" => a.tanh(),
        "gelu" => a.gelu(),
        "sqrt" => a.sqrt(),
        "abs" => a.abs(),
        "square" => a.square(),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "erf" => a.erf(),
        "powf" => a.powf(case.number("c")),
        "clamp" => a.clamp(case.number("low"), case.number("high")),
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "pow" => a.pow(b),
        "maximum" => a.maximum(b),
        "minimum" => a.minimum(b),
        "where" => a.gt(b).where_else(a, &b.square()),
        "sum" => a.sum(&case.numbers("axes")),
        "mean" => a.mean(&case.numbers("axes")),
        "var" => a.var(&case.numbers("axes"), case.number("correction")),
        "prod" => a.prod(&case.numbers("axes")),
        "max" => a.max(axis()),
        "min" => a.min(axis()),
        "argmax" => {
            let places = a.argmax(axis()).to_vec();
            let places: Vec<f64> = places.into_iter().map(f64::from).collect();
            tensor(device, &places, &[places.len()])
        }
        "softmax" => a.softmax(axis()),
        "log_softmax" => a.log_softmax(axis()),
        "logsumexp" => a.logsumexp(axis()),
        "pick" => a.pick(axis(), &case.index(device)),
        "rows" => a.rows(&case.index(device)),
        "cat" => Tensor::cat(operands, axis()),
        "stack" => Tensor::stack(operands, axis()),
        "window" => a.window(axis(), case.number("size"), case.number("step")),
        "nll" => nn::nll(a, &case.index(device)),
        "cross_entropy" => nn::cross_entropy(a, &case.index(device)),
        "bce" => nn::bce(&a.sigmoid(), b),
        "bce_of_labels" => nn::bce(a, &b.detach()),
        "bce_with_logits" => nn::bce_with_logits(a, b),
        "mse" => nn::mse(a, b),
        "matmul" => a.matmul(b),
        "linear" => a.linear(b, operands.get(2), case.option("relu") == Some("yes")),
        "conv1d" => a.conv1d(b, stride()[1], case.padding()),
        "conv2d" => a.conv2d(b, stride(), case.padding()),
        "avg_pool1d" => a.avg_pool1d(kernel()[1], stride()[1]),
        "max_pool1d" => a.max_pool1d(kernel()[1], stride()[1]),
        "avg_pool2d" => a.avg_pool2d(kernel(), stride()),
        "max_pool2d" => a.max_pool2d(kernel(), stride()),
        other => panic!("{other} is not an operation"),
    }
}
