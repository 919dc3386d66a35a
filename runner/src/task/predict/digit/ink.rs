//! What is ink in a picture, and what is paper: ink is what differs from the border.

use std::ops::Range;

use super::super::Picture;

/// The least difference, of 255, between ink and paper: fainter is noise, or nothing.
const LEAST_CONTRAST: u8 = 24;
/// How far the two estimates of the level in the middle of the paper may lie apart, times two.
const PLANE_TOLERANCE: i32 = 16;

/// The ink of a picture.
pub(super) struct Ink {
    pub(super) width: usize,
    pub(super) height: usize,
    /// `[height, width]`: by how many of 255 shades the pixel is darker than the paper, or lighter, whichever ink is.
    pub(super) values: Vec<u8>,
    /// The value of full ink. Few pixels, or none, are over it.
    pub(super) full: u8,
}

impl Ink {
    /// The ink of a picture; `None` if all of it has about one shade.
    ///
    /// Ink is darker or lighter than the paper: what weighs more, where a difference counts by its square, so that the
    /// noise of the paper, which is as often darker as lighter, does not count. Full ink is what one pixel of 10,000, and
    /// at least four, reaches: not the largest value, which may be a speck.
    pub(super) fn of(picture: &Picture) -> Option<Self> {
        let &Picture {
            width,
            height,
            ref pixels,
        } = picture;
        let paper = Paper::of(picture);
        let mut differences: Vec<i16> = Vec::with_capacity(pixels.len());
        for (y, row) in pixels.chunks_exact(width).enumerate() {
            differences.extend(
                row.iter()
                    .enumerate()
                    .map(|(x, &pixel)| (f32::from(pixel) - paper.at(x, y)).round() as i16),
            );
        }
        let square = |&difference: &i16| i64::from(difference) * i64::from(difference.abs());
        let is_light = differences.iter().map(square).sum::<i64>() > 0;
        let value = |difference: i16| {
            let ink = if is_light { difference } else { -difference };
            ink.clamp(0, 255) as u8
        };
        let values: Vec<u8> = differences.into_iter().map(value).collect();

        let mut histogram = Histogram::default();
        histogram.add(&values);
        let full = histogram.largest((values.len() / 10_000).max(4))?;
        (full >= LEAST_CONTRAST).then_some(Self {
            width,
            height,
            values,
            full,
        })
    }

    /// Whether this much is enough to belong to a line.
    ///
    /// A quarter of full ink: over the noise of a photograph and the ripples of a JPEG, under the soft edge of a line.
    pub(super) fn is_line(&self, value: u8) -> bool {
        4 * u32::from(value) >= u32::from(self.full)
    }

    /// Whether this much is surely ink: half.
    pub(super) fn is_strong(&self, value: u8) -> bool {
        2 * u32::from(value) >= u32::from(self.full)
    }
}

/// The shade of the paper: a plane, since light falls more strongly on one side of a photograph.
struct Paper {
    /// The shade in the middle.
    level: f32,
    /// By how much it grows from pixel to pixel, to the right and downwards.
    slope: [f32; 2],
    middle: [f32; 2],
}

impl Paper {
    /// The plane through the medians of the four sides, strips of a thirty-second of the picture.
    ///
    /// A median bears what covers less than half of its side. The middle between left and right has to be the middle
    /// between top and bottom; otherwise something lies across a side, and the median of all four is all of the paper.
    fn of(picture: &Picture) -> Self {
        let &Picture { width, height, .. } = picture;
        let thickness = (width.min(height) / 32).max(1);
        let sides = [
            (0..thickness, 0..height),
            (width - thickness..width, 0..height),
            (0..width, 0..thickness),
            (0..width, height - thickness..height),
        ];
        let sides = sides.map(|(columns, rows)| Histogram::of(picture, columns, rows));
        let [left, right, top, bottom] = sides.each_ref().map(Histogram::median);
        let middle = [width, height].map(|side| (side - 1) as f32 / 2.0);
        if (left + right - top - bottom).abs() > PLANE_TOLERANCE || width.min(height) == thickness {
            let mut border = Histogram::default();
            sides.iter().for_each(|side| border.merge(side));
            return Self {
                level: border.median() as f32,
                slope: [0.0; 2],
                middle,
            };
        }
        let slope =
            |from: i32, to: i32, side: usize| (to - from) as f32 / (side - thickness) as f32;
        Self {
            level: (left + right + top + bottom) as f32 / 4.0,
            slope: [slope(left, right, width), slope(top, bottom, height)],
            middle,
        }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.level
            + self.slope[0] * (x as f32 - self.middle[0])
            + self.slope[1] * (y as f32 - self.middle[1])
    }
}

/// How many pixels have each of the 256 shades.
struct Histogram([usize; 256]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Histogram {
    fn of(picture: &Picture, columns: Range<usize>, rows: Range<usize>) -> Self {
        let mut histogram = Self::default();
        for row in picture
            .pixels
            .chunks_exact(picture.width)
            .take(rows.end)
            .skip(rows.start)
        {
            histogram.add(&row[columns.clone()]);
        }
        histogram
    }

    fn add(&mut self, pixels: &[u8]) {
        for &pixel in pixels {
            self.0[usize::from(pixel)] += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// The shade of the pixel in the middle, when they are in order.
    fn median(&self) -> i32 {
        let half = self.0.iter().sum::<usize>() / 2;
        self.largest(half + 1).map_or(0, i32::from)
    }

    /// The shade that `rank` pixels reach; `None` if there are not as many pixels.
    fn largest(&self, rank: usize) -> Option<u8> {
        let mut seen = 0;
        (0..=255).rev().find(|&shade: &u8| {
            seen += self.0[usize::from(shade)];
            seen >= rank
        })
    }
}
