//! A convolution with bias, ReLU and pooling as one operation, against the definitions of its steps.

use super::agree;
use crate::oracle::fold;
use crate::oracle::spatial::{Pooled, forward, input_grad, weight_grad};
use crate::real::Real;
use crate::samples::{Sample, plain, small, special, ties, views};
use minitorch_core::backend::{View, Window};
use minitorch_core::block::{Backward, Block, Forward, Pooling, Saved};
use minitorch_core::fused::Incoming;
use minitorch_core::{Backend, Layout};

/// `b, c, o` and the window of the convolution: enough images for a stretch, more than one, and too few.
fn convolutions() -> Vec<([usize; 3], Window)> {
    let strided = |input: [usize; 2], kernel, stride: [usize; 2], before, output| Window {
        kernel,
        stride,
        before,
        input,
        output,
    };
    let window = |input, kernel, before, output| strided(input, kernel, [1, 1], before, output);
    vec![
        ([1, 2, 3], window([6, 7], [3, 3], [0, 0], [6, 7])),
        ([9, 1, 4], window([8, 9], [3, 3], [1, 1], [8, 9])),
        ([5, 3, 2], window([1, 9], [1, 2], [0, 0], [1, 8])),
        ([6, 2, 2], window([4, 4], [4, 4], [0, 0], [1, 1])),
        ([0, 2, 2], window([4, 4], [3, 3], [1, 1], [4, 4])),
        ([4, 0, 3], window([4, 4], [3, 3], [1, 1], [4, 4])),
        ([9, 2, 3], strided([9, 10], [3, 3], [2, 3], [1, 1], [5, 4])),
        // So few images that threads share some of them, in planes, and that many threads have no plan for the gradients.
        ([6, 3, 24], window([16, 16], [3, 3], [0, 0], [16, 16])),
        // With two threads, several tasks that go through several stretches each.
        ([90, 1, 4], window([28, 28], [3, 3], [0, 0], [28, 28])),
    ]
}

/// Without pooling, and by windows of some size, which need not divide the maps: side by side, overlapping, apart.
fn poolings(maps: [usize; 2]) -> Vec<Option<Pooling>> {
    let mut all = vec![None];
    for (size, stride) in [
        ([2, 2], [2, 2]),
        ([4, 4], [4, 4]),
        ([1, 3], [1, 3]),
        ([3, 2], [2, 1]),
        ([2, 1], [3, 2]),
        ([3, 5], [4, 5]),
        ([1, 8], [1, 8]),
    ] {
        let fits = size[0] <= maps[0] && size[1] <= maps[1];
        let count = |axis: usize| maps[axis].saturating_sub(size[axis]) / stride[axis] + 1;
        let window = Window {
            kernel: size,
            stride,
            before: [0, 0],
            input: maps,
            output: [count(0), count(1)],
        };
        if fits {
            all.extend([Some(Pooling::Avg(window)), Some(Pooling::Max(window))]);
        }
    }
    all
}

/// Forward and all gradients.
///
/// # Panics
/// If a device differs from the definition.
pub fn block<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for ([b, c, o], conv) in convolutions() {
        let ([h, w], [kh, kw], [oh, ow]) = (conv.input, conv.kernel, conv.output);
        // Of many elements only what is most different: without pooling, and by the mean and the largest of 4x4.
        let large = b * o * oh * ow > 1 << 12;
        let chosen = |n: usize| !large || n == 0 || n == 3 || n == 4;
        for (n, pool) in poolings(conv.output)
            .into_iter()
            .enumerate()
            .filter(|&(n, _)| chosen(n))
        {
            let [ph, pw] = pool.map_or([oh, ow], |pool| pool.window().output);
            // All kinds of elements where the largest of many get a gradient: what is done there depends on them.
            let kinds = [ties::<B::Elem>, plain, special, tiny];
            let area = |window: Window| window.kernel[0] * window.kernel[1];
            let kinds = match pool {
                Some(Pooling::Max(window)) if area(window) >= 8 => &kinds[..],
                _ => &kinds[(n + 2 * usize::from(large)) % 3..][..1],
            };
            for values in kinds {
                let xs = views(&[b, c, h, w], &|at| values(INPUT, at));
                let weights = views(&[o, c, kh, kw], &|at| values(52, at));
                let biases = views(&[o, 1, 1], &|at| values(53, at));
                let gs = views(&[b, o, ph, pw], &|at| values(54, at));
                for (i, relu) in [true, false, true].into_iter().enumerate() {
                    let [x, weight, g] = [
                        &xs[i % xs.len()],
                        &weights[2 * i % weights.len()],
                        &gs[5 * i % gs.len()],
                    ];
                    let bias = (i < 2).then(|| &biases[i % biases.len()]);
                    let case = Case {
                        sizes: [b, c, o],
                        block: Block { conv, relu, pool },
                    };
                    case.check(devices, [x, weight, g], bias);
                }
            }
        }
    }
}

