//! Layers and losses: against formulas in `f64` and against central differences.

use minitorch_core::autodiff::check;
use minitorch_core::nn::{
    AvgPool1d, AvgPool2d, Conv1d, Conv2d, Embedding, Fans, Flatten, Gelu, Init, Layer, Linear,
    MaxPool1d, MaxPool2d, Module, Param, Relu, Sigmoid, Tanh, bce, bce_with_logits, cross_entropy,
    mse, nll, try_bce, try_bce_with_logits, try_cross_entropy, try_mse, try_nll,
};
use minitorch_core::{Cpu, ErrorKind, Generator, Index, Padding, Shape, Tensor};

type Double = Cpu<f64>;

/// Values without symmetry, none near another or near 0.
fn values(device: &Double, shape: impl Into<Shape>) -> Tensor<Double> {
    let shape = shape.into();
    let count = shape.elements().unwrap();
    let data: Vec<f64> = (0..count)
        .map(|i| ((i * 29 + 11) % 97) as f64 / 40.0 - 1.193)
        .collect();
    Tensor::from_slice(device, &data, shape)
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / (1.0 + expected.abs());
        assert!(error < 1e-12, "element {i}: {found} is not {expected}");
    }
}

/// A sum of a layer's results with uneven weights.
fn weighted(layer: &dyn Layer<Double>, x: &Tensor<Double>) -> Tensor<Double> {
    let y = layer.forward(x);
    let weights = Tensor::arange(y.device(), 0.7, y.elements(), 0.13).reshape(*y.shape());
    (y * weights).sum_all()
}

/// Compares the gradients by the input and by every parameter with central differences.
fn check_layer(layer: &mut dyn Layer<Double>, x: &Tensor<Double>) {
    let worst = check::gradients(&|[x]| layer.try_forward(x), [x]).unwrap();
    assert!(worst.error < 1e-7, "by the input: {worst:?}");

    let grads = weighted(layer, &x.tracked()).backward();
    let mut analytic = Vec::new();
    layer
        .each_param(&mut |path, param| {
            let grad = grads.get(param.leaf()).expect("a gradient").to_vec();
            analytic.push((path.to_string(), grad));
            Ok(())
        })
        .unwrap();
    for (which, (path, analytic)) in analytic.iter().enumerate() {
        for (element, analytic) in analytic.iter().enumerate() {
            let mut moved = |by: f64| {
                let mut at = 0;
                layer
                    .each_param_mut(&mut |_, param| {
                        if at == which {
                            let mut data = param.value().to_vec();
                            data[element] += by;
                            let value = Tensor::from_slice(x.device(), &data, *param.shape());
                            param.try_set(&value)?;
                        }
                        at += 1;
                        Ok(())
                    })
                    .unwrap();
                weighted(layer, x).item()
            };
            let (above, below) = (moved(1e-6), moved(-2e-6));
            moved(1e-6);
            let numeric = (above - below) / 2e-6;
            let error = (analytic - numeric).abs() / (1.0 + numeric.abs());
            assert!(error < 1e-6, "{path}[{element}]: {analytic}, {numeric}");
        }
    }
}

#[test]
fn linear_is_its_formula() {
    let (dev, mut rng) = (Double::default(), Generator::new(3));
    let mut layer = Linear::new(&dev, 4, 3, &mut rng).unwrap();
    let x = values(&dev, [2, 5, 4]);
    let (w, b) = (
        layer.weight.value().to_vec(),
        layer.bias.as_ref().unwrap().value().to_vec(),
    );
    let data = x.to_vec();
    let dot = |row: usize, o: usize| {
        (0..4)
            .map(|i| data[row * 4 + i] * w[o * 4 + i])
            .sum::<f64>()
    };
    let expected: Vec<f64> = (0..30).map(|i| dot(i / 3, i % 3) + b[i % 3]).collect();
    let y = layer.forward(&x);
    assert_eq!(&y.shape()[..], &[2, 5, 3]);
    close(&y.to_vec(), &expected);
    check_layer(&mut layer, &x);
    check_layer(&mut layer, &values(&dev, [3, 4]));
    check_layer(&mut layer, &values(&dev, [4]));
    assert_eq!(&layer.forward(&values(&dev, [4])).shape()[..], &[3]);
    assert_eq!(&layer.forward(&values(&dev, [0, 4])).shape()[..], &[0, 3]);
    check_layer(&mut layer.without_bias(), &values(&dev, [3, 4]));
}

