//! Where the windows of a plane have the element that pooling took: what gets their gradient.

use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};
use crate::reduction::LANES;

/// The most windows of a plane: their places lie on the stack.
const MOST: usize = 1024;

/// Bits of a number of places, several of which are kept in one register: in memory, each would wait for the one before.
const FIELD: u32 = 12;

/// A 1 in each such field.
const ONES: u64 = 1 | 1 << FIELD | 1 << (2 * FIELD) | 1 << (3 * FIELD) | 1 << (4 * FIELD);

/// An element of a map, and its gradient.
#[derive(Clone, Copy)]
pub(super) struct Place<E> {
    pub(super) row: u32,
    pub(super) column: u32,
    pub(super) g: E,
}

/// The elements of a plane whose gradient is not 0, row by row.
pub(super) struct Places<E> {
    /// One more, for what does not count.
    places: [Place<E>; MOST + 1],
    count: usize,
    /// For each window of a line the first tap that has what pooling took, or one in the row behind if nothing passes.
    taps: [u32; MOST],
}

impl<E: Element> Places<E> {
    pub(super) const NONE: Self = Self {
        places: [Place {
            row: 0,
            column: 0,
            g: E::ZERO,
        }; MOST + 1],
        count: 0,
        taps: [0; MOST],
    };

    /// Whether the places of such windows can be found: if no element is in two of them, and there are not too many.
    pub(super) fn possible(window: &Window) -> bool {
        let [height, width] = window.output;
        let [rows, columns] = window.kernel;
        // The stride of a window that is alone says nothing.
        let apart = (0..2).all(|a| window.output[a] == 1 || window.stride[a] >= window.kernel[a]);
        apart && height.saturating_mul(width) <= MOST && rows.saturating_mul(columns) < 1 << 31
    }

    pub(super) fn all(&self) -> &[Place<E>] {
        &self.places[..self.count]
    }
}

/// Finds the places of a plane; `false` if a window has none.
pub(super) struct Find<'a, 'o, E> {
    pub(super) window: &'a Window,
    /// Whether elements that are not above 0 get no gradient.
    pub(super) relu: bool,
    /// The elements from the plane on, which may go on behind it.
    pub(super) maps: &'a [E],
    /// What pooling made of the plane.
    pub(super) pooled: &'a [E],
    /// The gradient of that.
    pub(super) g: &'a [E],
    pub(super) places: &'o mut Places<E>,
}

impl<E: Element> Kernel for Find<'_, '_, E> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(mut self) -> bool {
        let Window { kernel, output, .. } = *self.window;
        let height = output[0];
        self.places.count = 0;
        if kernel == [4, 4] {
            (0..height).all(|y| self.line::<I, 4>(y))
        } else {
            (0..height).all(|y| self.line::<I, 0>(y))
        }
    }
}

impl<E: Element> Find<'_, '_, E> {
    /// Adds the places in line `y` of windows, which have `K` rows and columns, or any number of them.
    #[inline(always)]
    fn line<I: Isa, const K: usize>(&mut self, y: usize) -> bool {
        let Window {
            kernel,
            stride,
            input: [_, width],
            output: [_, windows],
            ..
        } = *self.window;
        let [rows, columns] = if K > 0 { [K; 2] } else { kernel };
        let line = y * windows..(y + 1) * windows;
        let (pooled, g) = (&self.pooled[line.clone()], &self.g[line]);
        let taps = &mut self.places.taps[..windows];
        // How many places there are in each row of the windows. Those that pass nothing on are counted as in the row behind:
        // whether they do is as good as random, so that no branch had better depend on it.
        let mut counts = 0_u64;
        for (x, (tap, (&best, &g))) in taps.iter_mut().zip(pooled.iter().zip(g)).enumerate() {
            let corner = y * stride[0] * width + x * stride[1];
            let first = if K == 4 {
                first_of_16::<I, E>(self.maps, corner, width, best)
            } else {
                (0..rows).find_map(|i| {
                    let line = &self.maps[corner + i * width..][..columns];
                    position::<I, E>(line, best).map(|j| i * columns + j)
                })
            };
            let Some(first) = first else { return false };
            let passes = (g != E::ZERO) & !(self.relu & (best <= E::ZERO));
            let first = if passes { first } else { rows * columns };
            *tap = first as u32;
            if K > 0 {
                counts += 1 << (first / columns * FIELD as usize);
            }
        }
        let (all, count) = (&mut self.places.places, &mut self.places.count);
        let place = |x: usize, tap: u32| Place {
            row: (y * stride[0]) as u32 + tap / columns as u32,
            column: (x * stride[1]) as u32 + tap % columns as u32,
            g: g[x],
        };
        if K > 0 {
            // Where the places of each row go: behind those of the rows above.
            let mut next = (counts.wrapping_mul(ONES) << FIELD) + *count as u64 * ONES;
            for (x, &tap) in taps.iter().enumerate() {
                let field = tap / columns as u32 * FIELD;
                all[(next >> field) as usize % (1 << FIELD)] = place(x, tap);
                next += 1 << field;
            }
            *count += windows - (counts >> (K as u32 * FIELD)) as usize;
        } else {
            let first = *count;
            for (x, &tap) in taps.iter().enumerate() {
                all[*count] = place(x, tap);
                *count += usize::from((tap as usize) < rows * columns);
            }
            if rows > 1 {
                all[first..*count].sort_unstable_by_key(|place| (place.row, place.column));
            }
        }
        true
    }
}

/// The first element of a 4x4 window that equals `best`.
#[inline(always)]
fn first_of_16<I: Isa, E: Element>(
    maps: &[E],
    corner: usize,
    width: usize,
    best: E,
) -> Option<usize> {
    let mut all = 0;
    for half in 0..2 {
        let mut elements = [E::ZERO; LANES];
        let (above, below) = elements.split_at_mut(LANES / 2);
        for (i, to) in [above, below].into_iter().enumerate() {
            let at = corner + (2 * half + i) * width;
            to.copy_from_slice(maps[at..].first_chunk::<{ LANES / 2 }>()?);
        }
        all |= E::equal::<I>(elements, best) << (half * LANES);
    }
    (all != 0).then(|| all.trailing_zeros() as usize)
}

/// The first element that equals `best`.
#[inline(always)]
fn position<I: Isa, E: Element>(line: &[E], best: E) -> Option<usize> {
    let (chunks, rest) = line.as_chunks::<LANES>();
    for (n, chunk) in chunks.iter().enumerate() {
        let hits = E::equal::<I>(*chunk, best);
        if hits != 0 {
            return Some(n * LANES + hits.trailing_zeros() as usize);
        }
    }
    let at = rest.iter().position(|&x| x == best)?;
    Some(line.len() - rest.len() + at)
}
