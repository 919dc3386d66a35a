//! Modules: the walk, training and evaluation, parameters, dropout, initial values, messages.

use minitorch_core::nn::{
    Conv2d, Dropout, Fans, Flatten, Init, Layer, Linear, Module, Param, Path, Relu, Sequential,
    Tanh, Visitor, try_cross_entropy, try_mse, try_nll,
};
use minitorch_core::optim::{Adam, Optimizer, Sgd};
use minitorch_core::{
    Backend, Cpu, ErrorKind, Generator, Index, Pool, Result, Shape, Tensor, module,
};

type Double = Cpu<f64>;

struct Block<B: Backend> {
    layers: Vec<Linear<B>>,
    scale: Option<Param<B>>,
    none: Option<Param<B>>,
    pair: (Linear<B>, Relu, Box<dyn Layer<B>>),
    array: [Param<B>; 2],
}
module!(Block {
    layers,
    scale,
    none,
    pair,
    array
});

struct Outer<B: Backend, L: Layer<B>> {
    inner: L,
    block: Block<B>,
    dropout: Dropout,
}
module!(Outer<B, L: Layer<B>> { inner, block, dropout });

fn outer(dev: &Cpu, seed: u64) -> Result<Outer<Cpu, Sequential<Cpu>>> {
    let rng = &mut Generator::new(seed);
    let param = |rng: &mut Generator| Param::new(Tensor::rand(dev, [2], rng));
    Ok(Outer {
        inner: Sequential::new()
            .then(Linear::new(dev, 2, 2, rng)?.without_bias())
            .then(Tanh)
            .then((Relu, Linear::new(dev, 2, 2, rng)?)),
        block: Block {
            layers: vec![Linear::new(dev, 2, 3, rng)?, Linear::new(dev, 3, 2, rng)?],
            scale: Some(param(rng)?),
            none: None,
            pair: (
                Linear::new(dev, 2, 2, rng)?,
                Relu,
                Box::new(Linear::new(dev, 2, 1, rng)?.without_bias()),
            ),
            array: [param(rng)?, param(rng)?],
        },
        dropout: Dropout::new(0.5, rng)?,
    })
}

#[test]
fn the_walk_has_names_and_an_order() {
    let dev = Cpu::default();
    let mut net = outer(&dev, 0).unwrap();
    let names: Vec<String> = net
        .named_parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let expected = [
        "inner.0.weight",
        "inner.2.1.weight",
        "inner.2.1.bias",
        "block.layers.0.weight",
        "block.layers.0.bias",
        "block.layers.1.weight",
        "block.layers.1.bias",
        "block.scale",
        "block.pair.0.weight",
        "block.pair.0.bias",
        "block.pair.2.weight",
        "block.array.0",
        "block.array.1",
    ];
    assert_eq!(names, expected);
    let mut again = Vec::new();
    net.each_param_mut(&mut |path, _| {
        again.push(path.to_string());
        Ok(())
    })
    .unwrap();
    assert_eq!(again, expected);
    assert_eq!(net.parameter_count(), 4 + 6 + 9 + 8 + 2 + 6 + 2 + 4);

    struct Generators(Vec<String>);
    impl Visitor<Cpu> for Generators {
        fn generator(&mut self, path: &Path<'_>, _: &Generator) -> Result<()> {
            self.0.push(path.to_string());
            Ok(())
        }
    }
    let mut generators = Generators(Vec::new());
    net.visit(&Path::ROOT, &mut generators).unwrap();
    assert_eq!(generators.0, ["dropout"]);

    let alone = Param::new(Tensor::<Cpu>::ones(&dev, [2])).unwrap();
    assert_eq!(alone.named_parameters()[0].0, "");
}

#[test]
fn an_error_ends_the_walk() {
    let mut net = outer(&Cpu::default(), 0).unwrap();
    let mut count = 0;
    let stop = minitorch_core::Error::new(ErrorKind::Argument, "test", "enough");
    let result = net.each_param_mut(&mut |_, _| {
        count += 1;
        if count == 3 { Err(stop) } else { Ok(()) }
    });
    assert_eq!((result, count), (Err(stop), 3));
}

