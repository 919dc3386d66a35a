//! Products with a matrix that has one element in each column of a stretch of rows: the gradient of the largest products.

use super::exact::{Smallest, tiny};
use super::panel::{TASK, lanes};
use super::split::{self, Cut};
use super::vector::Vector;
use super::{Context, Operand};
use crate::element::Element;
use crate::isa::{Isa, Kernel};

/// The most parts that the smallest element is looked for in, each on its own.
const PARTS: usize = 64;

/// `[outer, inner]`, as many numbers below `n`, and contiguous rows `[outer * n, k]` give `[inner, k]`:
///
/// ```text
/// out[j, i] = sum over m of  g[m, j] * rows[m * n + index[m, j], i]
/// ```
///
/// `m` ascending, with one rounding a term: the bits of the product with all rows, most of them times 0. `false` if those
/// may be others, and nothing is written; [`exact`](super::exact) says when.
pub(crate) fn place_matmul<E: Element>(
    context: Context<'_>,
    g: Operand<'_, E>,
    index: &[u32],
    n: usize,
    rows: Operand<'_, E>,
    out: &mut [E],
) -> bool {
    let k = rows.layout.shape()[1];
    if out.is_empty() || !rows.layout.is_contiguous() || !g.layout.is_contiguous() {
        return false;
    }
    let all = &rows.elements()[..rows.layout.elements()];
    let g = &g.elements()[..g.layout.elements()];
    let (Some(row), Some(gradient)) = (smallest(context, all), smallest(context, g)) else {
        return false;
    };
    if row * gradient < tiny() {
        return false;
    }
    let inner = out.len() / k;
    let cut = Cut::new(
        context.executor.workers(),
        out.len(),
        k,
        TASK / (g.len() / inner).max(1),
    );
    split::chunks(context.executor, out, cut, &|start, out| {
        context.level.run(Rows {
            g,
            index,
            n,
            rows: all,
            sizes: [inner, k],
            first: start / k,
            out,
        });
    });
    true
}

/// [`Smallest`] of many elements.
fn smallest<E: Element>(context: Context<'_>, elements: &[E]) -> Option<E> {
    let size = elements.len().div_ceil(PARTS).max(TASK);
    // Less than 0 where there is none.
    let mut parts = [E::INFINITY; PARTS];
    let parts = &mut parts[..elements.len().div_ceil(size)];
    let cut = Cut::new(context.executor.workers(), parts.len(), 1, 1);
    split::chunks(context.executor, parts, cut, &|start, parts| {
        for (part, elements) in parts.iter_mut().zip(elements.chunks(size).skip(start)) {
            *part = context.level.run(Smallest(elements)).unwrap_or(-E::ONE);
        }
    });
    let all = parts
        .iter()
        .fold(E::INFINITY, |all, &part| E::minimum(part, all));
    (all > E::ZERO).then_some(all)
}

/// The rows of the output from `first` on.
struct Rows<'a, 'o, E> {
    g: &'a [E],
    index: &'a [u32],
    n: usize,
    rows: &'a [E],
    /// Rows of the output, and their elements.
    sizes: [usize; 2],
    first: usize,
    out: &'o mut [E],
}

impl<E: Element> Kernel for Rows<'_, '_, E> {
    type Output = ();
    const DENSE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self) {
        if lanes::<E, I>() == 16 {
            self.add::<I, 16>();
        } else {
            self.add::<I, 8>();
        }
    }
}

impl<E: Element> Rows<'_, '_, E> {
    #[inline(always)]
    fn add<I: Isa, const N: usize>(self)
    where
        [E; N]: Vector<E>,
    {
        let Self {
            g,
            index,
            n,
            rows,
            sizes: [inner, k],
            first,
            out,
        } = self;
        for (j, out) in out.chunks_exact_mut(k).enumerate() {
            out.fill(E::ZERO);
            for (m, (g, index)) in g
                .chunks_exact(inner)
                .zip(index.chunks_exact(inner))
                .enumerate()
            {
                let g = g[first + j];
                let at = m * n + index[first + j] as usize;
                if g == E::ZERO {
                    continue;
                }
                let (vectors, rest) = rows[at * k..][..k].as_chunks::<N>();
                let (sums, others) = out.as_chunks_mut::<N>();
                for (sum, x) in sums.iter_mut().zip(vectors) {
                    *sum = x.times::<I>(g, *sum);
                }
                for (sum, &x) in others.iter_mut().zip(rest) {
                    *sum = E::fma::<I>(x, g, *sum);
                }
            }
        }
    }
}