#[test]
fn conv2d_is_its_formula() {
    let (dev, mut rng) = (Double::default(), Generator::new(4));
    let x = values(&dev, [2, 2, 5, 4]);
    let data = x.to_vec();
    let cases = [
        (Padding::Valid, [1, 1], [0, 0], [3, 3]),
        (Padding::Symmetric([1, 1]), [2, 1], [1, 1], [3, 4]),
        (Padding::MiniTorch, [1, 1], [0, 0], [5, 4]),
        (Padding::MiniTorchReverse, [1, 1], [2, 1], [5, 4]),
    ];
    for (padding, stride, before, out) in cases {
        let layer = Conv2d::new(&dev, 2, 3, [3, 2], &mut rng).unwrap();
        let mut layer = layer.padding(padding).stride(stride);
        let (w, b) = (
            layer.weight.value().to_vec(),
            layer.bias.as_ref().unwrap().value().to_vec(),
        );
        let y = layer.forward(&x);
        let [height, width] = [y.shape()[2], y.shape()[3]];
        if padding != Padding::Symmetric([1, 1]) && padding != Padding::Valid {
            assert_eq!([height, width], out, "{padding:?}");
        }
        let mut expected = Vec::new();
        for i in 0..2 * 3 * height * width {
            let (n, o) = (i / (3 * height * width), i / (height * width) % 3);
            let (row, column) = (i / width % height, i % width);
            let mut sum = b[o];
            for t in 0..2 * 3 * 2 {
                let (c, r, k) = (t / 6, t / 2 % 3, t % 2);
                let at_row = (row * stride[0] + r).wrapping_sub(before[0]);
                let at_column = (column * stride[1] + k).wrapping_sub(before[1]);
                if at_row < 5 && at_column < 4 {
                    sum += data[((n * 2 + c) * 5 + at_row) * 4 + at_column] * w[o * 12 + t];
                }
            }
            expected.push(sum);
        }
        close(&y.to_vec(), &expected);
        check_layer(&mut layer, &x);
    }
}

#[test]
fn conv1d_is_conv2d_of_one_row() {
    let (dev, mut rng) = (Double::default(), Generator::new(5));
    let x = values(&dev, [2, 3, 7]);
    let layer = Conv1d::new(&dev, 3, 4, 3, &mut rng).unwrap();
    let mut layer = layer.stride(2).padding(Padding::Symmetric([9, 1]));
    let wide = Conv2d::new(&dev, 3, 4, [1, 3], &mut rng).unwrap();
    let mut wide = wide.stride([1, 2]).padding(Padding::Symmetric([0, 1]));
    let weight = layer.weight.value().reshape([4, 3, 1, 3]);
    wide.weight.try_set(&weight).unwrap();
    let bias = layer.bias.as_ref().unwrap().value();
    wide.bias.as_mut().unwrap().try_set(&bias).unwrap();
    let y = layer.forward(&x);
    assert_eq!(&y.shape()[..], &[2, 4, 4]);
    assert_eq!(y.to_vec(), wide.forward(&x.reshape([2, 3, 1, 7])).to_vec());
    check_layer(&mut layer, &x);
    check_layer(&mut layer.without_bias(), &x);
}

