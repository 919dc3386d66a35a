//! MiniTorch's own tests of tensors, under its names: what a student who knows them expects to hold.

use minitorch_core::indexing::Indices;
use minitorch_core::shape::shape_broadcast;
use minitorch_core::{Cpu, Generator, Layout, Padding, Tensor};

type T = Tensor<Cpu<f64>>;

fn tensor<const R: usize, const C: usize>(rows: [[f64; C]; R]) -> T {
    Tensor::from_slice(&Cpu::default(), rows.as_flattened(), [R, C])
}

fn close(a: &T, b: &T) {
    assert_eq!(a.shape(), b.shape());
    assert_eq!((a - b).abs().max_all().item().max(1e-12), 1e-12, "{a}\n{b}");
}

#[test]
fn test_layout() {
    let layout = Layout::contiguous([3, 5]).unwrap();
    assert_eq!(layout.strides(), [5, 1]);
    assert!(layout.is_contiguous());
    assert_eq!(layout.permute(&[1, 0]).unwrap().strides(), [1, 5]);
    assert!(!layout.permute(&[1, 0]).unwrap().is_contiguous());
}

#[test]
fn test_enumeration() {
    let listed: Vec<Vec<usize>> = Indices::new([2, 3].into())
        .map(|index| index.to_vec())
        .collect();
    assert_eq!(listed, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
}

#[test]
fn test_shape_broadcast() {
    let both = |a: &[usize], b: &[usize]| shape_broadcast(a, b).ok().map(|shape| shape.to_vec());
    assert_eq!(both(&[1], &[5, 5]), Some(vec![5, 5]));
    assert_eq!(both(&[5, 5], &[1]), Some(vec![5, 5]));
    assert_eq!(both(&[1, 5, 5], &[5, 5]), Some(vec![1, 5, 5]));
    assert_eq!(both(&[5, 1, 5, 1], &[1, 5, 1, 5]), Some(vec![5, 5, 5, 5]));
    assert_eq!(both(&[2, 5], &[5]), Some(vec![2, 5]));
    assert_eq!(both(&[5, 7, 5, 1], &[1, 5, 1, 5]), None);
    assert_eq!(both(&[5, 2], &[5]), None);
}

#[test]
fn test_reduce_forward_one_dim() {
    let t = tensor([[2.0, 3.0], [4.0, 6.0], [5.0, 7.0]]);
    close(&t.sum_keepdim(&[0]), &tensor([[11.0, 16.0]]));
}

#[test]
fn test_reduce_forward_one_dim_2() {
    let t = tensor([[2.0, 3.0], [4.0, 6.0], [5.0, 7.0]]);
    close(&t.sum_keepdim(&[1]), &tensor([[5.0], [10.0], [12.0]]));
}

#[test]
fn test_reduce_forward_all_dims() {
    assert_eq!(
        tensor([[2.0, 3.0], [4.0, 6.0], [5.0, 7.0]])
            .sum_all()
            .item(),
        27.0
    );
}

#[test]
fn test_view() {
    let t = tensor([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
    assert_eq!(t.view_as([6]).to_vec(), [2.0, 3.0, 4.0, 4.0, 5.0, 7.0]);
    close(
        &t.view_as([1, 6]),
        &tensor([[2.0, 3.0, 4.0, 4.0, 5.0, 7.0]]),
    );
    close(&t.view_as([6, 1]).view_as([2, 3]), &t);
}

#[test]
fn test_permute_view() {
    let t = tensor([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
    assert!(t.permute(&[1, 0]).try_view_as([6]).is_err());
    assert_eq!(
        t.permute(&[1, 0]).reshape([6]).to_vec(),
        [2.0, 4.0, 3.0, 5.0, 4.0, 7.0]
    );
}

#[test]
fn test_index() {
    let t = tensor([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
    assert_eq!(t.select(0, 1).select(0, 2).item(), 7.0);
    assert!(t.try_select(0, 2).is_err());
}

#[test]
fn test_back_view() {
    let t = tensor([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]).tracked();
    let grads = t.view_as([6]).sum_all().backward();
    close(grads.get(&t).unwrap(), &tensor([[1.0; 3]; 2]));
}

#[test]
fn test_grad_size() {
    let (a, b) = (
        tensor([[1.0], [2.0]]).tracked(),
        tensor([[3.0, 4.0, 5.0]]).tracked(),
    );
    let grads = (&a * &b).sum_all().backward();
    close(grads.get(&a).unwrap(), &tensor([[12.0], [12.0]]));
    close(grads.get(&b).unwrap(), &tensor([[3.0, 3.0, 3.0]]));
}

#[test]
fn test_is_close() {
    let (a, b) = (tensor([[1.0, 2.0]]), tensor([[1.005, 2.02]]));
    close(&a.is_close(&b), &tensor([[1.0, 0.0]]));
}

#[test]
fn test_mm() {
    let a = tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let b = tensor([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]]);
    close(
        &a.matmul(&b),
        &tensor([[5.0, 2.0, 0.0], [11.0, 4.0, -1.0], [17.0, 6.0, -2.0]]),
    );
    // The same by broadcasting and a sum, as module 2 does it.
    close(&(a.unsqueeze(2) * b.unsqueeze(0)).sum(&[1]), &a.matmul(&b));
}

#[test]
fn test_conv1d_simple() {
    let t = tensor([[0.0, 1.0, 2.0, 3.0]]).reshape([1, 1, 4]);
    let t2 = tensor([[1.0, 2.0, 3.0]]).reshape([1, 1, 3]);
    let out = t.conv1d(&t2, 1, Padding::MiniTorch);
    assert_eq!(out.to_vec(), [8.0, 14.0, 8.0, 3.0]);
    // `reverse=True` is the gradient's direction: the kernel ends where it started.
    let turned = tensor([[3.0, 2.0, 1.0]]).reshape([1, 1, 3]);
    assert_eq!(
        t.conv1d(&turned, 1, Padding::MiniTorchReverse).to_vec(),
        [0.0, 1.0, 4.0, 10.0]
    );
}

#[test]
fn test_avg() {
    let t = Tensor::arange(&Cpu::<f64>::default(), 0.0, 16, 1.0).reshape([1, 1, 4, 4]);
    assert_eq!(
        t.avg_pool2d([2, 2], [2, 2]).to_vec(),
        [2.5, 4.5, 10.5, 12.5]
    );
    assert_eq!(
        t.avg_pool2d([2, 1], [2, 1]).to_vec(),
        [2.0, 3.0, 4.0, 5.0, 10.0, 11.0, 12.0, 13.0]
    );
}

#[test]
fn test_max() {
    let t = tensor([[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]]);
    assert_eq!(t.max(1).to_vec(), [5.0, 7.0]);
    assert_eq!(t.argmax(0).to_vec().unwrap(), [1, 0, 1]);
}

#[test]
fn test_drop() {
    let (t, mut rng) = (tensor([[1.0; 40]; 25]), Generator::new(0));
    close(&t.dropout(0.0, &mut rng), &t);
    assert_eq!(t.dropout(1.0, &mut rng).sum_all().item(), 0.0);
    let kept = t.dropout(0.5, &mut rng).to_vec();
    assert!(kept.iter().all(|&x| x == 0.0 || x == 2.0));
    assert!((400..600).contains(&kept.iter().filter(|&&x| x == 2.0).count()));
}

#[test]
fn test_softmax() {
    let t = tensor([[0.5, -1.0, 2.0], [3.0, 3.0, 3.0]]);
    let soft = t.softmax(1);
    close(&soft.sum(&[1]), &Tensor::ones(&Cpu::default(), [2]));
    assert_eq!(soft.to_vec()[3..], [1.0 / 3.0; 3]);
    close(&soft.log(), &t.log_softmax(1));
}
