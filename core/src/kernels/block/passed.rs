//! Which elements of maps pass a gradient on through ReLU, a bit each: what the backward pass needs to know of maps that
//! are pooled to their mean.
//!
//! ```text
//! word[l] = sum over k < 16 of passes(map[8 k + l]) 2^k        for l < 8 and each 128 elements of a plane
//! ```
//!
//! Places behind the plane pass nothing. A word is a whole number below 2^16, which any element type holds exactly. The
//! bits of a vector go into the words of a vector, each in its own lane, so that packing and reading are vectors on every
//! machine.

use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::ops::Unary;
use crate::ops::unary::Relu;
use crate::reduction::LANES;

/// Bits of a word.
const BITS: usize = 16;

/// Elements of a plane whose bits lie in the words of a vector.
pub(super) const GROUP: usize = BITS * LANES;

/// Words of a plane of so many elements.
pub(crate) const fn words(plane: usize) -> usize {
    plane.div_ceil(GROUP) * LANES
}

/// The words of planes of so many elements each, which are there as a whole.
pub(super) struct Pack<'a, 'o, E> {
    pub(super) plane: usize,
    pub(super) maps: &'a [E],
    pub(super) words: &'o mut [E],
}

impl<E: Element> Kernel for Pack<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        debug_assert_eq!(
            self.words.len(),
            self.maps.len() / self.plane * words(self.plane)
        );
        let planes = self.maps.chunks_exact(self.plane);
        let words = self.words.chunks_exact_mut(words(self.plane));
        for (plane, words) in planes.zip(words) {
            let (words, _) = words.as_chunks_mut::<LANES>();
            for (group, words) in plane.chunks(GROUP).zip(words) {
                let mut bits = [0; LANES];
                let (vectors, rest) = group.as_chunks::<LANES>();
                for (k, vector) in vectors.iter().enumerate() {
                    for l in 0..LANES {
                        bits[l] |= u32::from(passes::<I, E>(vector[l])) << k;
                    }
                }
                for (bits, &y) in bits.iter_mut().zip(rest) {
                    *bits |= u32::from(passes::<I, E>(y)) << vectors.len();
                }
                *words = bits.map(E::from_whole);
            }
        }
    }
}

/// Whether an element of the maps passes a gradient on.
#[inline(always)]
fn passes<I: Isa, E: Element>(y: E) -> bool {
    Relu.grad::<I, E>(y, E::ONE) != E::ZERO
}

/// Takes the gradient of some elements of a plane, the first of which begin a group, through ReLU.
#[inline(always)]
pub(super) fn through<E: Element>(words: &[E], g: &mut [E]) {
    let (words, _) = words.as_chunks::<LANES>();
    for (words, g) in words.iter().zip(g.chunks_mut(GROUP)) {
        let bits = words.map(E::to_whole);
        let (vectors, rest) = g.as_chunks_mut::<LANES>();
        for (k, vector) in vectors.iter_mut().enumerate() {
            for l in 0..LANES {
                vector[l] = kept(bits[l] & 1 << k, vector[l]);
            }
        }
        for (&bits, g) in bits.iter().zip(rest) {
            *g = kept(bits & 1 << vectors.len(), *g);
        }
    }
}

#[inline(always)]
fn kept<E: Element>(bit: u32, g: E) -> E {
    if bit == 0 { E::ZERO } else { g }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Level;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn words_say_what_the_gradient_of_relu_does() {
        let kinds = [1.5, -0.0, 0.0, -2.0, f64::NAN, f64::INFINITY, 1e-310];
        for plane in [1, 7, 8, 9, 127, 128, 129, 784] {
            let maps: Vec<f64> = (0..2 * plane).map(|n| kinds[(n * n + n / 5) % 7]).collect();
            for level in Level::supported() {
                let mut all = vec![9.0; 2 * words(plane)];
                level.run(Pack {
                    plane,
                    maps: &maps,
                    words: &mut all,
                });
                let mut g: Vec<f64> = (0..2 * plane).map(|n| n as f64 - 3.5).collect();
                let expected: Vec<f64> = maps
                    .iter()
                    .zip(&g)
                    .map(|(&y, &g)| if y <= 0.0 { 0.0 } else { g })
                    .collect();
                for (words, g) in all.chunks(words(plane)).zip(g.chunks_mut(plane)) {
                    through(words, g);
                }
                assert_eq!(g, expected, "{plane} {level:?}");
            }
        }
    }
}