#[test]
fn layers_without_parameters() {
    let dev = Double::default();
    let (plane, row) = (values(&dev, [2, 2, 5, 6]), values(&dev, [2, 3, 7]));
    type Case<'a> = (Box<dyn Layer<Double>>, &'a Tensor<Double>, Vec<usize>);
    let mut layers: Vec<Case<'_>> = vec![
        (Box::new(MaxPool2d::new([2, 3])), &plane, vec![2, 2, 2, 2]),
        (Box::new(AvgPool2d::new([2, 3])), &plane, vec![2, 2, 2, 2]),
        (
            Box::new(MaxPool2d::new([2, 2]).stride([1, 2])),
            &plane,
            vec![2, 2, 4, 3],
        ),
        (Box::new(MaxPool1d::new(3)), &row, vec![2, 3, 2]),
        (Box::new(AvgPool1d::new(3).stride(2)), &row, vec![2, 3, 3]),
        (Box::new(Relu), &row, vec![2, 3, 7]),
        (Box::new(Gelu), &row, vec![2, 3, 7]),
        (Box::new(Tanh), &row, vec![2, 3, 7]),
        (Box::new(Sigmoid), &row, vec![2, 3, 7]),
        (Box::new(Flatten), &plane, vec![2, 60]),
    ];
    for (layer, x, shape) in &mut layers {
        assert_eq!(&layer.forward(x).shape()[..], shape);
        assert_eq!(layer.parameter_count(), 0);
        check_layer(&mut **layer, x);
    }
    let pooled = AvgPool1d::new(2).forward(&row).to_vec();
    let data = row.to_vec();
    close(&pooled[..1], &[(data[0] + data[1]) / 2.0]);
}

#[test]
fn embedding_adds_the_gradients_of_repeated_words() {
    let (dev, mut rng) = (Double::default(), Generator::new(6));
    let embedding = Embedding::new(&dev, 5, 2, &mut rng).unwrap();
    let words = Index::new(&dev, &[4, 1, 4]).unwrap();
    let rows = embedding.forward(&words);
    let table = embedding.weight.value().to_vec();
    assert_eq!(
        rows.to_vec(),
        [&table[8..], &table[2..4], &table[8..]].concat()
    );
    let scale = Tensor::arange(&dev, 1.0, 6, 1.0).reshape([3, 2]);
    let grads = (rows * scale).sum_all().backward();
    let grad = grads.get(embedding.weight.leaf()).unwrap().to_vec();
    assert_eq!(grad, [0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 6.0, 8.0]);
    let outside = Index::new(&dev, &[5]).unwrap();
    let error = embedding.try_forward(&outside).err().unwrap();
    assert_eq!(
        error.to_string(),
        "embedding: index [5] lies outside of [5]; count from 0 to the size less 1"
    );
}

#[test]
fn losses_are_their_formulas() {
    let dev = Double::default();
    let logits = values(&dev, [3, 4]);
    let labels = Index::new(&dev, &[2, 0, 3]).unwrap();
    let x = logits.to_vec();
    let expected = [2, 0, 3].iter().enumerate().map(|(row, &label)| {
        let row = &x[row * 4..row * 4 + 4];
        row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[label]
    });
    let expected = expected.sum::<f64>() / 3.0;
    close(&[cross_entropy(&logits, &labels).item()], &[expected]);
    close(&[nll(&logits.log_softmax(1), &labels).item()], &[expected]);

    let p = values(&dev, [2, 3]).sigmoid();
    let t = Tensor::from_slice(&dev, &[1.0, 0.0, 0.3, 1.0, 0.0, 0.9], [2, 3]);
    let pairs: Vec<(f64, f64)> = p.to_vec().into_iter().zip(t.to_vec()).collect();
    let entropy = |(p, t): &(f64, f64)| -(t * p.ln() + (1.0 - t) * (1.0 - p).ln());
    let expected = pairs.iter().map(entropy).sum::<f64>() / 6.0;
    close(&[bce(&p, &t).item()], &[expected]);
    close(
        &[bce_with_logits(&values(&dev, [2, 3]), &t).item()],
        &[expected],
    );
    let squares = pairs.iter().map(|(p, t)| (p - t) * (p - t));
    close(&[mse(&p, &t).item()], &[squares.sum::<f64>() / 6.0]);
}

