//! The gradient of maps: spread over the windows that pooled them, through ReLU, and summed for the bias.

use super::grad::Operands;
use crate::block::{Block, Pooling};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::pool::Spread;
use crate::kernels::reduce::fold_lanes;
use crate::ops::Unary;
use crate::ops::unary::Relu;
use crate::reduction::{BLOCK, LANES, Sum, combine};

/// The gradient of the maps from plane `first` on, before ReLU, and its sum over each plane.
pub(super) struct MapsGrad<'a, 'o, E> {
    pub(super) operands: Operands<'a, E>,
    pub(super) block: &'a Block,
    pub(super) first: usize,
    pub(super) near: &'o mut [E],
    pub(super) sums: &'o mut [E],
}

impl<E: Element> Kernel for MapsGrad<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            operands,
            block,
            first,
            near,
            sums,
        } = self;
        let Operands { maps, g, .. } = operands;
        let plane = block.conv.output[0] * block.conv.output[1];
        let from = first * plane;
        let elements = &maps.data[maps.layout.offset() + from..][..near.len()];
        let g = match &block.pool {
            Some(pool) => {
                I::apart(Spread {
                    x: matches!(pool, Pooling::Max(_)).then_some(maps),
                    g,
                    window: pool.window(),
                    first,
                    out: &mut *near,
                });
                None
            }
            None => Some(&g.data[g.layout.offset() + from..][..near.len()]),
        };
        for (n, near) in near.chunks_exact_mut(plane).enumerate() {
            let plane = n * plane..(n + 1) * plane;
            I::apart(PlaneGrad {
                maps: block.relu.then_some(&elements[plane.clone()]),
                g: g.map(|g| &g[plane]),
                near,
                sum: sums.get_mut(n),
            });
        }
    }
}

/// The gradient of a plane before ReLU, and its sum if somebody wants it.
struct PlaneGrad<'a, 'o, E> {
    /// What ReLU gave, if there is one.
    maps: Option<&'a [E]>,
    /// The gradient behind ReLU, unless it is in `near`.
    g: Option<&'a [E]>,
    near: &'o mut [E],
    sum: Option<&'o mut E>,
}

impl<E: Element> Kernel for PlaneGrad<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let pick = |y: E, g: E| Relu.grad::<I, E>(y, g);
        let mut total = E::ZERO;
        for (n, near) in self.near.chunks_mut(BLOCK).enumerate() {
            let here = n * BLOCK..n * BLOCK + near.len();
            // Two plain loops, which become vectors; the second finds what the first wrote.
            match (
                self.maps.map(|maps| &maps[here.clone()]),
                self.g.map(|g| &g[here]),
            ) {
                (Some(maps), Some(g)) => near
                    .iter_mut()
                    .zip(maps.iter().zip(g))
                    .for_each(|(to, (&y, &g))| *to = pick(y, g)),
                (Some(maps), None) => near
                    .iter_mut()
                    .zip(maps)
                    .for_each(|(to, &y)| *to = pick(y, *to)),
                // Pooled and without ReLU: the gradient is there.
                (None, _) => {}
            }
            if self.sum.is_none() {
                continue;
            }
            let mut lanes = [E::ZERO; LANES];
            fold_lanes::<E, Sum>(&mut lanes, near);
            total = total + combine::<Sum, E>(lanes);
        }
        if let Some(sum) = self.sum {
            *sum = total;
        }
    }
}

/// The sum of rows, from +0 in order: on one thread, as rows are much shorter than what they are made from.
pub(super) struct AddRows<'a, 'o, E> {
    pub(super) rows: &'a [E],
    pub(super) out: &'o mut [E],
}

impl<E: Element> Kernel for AddRows<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { rows, out } = self;
        if out.is_empty() {
            return;
        }
        out.fill(E::ZERO);
        for row in rows.chunks_exact(out.len()) {
            for (total, &x) in out.iter_mut().zip(row) {
                *total = *total + x;
            }
        }
    }
}
