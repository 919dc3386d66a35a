//! A convolution with bias, ReLU and pooling as one operation, as people use it.

use minitorch_core::executor::Executor;
use minitorch_core::nn::{AvgPool2d, Conv2d, Layer, MaxPool2d, Relu};
use minitorch_core::{ConvBlock, Cpu, ErrorKind, Generator, Padding, Pool, Tensor};

/// A layer with everything in it, and the same weights in layers one after the other.
fn both(dev: &Cpu, pool: Pool) -> (Conv2d<Cpu>, Conv2d<Cpu>) {
    let layer = || {
        let layer = Conv2d::new(dev, 2, 5, [3, 3], &mut Generator::new(3));
        layer.unwrap().padding(Padding::Symmetric([1, 1]))
    };
    (layer().relu().pool(pool), layer())
}

fn bits(x: &Tensor) -> Vec<u32> {
    x.to_vec().into_iter().map(f32::to_bits).collect()
}

#[test]
fn one_operation_has_the_bits_of_several() {
    let dev: Cpu = Cpu::default();
    for (images, pool) in [
        (1, Pool::Max([2, 2])),
        (9, Pool::Max([4, 4])),
        (9, Pool::Avg([2, 3])),
    ] {
        let mut rng = Generator::new(images as u64);
        let x = Tensor::randn(&dev, [images, 2, 12, 13], &mut rng).tracked();
        let (block, conv) = both(&dev, pool);
        let apart = conv.forward(&x).relu();
        assert_eq!(bits(&block.try_maps(&x).unwrap()), bits(&apart));
        let apart = match pool {
            Pool::Max(size) => MaxPool2d::new(size).forward(&apart),
            Pool::Avg(size) => AvgPool2d::new(size).forward(&apart),
        };
        let together = block.forward(&x);
        assert_eq!(together.shape(), apart.shape());
        assert_eq!(bits(&together), bits(&apart));
        // Squares, so that each element has a gradient of its own.
        let grads = [
            together.square().sum_all().backward(),
            apart.square().sum_all().backward(),
        ];
        let [together, apart] = [(&block, &grads[0]), (&conv, &grads[1])].map(|(layer, grads)| {
            let bias = layer.bias.as_ref().unwrap();
            [&x, layer.weight.leaf(), bias.leaf()].map(|leaf| bits(grads.get(leaf).unwrap()))
        });
        assert_eq!(together, apart);
    }
}

#[test]
fn a_layer_without_bias_may_have_relu() {
    let dev: Cpu = Cpu::default();
    let x = Tensor::randn(&dev, [3, 2, 6, 6], &mut Generator::new(1));
    let layer = || {
        Conv2d::new(&dev, 2, 4, [3, 3], &mut Generator::new(2))
            .unwrap()
            .without_bias()
    };
    let expected = Relu.forward(&layer().forward(&x));
    assert_eq!(bits(&layer().relu().forward(&x)), bits(&expected));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let dev: Cpu = Cpu::default();
    let (x, weight) = (
        Tensor::ones(&dev, [1, 1, 4, 4]),
        Tensor::ones(&dev, [2, 1, 3, 3]),
    );
    let block = ConvBlock::default();
    let biases = [
        Tensor::ones(&dev, [3]),
        Tensor::ones(&dev, [2, 1]),
        Tensor::ones(&dev, []),
    ];
    for bias in biases {
        let error = x.try_conv_block(&weight, Some(&bias), &block).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
        assert!(
            error.to_string().contains("the bias must be [o]"),
            "{error}"
        );
    }
    let pool = |pool| ConvBlock {
        pool: Some(pool),
        ..block
    };
    let error = x
        .try_conv_block(&weight, None, &pool(Pool::Max([3, 1])))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    let error = x
        .try_conv_block(&weight, None, &pool(Pool::Avg([0, 1])))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
}

/// Claims to have eight threads.
struct Eight;

impl Executor for Eight {
    fn workers(&self) -> usize {
        8
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(task);
    }
}

#[test]
fn the_gradient_may_come_from_a_device_with_other_threads() {
    let one: Cpu = Cpu::default();
    let eight: Cpu = Cpu::builder().executor(Eight).build();
    for pool in [Pool::Avg([4, 4]), Pool::Max([4, 4]), Pool::Avg([2, 2])] {
        let grads = |forward: &Cpu, backward: &Cpu, images| {
            let x = Tensor::randn(forward, [images, 2, 12, 12], &mut Generator::new(1)).tracked();
            let (block, _) = both(forward, pool);
            let out = block.forward(&x);
            let g = Tensor::randn(backward, out.shape(), &mut Generator::new(2));
            let grads = out.try_backward_with(g).unwrap();
            let leaves = [&x, block.weight.leaf(), block.bias.as_ref().unwrap().leaf()];
            leaves.map(|leaf| bits(grads.get(leaf).unwrap()))
        };
        // So few images that eight threads have another plan than one.
        for images in [1, 2, 4, 40] {
            let expected = grads(&one, &one, images);
            for [forward, backward] in [[&one, &eight], [&eight, &one], [&eight, &eight]] {
                assert_eq!(
                    grads(forward, backward, images),
                    expected,
                    "{pool:?} {images}"
                );
            }
        }
    }
}
