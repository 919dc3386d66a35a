//! Tensors without elements, whose other sizes are anything: every operation gives a result or an error.

use crate::real::{Real, assert_same};
use crate::samples::whole;
use minitorch_core::isa::Level;
use minitorch_core::nn::{Flatten, Layer, try_cross_entropy};
use minitorch_core::plan;
use minitorch_core::{
    Backend, ConvBlock, Element, Generator, Index, Padding, Pool, Result, Shape, Tensor,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A few elements, and more than any machine has memory for.
const SIZES: [usize; 7] = [0, 1, 2, 5, 1 << 50, 1 << 60, usize::MAX];

/// What arguments are drawn from.
#[derive(Clone)]
struct Draw {
    seed: u64,
    at: usize,
}

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.at += 1;
        whole(self.seed, self.at, most as u64) as usize
    }

    fn among<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn sizes<const N: usize>(&mut self) -> [usize; N] {
        std::array::from_fn(|_| self.among(&SIZES))
    }

    fn axis<B: Backend>(&mut self, x: &Tensor<B>) -> usize {
        self.below(x.rank().max(1))
    }

    fn axes<B: Backend>(&mut self, x: &Tensor<B>) -> Vec<usize> {
        (0..x.rank()).filter(|_| self.below(2) == 0).collect()
    }

    fn padding(&mut self) -> Padding {
        let far = [0, 1, 2, 1 << 50];
        let symmetric = Padding::Symmetric([self.among(&far), self.among(&far)]);
        let minitorch = [Padding::MiniTorch, Padding::MiniTorchReverse];
        self.among(&[
            symmetric,
            symmetric,
            Padding::Valid,
            minitorch[0],
            minitorch[1],
        ])
    }

    /// One to four sizes. Most of them have no element; the others have a few.
    fn shape(&mut self) -> Shape {
        let rank = self.among(&[1, 2, 3, 4, 4, 4]);
        let mut sizes = self.sizes::<4>();
        if self.below(4) > 0 {
            sizes[self.below(rank)] = 0;
        } else {
            sizes = sizes.map(|size| size.min(2));
        }
        Shape::new(&sizes[..rank]).expect("at most four sizes")
    }

    /// A tensor of such a shape, dense or a view.
    fn tensor<B: Backend>(&mut self, device: &B) -> Result<Tensor<B>> {
        let x = Tensor::try_ones(device, self.shape())?.try_tracked()?;
        match self.below(3) {
            0 => x.try_transpose(0, x.rank() - 1),
            1 => x.try_slice(0, 0, x.shape()[0].div_ceil(2), 2),
            _ => Ok(x),
        }
    }
}

type Operation<B> = fn(&Tensor<B>, &mut Draw) -> Result<Tensor<B>>;

fn elementwise<B: Backend>() -> Vec<(&'static str, Operation<B>)> {
    vec![
        ("exp", |x, _| x.try_exp()),
        ("square", |x, _| x.try_mul(x)),
        ("add one", |x, _| {
            x.try_add(&Tensor::try_ones(x.device(), [1])?)
        }),
        ("add sums", |x, draw| {
            x.try_mul(&x.try_sum_keepdim(&draw.axes(x))?)
        }),
        ("where", |x, _| {
            x.try_gt(&x.detach())?.try_where_else(x, &x.try_neg()?)
        }),
        ("dropout", |x, _| x.try_dropout(0.5, &mut Generator::new(0))),
        ("put", |x, draw| {
            let (mut all, axis) = (x.detach(), draw.axis(x));
            all.try_put(axis, 0, &x.detach())?;
            Ok(all)
        }),
    ]
}

fn reductions<B: Backend>() -> Vec<(&'static str, Operation<B>)> {
    vec![
        ("sum", |x, draw| x.try_sum(&draw.axes(x))),
        ("mean", |x, draw| x.try_mean(&draw.axes(x))),
        ("var", |x, draw| x.try_var(&draw.axes(x), 1)),
        ("prod", |x, draw| x.try_prod(&draw.axes(x))),
        ("sum_all", |x, _| x.try_sum_all()),
        ("max", |x, draw| x.try_max(draw.axis(x))),
        ("min", |x, draw| x.try_min(draw.axis(x))),
        ("max_all", |x, _| x.try_max_all()),
        ("pick", |x, draw| {
            let axis = draw.axis(x);
            x.try_pick(axis, &x.try_argmax(axis)?)
        }),
        ("softmax", |x, draw| x.try_softmax(draw.axis(x))),
        ("log_softmax", |x, draw| x.try_log_softmax(draw.axis(x))),
        ("logsumexp", |x, draw| x.try_logsumexp(draw.axis(x))),
        ("cross_entropy", |x, _| {
            let labels = [0; 5];
            let count = x.shape()[0].min(labels.len());
            try_cross_entropy(x, &Index::new(x.device(), &labels[..count])?)
        }),
    ]
}

fn views<B: Backend>() -> Vec<(&'static str, Operation<B>)> {
    vec![
        ("transpose", |x, draw| {
            x.try_transpose(draw.axis(x), draw.axis(x))?.try_copied()
        }),
        ("reshape", |x, draw| x.try_reshape(draw.sizes::<3>())),
        ("expand", |x, draw| {
            let mut shape = draw.sizes::<5>();
            shape[5 - x.rank()..].copy_from_slice(x.shape());
            x.try_expand(shape)?.try_copied()
        }),
        ("slice", |x, draw| {
            let [count, step] = draw.sizes();
            x.try_slice(draw.axis(x), 0, count, step)?.try_copied()
        }),
        ("select", |x, draw| x.try_select(draw.axis(x), 1)),
        ("unsqueeze", |x, draw| x.try_unsqueeze(draw.axis(x))),
        ("window", |x, draw| {
            let [size, step] = draw.sizes();
            x.try_window(draw.axis(x), size, step)
        }),
        ("cat", |x, draw| {
            Tensor::try_cat(&[x.clone(), x.clone()], draw.axis(x))
        }),
        ("stack", |x, draw| {
            Tensor::try_stack(&[x.clone(), x.clone()], draw.axis(x))
        }),
        ("rows", |x, _| x.try_rows(&Index::new(x.device(), &[])?)),
    ]
}

