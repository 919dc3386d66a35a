//! Random numbers by position: the same numbers on any number of threads and on any device.
//!
//! A [`Generator`] is a value: a seed, a stream, and how far along the stream it is. Element `i` of a draw is computed
//! from output `i` of the stream alone, so a draw can be split anywhere, and saving a generator means saving three
//! numbers. There is no global generator.

use crate::backend::{Backend, View};
use crate::element::Element;
use crate::error::Result;
use crate::host;
use crate::isa::Portable;
use crate::layout::Layout;
use crate::ops::binary::Mul;
use crate::ops::special::Keep;
use core::convert::Infallible;
use rand_core::TryRng;
use rand_pcg::Pcg32;

/// A position in a stream of the generator PCG-XSH-RR 64/32 (O'Neill 2014).
///
/// It also implements `rand_core`'s traits, for use with the distributions of other crates.
///
/// ```
/// use minitorch_core::random::Generator;
/// let mut rng = Generator::new(7);
/// let first: Vec<u32> = (0..4).map(|_| rng.next_u32()).collect();
/// let mut later = Generator::new(7);
/// later.skip(2);
/// assert_eq!(later.next_u32(), first[2]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    seed: u64,
    stream: u64,
    position: u64,
}

impl Generator {
    /// The start of the stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            stream: 0,
            position: 0,
        }
    }

    /// A generator as [`Generator::parts`] described it.
    #[must_use]
    pub const fn from_parts([seed, stream, position]: [u64; 3]) -> Self {
        Self {
            seed,
            stream,
            position,
        }
    }

    /// Seed, stream and position: all there is to a generator, for saving it.
    #[must_use]
    pub const fn parts(&self) -> [u64; 3] {
        [self.seed, self.stream, self.position]
    }

    /// An independent generator, for a layer that draws on its own. Costs four outputs of this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let mut word = || u64::from(self.next_u32()) << 32 | u64::from(self.next_u32());
        Self {
            seed: word(),
            stream: word(),
            position: 0,
        }
    }

    /// Moves on by `count` outputs, in a time that does not depend on `count`.
    pub const fn skip(&mut self, count: u64) {
        self.position = self.position.wrapping_add(count);
    }

    /// The next output.
    pub fn next_u32(&mut self) -> u32 {
        let out = next(&mut self.outputs(0));
        self.skip(1);
        out
    }

    /// The next output as a number in `[0, 1)`: `(x >> 8) * 2^-24` (R8).
    pub fn uniform(&mut self) -> f64 {
        f64::from(self.next_u32() >> 8) * SCALE
    }

    /// A whole number below `bound`, each equally likely (Lemire 2019); 0 if `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let mut outputs = self.outputs(0);
        loop {
            let product = u64::from(next(&mut outputs)) * u64::from(bound);
            self.skip(1);
            // The low half decides whether this output belongs to the few that would favour small numbers.
            if (product as u32) >= bound.wrapping_neg() % bound.max(1) {
                return (product >> 32) as u32;
            }
        }
    }

    /// Puts `items` in random order, each order equally likely (Fisher and Yates). Items from number `2^32 - 1` on only
    /// change places with earlier ones, so that not every order of so many can come.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
            items.swap(last, self.below(bound) as usize);
        }
    }

    /// The stream from `ahead` outputs on.
    fn outputs(&self, ahead: u64) -> Pcg32 {
        let mut pcg = Pcg32::new(self.seed, self.stream);
        pcg.advance(self.position.wrapping_add(ahead));
        pcg
    }

    /// Writes the elements from `start` on of a uniform draw.
    pub fn fill_uniform<E: Element>(&self, start: usize, out: &mut [E]) {
        let mut outputs = self.outputs(start as u64);
        for out in out {
            *out = E::from_f64(f64::from(next(&mut outputs) >> 8) * SCALE);
        }
    }

    /// Writes the elements from `start` on of a normal draw: `sqrt(-2 log(1 - u)) * cos(2 pi v)`.
    pub fn fill_normal<E: Element>(&self, start: usize, out: &mut [E]) {
        let mut outputs = self.outputs(start as u64 * 2);
        for out in out {
            // 1 - u lies in (0, 1] and is exact: the logarithm is finite.
            let u = E::from_f64(1.0 - f64::from(next(&mut outputs) >> 8) * SCALE);
            let v = E::from_f64(f64::from(next(&mut outputs) >> 8) * SCALE);
            let radius = (E::from_f64(-2.0) * u.log::<Portable>()).sqrt::<Portable>();
            *out = radius * (E::from_f64(core::f64::consts::TAU) * v).cos::<Portable>();
        }
    }
}

/// `2^-24`: the 24 upper bits of an output become a multiple of it, which `f32` holds exactly.
const SCALE: f64 = 1.0 / 16_777_216.0;

fn next(pcg: &mut Pcg32) -> u32 {
    let Ok(out) = pcg.try_next_u32();
    out
}

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(Self::next_u32(self))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(Self::next_u32(self));
        Ok(u64::from(Self::next_u32(self)) << 32 | low)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(4) {
            let bytes = Self::next_u32(self).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// The default body of [`Backend::uniform`].
///
/// # Errors
/// Those of the backend's operations.
pub fn uniform<B: Backend>(device: &B, count: usize, draw: &Generator) -> Result<B::Buffer> {
    let mut host = host::filled("random", count, B::Elem::ZERO)?;
    draw.fill_uniform(0, &mut host);
    device.upload(&host)
}

/// The default body of [`Backend::normal`].
///
/// # Errors
/// Those of the backend's operations.
pub fn normal<B: Backend>(device: &B, count: usize, draw: &Generator) -> Result<B::Buffer> {
    let mut host = host::filled("random", count, B::Elem::ZERO)?;
    draw.fill_normal(0, &mut host);
    device.upload(&host)
}

/// The default body of [`Backend::dropout`].
///
/// # Errors
/// Those of the backend's operations.
pub fn dropout<B: Backend>(
    device: &B,
    x: View<'_, B>,
    keep: Keep,
    draw: &Generator,
) -> Result<[B::Buffer; 2]> {
    let layout = Layout::contiguous(*x.shape())?;
    let mut mask = device.uniform(layout.elements(), draw)?;
    device.update(keep, &mut mask, &layout, [])?;
    let out = device.map(Mul, [x, View::new(&mask, layout)])?;
    Ok([out, mask])
}
