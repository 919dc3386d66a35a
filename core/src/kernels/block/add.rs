//! Patches times a gradient, added to each other: the loops of the [`sparse`](super::sparse) backward pass.
#![allow(unsafe_code)]

use super::patches::Patches;
use super::places::Place;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::kernels::panel::Vector;
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
        if let [place] = places {
            // The other lanes are 0.
            product.fill(E::ZERO);
            patches.add_patch::<I, E, N>(place, &input[place.at(steps)..], product);
            return;
        }
        lanes.fill(E::ZERO);
        for place in places {
            let lane = &mut lanes[place.column as usize % LANES * size..][..size];
            patches.add_patch::<I, E, N>(place, &input[place.at(steps)..], lane);
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
    /// Adds the patch at a place of the input to another in memory.
    #[inline(always)]
    fn add_patch<I: Isa, E: Element, const N: usize>(
        &self,
        place: &Place<E>,
        input: &[E],
        to: &mut [E],
    ) where
        [E; N]: Vector<E>,
    {
        let (x, to) = (&input[..self.reach()], &mut to[..self.patch()]);
        self.vectors::<N>(|from, at| {
            // SAFETY: a vector of the patch, which ends with `reach` in the input and with `patch` in memory.
            unsafe {
                let to = to.as_mut_ptr().add(at).cast::<[E; N]>();
                let x = x.as_ptr().add(from).cast::<[E; N]>().read();
                to.write(x.times::<I>(place.g, to.read()));
            }
        });
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
        let weight = &weight[..patches.patch()];
        // The first tap that meets an element is that of the last place.
        for place in places.iter().rev() {
            let to = &mut gradient[place.at(steps)..][..patches.reach()];
            patches.vectors::<N>(|at, from| {
                // SAFETY: a vector of the patch, which ends with `reach` in the input and with `patch` in memory.
                unsafe {
                    let to = to.as_mut_ptr().add(at).cast::<[E; N]>();
                    let weight = weight.as_ptr().add(from).cast::<[E; N]>().read();
                    to.write(weight.times::<I>(place.g, to.read()));
                }
            });
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
