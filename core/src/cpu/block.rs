//! The CPU's own way through a block of convolution, bias, ReLU and pooling; `crate::block` has the definition.

use super::{Cpu, CpuBuffer, operand};
use crate::backend::View;
use crate::block::{Backward, Block, Forward, Saved};
use crate::element::Element;
use crate::error::Result;
use crate::fused::PerOperand;
use crate::kernels::block::kept::{Form, Kept};
use crate::kernels::block::{Operands, Plan, Results, grad};
use crate::kernels::{Operand, SMALL};

pub(super) fn forward<E: Element>(
    cpu: &Cpu<E>,
    x: View<'_, Cpu<E>>,
    weight: View<'_, Cpu<E>>,
    bias: Option<View<'_, Cpu<E>>>,
    block: &Block,
    keep: bool,
) -> Result<Forward<Cpu<E>>> {
    let plan = Plan::new::<E>(cpu.context(), [&x.layout, &weight.layout], block);
    let Some(plan) = plan.filter(|_| !SMALL) else {
        return crate::block::forward(cpu, x, weight, bias, block, keep);
    };
    let (planes, area) = (
        x.shape()[0] * weight.shape()[0],
        block.conv.output[0] * block.conv.output[1],
    );
    let operands = Operands {
        x: operand(&x),
        weight: operand(&weight),
        bias: bias.as_ref().map(operand),
    };
    let run = |results| {
        E::conv_block(
            cpu.context(),
            cpu.workspace(),
            &plan,
            operands,
            block,
            results,
        );
    };
    let Some(pool) = &block.pool else {
        let mut out = cpu.any(planes * area)?;
        run(Results {
            kept: out.as_mut_slice()?,
            form: Some(Form::Maps),
            near: &mut [],
            pooled: &mut [],
        });
        return Ok(Forward { out, kept: None });
    };
    let form = keep.then(|| Form::of(block, x.shape()[1], weight.shape()[0]));
    let mut kept = match form {
        Some(form) => Some(cpu.any(planes * form.elements(block))?),
        None => None,
    };
    let mut near = match form {
        Some(Form::Maps) => None,
        _ => Some(cpu.any(plan.near())?),
    };
    let [height, width] = pool.window().output;
    let mut out = cpu.any(planes * height * width)?;
    run(Results {
        kept: slice(&mut kept)?,
        form,
        near: slice(&mut near)?,
        pooled: out.as_mut_slice()?,
    });
    Ok(Forward { out, kept })
}

pub(super) fn backward<E: Element>(
    cpu: &Cpu<E>,
    given: Backward<'_, Cpu<E>>,
    block: &Block,
    wanted: PerOperand<bool>,
) -> Result<PerOperand<Option<CpuBuffer<E>>>> {
    let (x, weight, g) = (&given.x, &given.weight, given.g.view());
    let layout = block.maps(&x.layout, &weight.layout)?;
    let maps = match &given.saved {
        Saved::Maps(maps) => Kept::Maps(operand(maps)),
        Saved::Kept(kept) => {
            let data = kept.as_slice();
            match Form::of(block, x.shape()[1], weight.shape()[0]) {
                Form::Words => Kept::Words(data),
                Form::Taps => Kept::Taps(data),
                Form::Maps => Kept::Maps(Operand {
                    data,
                    layout: &layout,
                }),
            }
        }
    };
    let dense = match maps {
        Kept::Maps(maps) => {
            maps.layout.is_contiguous()
                && (block.pool.is_some() || block.relu && g.layout.is_contiguous())
        }
        Kept::Words(_) | Kept::Taps(_) => true,
    };
    let operands = grad::Operands {
        x: operand(x),
        weight: operand(weight),
        maps,
        g: operand(&g),
    };
    let layouts = [&x.layout, &weight.layout, &layout];
    let plan =
        grad::Plan::new::<E>(cpu.workers(), layouts, &g.layout, block, wanted).filter(|_| dense);
    let Some(plan) = plan else {
        if matches!(maps, Kept::Maps(_)) {
            return crate::block::backward(cpu, given, block, wanted);
        }
        let mut by_maps = cpu.any(layout.elements())?;
        let to = by_maps.as_mut_slice()?;
        E::conv_block_maps_grad(cpu.context(), operands, block, to);
        let g = View::new(&by_maps, layout);
        return crate::block::gradients(cpu, [*x, *weight, g], block, wanted);
    };
    let counts = [
        x.layout.elements(),
        weight.layout.elements(),
        layout.shape()[1],
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
        operands,
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
