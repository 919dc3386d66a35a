//! Errors name the operation that was called, and say what to do.

use minitorch_core::nn::try_cross_entropy;
use minitorch_core::{ConvBlock, Cpu, ErrorKind, Index, Padding, Shape, Tensor};

fn ones(shape: &[usize]) -> Tensor {
    Tensor::ones(&Cpu::default(), Shape::new(shape).unwrap())
}

#[test]
fn put_names_itself() {
    let mut all = ones(&[2, 3]);
    for (axis, start, part, text) in [
        (
            1,
            3,
            ones(&[2, 1]),
            "put: index [3, 1, 1] lies outside of [2, 3]; start, count and step must stay inside of the axis",
        ),
        (
            2,
            0,
            ones(&[2, 1]),
            "put: axes [2] of shape [2, 3]; each must exist and be named once",
        ),
        (
            1,
            0,
            ones(&[1, 1]),
            "put: shape [1, 1] does not fit [2, 3]; all sizes but that of the axis must be equal",
        ),
    ] {
        let error = all.try_put(axis, start, &part).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(all.to_vec(), [1.0; 6]);
}

#[test]
fn a_bias_belongs_to_the_block() {
    let (x, weight) = (ones(&[1, 1, 4, 4]), ones(&[2, 1, 3, 3]));
    let block = ConvBlock::default();
    let error = x.try_conv_block(&weight, Some(&ones(&[3])), &block);
    assert_eq!(
        error.unwrap_err().to_string(),
        "conv_block: shape [3] does not fit [2, 1, 3, 3]; the bias must be [o] for a weight [o, c, kh, kw]"
    );
    // What the convolution in it refuses is the convolution's.
    let error = x.try_conv_block(&ones(&[2, 3, 3, 3]), None, &block);
    assert_eq!(error.unwrap_err().op(), "conv2d");
}

#[test]
fn padding_that_cannot_be_counted_is_a_size() {
    const MOST: usize = usize::MAX;
    let (x, weight) = (ones(&[1, 1, 5, 6]), ones(&[1, 1, 3, 3]));
    for (padding, sizes) in [
        ([MOST, 1], [5, MOST]),
        ([1, MOST], [6, MOST]),
        ([MOST / 2 + 1, 0], [5, MOST / 2 + 1]),
        ([0, MOST / 4 + 1], [6, MOST / 4 + 1]),
    ] {
        let padding = Padding::Symmetric(padding);
        let error = x.try_conv2d(&weight, [1, 1], padding).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Size, "{error}");
        let expected = minitorch_core::Error::about(ErrorKind::Size, "conv2d", &sizes)
            .advise("this size with its padding is more than can be counted; pad less");
        assert_eq!(error, expected);
    }
    // An output of that many elements is one, too, and a kernel that is too large is still a shape.
    let far = Padding::Symmetric([MOST / 4 - 8, 1]);
    let error = x.try_conv2d(&weight, [1, 1], far).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Size, "{error}");
    let error = x.try_conv2d(&ones(&[1, 1, 8, 1]), [1, 1], Padding::Symmetric([1, 1]));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Shape);
    let error = ones(&[1, 1, 5]).try_conv1d(&ones(&[1, 1, 3]), 1, Padding::Symmetric([0, MOST]));
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.op()), (ErrorKind::Size, "conv1d"));
}

#[test]
fn a_loss_needs_a_class() {
    let labels = Index::new(&Cpu::<f32>::default(), &[0, 0]).unwrap();
    let error = try_cross_entropy(&ones(&[2, 0]), &labels).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Size);
    assert_eq!(
        error.to_string(),
        "cross_entropy: [2, 0]: there is no class; at least one is needed: [b, classes]"
    );
}