#[test]
fn training_and_evaluation() {
    let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(1));
    let mut net = (
        Linear::new(&dev, 3, 3, &mut rng).unwrap(),
        Dropout::new(0.5, &mut rng).unwrap(),
    );
    let x = Tensor::ones(&dev, [8, 3]);
    let trained = net.forward(&x);
    assert!(trained.is_tracked() && trained.to_vec().contains(&0.0));
    let leaf = net.0.weight.leaf().leaf_id();
    net.eval();
    let (a, b) = (net.forward(&x), net.forward(&x));
    assert!(!a.is_tracked() && !a.to_vec().contains(&0.0));
    assert_eq!(a.to_vec(), b.to_vec());
    // Gradients that were computed before still find their parameters.
    assert!(
        trained
            .sum_all()
            .backward()
            .get(net.0.weight.leaf())
            .is_some()
    );
    net.train();
    assert!(net.forward(&x).is_tracked());
    assert_eq!(net.0.weight.leaf().leaf_id(), leaf);

    // One parameter alone can be frozen, and stays so whatever the mode of the model.
    net.0.weight.set_trainable(false);
    for _ in 0..2 {
        let grads = net.forward(&x).sum_all().backward();
        assert!(grads.get(net.0.weight.leaf()).is_none());
        assert_eq!(grads.len(), 1);
        net.eval();
        assert!(!net.0.bias.as_ref().unwrap().value().is_tracked());
        net.train();
    }
    net.0.weight.set_trainable(true);
    assert_eq!(net.forward(&x).sum_all().backward().len(), 2);
    // Nor do gradients move it that were there before it was.
    let before = [&net.0.weight, net.0.bias.as_ref().unwrap()].map(|param| param.value().to_vec());
    let grads = net.forward(&x).sum_all().backward();
    net.try_accumulate(net.forward(&x).sum_all().backward())
        .unwrap();
    net.0.weight.set_trainable(false);
    Sgd::new(0.1).step(&mut net, grads);
    Sgd::new(0.1).step_accumulated(&mut net);
    assert_eq!(net.0.weight.value().to_vec(), before[0]);
    assert_ne!(net.0.bias.as_ref().unwrap().value().to_vec(), before[1]);
    net.0.weight.set_trainable(true);
    net.eval();
    assert!(net.0.weight.is_trainable() && !net.0.weight.value().is_tracked());
}

#[test]
fn dropout_drops_its_share_and_scales_the_rest() {
    let dev: Cpu = Cpu::default();
    for p in [0.0, 0.25, 0.5, 1.0] {
        let dropout = Dropout::new(p, &mut Generator::new(7)).unwrap();
        let x = Tensor::full(&dev, [100, 100], 3.0).tracked();
        let y = dropout.forward(&x);
        let kept = y.to_vec().iter().filter(|&&y| y != 0.0).count() as f64 / 1e4;
        assert!((kept - (1.0 - p)).abs() < 0.02, "{p}: {kept}");
        let scale = if p < 1.0 { 1.0 / (1.0 - p) as f32 } else { 0.0 };
        assert!(y.to_vec().iter().all(|&y| y == 0.0 || y == 3.0 * scale));
        // The gradient goes the way of the values.
        let kept: Vec<bool> = y.to_vec().iter().map(|&y| y != 0.0).collect();
        let grads = y.sum_all().backward();
        let grad = grads.get(&x).unwrap().to_vec();
        assert!(
            grad.iter()
                .zip(kept)
                .all(|(&g, kept)| g == if kept { scale } else { 0.0 })
        );
    }
    // Two passes differ; two layers from one generator differ; the same seed gives the same.
    let mut rng = Generator::new(8);
    let (a, b) = (
        Dropout::new(0.5, &mut rng).unwrap(),
        Dropout::new(0.5, &mut rng).unwrap(),
    );
    let again = Dropout::new(0.5, &mut Generator::new(8)).unwrap();
    let x: Tensor = Tensor::ones(&dev, [64]);
    let first = a.forward(&x).to_vec();
    assert_ne!(first, a.forward(&x).to_vec());
    assert_ne!(first, b.forward(&x).to_vec());
    assert_eq!(first, again.forward(&x).to_vec());
    for p in [-0.1, 1.1, f64::NAN] {
        let error = Dropout::new(p, &mut Generator::new(0)).err().unwrap();
        assert_eq!(
            error.to_string(),
            "dropout: the probability must lie in 0..=1"
        );
    }
}

