//! The gradient of maps: spread over the windows that pooled them, through ReLU, and summed for the bias.

use super::kept::Kept;
use super::{passed, taps};
use crate::block::{Block, Pooling};
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::Operand;
use crate::kernels::fold::fold_block;
use crate::kernels::pool::{Planes, Spread};
use crate::ops::Unary;
use crate::ops::unary::Relu;
use crate::reduction::{BLOCK, Sum};

/// The gradient of the maps from plane `first` on, before ReLU, and its sum over each plane.
pub(super) struct MapsGrad<'a, 'o, E> {
    pub(super) maps: Kept<'a, E>,
    /// The gradient of the result.
    pub(super) g: Operand<'a, E>,
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
            maps,
            g,
            block,
            first,
            near,
            sums,
        } = self;
        let area = block.conv.output[0] * block.conv.output[1];
        let from = first * area;
        let g = match (&block.pool, maps) {
            (None, _) => Some(&g.elements()[from..][..near.len()]),
            (Some(pool), Kept::Taps(taps)) => {
                let window = pool.window();
                let windows = window.output[0] * window.output[1];
                taps::Scatter {
                    window,
                    taps: &taps[first * windows..],
                    g: Planes::new(g, first),
                    out: &mut *near,
                }
                .run();
                None
            }
            (Some(pool), _) => {
                let x = match (pool, maps) {
                    (Pooling::Max(_), Kept::Maps(maps)) => Some(maps),
                    _ => None,
                };
                I::apart(Spread {
                    x,
                    g,
                    window: pool.window(),
                    first,
                    out: &mut *near,
                });
                None
            }
        };
        for (n, near) in near.chunks_exact_mut(area).enumerate() {
            let plane = n * area..(n + 1) * area;
            let relu = match maps {
                _ if !block.relu => None,
                Kept::Maps(maps) => Some(Gave::Elements(&maps.elements()[from..][plane.clone()])),
                Kept::Words(words) => {
                    let size = passed::words(area);
                    Some(Gave::Words(&words[(first + n) * size..][..size]))
                }
                // Taps know of ReLU.
                Kept::Taps(_) => None,
            };
            I::apart(PlaneGrad {
                relu,
                g: g.map(|g| &g[plane]),
                near,
                sum: sums.get_mut(n),
            });
        }
    }
}

/// What ReLU gave, of a plane or a part of it.
#[derive(Clone, Copy)]
enum Gave<'a, E> {
    Elements(&'a [E]),
    /// Which elements [`passed`].
    Words(&'a [E]),
}

/// The gradient of a plane before ReLU, and its sum if somebody wants it.
struct PlaneGrad<'a, 'o, E> {
    /// What ReLU gave, if there is one.
    relu: Option<Gave<'a, E>>,
    /// The gradient behind ReLU, unless it is in `near`.
    g: Option<&'a [E]>,
    near: &'o mut [E],
    sum: Option<&'o mut E>,
}

impl<E: Element> Kernel for PlaneGrad<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        const WORDS: usize = passed::words(BLOCK);
        const { assert!(BLOCK.is_multiple_of(passed::GROUP)) };
        let pick = |y: E, g: E| Relu.grad::<I, E>(y, g);
        let mut total = E::ZERO;
        for (n, near) in self.near.chunks_mut(BLOCK).enumerate() {
            let here = n * BLOCK..n * BLOCK + near.len();
            // A plain loop, which becomes vectors; the sum finds what it wrote.
            match (self.relu, self.g.map(|g| &g[here.clone()])) {
                (Some(Gave::Elements(maps)), Some(g)) => near
                    .iter_mut()
                    .zip(maps[here].iter().zip(g))
                    .for_each(|(to, (&y, &g))| *to = pick(y, g)),
                (Some(Gave::Elements(maps)), None) => near
                    .iter_mut()
                    .zip(&maps[here])
                    .for_each(|(to, &y)| *to = pick(y, *to)),
                // Words are of maps that were pooled.
                (Some(Gave::Words(words)), _) => passed::through(&words[n * WORDS..], near),
                // Pooled, and without ReLU or through it: the gradient is there.
                (None, _) => {}
            }
            if self.sum.is_some() {
                total = total + fold_block::<E, Sum>(near);
            }
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
