//! The CPU's own way through a block of convolution, bias, ReLU and pooling; `crate::block` has the definition.

use super::{Cpu, CpuBuffer, operand};
use crate::backend::View;
use crate::block::{Backward, Block, Forward};
use crate::element::Element;
use crate::error::Result;
use crate::fused::PerOperand;
use crate::kernels::SMALL;
use crate::kernels::block::{Operands, grad};

pub(super) fn forward<E: Element>(
    cpu: &Cpu<E>,
    x: View<'_, Cpu<E>>,
    weight: View<'_, Cpu<E>>,
    bias: Option<View<'_, Cpu<E>>>,
    block: &Block,
) -> Result<Forward<Cpu<E>>> {
    if SMALL {
        return crate::block::forward(cpu, x, weight, bias, block);
    }
    let (images, channels) = (x.shape()[0], weight.shape()[0]);
    let count = |[height, width]: [usize; 2]| images * channels * height * width;
    let mut pooled = match &block.pool {
        Some(pool) => Some(cpu.any(count(pool.window().output))?),
        None => None,
    };
    let mut maps = cpu.any(count(block.conv.output))?;
    let operands = Operands {
        x: operand(&x),
        weight: operand(&weight),
        bias: bias.as_ref().map(operand),
    };
    E::conv_block(
        cpu.context(),
        cpu.workspace(),
        operands,
        block,
        maps.as_mut_slice()?,
        slice(&mut pooled)?,
    );
    Ok(Forward { maps, pooled })
}

pub(super) fn backward<E: Element>(
    cpu: &Cpu<E>,
    given: Backward<'_, Cpu<E>>,
    block: &Block,
    wanted: PerOperand<bool>,
) -> Result<PerOperand<Option<CpuBuffer<E>>>> {
    let layouts = [&given.x.layout, &given.weight.layout, &given.maps.layout];
    let dense = given.maps.layout.is_contiguous()
        && match &given.pooled {
            Some(pooled) => pooled.layout.is_contiguous(),
            None => block.relu && given.g.view().layout.is_contiguous(),
        };
    let plan = grad::Plan::new::<E>(
        cpu.workers(),
        layouts,
        &given.g.view().layout,
        block,
        wanted,
    )
    .filter(|_| dense);
    let Some(plan) = plan else {
        return crate::block::backward(cpu, given, block, wanted);
    };
    let counts = [
        layouts[0].elements(),
        layouts[1].elements(),
        given.maps.shape()[1],
    ];
    let mut scratch = cpu.any(plan.scratch())?;
    let mut grads = [None, None, None];
    for (grad, (wanted, count)) in grads.iter_mut().zip(wanted.into_iter().zip(counts)) {
        if wanted {
            *grad = Some(cpu.any(count)?);
        }
    }
    let [x, weight, bias] = &mut grads;
    E::conv_block_grad(
        cpu.context(),
        cpu.workspace(),
        &plan,
        grad::Operands {
            x: operand(&given.x),
            weight: operand(&given.weight),
            maps: operand(&given.maps),
            pooled: given.pooled.as_ref().map(operand),
            g: operand(&given.g.view()),
        },
        block,
        scratch.as_mut_slice()?,
        grad::Grads {
            x: slice(x)?,
            weight: slice(weight)?,
            bias: slice(bias)?,
        },
    );
    Ok(grads)
}

/// The elements of a buffer, or none where there is none.
fn slice<E: Element>(buffer: &mut Option<CpuBuffer<E>>) -> Result<&mut [E]> {
    match buffer {
        Some(buffer) => buffer.as_mut_slice(),
        None => Ok(&mut []),
    }
}