#[test]
fn initial_values_have_their_moments() {
    let (dev, fans) = (
        Double::default(),
        Fans {
            fan_in: 8,
            fan_out: 24,
        },
    );
    let gain = 1.5;
    // Bound (or infinity), standard deviation.
    let uniform = |bound: f64| (bound, bound / 3f64.sqrt());
    let cases = [
        (
            Init::Uniform {
                low: -2.0,
                high: 2.0,
            },
            uniform(2.0),
        ),
        (
            Init::Normal {
                mean: 0.0,
                std: 0.5,
            },
            (f64::INFINITY, 0.5),
        ),
        (Init::MiniTorch, uniform(0.05)),
        (Init::FanIn, uniform(1.0 / 8f64.sqrt())),
        (
            Init::KaimingUniform { gain },
            uniform(gain * (3.0 / 8f64).sqrt()),
        ),
        (
            Init::KaimingNormal { gain },
            (f64::INFINITY, gain / 8f64.sqrt()),
        ),
        (
            Init::XavierUniform { gain },
            uniform(gain * (6.0 / 32f64).sqrt()),
        ),
        (
            Init::XavierNormal { gain },
            (f64::INFINITY, gain * (2.0 / 32f64).sqrt()),
        ),
    ];
    for (init, (bound, std)) in cases {
        let x = init
            .weight(&dev, [200, 200], fans, &mut Generator::new(9))
            .unwrap();
        let (mean, found) = (x.mean_all().item(), x.var(&[0, 1], 0).item().sqrt());
        assert!(mean.abs() < 0.02 * std.max(0.1), "{init:?}: mean {mean}");
        assert!((found / std - 1.0).abs() < 0.02, "{init:?}: {found}, {std}");
        let largest = x.abs().max_all().item();
        assert!(largest <= bound, "{init:?}: {largest}");
        assert!(bound.is_infinite() || largest > 0.99 * bound);
    }
    let bias = |init: Init| {
        init.bias(&dev, 50, fans, &mut Generator::new(1))
            .unwrap()
            .to_vec()
    };
    assert_eq!(bias(Init::Constant(2.5)), [2.5; 50]);
    assert_eq!(bias(Init::KaimingNormal { gain }), [0.0; 50]);
    assert!(
        bias(Init::FanIn)
            .iter()
            .all(|x| x.abs() <= 1.0 / 8f64.sqrt() && *x != 0.0)
    );
    let low = Init::Uniform {
        low: 1.0,
        high: 3.0,
    };
    assert!(bias(low).iter().all(|x| (1.0..3.0).contains(x)));
}

#[test]
fn gradients_accumulate_as_in_pytorch() {
    let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(2));
    let mut net = Linear::new(&dev, 2, 1, &mut rng).unwrap();
    let x = Tensor::from_slice(&dev, &[1.0, 2.0], [1, 2]);
    assert!(net.weight.grad().is_none());
    net.accumulate(net.forward(&x).sum_all().backward());
    net.accumulate(net.forward(&(&x * 3.0)).sum_all().backward());
    assert_eq!(net.weight.grad().unwrap().to_vec(), [4.0, 8.0]);
    assert_eq!(net.bias.as_ref().unwrap().grad().unwrap().to_vec(), [2.0]);
    net.zero_grad();
    assert!(net.weight.grad().is_none());
    let error = net
        .weight
        .try_accumulate(Tensor::ones(&dev, [2]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "accumulate: shape [2] does not fit [1, 2]; a gradient has the shape of its parameter"
    );
}

