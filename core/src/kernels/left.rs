//! The left operand of a [`panel`](super::panel): read where it lies, or packed.
//!
//! Packed, the elements that a tile needs for one term lie side by side, in the order in which the kernel wants them:
//!
//! ```text
//! packed[tile][k][r]   =   a[first row of the tile + r, k]
//! ```
//!
//! So all of them are found at fixed distances from one pointer, and the kernel does nothing but multiply and add.

use super::panel::tile_rows;
use crate::element::Element;
use crate::isa::Isa;

/// Elements of a packed tile for each term: the most rows of a tile. Where it has fewer, the rest is of any value.
pub(crate) const SIDE: usize = 8;

/// Rows where they lie: row `r` starts at `base + r * row`, and the terms of a panel say where they are in it.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, E> {
    pub(crate) data: &'a [E],
    pub(crate) base: usize,
    pub(crate) row: usize,
}

/// The left operand.
#[derive(Clone, Copy)]
pub(crate) enum Left<'a, E> {
    Lying(Rows<'a, E>),
    /// What [`pack`] wrote.
    Packed(&'a [E]),
}

/// How many rows the next tile has if `rest` are left and the largest tile has `most`.
#[inline(always)]
pub(crate) const fn height(rest: usize, most: usize) -> usize {
    // Eight rows are better two times four than six and two: small tiles wait for their own results.
    if rest >= most && !(most == 6 && rest == 8) {
        most
    } else if most > 4 && rest >= 4 {
        4
    } else if most > 2 && rest >= 2 {
        2
    } else {
        1
    }
}

/// The height of the next tile, and how many in a row have it.
#[inline(always)]
pub(crate) const fn run(rest: usize, most: usize) -> [usize; 2] {
    let height = height(rest, most);
    let fits = rest / height;
    // The last eight rows are not six and two.
    let tiles = if height == 6 && rest % 6 == 2 {
        fits - 1
    } else {
        fits
    };
    [height, tiles]
}

/// At least as many elements as [`pack`] needs.
pub(crate) const fn packed(rows: usize, terms: usize, most: usize) -> usize {
    // Fewer rows than a tile has are at most three smaller ones.
    (rows / most + 3).saturating_mul(SIDE).saturating_mul(terms)
}

/// How many rows [`pack`] has room for in so many elements, in whole tiles; perhaps none.
pub(crate) const fn fitting(elements: usize, terms: usize, most: usize) -> usize {
    (elements / (SIDE * terms)).saturating_sub(2) * most
}

/// Copies `count` rows, whose terms are found by `at`, tile by tile.
#[inline(always)]
pub(crate) fn pack<'p, E: Element, I: Isa>(
    rows: Rows<'_, E>,
    count: usize,
    terms: usize,
    at: impl Fn(usize) -> usize,
    to: &'p mut [E],
) -> Left<'p, E> {
    let adjacent = (0..terms).all(|k| at(k) == k);
    let (mut row, mut free) = (0, &mut *to);
    while row < count {
        let height = height(count - row, tile_rows::<E, I>());
        let (tile, rest) = free.split_at_mut(terms * SIDE);
        let (tile, _) = tile.as_chunks_mut::<SIDE>();
        let source = &rows.data[rows.base + row * rows.row..];
        if rows.row == 1 {
            for (k, to) in tile.iter_mut().enumerate() {
                let source = &source[at(k)..];
                // A vector rather than a call, of what follows in the row, too, if it is there.
                match source.first_chunk() {
                    Some(source) => *to = *source,
                    None => to[..height].copy_from_slice(&source[..height]),
                }
            }
        } else {
            let turned = if adjacent && height > 2 {
                turn::<E, I>(source, rows.row, height, tile)
            } else {
                0
            };
            for (k, to) in tile.iter_mut().enumerate().skip(turned) {
                for (r, to) in to[..height].iter_mut().enumerate() {
                    *to = source[r * rows.row + at(k)];
                }
            }
        }
        free = rest;
        row += height;
    }
    Left::Packed(to)
}

/// Copies terms that are side by side in each of `height` rows, in squares, and gives their number.
#[inline(always)]
fn turn<E: Element, I: Isa>(
    source: &[E],
    row: usize,
    height: usize,
    tile: &mut [[E; SIDE]],
) -> usize {
    let (squares, _) = tile.as_chunks_mut::<SIDE>();
    for (n, square) in squares.iter_mut().enumerate() {
        let mut lines = [[E::ZERO; SIDE]; SIDE];
        for (r, line) in lines.iter_mut().enumerate() {
            let at = r.min(height - 1) * row + n * SIDE;
            line.copy_from_slice(&source[at..at + SIDE]);
        }
        *square = E::transpose::<I>(lines);
    }
    squares.len() * SIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kernels go over runs of tiles, and [`pack`] writes one after the other.
    #[test]
    fn runs_are_of_the_heights_that_are_packed() {
        for most in [2, 3, 4, 6, 8] {
            for rows in 1..200 {
                let mut row = 0;
                while row < rows {
                    let [expected, tiles] = run(rows - row, most);
                    for _ in 0..tiles {
                        assert_eq!(height(rows - row, most), expected, "{rows} {most}");
                        row += expected;
                    }
                }
                assert_eq!(row, rows);
            }
        }
    }
}
