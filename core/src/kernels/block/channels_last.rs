//! Images with their channels last: what a window of a convolution reads of a line lies together.
//!
//! ```text
//! strip[row][column][channel] = image[channel][row - before[0]][column - before[1]],   or +0 outside of the image
//! ```

use crate::element::Element;
use crate::isa::Isa;
use crate::kernels::strip::Image;

/// Lines and columns of a square that is transposed at once: four channels of sixteen columns, of which the last eight
/// lie below the first.
const SIDE: usize = 8;

/// The shape of such an image.
#[derive(Clone, Copy)]
pub(super) struct ChannelsLast {
    pub(super) channels: usize,
    /// Rows and columns that windows meet, and how many of them come before the image.
    pub(super) size: [usize; 2],
    pub(super) before: [usize; 2],
}

impl ChannelsLast {
    /// Elements of a line.
    pub(super) const fn line(&self) -> usize {
        self.size[1].saturating_mul(self.channels)
    }

    /// Rows and columns of an image of some size that are in the strip.
    #[inline(always)]
    fn inside(&self, size: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| size[axis].min(self.size[axis].saturating_sub(self.before[axis])))
    }

    /// Where row `y` of the image begins.
    #[inline(always)]
    const fn row(&self, y: usize) -> usize {
        (y + self.before[0]) * self.line() + self.before[1] * self.channels
    }

    /// Copies an image; what lies around it stays as it is.
    #[inline(always)]
    pub(super) fn fill<I: Isa, E: Element>(&self, image: &Image<'_, E>, strip: &mut [E]) {
        let ([height, width], channels) = (self.inside(image.size), self.channels);
        let [channel, row, column] = image.strides;
        if width == 0 {
            return;
        }
        for y in 0..height {
            let from = &image.data[image.base + y * row..];
            let to = &mut strip[self.row(y)..][..width * channels];
            let mut c = 0;
            while column == 1 && width >= 2 * SIDE && c + SIDE / 2 <= channels {
                let lines = [0, 1, 2, 3].map(|n| &from[(c + n) * channel..][..width]);
                for x in (0..width).step_by(2 * SIDE) {
                    // The last square ends with the line.
                    let x = x.min(width - 2 * SIDE);
                    let mut square = [[E::ZERO; SIDE]; SIDE];
                    for n in 0..SIDE / 2 {
                        square[n].copy_from_slice(&lines[n][x..][..SIDE]);
                        square[n + SIDE / 2].copy_from_slice(&lines[n][x + SIDE..][..SIDE]);
                    }
                    let square = E::transpose::<I>(square);
                    for (n, pixels) in square.iter().enumerate() {
                        let (near, far) = pixels.split_at(SIDE / 2);
                        to[(x + n) * channels + c..][..SIDE / 2].copy_from_slice(near);
                        to[(x + n + SIDE) * channels + c..][..SIDE / 2].copy_from_slice(far);
                    }
                }
                c += SIDE / 2;
            }
            for c in c..channels {
                for x in 0..width {
                    to[x * channels + c] = from[c * channel + x * column];
                }
            }
        }
    }

    /// The image again, contiguous; +0 where no window meets it.
    #[inline(always)]
    pub(super) fn read<I: Isa, E: Element>(&self, strip: &[E], size: [usize; 2], image: &mut [E]) {
        let ([height, width], channels) = (self.inside(size), self.channels);
        if [height, width] != size {
            image.fill(E::ZERO);
        }
        let plane = size[0] * size[1];
        for y in 0..height {
            let from = &strip[self.row(y)..][..width * channels];
            let to = &mut image[y * size[1]..];
            let mut c = 0;
            while width >= 2 * SIDE && c + SIDE / 2 <= channels {
                for x in (0..width).step_by(2 * SIDE) {
                    // The last square ends with the line.
                    let x = x.min(width - 2 * SIDE);
                    let mut square = [[E::ZERO; SIDE]; SIDE];
                    for (n, pixels) in square.iter_mut().enumerate() {
                        let (near, far) = pixels.split_at_mut(SIDE / 2);
                        near.copy_from_slice(&from[(x + n) * channels + c..][..SIDE / 2]);
                        far.copy_from_slice(&from[(x + n + SIDE) * channels + c..][..SIDE / 2]);
                    }
                    let square = E::transpose::<I>(square);
                    for n in 0..SIDE / 2 {
                        let line = &mut to[(c + n) * plane + x..][..2 * SIDE];
                        let (near, far) = line.split_at_mut(SIDE);
                        near.copy_from_slice(&square[n]);
                        far.copy_from_slice(&square[n + SIDE / 2]);
                    }
                }
                c += SIDE / 2;
            }
            for c in c..channels {
                for (x, to) in to[c * plane..][..width].iter_mut().enumerate() {
                    *to = from[x * channels + c];
                }
            }
        }
    }
}
