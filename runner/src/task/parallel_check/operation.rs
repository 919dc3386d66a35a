//! What is looked at: operations on operands that lie in memory as the options say.

use minitorch_core::backend::Window;
use minitorch_core::{Cpu, Generator, Layout, Padding, Result, Shape, Tensor, plan};

use super::plan::Plan;
use crate::args::parallel_check::{Case, Kernel};
use crate::error::Failure;

/// An operation and its operands on a device.
pub(super) enum Operation {
    Relu(Tensor),
    Add([Tensor; 2]),
    Sum(Tensor, Vec<usize>),
    Matmul([Tensor; 2]),
    Conv([Tensor; 2]),
}

impl Operation {
    /// Operands of random numbers.
    ///
    /// # Errors
    ///
    /// If the device has no room for them.
    pub(super) fn new(device: &Cpu, case: &Case) -> Result<Self> {
        let [first, second] = case.operands();
        let mut rng = Generator::new(0);
        let mut inverse = vec![0; case.order.len()];
        for (place, &axis) in case.order.iter().enumerate() {
            inverse[axis] = place;
        }
        let memory: Vec<usize> = case.order.iter().map(|&axis| first[axis]).collect();
        let first = Tensor::try_rand(device, Shape::new(&memory)?, &mut rng)?;
        let first = first.try_permute(&inverse)?;
        let size = |axis: usize| match case.broadcast.contains(&axis) {
            true => 1,
            false => second[axis],
        };
        let sizes: Vec<usize> = (0..second.len()).map(size).collect();
        let mut pair = |first| {
            let small = Tensor::try_rand(device, Shape::new(&sizes)?, &mut rng)?;
            Ok([first, small.try_expand(Shape::new(&second)?)?])
        };
        Ok(match case.kernel {
            Kernel::Map => Self::Relu(first),
            Kernel::Zip => Self::Add(pair(first)?),
            Kernel::Reduce => Self::Sum(first, case.axes.clone()),
            Kernel::Matmul => Self::Matmul(pair(first)?),
            Kernel::Conv => Self::Conv(pair(first)?),
        })
    }

    /// Computes it once.
    ///
    /// # Errors
    ///
    /// If the device has no room for the result.
    pub(super) fn run(&self) -> Result<Tensor> {
        match self {
            Self::Relu(x) => x.try_relu(),
            Self::Add([a, b]) => a.try_add(b),
            Self::Sum(x, axes) => x.try_sum(axes),
            Self::Matmul([a, b]) => a.try_matmul(b),
            Self::Conv([x, weight]) => x.try_conv2d(weight, [1, 1], Padding::MiniTorch),
        }
    }

    /// The name of the operation.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Relu(_) => "relu",
            Self::Add(_) => "add",
            Self::Sum(..) => "sum",
            Self::Matmul(_) => "matmul",
            Self::Conv(_) => "conv2d",
        }
    }

    /// Where the operands lie.
    pub(super) fn layouts(&self) -> Vec<&Layout> {
        match self {
            Self::Relu(x) | Self::Sum(x, _) => vec![x.layout()],
            Self::Add(both) | Self::Matmul(both) | Self::Conv(both) => {
                both.iter().map(Tensor::layout).collect()
            }
        }
    }

    /// Bytes that have to be moved: each operand, once, and the result.
    pub(super) fn bytes(&self, result: &Tensor) -> usize {
        let read = self.layouts().into_iter().map(distinct).sum::<usize>();
        size_of::<f32>() * (read + result.elements())
    }

    /// Floating-point operations: a fused multiply-add is two.
    pub(super) fn operations(&self, result: &Tensor) -> usize {
        match self {
            Self::Relu(x) | Self::Sum(x, _) => x.elements(),
            Self::Add([a, _]) => a.elements(),
            Self::Matmul([a, _]) => 2 * result.elements() * a.shape()[a.rank() - 1],
            Self::Conv([_, weight]) => {
                let terms: usize = weight.shape()[1..].iter().product();
                2 * result.elements() * terms
            }
        }
    }

    /// How its kernel goes over the operands for so many workers.
    ///
    /// # Errors
    ///
    /// If the kernel has no plan for them, which the checks of the options rule out.
    pub(super) fn plan(&self, workers: usize) -> std::result::Result<(Plan, plan::Cut), Failure> {
        let none = || Failure::new("the kernel has no plan for these operands");
        Ok(match self {
            Self::Relu(x) => Plan::elementwise(&plan::Map::new(workers, [x.layout()])),
            Self::Add([a, b]) => {
                Plan::elementwise(&plan::Map::new(workers, [a.layout(), b.layout()]))
            }
            Self::Sum(x, axes) => {
                let marked: Vec<bool> = (0..x.rank()).map(|axis| axes.contains(&axis)).collect();
                Plan::reduce(&plan::Reduce::new(workers, x.layout(), &marked))
            }
            Self::Matmul([a, b]) => {
                let plan =
                    plan::Matmul::new::<f32>(workers, a.device().level(), a.layout(), b.layout());
                Plan::matmul(&plan.ok_or_else(none)?)
            }
            Self::Conv([x, weight]) => {
                let size = |of: &Tensor| [of.shape()[2], of.shape()[3]];
                let window = Window {
                    kernel: size(weight),
                    stride: [1, 1],
                    before: [0, 0],
                    input: size(x),
                    output: size(x),
                };
                let plan = plan::Conv::new::<f32>(
                    workers,
                    x.device().level(),
                    x.layout(),
                    weight.layout(),
                    &window,
                );
                Plan::conv(&plan.ok_or_else(none)?)
            }
        })
    }
}

/// How many elements of memory a view shows: a broadcast one counts once.
fn distinct(layout: &Layout) -> usize {
    let axes = layout.shape().iter().zip(layout.strides());
    axes.map(|(&size, &stride)| if stride == 0 { 1 } else { size })
        .product()
}