#[test]
fn updates_leave_shared_values_alone() {
    use minitorch_core::ops::binary::Add;
    let dev: Cpu = Cpu::default();
    let mut param = Param::new(Tensor::ones(&dev, [2])).unwrap();
    let leaf = param.leaf().leaf_id();
    let one = Tensor::ones(&dev, [2]);
    let before = param.value();
    param.try_update(Add, [&one]).unwrap();
    assert_eq!(param.value().to_vec(), [2.0, 2.0]);
    assert_eq!(before.to_vec(), [1.0, 1.0]);
    assert_eq!(param.leaf().leaf_id(), leaf);
    // A graph keeps what it needs.
    let square = param.value().square().sum_all();
    param.try_update(Add, [&one]).unwrap();
    assert_eq!(
        square.backward().get(param.leaf()).unwrap().to_vec(),
        [4.0, 4.0]
    );
    // A transposed view is not changed through, and a computed tensor refuses.
    let matrix = Tensor::from_slice(&dev, &[1.0, 2.0, 3.0, 4.0], [2, 2]);
    let mut view = matrix.transpose(0, 1);
    drop(matrix);
    view.try_update(Add, [&Tensor::ones(&dev, [2, 2])]).unwrap();
    assert_eq!(view.to_vec(), [2.0, 4.0, 3.0, 5.0]);
    let mut computed = param.value() + &one;
    let error = computed.try_update(Add, [&one]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "add: a computed tensor cannot change; detach it first"
    );
    let error = param
        .try_update(Add, [&Tensor::ones(&dev, [3])])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn the_hash_is_of_names_shapes_and_values() {
    let dev: Cpu = Cpu::default();
    let mut net = Linear::new(&dev, 2, 2, &mut Generator::new(0)).unwrap();
    let expected = minitorch_core::state::weights_hash(
        net.named_parameters()
            .iter()
            .map(|(name, value)| (name.clone(), value.shape().to_vec(), value.to_vec())),
    );
    assert_eq!(net.weights_hash(), expected);
    let double = Double::default();
    let mut wide = Linear::new(&double, 2, 2, &mut Generator::new(1)).unwrap();
    let widen = |x: Tensor| x.to_vec().iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let weight = Tensor::from_slice(&double, &widen(net.weight.value()), [2, 2]);
    wide.weight.try_set(&weight).unwrap();
    let bias = net.bias.as_ref().unwrap().value();
    let bias = Tensor::from_slice(&double, &widen(bias), [2]);
    wide.bias.as_mut().unwrap().try_set(&bias).unwrap();
    assert_eq!(wide.weights_hash(), expected);
    net.weight.try_set(&Tensor::zeros(&dev, [2, 2])).unwrap();
    assert_ne!(net.weights_hash(), expected);
}

#[test]
fn errors_say_what_does_not_fit() {
    let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
    let linear = Linear::new(&dev, 3, 2, &mut rng).unwrap();
    let conv = Conv2d::new(&dev, 3, 2, [3, 3], &mut rng).unwrap();
    let labels = Index::new(&dev, &[1]).unwrap();
    let ones = |shape: &[usize]| Tensor::ones(&dev, Shape::new(shape).unwrap());
    let cases = [
        (
            linear.try_forward(&ones(&[5, 4])),
            "linear: shape [5, 4] does not fit [2, 3]; an input [.., inputs] and a \
             weight [outputs, inputs] must agree in inputs",
        ),
        (
            linear.try_forward(&ones(&[])),
            "linear: shape [] does not fit [2, 3]; an input [.., inputs] and a \
             weight [outputs, inputs] must agree in inputs",
        ),
        (
            conv.try_forward(&ones(&[1, 2, 8, 8])),
            "conv2d: shape [1, 2, 8, 8] does not fit [2, 3, 3, 3]; input [b, c, h, w] and weight \
             [o, c, kh, kw] must agree in c",
        ),
        (
            try_nll(&ones(&[3]), &labels),
            "nll: [3] has a number of axes that this does not take; two axes are needed: [b, classes]",
        ),
        (
            try_cross_entropy(&ones(&[2, 3]), &labels),
            "cross_entropy: [1] elements do not fill [2]; as many numbers are needed as there are rows",
        ),
        (
            try_mse(&ones(&[2]), &ones(&[2, 1])),
            "mse: shape [2] does not fit [2, 1]; a loss needs as many results as targets",
        ),
        (
            Flatten.try_forward(&ones(&[])),
            "flatten: [] has a number of axes that this does not take; one axis or more is needed: [b, ..]",
        ),
    ];
    for (result, text) in cases {
        assert_eq!(result.map(|_| ()).expect_err(text).to_string(), text);
    }
}

#[test]
fn the_tree_tells_that_relu_follows_a_linear_layer() {
    let dev: Cpu = Cpu::default();
    let linear = || Linear::new(&dev, 2, 3, &mut Generator::new(0)).unwrap();
    let lines = "\n  weight [3, 2]\n  bias [3]\n";
    assert_eq!(linear().tree(), format!("model: 9 parameters{lines}"));
    assert_eq!(
        linear().relu().tree(),
        format!("model: 9 parameters, then relu{lines}")
    );
}

#[test]
fn the_tree_tells_what_a_convolution_does_besides() {
    let dev: Cpu = Cpu::default();
    let conv = || Conv2d::new(&dev, 1, 2, [3, 3], &mut Generator::new(0)).unwrap();
    let weights = "\n  weight [2, 1, 3, 3]\n  bias [2]\n";
    for (layer, steps) in [
        (conv(), ""),
        (conv().relu(), ", then relu"),
        (conv().pool(Pool::Avg([2, 3])), ", then avg_pool2d [2, 3]"),
        (
            conv().pool(Pool::Max([2, 2])).relu(),
            ", then relu, max_pool2d [2, 2]",
        ),
    ] {
        assert_eq!(
            layer.tree(),
            format!("model: 20 parameters{steps}{weights}")
        );
        // Each layer has its own, wherever it is.
        let nested = (conv(), vec![layer, conv()]).tree();
        let counts: Vec<&str> = nested.lines().filter(|line| line.contains(':')).collect();
        assert_eq!(
            counts,
            [
                "model: 60 parameters",
                "  0: 20 parameters",
                "  1: 40 parameters",
                &format!("    0: 20 parameters{steps}"),
                "    1: 20 parameters",
            ]
        );
    }
}

#[test]
fn a_clone_trains_alone_and_to_the_same_bits() {
    let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(3));
    let net = (
        Linear::new(&dev, 3, 4, &mut rng).unwrap(),
        Dropout::new(0.5, &mut rng).unwrap(),
        Linear::new(&dev, 4, 1, &mut rng).unwrap(),
    );
    let x = Tensor::randn(&dev, [8, 3], &mut rng);
    type Net = (Linear<Cpu>, Dropout, Linear<Cpu>);
    let train = |(net, adam): &mut (Net, Adam<Cpu>)| {
        for _ in 0..3 {
            let loss = net.forward(&x).square().mean_all();
            adam.step(net, loss.backward());
        }
        net.weights_hash()
    };
    let mut original = (net, Adam::new(0.1));
    let before = train(&mut original);
    let mut clone = original.clone();
    assert_ne!(
        clone.0.0.weight.leaf().leaf_id(),
        original.0.0.weight.leaf().leaf_id()
    );
    // Neither weights nor averages nor the generator of the original move on with those of the clone.
    let after = train(&mut clone);
    assert_eq!(original.0.weights_hash(), before);
    assert_eq!(train(&mut original), after);
    assert_ne!(after, before);
}
