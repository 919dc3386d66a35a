//! Gradients of a convolution with bias, ReLU and pooling as one operation, against central differences.

use minitorch_core::{ConvBlock, Padding, Pool, Result};
use minitorch_tests::gradients::{Double, right, some};

const POOLS: [Option<Pool>; 6] = [
    None,
    Some(Pool::Max([2, 2])),
    Some(Pool::Max([2, 3])),
    Some(Pool::Avg([2, 2])),
    Some(Pool::Avg([3, 1])),
    // One window for all: 4x4 has kernels of its own.
    Some(Pool::Max([4, 4])),
];

/// How the kernel slides: the maps of 5x6 inputs are 5x6, 4x5 and 5x4.
const CONVOLUTIONS: [([usize; 2], Padding); 3] = [
    ([1, 1], Padding::MiniTorch),
    ([1, 1], Padding::Valid),
    ([1, 2], Padding::Symmetric([1, 2])),
];

/// Every block of these, with its name.
fn blocks() -> impl Iterator<Item = (ConvBlock, String)> {
    let convolutions = CONVOLUTIONS.into_iter();
    let pools = convolutions.flat_map(|conv| POOLS.map(|pool| (conv, pool)));
    let blocks = pools.flat_map(|((stride, padding), pool)| {
        [false, true].map(|relu| ConvBlock {
            stride,
            padding,
            relu,
            pool,
        })
    });
    blocks.map(|block| (block, format!("{block:?}")))
}

#[test]
fn with_bias() {
    let (x, weight, bias) = (
        some(1, &[2, 2, 5, 6]),
        some(2, &[3, 2, 2, 2]),
        some(3, &[3]),
    );
    for (block, what) in blocks() {
        // The square tells the elements of the gradient that comes in apart, and is not flat where ReLU stops.
        let f = |[x, weight, bias]: [&Double; 3]| -> Result<Double> {
            let maps = x.try_conv_block(weight, Some(bias), &block)?;
            maps.try_add_scalar(1.0)?.try_square()
        };
        right(&what, &f, [&x, &weight, &bias]);
    }
}

#[test]
fn without_bias() {
    let (x, weight) = (some(4, &[2, 2, 5, 6]), some(5, &[3, 2, 2, 2]));
    for (block, what) in blocks() {
        let f = |[x, weight]: [&Double; 2]| -> Result<Double> {
            let maps = x.try_conv_block(weight, None, &block)?;
            maps.try_add_scalar(1.0)?.try_square()
        };
        right(&what, &f, [&x, &weight]);
    }
}

/// An image after the other: nine are cut into stretches, and a gradient that somebody else holds may not be overwritten.
#[test]
fn of_many_images_and_of_gradients_with_two_readers() {
    let (x, weight, bias) = (
        some(6, &[9, 1, 4, 4]),
        some(7, &[2, 1, 3, 3]),
        some(8, &[2]),
    );
    let block = ConvBlock {
        padding: Padding::Symmetric([1, 1]),
        relu: true,
        pool: Some(Pool::Max([2, 2])),
        ..ConvBlock::default()
    };
    let f = |[x, weight, bias]: [&Double; 3]| -> Result<Double> {
        let pooled = x.try_conv_block(weight, Some(bias), &block)?;
        pooled.try_transpose(2, 3)?.try_mul(&pooled)
    };
    right("two readers", &f, [&x, &weight, &bias]);
}

/// Differences say nothing of ReLU unless it lets some pass and stops others.
#[test]
fn the_operands_are_on_both_sides_of_zero() {
    let (x, weight) = (some(4, &[2, 2, 5, 6]), some(5, &[3, 2, 2, 2]));
    let maps = x.conv_block(&weight, None, &ConvBlock::default()).to_vec();
    let above = maps.iter().filter(|&&map| map > 0.0).count();
    assert!(
        (maps.len() / 4..3 * maps.len() / 4).contains(&above),
        "{above}"
    );
}