fn products<B: Backend>() -> Vec<(&'static str, Operation<B>)> {
    vec![
        ("matmul", |x, draw| {
            let mut sizes = draw.sizes::<3>();
            let rank = draw.below(3) + 1;
            sizes[rank.saturating_sub(2)] = x.shape()[x.rank() - 1];
            let other = Tensor::try_ones(x.device(), Shape::new(&sizes[..rank])?)?;
            x.try_matmul(&other.try_tracked()?)
        }),
        ("matmul of its transposed", |x, _| {
            let rank = x.rank().max(2);
            x.try_transpose(rank - 2, rank - 1)?.try_matmul(x)
        }),
        ("linear", |x, draw| {
            let [outputs] = draw.sizes();
            let weight = [outputs, x.shape()[x.rank() - 1]];
            let weight = Tensor::try_ones(x.device(), weight)?.try_tracked()?;
            let bias = Tensor::try_ones(x.device(), [outputs])?.try_tracked()?;
            x.try_linear(&weight, Some(&bias), draw.below(2) == 0)
        }),
        ("flatten", |x, _| Flatten.try_forward(x)),
        ("matmul_max", |x, draw| {
            let [count] = draw.sizes();
            let vectors = [count, x.shape()[x.rank() - 1]];
            x.try_matmul_max(&Tensor::try_ones(x.device(), vectors)?.try_tracked()?)
        }),
        ("conv2d", |x, draw| {
            let weight = kernels(x, draw)?;
            x.try_conv2d(&weight, draw.sizes(), draw.padding())
        }),
        ("conv_block", |x, draw| {
            let weight = kernels(x, draw)?;
            let bias = Tensor::try_ones(x.device(), weight.shape()[0])?.try_tracked()?;
            let pool = [Pool::Avg(draw.sizes()), Pool::Max(draw.sizes())];
            let block = ConvBlock {
                stride: draw.sizes(),
                padding: draw.padding(),
                relu: draw.below(2) == 0,
                pool: draw.among(&[None, Some(pool[0]), Some(pool[1])]),
            };
            x.try_conv_block(&weight, Some(&bias), &block)
        }),
        ("avg_pool2d", |x, draw| {
            x.try_avg_pool2d(draw.sizes(), draw.sizes())
        }),
        ("max_pool2d", |x, draw| {
            x.try_max_pool2d(draw.sizes(), draw.sizes())
        }),
    ]
}

/// Kernels for images, often without an element.
fn kernels<B: Backend>(x: &Tensor<B>, draw: &mut Draw) -> Result<Tensor<B>> {
    let [o, height, width] = draw.sizes();
    let c = x.shape().get(1).copied().unwrap_or_default();
    Tensor::try_ones(x.device(), [o, c, height, width])?.try_tracked()
}

/// Makes the result, its text if it is short, and the gradients.
fn all_of<B: Backend>(x: &Tensor<B>, result: Result<Tensor<B>>) -> Option<Vec<B::Elem>> {
    let out = match result {
        Ok(out) => out,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    assert!(!format!("{out:?}").is_empty());
    let values = out.try_to_vec().expect("results fit into memory");
    if let Ok(grads) = out.try_sum_all().and_then(Tensor::try_backward)
        && let Some(grad) = grads.get(x)
    {
        assert_eq!(grad.shape(), x.shape());
    }
    Some(values)
}

/// Every operation on tensors of random shapes, of which most have no element, and their plans.
///
/// # Panics
/// If one does, or if two devices give other results.
pub fn operations<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    let operations = [elementwise::<B>(), reductions(), views(), products()].concat();
    let mut refused = 0;
    for seed in 0..400 {
        for (number, (name, operation)) in operations.iter().enumerate() {
            let draw = Draw {
                seed,
                at: number * 100,
            };
            let mut first: Option<Option<Vec<B::Elem>>> = None;
            for (device, which) in devices.iter().zip(0..) {
                let run = AssertUnwindSafe(|| {
                    let mut draw = draw.clone();
                    let x = draw.tensor(device).ok()?;
                    plans::<B::Elem, B>(&x, &mut draw.clone());
                    all_of(&x, operation(&x, &mut draw))
                });
                let what = || format!("{name} with seed {seed} on device {which}");
                let values = catch_unwind(run).unwrap_or_else(|_| panic!("{}", what()));
                refused += usize::from(values.is_none());
                if let (Some(values), Some(Some(first))) = (&values, &first) {
                    assert_same(values, first, &what);
                }
                first = first.or(Some(values));
            }
        }
    }
    let cases = 400 * operations.len() * devices.len();
    assert!(
        (cases / 10..cases).contains(&refused),
        "{refused} of {cases}"
    );
}

/// What is told of the kernels that would go over the tensor.
fn plans<E: Element, B: Backend>(x: &Tensor<B>, draw: &mut Draw) {
    let layout = x.layout();
    let marks: Vec<bool> = (0..x.rank()).map(|_| draw.below(2) == 0).collect();
    let _ = plan::Map::new(2, [layout, layout]);
    let _ = plan::Reduce::new(2, layout, &marks);
    let _ = plan::Matmul::new::<E>(2, Level::PORTABLE, layout, layout);
}
