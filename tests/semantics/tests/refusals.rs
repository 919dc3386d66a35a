//! Arguments that make no sense: each is an error of the right kind, none is a panic.

use minitorch_core::{Cpu, ErrorKind, Index, Layout, Padding, Result, Shape, Tensor};

type T = Tensor<Cpu<f32>>;

fn device() -> Cpu<f32> {
    Cpu::default()
}

#[track_caller]
fn refused<X>(result: Result<X>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("accepted, but should be an error of kind {kind:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

#[test]
fn shapes_too_large() {
    for sizes in [
        [usize::MAX, 2],
        [1 << 32, 1 << 32],
        [usize::MAX, 1],
        [1 << 60, 1],
    ] {
        refused(Layout::contiguous(sizes), ErrorKind::Size);
        refused(T::try_zeros(&device(), sizes), ErrorKind::Size);
        refused(T::try_from_slice(&device(), &[1.0], sizes), ErrorKind::Size);
    }
    // This many elements can be named, but no machine has the memory.
    refused(T::try_zeros(&device(), [1 << 50]), ErrorKind::Memory);
    let one = T::ones(&device(), [1, 1]);
    refused(one.try_expand([usize::MAX, 2]), ErrorKind::Size);
    refused(one.try_reshape([usize::MAX, 2]), ErrorKind::Size);
    refused(Shape::new(&[1; 7]), ErrorKind::Rank);
    let text = |sizes: &[usize]| Shape::new(sizes).unwrap_err().to_string();
    assert!(text(&[1; 30]).contains("[1, 1, 1, 1, 1, 1, ..]"));
    let text = T::try_zeros(&device(), [1 << 50]).err().unwrap();
    assert!(text.to_string().contains("[over 4294967294]"), "{text}");
    // A stretched operand whose result would be too large is refused when the result is.
    let wide = one.expand([1 << 40, 1 << 10]);
    assert!(wide.try_exp().is_err());
    assert!(
        wide.try_window(0, 1 << 39, 1)
            .and_then(|view| view.try_exp())
            .is_err()
    );
}

#[test]
fn nothing_by_much_is_nothing() {
    let x = T::zeros(&device(), [0, usize::MAX, usize::MAX]);
    assert_eq!(x.try_neg().unwrap().to_vec(), []);
    assert_eq!(x.try_add(&x).unwrap().shape(), x.shape());
    assert_eq!(x.sum_all().item(), 0.0);
}

#[test]
fn nothing_is_a_size_like_any_other() {
    for (sizes, axis) in [([0, 3], 0), ([3, 0], 1), ([0, 0], 0)] {
        let x = T::zeros(&device(), sizes).tracked();
        assert_eq!(x.exp().to_vec(), []);
        assert_eq!(x.sum_all().item(), 0.0);
        assert_eq!(x.softmax(axis).shape(), x.shape());
        assert_eq!(x.log_softmax(axis).shape(), x.shape());
        let lse = x.logsumexp(axis).to_vec();
        assert_eq!(lse, vec![f32::NEG_INFINITY; sizes[1 - axis]]);
        assert_eq!(x.sum(&[axis]).elements(), sizes[1 - axis]);
        assert_eq!(
            x.try_prod(&[0]).unwrap().to_vec(),
            vec![1.0; if sizes[0] == 0 { sizes[1] } else { 0 }]
        );
        refused(x.try_max(axis), ErrorKind::Size);
        refused(x.try_argmax(axis), ErrorKind::Size);
        refused(x.try_max_all(), ErrorKind::Size);
        assert_eq!(x.transpose(0, 1).contiguous().to_vec(), []);
        assert_eq!(
            x.transpose(0, 1).matmul(&x).to_vec(),
            vec![0.0; sizes[1] * sizes[1]]
        );
        let grads = (&x * &x).sum_all().backward();
        assert_eq!(**grads.get(&x).unwrap().shape(), sizes);
        assert_eq!(
            format!("{x}").matches('[').count(),
            if sizes[0] == 0 { 1 } else { 1 + sizes[0] }
        );
    }
}

#[test]
fn a_view_of_nothing_has_no_first_element() {
    // The start of the view lies behind the end of its empty buffer.
    let x = T::zeros(&device(), [0, 5]);
    assert_eq!(x.narrow(1, 2, 2).to_vec(), []);
    assert_eq!(x.slice(1, 4, 1, 1).exp().to_vec(), []);
    assert_eq!(T::zeros(&device(), [5, 0]).sum(&[1]).to_vec(), [0.0; 5]);
    assert_eq!(
        T::zeros(&device(), [5, 0])
            .tracked()
            .narrow(0, 4, 1)
            .sum_all()
            .item(),
        0.0
    );
}

#[test]
fn axes_that_do_not_exist() {
    let x = T::zeros(&device(), [2, 3]);
    refused(x.try_permute(&[0]), ErrorKind::Axis);
    refused(x.try_permute(&[0, 0]), ErrorKind::Axis);
    refused(x.try_permute(&[0, 2]), ErrorKind::Axis);
    refused(x.try_permute(&[0, 1, 2, 3, 4, 5, 6]), ErrorKind::Axis);
    refused(x.try_transpose(0, 2), ErrorKind::Axis);
    refused(x.try_narrow(2, 0, 1), ErrorKind::Axis);
    refused(x.try_select(2, 0), ErrorKind::Axis);
    refused(x.try_squeeze(2), ErrorKind::Axis);
    refused(x.try_squeeze(0), ErrorKind::Shape);
    refused(x.try_unsqueeze(3), ErrorKind::Axis);
    refused(x.try_window(2, 1, 1), ErrorKind::Axis);
    for axes in [&[2][..], &[0, 0], &[0, 1, 2], &[usize::MAX]] {
        refused(x.try_sum(axes), ErrorKind::Axis);
        refused(x.try_sum_keepdim(axes), ErrorKind::Axis);
        refused(x.try_mean(axes), ErrorKind::Axis);
        refused(x.try_mean_keepdim(axes), ErrorKind::Axis);
        refused(x.try_var(axes, 1), ErrorKind::Axis);
        refused(x.try_prod(axes), ErrorKind::Axis);
    }
    refused(x.try_max(2), ErrorKind::Axis);
    refused(x.try_min(2), ErrorKind::Axis);
    refused(x.try_argmax(2), ErrorKind::Axis);
    refused(x.try_softmax(2), ErrorKind::Axis);
    refused(x.try_log_softmax(2), ErrorKind::Axis);
    refused(x.try_logsumexp(2), ErrorKind::Axis);
    refused(T::try_cat(std::slice::from_ref(&x), 2), ErrorKind::Axis);
    refused(T::try_stack(std::slice::from_ref(&x), 3), ErrorKind::Axis);
    let full = T::zeros(&device(), [1; 6]);
    refused(full.try_unsqueeze(0), ErrorKind::Rank);
    refused(full.try_window(0, 1, 1), ErrorKind::Rank);
    refused(T::try_stack(&[full], 0), ErrorKind::Rank);
}

#[test]
fn shapes_that_do_not_fit() {
    let x = T::zeros(&device(), [2, 3]);
    refused(x.try_add(&T::zeros(&device(), [2])), ErrorKind::Broadcast);
    refused(x.try_expand([3, 2]), ErrorKind::Broadcast);
    refused(x.try_expand([3]), ErrorKind::Broadcast);
    refused(x.try_reshape([7]), ErrorKind::Size);
    refused(x.transpose(0, 1).try_view_as([6]), ErrorKind::Shape);
    refused(x.try_item(), ErrorKind::Size);
    refused(x.try_matmul(&x), ErrorKind::Shape);
    refused(x.try_matmul(&T::zeros(&device(), [2])), ErrorKind::Shape);
    refused(
        T::zeros(&device(), [2]).try_matmul(&T::zeros(&device(), [3])),
        ErrorKind::Shape,
    );
    refused(x.try_matmul(&T::zeros(&device(), [])), ErrorKind::Rank);
    let batches = T::zeros(&device(), [4, 3, 2]);
    refused(
        T::zeros(&device(), [5, 2, 3]).try_matmul(&batches),
        ErrorKind::Broadcast,
    );
    refused(x.gt(&x).try_where_else(&x, &batches), ErrorKind::Broadcast);
    refused(T::try_cat(&[], 0), ErrorKind::Argument);
    refused(T::try_stack(&[], 0), ErrorKind::Argument);
    refused(
        T::try_cat(&[x.clone(), x.transpose(0, 1)], 0),
        ErrorKind::Shape,
    );
    refused(
        T::try_stack(&[x.clone(), x.transpose(0, 1)], 0),
        ErrorKind::Shape,
    );
    refused(
        T::try_from_slice(&device(), &[1.0; 5], [2, 3]),
        ErrorKind::Size,
    );
}

#[test]
fn numbers_out_of_range() {
    let x = T::zeros(&device(), [2, 3]);
    refused(x.try_narrow(1, 2, 2), ErrorKind::Index);
    refused(x.try_narrow(1, usize::MAX, 2), ErrorKind::Index);
    refused(x.try_slice(1, 0, 2, 0), ErrorKind::Index);
    refused(x.try_slice(1, 1, 3, usize::MAX), ErrorKind::Index);
    refused(x.try_select(0, 2), ErrorKind::Index);
    refused(x.try_window(1, 0, 1), ErrorKind::Argument);
    refused(x.try_window(1, 2, 0), ErrorKind::Argument);
    refused(x.try_window(1, 4, 1), ErrorKind::Argument);
    let index = |numbers: &[u32]| Index::new(&device(), numbers).unwrap();
    refused(x.try_pick(1, &index(&[0, 3])), ErrorKind::Index);
    refused(x.try_pick(1, &index(&[0])), ErrorKind::Size);
    refused(x.try_rows(&index(&[0, 2])), ErrorKind::Index);
    refused(x.try_rows(&index(&[u32::MAX])), ErrorKind::Index);
    refused(
        T::zeros(&device(), [2]).try_rows(&index(&[0])),
        ErrorKind::Rank,
    );
    refused(
        T::try_one_hot(&device(), &index(&[1, 2]), 2),
        ErrorKind::Index,
    );
    for p in [-0.1, 1.1, f64::NAN] {
        refused(
            x.try_dropout(p, &mut minitorch_core::Generator::new(0)),
            ErrorKind::Argument,
        );
    }
}

#[test]
fn windows_that_do_not_fit() {
    let image = |sizes: [usize; 4]| T::zeros(&device(), sizes);
    let x = image([1, 2, 4, 5]);
    let conv = |weight: [usize; 4], stride: [usize; 2], padding: Padding| {
        x.try_conv2d(&image(weight), stride, padding)
    };
    refused(conv([1, 3, 2, 2], [1, 1], Padding::Valid), ErrorKind::Shape);
    refused(conv([1, 2, 5, 2], [1, 1], Padding::Valid), ErrorKind::Shape);
    refused(
        conv([1, 2, 2, 0], [1, 1], Padding::Valid),
        ErrorKind::Argument,
    );
    refused(
        conv([1, 2, 2, 2], [1, 0], Padding::MiniTorch),
        ErrorKind::Argument,
    );
    refused(
        conv([1, 2, 2, 2], [1, 1], Padding::Symmetric([usize::MAX, 0])),
        ErrorKind::Size,
    );
    // So many outputs that their number overflows.
    let far = Padding::Symmetric([1 << 40, 1 << 40]);
    assert!(conv([1, 2, 2, 2], [1, 1], far).is_err());
    refused(
        T::zeros(&device(), [2, 3]).try_conv2d(&x, [1, 1], Padding::Valid),
        ErrorKind::Rank,
    );
    refused(x.try_conv1d(&x, 1, Padding::Valid), ErrorKind::Rank);
    for pool in [T::try_avg_pool2d, T::try_max_pool2d] {
        refused(pool(&x, [5, 1], [1, 1]), ErrorKind::Shape);
        refused(pool(&x, [0, 1], [1, 1]), ErrorKind::Argument);
        refused(pool(&x, [1, 1], [1, 0]), ErrorKind::Argument);
        refused(
            pool(&T::zeros(&device(), [4]), [1, 1], [1, 1]),
            ErrorKind::Rank,
        );
    }
    refused(x.try_max_pool1d(1, 1), ErrorKind::Rank);
}

#[test]
fn writes_to_memory_that_is_needed() {
    let text = |result: Result<()>| result.unwrap_err().to_string();
    let x = T::ones(&device(), [2, 2]).tracked();
    // Nothing but `y` holds this memory, yet `y.backward()` would be of values that are gone.
    let mut y = &x * &x;
    assert_eq!(
        text(y.try_write(&[0.0; 4])),
        "write: a computed tensor cannot change; detach it first"
    );
    y = y.detach();
    y.try_write(&[1.0, 2.0, 3.0, 4.0]).unwrap();
    let mut turned = y.transpose(0, 1);
    drop(y);
    let mut row = turned.select(1, 1);
    for view in [&mut turned, &mut row] {
        let values = vec![0.0; view.elements()];
        assert_eq!(
            text(view.try_write(&values)),
            "write: this view is not the beginning of its memory in row-major order; write to a copy"
        );
    }
    drop(turned);
    let mut dense = T::ones(&device(), [3, 2]);
    let mut first = dense.narrow(0, 0, 2);
    assert_eq!(
        text(dense.try_write(&[0.0; 6])),
        "write: the memory is shared; drop the other tensors first"
    );
    drop(dense);
    first.try_write(&[5.0, 6.0, 7.0, 8.0]).unwrap();
    assert_eq!(first.to_vec(), [5.0, 6.0, 7.0, 8.0]);
}

#[test]
fn more_rows_than_can_be_counted() {
    let table = T::ones(&device(), [1, 1]).expand([1, 1 << 62]);
    let index = Index::new(&device(), &[0; 4]).unwrap();
    let error = table.try_rows(&index).err().unwrap();
    assert_eq!((error.kind(), error.op()), (ErrorKind::Size, "rows"));
}

#[test]
fn an_axis_longer_than_an_index_can_name() {
    let long = T::ones(&device(), [1]).expand([(1 << 32) + 1]);
    let error = long.try_argmax(0).err().unwrap();
    assert_eq!(
        error.to_string(),
        "argmax: [over 4294967294]: an index names at most 2^32 positions"
    );
    // Before anything is computed: these would be terabytes.
    let longer = T::ones(&device(), [1]).expand([1 << 46]);
    let error = longer.try_argmin(0).err().unwrap();
    assert!(error.to_string().starts_with("argmin: [over"), "{error}");
    let error = longer.tracked().try_max(0).err().unwrap();
    assert!(error.to_string().starts_with("max: [over"), "{error}");
}
