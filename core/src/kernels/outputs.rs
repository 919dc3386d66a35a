//! How tiles go over the outputs of a part of a convolution: line by line, or over the ends of lines.
//!
//! Line by line, the last vector of a line is not full unless the line's length is a multiple of a vector. In the strip
//! the positions of consecutive lines follow each other, with a gap that belongs to no output between them:
//!
//! ```text
//! lines of 28 in vectors of 16     |----------------|........----        two for each
//! positions of all lines           |----------------|------------  --|--------------  --|----..
//! ```
//!
//! Vectors over all positions leave only the gaps unused. Before such a vector is written, what is behind the gap moves up
//! to what is before it: outputs have none.

use super::SMALL;
use super::panel::{Panel, Spot, VECTORS, WIDE, lanes, vectors};
use super::terms::Listed;
use crate::element::Element;
use crate::isa::Isa;
use crate::reduction::LANES;
use core::array;
use core::iter::{from_fn, once, repeat_with};

/// The fewest taps for which it pays: to move sums takes about as long as five taps, and often saves a vector in twenty.
const DEEP: usize = 128;

/// The outputs of a part.
pub(crate) struct Outputs {
    /// Lines and columns.
    pub(crate) size: [usize; 2],
    /// Positions of the strip from one line to the next.
    pub(crate) pitch: usize,
    /// Planes.
    pub(crate) rows: usize,
    /// The place of the first output.
    pub(crate) base: usize,
    /// Distance of two lines.
    pub(crate) line: usize,
    /// Whether the part has all taps.
    pub(crate) whole: bool,
}

impl Outputs {
    /// Runs `panel` over all outputs.
    #[inline(always)]
    pub(crate) fn sums<E: Element, I: Isa>(&self, panel: Panel<Listed<'_, E>>, out: &mut [E]) {
        let lanes = if self.size[1] <= LANES {
            LANES
        } else {
            lanes::<E, I>()
        };
        if self.goes_over_lines::<E, I>(&panel, lanes) {
            self.over_lines::<E, I>(panel, lanes, out);
        } else {
            self.lines::<E, I>(panel, lanes, out);
        }
    }

    /// Whether that can be done, and pays.
    #[inline(always)]
    fn goes_over_lines<E: Element, I: Isa>(
        &self,
        panel: &Panel<Listed<'_, E>>,
        lanes: usize,
    ) -> bool {
        let [height, width] = self.size;
        // What is behind the last column of a line is the first one of the next, with nothing between.
        let adjacent = panel.steps[1] == 1 && self.line == width;
        // A vector reaches no further than the next line. Sums that are not complete would be lost where it overwrites.
        let safe = adjacent && width >= lanes && self.whole;
        let quick = size_of::<E>() == 4 && I::SELECTS && lanes == super::panel::lanes::<E, I>();
        let fewer = self.end().div_ceil(lanes) < height * width.div_ceil(lanes);
        // Fewer rows keep the arithmetic units busy only in wider tiles.
        let rows = self.rows > 2;
        !SMALL && safe && quick && fewer && rows && panel.terms.taps.len() >= DEEP
    }

    /// Positions up to the last output.
    const fn end(&self) -> usize {
        (self.size[0] - 1) * self.pitch + self.size[1]
    }

    #[inline(always)]
    fn lines<E: Element, I: Isa>(&self, panel: Panel<Listed<'_, E>>, lanes: usize, out: &mut [E]) {
        let (count, mut spots) = self.spots(lanes, panel.steps[1]);
        let done = if lanes < super::panel::lanes::<E, I>() {
            0
        } else {
            self.few_rows::<E, I>(panel, count, spots.clone(), out)
        };
        spots.by_ref().take(done).for_each(drop);
        let count = count - done;
        panel.tiles::<I, VECTORS>(lanes, self.rows, tiles(count, spots.clone()), out);
        if let Some(spot) = rest(count, spots) {
            panel.tiles::<I, 1>(lanes, self.rows, once([spot]), out);
        }
    }

