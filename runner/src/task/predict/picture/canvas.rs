//! Where a decoder's rows are put: averaged in squares, so that memory is bounded whatever the size of the picture.

use super::Picture;

/// The most squares to a side: 1,024, so that a digit that takes a fiftieth of a picture's side still has twenty.
pub(super) const SIDE: usize = 1 << 10;

/// How far apart, of 255, the shades of the opaque part have to be for it to show something by itself.
const OWN_CONTRAST: u64 = 64;

/// A picture that is being read: the sums of each square of pixels.
pub(super) struct Canvas {
    /// Width and height of the picture.
    size: [usize; 2],
    /// Pixels to a side of a square.
    scale: usize,
    /// Width and height in squares.
    squares: [usize; 2],
    sums: Vec<Sum>,
}

/// What a square has gathered.
#[derive(Clone, Copy, Default)]
struct Sum {
    /// Luminance, 0 to 255, times opacity, 0 to 255. The largest square, 64x64, makes 266 million.
    light: u32,
    /// Opacity.
    opacity: u32,
}

impl Canvas {
    /// A canvas for a picture of this width and height, at least 1 and at most 65,535.
    pub(super) fn new(size: [usize; 2]) -> Self {
        let scale = size[0].max(size[1]).div_ceil(SIDE).max(1);
        let squares = size.map(|side| side.div_ceil(scale));
        Self {
            size,
            scale,
            squares,
            sums: vec![Sum::default(); squares[0] * squares[1]],
        }
    }

    /// Adds pixels of row `y`, each luminance and opacity, the first at column `x`, the others `step` columns apart.
    /// What lies outside is left out.
    pub(super) fn add(
        &mut self,
        y: usize,
        x: usize,
        step: usize,
        pixels: impl Iterator<Item = [u8; 2]>,
    ) {
        let start = (y / self.scale) * self.squares[0];
        let Some(row) = self.sums.get_mut(start..start + self.squares[0]) else {
            return;
        };
        // The square of a column without a division for each pixel.
        let (mut square, mut end) = (x / self.scale, (x / self.scale + 1) * self.scale);
        let mut column = x;
        for [luminance, opacity] in pixels {
            while column >= end {
                square += 1;
                end += self.scale;
            }
            let Some(sum) = row.get_mut(square) else {
                return;
            };
            sum.light += u32::from(luminance) * u32::from(opacity);
            sum.opacity += u32::from(opacity);
            column += step;
        }
    }

    /// The picture in squares. What is transparent takes the shade of [`Canvas::behind`].
    pub(super) fn finish(self) -> Picture {
        let behind = self.behind();
        let [width, height] = self.squares;
        let pixels = self.sums.iter().enumerate().map(|(place, sum)| {
            let whole = 255 * self.count(place);
            let light = u64::from(sum.light) + behind * (whole - u64::from(sum.opacity));
            ((light + whole / 2) / whole) as u8
        });
        Picture {
            width,
            height,
            pixels: pixels.collect(),
        }
    }

    /// The shade behind what is transparent: black or white.
    ///
    /// A drawing on a transparent sheet has to stand out, so the shade is the one that is farther from the drawing's.
    /// But where most is opaque and shows something by itself, a card with round corners say, the shade is the one that
    /// is nearer, which hides the corners.
    fn behind(&self) -> u64 {
        let (mut light, mut opacity, mut whole) = (0, 0, 0);
        let (mut darkest, mut lightest) = (u64::MAX, 0);
        for (place, sum) in self.sums.iter().enumerate() {
            let (own_light, own_opacity) = (u64::from(sum.light), u64::from(sum.opacity));
            let own_whole = 255 * self.count(place);
            light += own_light;
            opacity += own_opacity;
            whole += own_whole;
            if 2 * own_opacity >= own_whole {
                darkest = darkest.min(own_light / own_opacity);
                lightest = lightest.max(own_light / own_opacity);
            }
        }
        let is_light = 2 * light >= 255 * opacity;
        let is_card = 2 * opacity >= whole && lightest >= darkest + OWN_CONTRAST;
        if is_light == is_card { 255 } else { 0 }
    }

    /// How many pixels the square at `place` has; those at the right and bottom edges may have fewer.
    fn count(&self, place: usize) -> u64 {
        let side = |square: usize, size: usize| (size - square * self.scale).min(self.scale) as u64;
        side(place % self.squares[0], self.size[0]) * side(place / self.squares[0], self.size[1])
    }
}