#[test]
fn gradients_of_losses() {
    let dev = Double::default();
    let labels = Index::new(&dev, &[2, 0, 3]).unwrap();
    let logits = values(&dev, [3, 4]);
    let (x, p) = (values(&dev, [2, 3]), values(&dev, [2, 3]).sigmoid());
    let t = Tensor::from_slice(&dev, &[0.9, 0.1, 0.3, 0.7, 0.2, 0.6], [2, 3]);
    let worst = [
        check::gradients(&|[x]| try_cross_entropy(x, &labels), [&logits]),
        check::gradients(&|[x]| try_nll(x, &labels), [&logits]),
        check::gradients(&|[p, t]| try_bce(p, t), [&p, &t]),
        check::gradients(&|[x, t]| try_bce_with_logits(x, t), [&x, &t]),
        check::gradients(&|[x, t]| try_mse(x, t), [&x, &t]),
    ];
    for worst in worst {
        assert!(worst.unwrap().error < 1e-8, "{worst:?}");
    }
}

#[test]
fn losses_of_certainty_are_finite() {
    let dev: Cpu = Cpu::default();
    let t = Tensor::from_slice(&dev, &[1.0, 0.0, 1.0, 0.0], [4]);
    // As in PyTorch: 100 for a wrong answer, and a gradient over 1e-12.
    let p = Tensor::from_slice(&dev, &[1.0, 0.0, 0.0, 1.0], [4]).tracked();
    let loss = bce(&p, &t);
    assert_eq!(loss.item(), 50.0);
    let grads = loss.backward();
    assert_eq!(
        grads.get(&p).unwrap().to_vec(),
        [0.0, 0.0, -0.25e12, 0.25e12]
    );
    let x = Tensor::from_slice(&dev, &[1e30, -1e30, -100.0, 100.0], [4]).tracked();
    let loss = bce_with_logits(&x, &t);
    assert_eq!(loss.item(), 50.0);
    let grads = loss.backward();
    assert_eq!(grads.get(&x).unwrap().to_vec(), [0.0, 0.0, -0.25, 0.25]);
}

/// As PyTorch, a layer without inputs starts with biases of 0, and so does every rule that divides by fans of 0.
#[test]
fn layers_without_inputs_start_at_zero() {
    let (device, mut rng) = (Double::default(), Generator::new(1));
    let layer = Linear::new(&device, 0, 3, &mut rng).unwrap();
    assert_eq!(layer.bias.unwrap().value().to_vec(), [0.0; 3]);
    let fans = Fans {
        fan_in: 0,
        fan_out: 0,
    };
    for init in [
        Init::FanIn,
        Init::KaimingUniform { gain: 1.0 },
        Init::KaimingNormal { gain: 1.0 },
        Init::XavierUniform { gain: 1.0 },
        Init::XavierNormal { gain: 1.0 },
    ] {
        let weight = init.weight(&device, [2], fans, &mut rng).unwrap();
        assert_eq!(weight.to_vec(), [0.0; 2], "{init:?}");
    }
}