    /// As many of the spots as fill wider tiles, if there are few rows; gives how many that were.
    #[inline(always)]
    fn few_rows<E: Element, I: Isa>(
        &self,
        panel: Panel<Listed<'_, E>>,
        count: usize,
        spots: impl Iterator<Item = Spot> + Clone,
        out: &mut [E],
    ) -> usize {
        const HALF: usize = WIDE / 2;
        let vectors = vectors::<E, I>(self.rows);
        match (self.rows, vectors) {
            (1, WIDE) => panel.few_rows::<I, 1, WIDE>(1, tiles(count, spots), out),
            (2, HALF) => panel.few_rows::<I, 2, HALF>(1, tiles(count, spots), out),
            (4, HALF) => panel.few_rows::<I, 4, HALF>(1, tiles(count, spots), out),
            _ => return 0,
        }
        count / vectors * vectors
    }

    /// Vectors line by line, and how many.
    #[inline(always)]
    fn spots(&self, lanes: usize, column: usize) -> (usize, impl Iterator<Item = Spot> + Clone) {
        let [height, width] = self.size;
        // The last vector of a line ends with the line if it can: some sums are computed twice, none is cut. Not where
        // sums go on from what is in the output.
        let last = if self.whole {
            width.saturating_sub(lanes)
        } else {
            width
        };
        let (mut y, mut x) = (0, 0);
        let spots = repeat_with(move || {
            let at = x.min(last);
            let spot = self.spot([y, at], lanes, column);
            x += lanes;
            if x >= width {
                (y, x) = (y + 1, 0);
            }
            spot
        });
        (height * width.div_ceil(lanes), spots)
    }

    /// The last vector of all ends with the last line, so that nothing beyond is overwritten.
    #[inline(always)]
    fn over_lines<E: Element, I: Isa>(
        &self,
        panel: Panel<Listed<'_, E>>,
        lanes: usize,
        out: &mut [E],
    ) {
        let [height, width] = self.size;
        let (mut y, mut x) = (0, 0);
        let spots = from_fn(move || {
            if y == height {
                return None;
            }
            if y + 1 == height {
                x = x.min(width - lanes);
            }
            let spot = self.spot([y, x], lanes, 1);
            x += lanes;
            if x >= width {
                (y, x) = (y + 1, x.saturating_sub(self.pitch));
            }
            Some(spot)
        });
        let (count, gap) = (spots.clone().count(), self.pitch - width);
        let in_tiles = tiles(count, spots.clone());
        panel.tiles_over_lines::<I, VECTORS>(lanes, self.rows, in_tiles, gap, out);
        if let Some(spot) = rest(count, spots) {
            panel.tiles_over_lines::<I, 1>(lanes, self.rows, once([spot]), gap, out);
        }
    }

    /// The vector from row `y` and column `x` on, if columns are so far apart in the output.
    #[inline(always)]
    fn spot(&self, [y, x]: [usize; 2], lanes: usize, column: usize) -> Spot {
        Spot {
            b: y * self.pitch + x,
            out: self.base + y * self.line + x * column,
            count: lanes.min(self.size[1] - x),
        }
    }
}

/// The first `count` spots, as far as they fill tiles. There must be so many.
#[inline(always)]
fn tiles<const NV: usize>(
    count: usize,
    mut spots: impl Iterator<Item = Spot> + Clone,
) -> impl Iterator<Item = [Spot; NV]> + Clone {
    (0..count / NV).map(move |_| array::from_fn(|_| spots.next().unwrap_or_default()))
}

/// The one that is left over, if any.
#[inline(always)]
fn rest(count: usize, mut spots: impl Iterator<Item = Spot>) -> Option<Spot> {
    if count.is_multiple_of(VECTORS) {
        None
    } else {
        spots.nth(count - 1)
    }
}
