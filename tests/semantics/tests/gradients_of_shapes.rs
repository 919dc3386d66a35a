//! Gradients of views, joins, reductions, matrix products and windows, against central differences.

use minitorch_core::{Cpu, Padding, Tensor};
use minitorch_tests::gradients::{Double as T, right, some};

#[test]
fn joins() {
    let (a, b) = (some(14, &[2, 3]), some(15, &[2, 1]));
    right(
        "cat",
        &|[a, b]| T::try_cat(&[a.clone(), b.clone(), a.clone()], 1),
        [&a, &b],
    );
    right(
        "cat of views",
        &|[a]| T::try_cat(&[a.try_transpose(0, 1)?, a.try_reshape([3, 2])?], 0),
        [&a],
    );
    right(
        "stack",
        &|[a]| T::try_stack(&[a.clone(), a.try_exp()?, a.clone()], 1),
        [&a],
    );
    let mixed = |[b]: [&T; 1]| T::try_cat(&[some(16, &[2, 2]), b.clone()], 1);
    right("cat with a constant", &mixed, [&b]);
}

#[test]
fn views() {
    let x = some(17, &[2, 3, 4]);
    right("permute", &|[x]| x.try_permute(&[2, 0, 1]), [&x]);
    right("transpose", &|[x]| x.try_transpose(0, 2), [&x]);
    right("reshape", &|[x]| x.try_reshape([6, 4]), [&x]);
    right(
        "reshape of a view",
        &|[x]| x.try_transpose(0, 1)?.try_reshape([4, 6]),
        [&x],
    );
    right("narrow", &|[x]| x.try_narrow(1, 1, 2), [&x]);
    right("slice", &|[x]| x.try_slice(2, 1, 2, 2), [&x]);
    right("select", &|[x]| x.try_select(1, 2), [&x]);
    right(
        "squeeze",
        &|[x]| x.try_narrow(0, 1, 1)?.try_squeeze(0),
        [&x],
    );
    right("unsqueeze", &|[x]| x.try_unsqueeze(2), [&x]);
    right(
        "expand",
        &|[x]| x.try_unsqueeze(1)?.try_expand([5, 2, 2, 3, 4]),
        [&x],
    );
    right(
        "contiguous",
        &|[x]| x.try_permute(&[1, 2, 0])?.try_contiguous(),
        [&x],
    );
    right("overlapping windows", &|[x]| x.try_window(2, 3, 1), [&x]);
    right("windows with gaps", &|[x]| x.try_window(1, 1, 2), [&x]);
    right(
        "windows of windows",
        &|[x]| x.try_window(2, 2, 1)?.try_window(1, 2, 1),
        [&x],
    );
    let alike = |[x]: [&T; 1]| x.try_narrow(2, 0, 2)?.try_mul(&x.try_narrow(2, 1, 2)?);
    right("two views of one", &alike, [&x]);
}

#[test]
fn sums_over_every_subset_of_axes() {
    let x = some(18, &[2, 3, 2]);
    for subset in 0..8 {
        let axes: Vec<usize> = (0..3).filter(|axis| subset >> axis & 1 == 1).collect();
        right("sum", &|[x]| x.try_sum(&axes), [&x]);
        right("sum_keepdim", &|[x]| x.try_sum_keepdim(&axes), [&x]);
        right("mean", &|[x]| x.try_mean(&axes), [&x]);
        right("mean_keepdim", &|[x]| x.try_mean_keepdim(&axes), [&x]);
        right("prod", &|[x]| x.try_prod(&axes), [&x]);
        right(
            "sum of a view",
            &|[x]| x.try_permute(&[1, 2, 0])?.try_sum(&axes),
            [&x],
        );
        if subset > 0 {
            right("var", &|[x]| x.try_var(&axes, 0), [&x]);
            right("unbiased var", &|[x]| x.try_var(&axes, 1), [&x]);
        }
    }
    right("mean_all", &|[x]| x.try_mean_all(), [&x]);
}

#[test]
fn products_with_zeros() {
    let x = Tensor::from_slice(
        &Cpu::default(),
        &[2.0, 0.0, 3.0, 0.0, 0.0, 5.0, 0.5, -2.0, 4.0],
        [3, 3],
    );
    right("one zero, two, none", &|[x]| x.try_prod(&[1]), [&x]);
    right("by columns", &|[x]| x.try_prod(&[0]), [&x]);
    right("all", &|[x]| x.try_prod(&[0, 1]), [&x]);
}

