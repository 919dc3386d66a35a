//! From a picture of a digit to an image as MNIST has them.
//!
//! [MNIST's authors](http://yann.lecun.com/exdb/mnist/) scaled each digit, keeping its proportions, to fit a square of 20
//! pixels, with grey edges from averaging, and moved it in a field of 28 so that its centre of mass is in the middle.
//! This does the same with any picture:
//!
//! 1. What differs from the border is ink, darker or lighter, on paper that may be lit from one side.
//! 2. Parts that are small or faint, specks and shadows, are erased.
//! 3. The longer side of what is left becomes 20 pixels; each pixel is the mean of the ink on the square it covers.
//! 4. It is moved by whole pixels so that the centre of mass is 14 to under 15 pixels from the left and top edges, where
//!    it is in all of MNIST's test images.
//! 5. The strongest ink becomes 255, so that a thin line, which covers its pixels in part, is as black as a thick one.
//!
//! An MNIST image that is drawn larger, moved or inverted comes back almost as it was. What this cannot read: several
//! digits, a digit in a frame, one that is turned, and paper with a shadow as dark as ink.

mod ink;
mod parts;

use super::Picture;
use crate::data::{PIXELS, SIDE};
use ink::Ink;
use parts::Frame;

/// The side, in pixels, of the square that a digit fits.
const FITS: usize = 20;
/// Where a centre of mass is at the least, from the left and top edges.
const CENTRE: f32 = 14.0;
/// How many pixels become 255.
const FULL: usize = 4;

/// The digit of a picture as MNIST has it, `[28, 28]`, 0 background to 255 ink; `None` if the picture shows nothing.
///
/// ```
/// use runner::task::predict::{Picture, digit};
///
/// let mut one = Picture { width: 50, height: 90, pixels: vec![255; 50 * 90] };
/// for y in 15..75 {
///     one.pixels[y * 50 + 20..][..6].fill(0);
/// }
/// let image = digit::find(&one).expect("a digit");
/// // A line of 20 by 2 pixels in the middle.
/// assert_eq!(image.iter().filter(|&&pixel| pixel == 255).count(), 40);
/// assert_eq!(image[14 * 28 + 14], 255);
/// ```
pub fn find(picture: &Picture) -> Option<[u8; PIXELS]> {
    let mut ink = Ink::of(picture)?;
    let frame = parts::clean(&mut ink)?;
    let centre = centre(&ink, frame)?;
    let extent = [0, 1].map(|axis| frame.end[axis] - frame.start[axis]);
    let longer = extent[0].max(extent[1]);
    // Pixels of the picture to a pixel of the image.
    let scale = longer as f32 / FITS as f32;
    // Where the image begins, in the picture. The digit stays inside of the image even if its mass is at one end.
    let origin = [0, 1].map(|axis| {
        let room = SIDE - (FITS * extent[axis]).div_ceil(longer);
        let margin = (CENTRE - centre[axis] / scale).ceil();
        frame.start[axis] as f32 - margin.clamp(0.0, room as f32) * scale
    });
    Some(stretched(scaled(&ink, origin, scale), f32::from(ink.full)))
}

/// The centre of mass of the lines in the frame, from its left and top edges.
fn centre(ink: &Ink, frame: Frame) -> Option<[f32; 2]> {
    let (mut mass, mut moments) = (0, [0, 0]);
    for y in frame.start[1]..frame.end[1] {
        for x in frame.start[0]..frame.end[0] {
            let value = ink.values[y * ink.width + x];
            if ink.is_line(value) {
                let value = u64::from(value);
                mass += value;
                moments[0] += value * (x - frame.start[0]) as u64;
                moments[1] += value * (y - frame.start[1]) as u64;
            }
        }
    }
    // The mass of a pixel is in its middle.
    (mass > 0).then(|| moments.map(|moment| (moment as f64 / mass as f64) as f32 + 0.5))
}

/// The mean ink on each square of the image, whose first pixel begins at `origin`; outside of the picture there is none.
fn scaled(ink: &Ink, origin: [f32; 2], scale: f32) -> [f32; PIXELS] {
    let columns = shares(origin[0], scale, ink.width);
    let rows = shares(origin[1], scale, ink.height);
    let mut image = [0.0; PIXELS];
    for (row, out) in rows.iter().zip(image.chunks_exact_mut(SIDE)) {
        for &(y, height) in row {
            let line = &ink.values[y * ink.width..][..ink.width];
            for (column, out) in columns.iter().zip(&mut *out) {
                let mean = column.iter().map(|&(x, width)| width * f32::from(line[x]));
                *out += height * mean.sum::<f32>();
            }
        }
    }
    image
}

/// Which of `count` pixels in a row each of the 28 pixels covers, and with what share of itself.
fn shares(origin: f32, scale: f32, count: usize) -> Vec<Vec<(usize, f32)>> {
    let share = |pixel: usize| {
        let start = origin + pixel as f32 * scale;
        let end = start + scale;
        // A negative number becomes 0.
        let covered = start.floor() as usize..(end.ceil() as usize).min(count);
        covered
            .map(|place| {
                let overlap = end.min((place + 1) as f32) - start.max(place as f32);
                (place, overlap.max(0.0) / scale)
            })
            .collect()
    };
    (0..SIDE).map(share).collect()
}

/// Brings the strongest ink to 255; `most` is the most that counts.
fn stretched(image: [f32; PIXELS], most: f32) -> [u8; PIXELS] {
    let mut sorted = image;
    sorted.sort_by(f32::total_cmp);
    let full = sorted[PIXELS - FULL].min(most).max(f32::MIN_POSITIVE);
    image.map(|value| (value / full * 255.0).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests;