/// The seed of the input.
const INPUT: u64 = 51;

/// Small weights and gradients, some of whose products and sums are rounded to 0.
fn tiny<E: Real>(seed: u64, at: usize) -> E {
    if seed == INPUT {
        plain(seed, at)
    } else {
        small(seed, at)
    }
}

struct Case {
    sizes: [usize; 3],
    block: Block,
}

impl Case {
    fn check<B: Backend>(
        &self,
        devices: &[B],
        [x, weight, g]: [&Sample<B::Elem>; 3],
        bias: Option<&Sample<B::Elem>>,
    ) where
        B::Elem: Real,
    {
        let ([b, _, o], Block { conv, relu, pool }) = (self.sizes, self.block);
        let [xe, we, ge] = [x, weight, g].map(Sample::elements);
        let zero = B::Elem::default();
        let mut maps = forward(&xe, &we, self.sizes, &conv);
        let area = conv.output[0] * conv.output[1];
        for (at, map) in maps.iter_mut().enumerate() {
            if let Some(bias) = bias {
                *map = *map + bias.elements()[at / area % o];
            }
            if relu && *map < zero {
                *map = zero;
            }
        }
        let pooled = pool.map(|pool| (pool, Pooled::new(&maps, &ge, b * o, pool.window())));
        let out = match &pooled {
            None => &maps,
            Some((Pooling::Avg(_), pooled)) => &pooled.average,
            Some((Pooling::Max(_), pooled)) => &pooled.largest,
        };
        let run = |device: &B, [x, weight]: [View<'_, B>; 2], keep| {
            let uploaded = bias.map(|bias| (bias.upload(device), bias.layout));
            let bias = uploaded
                .as_ref()
                .map(|(buffer, layout)| View::new(buffer, *layout));
            device.conv_block(x, weight, bias, &self.block, keep)
        };
        for keep in [true, false] {
            agree(
                devices,
                &format!("conv_block, keep: {keep}"),
                [x, weight],
                out,
                |device, operands| Ok(run(device, operands, keep)?.out),
            );
        }

        let mut through = match &pooled {
            None => ge,
            Some((Pooling::Avg(_), pooled)) => pooled.average_grad.clone(),
            Some((Pooling::Max(_), pooled)) => pooled.largest_grad.clone(),
        };
        for (g, &map) in through.iter_mut().zip(&maps) {
            if relu && map <= zero {
                *g = zero;
            }
        }
        let shape = [b, o, conv.output[0], conv.output[1]];
        let expected = [
            input_grad(&through, &we, self.sizes, &conv),
            weight_grad(&xe, &through, self.sizes, &conv),
            fold(
                &through,
                &shape,
                &[true, false, true, true],
                zero,
                &|a, b| a + b,
            ),
        ];
        // All together, and each alone.
        for wanted in [
            [true; 3],
            [true, false, false],
            [false, true, false],
            [false, false, true],
        ] {
            for (operand, expected) in expected.iter().enumerate().filter(|&(n, _)| wanted[n]) {
                let what = ["input", "weight", "bias"][operand];
                agree(
                    devices,
                    &format!("conv_block_grad by {what}, wanted {wanted:?}"),
                    [x, weight, g],
                    expected,
                    |device, [x, weight, g]| {
                        let Forward { out, kept } = run(device, [x, weight], true)?;
                        let given = Backward {
                            x,
                            weight,
                            saved: match &kept {
                                Some(kept) => Saved::Kept(kept),
                                None => Saved::Maps(View::new(&out, Layout::contiguous(shape)?)),
                            },
                            g: Incoming::Shared(g),
                        };
                        let mut grads = device.conv_block_grad(given, &self.block, wanted)?;
                        for (n, grad) in grads.iter().enumerate() {
                            assert_eq!(grad.is_some(), wanted[n], "{what}: {wanted:?}");
                        }
                        Ok(grads[operand].take().unwrap_or_else(|| unreachable!()))
                    },
                );
            }
        }
    }
}