#[test]
fn extremes() {
    let x = some(19, &[3, 4, 2]);
    for axis in 0..3 {
        right("max", &|[x]| x.try_max(axis), [&x]);
        right("min", &|[x]| x.try_min(axis), [&x]);
    }
    right("max_all", &|[x]| x.try_transpose(0, 1)?.try_max_all(), [&x]);
    right("min_all", &|[x]| x.try_min_all(), [&x]);
    // Between equals the first one wins.
    let ties = Tensor::from_slice(&Cpu::default(), &[1.0, 3.0, 3.0, 1.0], [4]).tracked();
    let grads = |out: T| out.backward().get(&ties).unwrap().to_vec();
    assert_eq!(grads(ties.max(0)), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(grads(ties.min(0)), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(grads(ties.maximum(&ties.detach()).sum_all()), [1.0; 4]);
}

#[test]
fn softmax_family() {
    let x = some(20, &[2, 3, 4]);
    for axis in 0..3 {
        right("softmax", &|[x]| x.try_softmax(axis), [&x]);
        right("log_softmax", &|[x]| x.try_log_softmax(axis), [&x]);
        right("logsumexp", &|[x]| x.try_logsumexp(axis), [&x]);
    }
}

#[test]
fn matrix_products() {
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[2, 3], &[3, 4]),
        (&[3], &[3]),
        (&[3], &[3, 2]),
        (&[2, 3], &[3]),
        (&[2, 2, 3], &[2, 3, 2]),
        (&[2, 2, 3], &[3, 2]),
        (&[2, 3], &[2, 3, 2]),
        (&[2, 1, 2, 3], &[3, 3, 1]),
        (&[3], &[2, 3, 2]),
    ];
    for (number, (a, b)) in (0..).zip(shapes) {
        let (a, b) = (some(30 + number, a), some(50 + number, b));
        right(
            &format!("{:?} x {:?}", a.shape(), b.shape()),
            &|[a, b]| a.try_matmul(b),
            [&a, &b],
        );
    }
    let x = some(21, &[3, 3]);
    right("x x", &|[x]| x.try_matmul(x), [&x]);
    right("x^T x", &|[x]| x.try_transpose(0, 1)?.try_matmul(x), [&x]);
}

#[test]
fn convolutions() {
    let paddings = [
        Padding::Valid,
        Padding::Symmetric([1, 2]),
        Padding::MiniTorch,
        Padding::MiniTorchReverse,
    ];
    let (x, w) = (some(22, &[2, 2, 4, 5]), some(23, &[3, 2, 3, 2]));
    for padding in paddings {
        for stride in [[1, 1], [2, 1], [1, 3], [4, 4]] {
            let what = format!("conv2d {padding:?} {stride:?}");
            right(&what, &|[x, w]| x.try_conv2d(w, stride, padding), [&x, &w]);
        }
        let (row, kernel) = (some(24, &[2, 2, 6]), some(25, &[2, 2, 3]));
        for stride in [1, 2] {
            let what = format!("conv1d {padding:?} {stride}");
            right(
                &what,
                &|[x, w]| x.try_conv1d(w, stride, padding),
                [&row, &kernel],
            );
        }
    }
    let square = some(26, &[2, 2, 3, 3]);
    right(
        "x * x",
        &|[x]| x.try_conv2d(x, [1, 1], Padding::Symmetric([1, 1])),
        [&square],
    );
    let turned = |[x, w]: [&T; 2]| {
        x.try_transpose(2, 3)?
            .try_conv2d(&w.try_transpose(2, 3)?, [1, 1], Padding::MiniTorch)
    };
    right("views", &turned, [&x, &w]);
}

#[test]
fn pools() {
    let x = some(27, &[2, 2, 5, 6]);
    for kernel in [[1, 1], [2, 2], [3, 2], [5, 6]] {
        for stride in [[1, 1], [2, 2], [3, 1]] {
            let what = format!("{kernel:?} {stride:?}");
            right(&what, &|[x]| x.try_avg_pool2d(kernel, stride), [&x]);
            right(&what, &|[x]| x.try_max_pool2d(kernel, stride), [&x]);
            right(
                &what,
                &|[x]| x.try_transpose(0, 1)?.try_max_pool2d(kernel, stride),
                [&x],
            );
        }
    }
    let row = some(28, &[2, 2, 7]);
    right("avg_pool1d", &|[x]| x.try_avg_pool1d(3, 2), [&row]);
    right("max_pool1d", &|[x]| x.try_max_pool1d(2, 1), [&row]);
}
