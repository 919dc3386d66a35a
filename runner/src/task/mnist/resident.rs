//! A set of digits in the memory of a device: a batch is read there, and the host only says where.

use minitorch_core::{Backend, Element, Index, Result, Tensor};

use super::batches::View;
use crate::data::{Digits, PIXELS, SIDE};

/// Images that are copied to the device at a time, so that the host never has all of them as elements.
const CHUNK: usize = 1000;

/// Digits on a device.
pub(super) struct Resident<B: Backend> {
    grid: Grid,
    /// `[positions, run]`: the pixels from each position on, which overlap in memory.
    runs: Tensor<B>,
    /// Where the runs of a batch begin.
    starts: Vec<u32>,
    index: Index<B>,
}

/// Where the pixels of images lie: row by row, with as much background behind each row, behind each image, and before the
/// first, as images may be moved. What is behind one row is before the next.
#[derive(Clone, Copy)]
struct Grid {
    margin: usize,
}

impl Grid {
    /// Pixels from row to row. There are as many rows from image to image.
    const fn row(self) -> usize {
        SIDE + self.margin
    }

    const fn image(self) -> usize {
        self.row() * self.row()
    }

    /// Pixels before the first image.
    const fn before(self) -> usize {
        self.margin * self.row() + self.margin
    }

    /// Parts of an image that lie in one piece each: rows, unless the whole image does.
    const fn parts(self) -> usize {
        if self.margin == 0 { 1 } else { SIDE }
    }

    /// Where part `part` of an image begins, as `view` shows it.
    fn start(self, view: &View, part: usize) -> usize {
        let [down, right] = view.shift.map(isize::from);
        let margin = self.margin as isize;
        assert!(
            down.abs() <= margin && right.abs() <= margin,
            "an image is moved beyond the background around it"
        );
        let first = self.before() + view.image * self.image() + part * self.row();
        first.wrapping_add_signed(-(down * self.row() as isize + right))
    }
}

impl<B: Backend> Resident<B> {
    /// Copies all digits, whose pixels become `values`, for batches of `size` that are moved by `margin` pixels at most.
    ///
    /// # Errors
    ///
    /// If the device has no room for them.
    pub(super) fn new(
        device: &B,
        digits: &Digits,
        values: &[B::Elem],
        size: usize,
        margin: usize,
    ) -> Result<Self> {
        let grid = Grid { margin };
        let count = grid.before() + digits.len() * grid.image();
        let mut all = Tensor::try_full(device, [count], values[0].to_f64())?;
        let mut pixels = vec![values[0]; CHUNK.min(digits.len()) * grid.image()];
        for (number, chunk) in digits.pixels().chunks(CHUNK * PIXELS).enumerate() {
            let images = chunk.chunks_exact(PIXELS);
            let pixels = &mut pixels[..images.len() * grid.image()];
            for (image, out) in images.zip(pixels.chunks_exact_mut(grid.image())) {
                let rows = image
                    .chunks_exact(SIDE)
                    .zip(out.chunks_exact_mut(grid.row()));
                for (row, out) in rows {
                    for (out, &pixel) in out.iter_mut().zip(row) {
                        *out = values[usize::from(pixel)];
                    }
                }
            }
            let part = Tensor::try_from_slice(device, pixels, [pixels.len()])?;
            all.try_put(0, grid.before() + number * CHUNK * grid.image(), &part)?;
        }
        let starts = vec![0; size * grid.parts()];
        Ok(Self {
            grid,
            runs: all.try_window(0, PIXELS / grid.parts(), 1)?,
            index: Index::new(device, &starts)?,
            starts,
        })
    }

    /// The images that `views` name, `[b, 1, 28, 28]`.
    pub(super) fn images(&mut self, views: impl Iterator<Item = View>) -> Result<Tensor<B>> {
        let Self { grid, starts, .. } = self;
        let size = starts.len() / grid.parts();
        for (view, starts) in views.zip(starts.chunks_exact_mut(grid.parts())) {
            for (part, start) in starts.iter_mut().enumerate() {
                // A million images, the most of a file, have less than 2^32 pixels.
                *start = grid.start(&view, part) as u32;
            }
        }
        self.index.try_write(&self.starts)?;
        self.runs
            .try_rows(&self.index)?
            .try_reshape([size, 1, SIDE, SIDE])
    }
}

#[cfg(test)]
mod tests {
    use minitorch_core::Cpu;

    use super::super::batches::values;
    use super::*;
    use crate::data::Mnist;

    #[test]
    fn images_have_the_pixels_of_their_views() {
        let device: Cpu = Cpu::default();
        // More than are copied at a time.
        let digits = Mnist::embedded().unwrap().train;
        let last = digits.len() - 1;
        for (margin, normalise) in [(0, false), (1, true), (2, false)] {
            let values = values::<f32>(normalise);
            let moves = -(margin as i8)..=margin as i8;
            let views: Vec<View> = [0, 1, CHUNK - 1, CHUNK, last]
                .into_iter()
                .flat_map(|image| {
                    let moves = moves.clone();
                    moves.clone().flat_map(move |down| {
                        let shift = move |right| [down, right];
                        moves.clone().map(move |right| View {
                            image,
                            shift: shift(right),
                        })
                    })
                })
                .collect();
            let mut resident =
                Resident::new(&device, &digits, &values, views.len(), margin).unwrap();
            let images = resident.images(views.iter().copied()).unwrap();
            assert_eq!(images.shape()[..], [views.len(), 1, SIDE, SIDE]);
            let expected = views.iter().flat_map(|view| {
                let image = digits.image(view.image);
                (0..PIXELS).map(|place| values[usize::from(view.pixel(image, place))])
            });
            assert!(images.to_vec().into_iter().eq(expected), "margin {margin}");
        }
    }
}