#[test]
fn a_linear_layer_is_its_steps_to_the_last_bit() {
    let dev: Cpu = Cpu::default();
    let numbers = |count: usize, by: usize| -> Vec<f32> {
        let number = |at: usize| ((at * by) % 23) as f32 / 7.0 - 1.5;
        (0..count).map(number).collect()
    };
    for lead in [&[][..], &[5], &[2, 3], &[0]] {
        let shape = |last: usize| Shape::new(&[lead, &[last]].concat()).unwrap();
        let rows: usize = lead.iter().product();
        let values = numbers(rows * 4, 11);
        // Which operands are tracked; all of them, and each alone.
        for tracked in [7, 1, 2, 4] {
            for (with_bias, relu) in [(true, true), (true, false), (false, true), (false, false)] {
                if !with_bias && tracked == 4 {
                    continue;
                }
                let operand = |number: usize, values: &[f32], shape: Shape| {
                    let x = Tensor::from_slice(&dev, values, shape);
                    match tracked >> number & 1 {
                        1 => x.tracked(),
                        _ => x,
                    }
                };
                let x = operand(0, &values, shape(4));
                let weight = operand(1, &numbers(12, 5), [3, 4].into());
                let bias = operand(2, &numbers(3, 9), [3].into());
                let one = x.linear(&weight, with_bias.then_some(&bias), relu);
                // All leading axes are rows.
                let mut steps = x.reshape([rows, 4]).matmul(&weight.transpose(0, 1));
                if with_bias {
                    steps = &steps + &bias;
                }
                if relu {
                    steps = steps.relu();
                }
                let steps = steps.reshape(shape(3));
                let bits =
                    |y: &Tensor<Cpu>| y.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>();
                assert_eq!(bits(&one), bits(&steps));
                let seed = Tensor::from_slice(&dev, &numbers(rows * 3, 13), shape(3));
                let [one, steps] = [one, steps].map(|y| y.backward_with(seed.clone()));
                for leaf in [&x, &weight, &bias] {
                    let bits = |grads: &minitorch_core::autodiff::Gradients<Cpu>| {
                        let grad = grads.get(leaf)?.to_vec();
                        Some(grad.into_iter().map(f32::to_bits).collect::<Vec<_>>())
                    };
                    assert_eq!(
                        bits(&one),
                        bits(&steps),
                        "{lead:?} {tracked} {with_bias} {relu}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_linear_layer_says_what_does_not_fit() {
    let dev: Cpu = Cpu::default();
    let zeros = |shape: &[usize]| Tensor::zeros(&dev, Shape::new(shape).unwrap());
    for (x, weight, bias) in [
        (&[2, 3][..], &[4, 5][..], &[4][..]),
        (&[], &[4, 5], &[4]),
        (&[2, 5], &[5], &[4]),
        (&[2, 5], &[4, 5], &[1]),
        (&[2, 5], &[4, 5], &[2, 4]),
    ] {
        let error = zeros(x).try_linear(&zeros(weight), Some(&zeros(bias)), true);
        let error = error.expect_err("sizes that do not agree");
        assert_eq!((error.kind(), error.op()), (ErrorKind::Shape, "linear"));
    }
}

#[test]
fn dropout_passes_the_gradient_by_its_mask_alone() {
    let dev: Cpu = Cpu::default();
    let x = Tensor::full(&dev, [4, 50], 3.0).tracked();
    let mut rng = Generator::new(5);
    let y = x.dropout(0.5, &mut rng);
    let mask: Vec<f32> = y.to_vec().iter().map(|y| y / 3.0).collect();
    assert!(mask.contains(&0.0) && mask.contains(&2.0));
    assert_eq!(rng.parts()[2], 200);
    let grads = y.backward_with(Tensor::full(&dev, [4, 50], 0.5));
    let expected: Vec<f32> = mask.iter().map(|mask| 0.5 * mask).collect();
    assert_eq!(grads.get(&x).unwrap().to_vec(), expected);
}

#[test]
fn layers_of_given_params_compute_as_those_that_were_drawn() {
    let (dev, mut rng) = (Double::default(), Generator::new(4));
    let param = |tensor: Tensor<Double>| Param::new(tensor).unwrap();
    let drawn = Conv2d::new(&dev, 2, 3, [2, 3], &mut rng).unwrap();
    let bias = drawn.bias.as_ref().map(|bias| param(bias.value()));
    let given = Conv2d::from_params(param(drawn.weight.value()), bias).stride([2, 1]);
    let x = values(&dev, [2, 2, 5, 5]);
    assert_eq!(
        given.forward(&x).to_vec(),
        drawn.stride([2, 1]).forward(&x).to_vec()
    );
    let drawn = Conv1d::new(&dev, 2, 3, 2, &mut rng).unwrap().without_bias();
    let given = Conv1d::from_params(param(drawn.weight.value()), None);
    let x = values(&dev, [2, 2, 5]);
    assert_eq!(given.forward(&x).to_vec(), drawn.forward(&x).to_vec());
    let drawn = Embedding::new(&dev, 4, 2, &mut rng).unwrap();
    let given = Embedding::from_params(param(drawn.weight.value()));
    let words = Index::new(&dev, &[3, 0, 3]).unwrap();
    assert_eq!(
        given.forward(&words).to_vec(),
        drawn.forward(&words).to_vec()
    );
}
