//! The elements of a plane that get a gradient through pooling, row by row.

use super::taps;
use crate::backend::Window;
use crate::element::Element;
use crate::isa::{Isa, Kernel};

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
    /// For each window of a line its tap, or one in the row behind if nothing passes.
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

    /// Whether the places of such windows can be found: if their taps can, and there are not too many.
    pub(super) fn possible(window: &Window) -> bool {
        let [height, width] = window.output;
        taps::possible(window) && height.saturating_mul(width) <= MOST
    }

    pub(super) fn all(&self) -> &[Place<E>] {
        &self.places[..self.count]
    }
}

/// Lists the places of a plane.
pub(super) struct List<'a, 'o, E> {
    pub(super) window: &'a Window,
    /// Which element pooling took of each window; see [`taps`].
    pub(super) taps: &'a [E],
    /// The gradient of what it took.
    pub(super) g: &'a [E],
    pub(super) places: &'o mut Places<E>,
}

impl<E: Element> Kernel for List<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self) {
        let Window { kernel, output, .. } = *self.window;
        self.places.count = 0;
        for y in 0..output[0] {
            if kernel == [4, 4] {
                self.line::<4>(y);
            } else {
                self.line::<0>(y);
            }
        }
    }
}

impl<E: Element> List<'_, '_, E> {
    /// Adds the places in line `y` of windows, which have `K` rows and columns, or any number of them.
    #[inline(always)]
    fn line<const K: usize>(&mut self, y: usize) {
        let Window {
            kernel,
            stride,
            output: [_, windows],
            ..
        } = *self.window;
        let [rows, columns] = if K > 0 { [K; 2] } else { kernel };
        let line = y * windows..(y + 1) * windows;
        let (found, g) = (&self.taps[line.clone()], &self.g[line]);
        let taps = &mut self.places.taps[..windows];
        // How many places there are in each row of the windows. Those that pass nothing on are counted as in the row behind:
        // whether they do is as good as random, so that no branch had better depend on it.
        let mut counts = 0_u64;
        for (tap, (found, &g)) in taps.iter_mut().zip(found.iter().zip(g)) {
            let none = (rows * columns) as u32;
            *tap = if g == E::ZERO { none } else { found.to_whole() };
            if K > 0 {
                counts += 1 << (*tap / columns as u32 * FIELD);
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
    }
}
