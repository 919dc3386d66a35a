//! Blocks and convolutions over more images than the second-level cache holds, where the next ones are asked for ahead of
//! their time: it changes nothing.

use minitorch_core::isa::Level;
use minitorch_core::nn::{AvgPool2d, Conv2d, Layer, MaxPool2d};
use minitorch_core::{Cpu, Generator, Padding, Pool, Tensor};

fn bits(x: &Tensor) -> Vec<u32> {
    x.to_vec().into_iter().map(f32::to_bits).collect()
}

/// A block and its layers one by one give the same results and gradients. Images as they are in MNIST, one or four maps of
/// them, and large ones of which a part is copied at a time.
#[test]
fn blocks_are_as_their_layers_one_by_one() {
    // Software's rounding would take minutes.
    let fused = |level: &Level| *level != Level::PORTABLE || Level::detect() == Level::PORTABLE;
    for level in Level::supported().filter(fused) {
        let device: Cpu = Cpu::builder().level(level).build();
        for (images, channels, outputs, size, pool) in [
            (350, 1, 4, 28, Pool::Max([2, 2])),
            (350, 1, 4, 28, Pool::Avg([4, 4])),
            (90, 4, 8, 28, Pool::Max([4, 4])),
            (3, 1, 2, 330, Pool::Max([3, 3])),
            (3, 1, 1, 330, Pool::Avg([2, 2])),
        ] {
            let layer = || {
                Conv2d::new(&device, channels, outputs, [3, 3], &mut Generator::new(3))
                    .unwrap()
                    .padding(Padding::Symmetric([1, 1]))
            };
            let (block, conv) = (layer().relu().pool(pool), layer());
            let shape = [images, channels, size, size];
            let x = Tensor::randn(&device, shape, &mut Generator::new(1)).tracked();
            let apart = conv.forward(&x).relu();
            let apart = match pool {
                Pool::Max(size) => MaxPool2d::new(size).forward(&apart),
                Pool::Avg(size) => AvgPool2d::new(size).forward(&apart),
            };
            let together = block.forward(&x);
            assert_eq!(bits(&together), bits(&apart), "{level:?} {shape:?}");
            let grads = [
                (&block, together.square().sum_all().backward()),
                (&conv, apart.square().sum_all().backward()),
            ];
            let [together, apart] = grads.map(|(layer, grads)| {
                let bias = layer.bias.as_ref().unwrap();
                let leaves = [&x, layer.weight.leaf(), bias.leaf()];
                leaves.map(|leaf| bits(grads.get(leaf).unwrap()))
            });
            assert!(together == apart, "{level:?} {shape:?}");
        }
    }
}
