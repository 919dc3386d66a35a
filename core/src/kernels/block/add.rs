//! Patches times a gradient, added to each other: the loops of the [`sparse`](super::sparse) backward pass.
#![allow(unsafe_code)]

use super::patches::Patches;
use super::places::Place;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::panel::reach;
use crate::kernels::vector::Vector;
use crate::reduction::{LANES, Sum, combine};

/// The gradient of the weight of a channel by an image.
pub(super) struct ByWeight<'a, 'o, E, const N: usize> {
    pub(super) patches: &'a Patches,
    pub(super) places: &'a [Place<E>],
    /// Elements of the input between the patches of two rows, and of two columns.
    pub(super) steps: [usize; 2],
    pub(super) input: &'a [E],
    pub(super) lanes: &'o mut [E],
    pub(super) product: &'o mut [E],
}

impl<E: Element, const N: usize> Kernel for ByWeight<'_, '_, E, N>
where
    [E; N]: Vector<E>,
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            patches,
            places,
            steps,
            input,
            lanes,
            product,
        } = self;
        let size = patches.patch();
        let apart = [patches.last.line(), patches.padded];
        if let [place] = places {
            // The other lanes are 0.
            product.fill(E::ZERO);
            patches.add::<I, E, N>(place.g, &input[place.at(steps)..], product, apart);
            return;
        }
        lanes.fill(E::ZERO);
        for place in places {
            let lane = &mut lanes[place.column as usize % LANES * size..][..size];
            patches.add::<I, E, N>(place.g, &input[place.at(steps)..], lane, apart);
        }
        let product = &mut product[..size];
        let mut lanes = lanes.chunks_exact(size);
        if let [
            Some(a),
            Some(b),
            Some(c),
            Some(d),
            Some(e),
            Some(f),
            Some(g),
            Some(h),
        ] = core::array::from_fn(|_| lanes.next())
        {
            for n in 0..size {
                let all = [a[n], b[n], c[n], d[n], e[n], f[n], g[n], h[n]];
                product[n] = combine::<Sum, E>(all);
            }
        }
    }
}

impl Patches {
    /// Adds `g` times a patch to another; the lines of each are `apart`.
    #[inline(always)]
    fn add<I: Isa, E: Element, const N: usize>(
        &self,
        g: E,
        x: &[E],
        to: &mut [E],
        apart: [usize; 2],
    ) where
        [E; N]: Vector<E>,
    {
        let lines = self.kernel[0];
        assert!(N <= self.padded);
        assert!(reach(0, lines, apart[0], self.padded) <= x.len());
        assert!(reach(0, lines, apart[1], self.padded) <= to.len());
        let mut vector = |i: usize, at: usize| {
            // SAFETY: a vector of line `i`: the assertions leave room for `padded` elements of each line.
            unsafe {
                let x = x.as_ptr().add(i * apart[0] + at).cast::<[E; N]>().read();
                let to = to.as_mut_ptr().add(i * apart[1] + at).cast::<[E; N]>();
                to.write(x.times::<I>(g, to.read()));
            }
        };
        for i in 0..lines {
            // Most lines are one vector.
            vector(i, 0);
            (1..self.padded / N).for_each(|n| vector(i, n * N));
        }
    }
}

/// Adds the gradient by the input of a channel.
pub(super) struct ByInput<'a, 'o, E, const N: usize> {
    pub(super) patches: &'a Patches,
    pub(super) places: &'a [Place<E>],
    pub(super) steps: [usize; 2],
    pub(super) weight: &'a [E],
    pub(super) gradient: &'o mut [E],
}

impl<E: Element, const N: usize> Kernel for ByInput<'_, '_, E, N>
where
    [E; N]: Vector<E>,
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self {
            patches,
            places,
            steps,
            weight,
            gradient,
        } = self;
        let apart = [patches.padded, patches.last.line()];
        // The first tap that meets an element is that of the last place.
        for place in places.iter().rev() {
            patches.add::<I, E, N>(place.g, weight, &mut gradient[place.at(steps)..], apart);
        }
    }
}

impl<E> Place<E> {
    /// Where the patch begins.
    #[inline(always)]
    const fn at(&self, steps: [usize; 2]) -> usize {
        self.row as usize * steps[0] + self.column as usize * steps[1]
    }
}
