//! Batches of digits, in memory that is made once and used for every step.

use minitorch_core::{Backend, Element, Generator, Index, Tensor};

use crate::args::mnist::Recipe;
use crate::data::{Digits, PIXELS, SIDE};
use crate::error::Failure;

/// What is added to the seed's stream for the order of an epoch, so that it never meets the stream of the weights.
const ORDER: u64 = 1 << 32;

/// Mean and standard deviation of the pixels of MNIST's 60,000 training images, as shares of 255.
const MEAN: f64 = 0.1307;
const DEVIATION: f64 = 0.3081;

/// A batch on a device: images `[b, 1, 28, 28]` and labels.
pub struct Batch<B: Backend> {
    /// The images.
    pub images: Tensor<B>,
    /// The digit on each.
    pub labels: Index<B>,
}

/// Fills one batch after the other. Nothing is allocated after [`Loader::new`].
pub struct Loader<B: Backend> {
    /// What a pixel of each of the 256 values becomes.
    values: Vec<B::Elem>,
    pixels: Vec<B::Elem>,
    labels: Vec<u32>,
    batch: Batch<B>,
}

impl<B: Backend> Loader<B> {
    /// A loader of `size` digits at a time. Pixels are 0 to 255 as they are, or of mean 0 and deviation 1.
    ///
    /// # Errors
    ///
    /// If the device has no room for a batch.
    pub fn new(device: &B, size: usize, normalise: bool) -> Result<Self, Failure> {
        let labels = vec![0; size];
        Ok(Self {
            values: values(normalise),
            pixels: vec![B::Elem::ZERO; size * PIXELS],
            batch: Batch {
                images: Tensor::try_zeros(device, [size, 1, SIDE, SIDE])?,
                labels: Index::new(device, &labels)?,
            },
            labels,
        })
    }

    /// What was loaded last.
    pub fn batch(&self) -> &Batch<B> {
        &self.batch
    }

    /// The digits that `views` name, as many as the batch has.
    ///
    /// # Errors
    ///
    /// If the device fails, or somebody still holds the last batch.
    pub fn load(
        &mut self,
        digits: &Digits,
        views: impl Iterator<Item = View>,
    ) -> Result<&Batch<B>, Failure> {
        let places = self.pixels.chunks_exact_mut(PIXELS).zip(&mut self.labels);
        for (view, (pixels, label)) in views.zip(places) {
            let image = digits.image(view.image);
            if view.shift == [0, 0] {
                for (out, &pixel) in pixels.iter_mut().zip(image) {
                    *out = self.values[usize::from(pixel)];
                }
            } else {
                for (place, out) in pixels.iter_mut().enumerate() {
                    *out = self.values[usize::from(view.pixel(image, place))];
                }
            }
            *label = u32::from(digits.labels()[view.image]);
        }
        self.batch.images.try_write(&self.pixels)?;
        self.batch.labels.try_write(&self.labels)?;
        Ok(&self.batch)
    }
}

/// What a pixel of each of the 256 values is to the network: 0 to 255 as it is, or of mean 0 and deviation 1.
pub(super) fn values<E: Element>(normalise: bool) -> Vec<E> {
    let value = |pixel: u8| match normalise {
        false => f64::from(pixel),
        true => (f64::from(pixel) / 255.0 - MEAN) / DEVIATION,
    };
    (0..=255).map(|pixel| E::from_f64(value(pixel))).collect()
}

/// An image as a batch shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Which image.
    pub image: usize,
    /// By how many pixels it is moved down and to the right; what moves in is background.
    pub shift: [i8; 2],
}

impl View {
    /// The image as it is.
    pub const fn plain(image: usize) -> Self {
        Self {
            image,
            shift: [0, 0],
        }
    }

    /// The pixel that is shown at `place`.
    fn pixel(&self, image: &[u8], place: usize) -> u8 {
        let [row, column] = [place / SIDE, place % SIDE];
        let source = |at: usize, shift: i8| {
            at.checked_add_signed(-isize::from(shift))
                .filter(|&at| at < SIDE)
        };
        match (source(row, self.shift[0]), source(column, self.shift[1])) {
            (Some(row), Some(column)) => image[row * SIDE + column],
            _ => 0,
        }
    }
}

/// What an epoch shows of `count` images, and in which order: a function of the recipe, the seed and the epoch alone, so
/// that a resumed run finds it again.
pub(super) fn views(count: usize, recipe: &Recipe, seed: u64, epoch: usize) -> Vec<View> {
    let mut views: Vec<View> = (0..count).map(View::plain).collect();
    let mut rng = Generator::from_parts([seed, ORDER + epoch as u64, 0]);
    if recipe.shuffle {
        rng.shuffle(&mut views);
    }
    if recipe.shift > 0 {
        let mut shift = || (rng.below(2 * u32::from(recipe.shift) + 1) as i8) - recipe.shift as i8;
        for view in &mut views {
            view.shift = [shift(), shift()];
        }
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_image_has_its_pixels_elsewhere_and_background_behind() {
        let image: Vec<u8> = (0..PIXELS).map(|i| (i % 251) as u8 + 1).collect();
        let view = View {
            image: 0,
            shift: [1, -2],
        };
        for row in 0..SIDE {
            for column in 0..SIDE {
                let inside = row >= 1 && column + 2 < SIDE;
                let expected = if inside {
                    image[(row - 1) * SIDE + column + 2]
                } else {
                    0
                };
                assert_eq!(view.pixel(&image, row * SIDE + column), expected);
            }
        }
    }

    #[test]
    fn an_epoch_shows_every_image_once_and_can_be_found_again() {
        let recipe = Recipe::ACCURATE;
        let first = views(100, &recipe, 7, 1);
        assert_eq!(first, views(100, &recipe, 7, 1));
        assert_ne!(first, views(100, &recipe, 7, 2));
        assert_ne!(first, views(100, &recipe, 8, 1));
        let mut images: Vec<usize> = first.iter().map(|view| view.image).collect();
        images.sort_unstable();
        assert!(images.into_iter().eq(0..100));
        let plain: Vec<View> = (0..100).map(View::plain).collect();
        assert_eq!(views(100, &Recipe::DEFAULT, 7, 1), plain);
    }
}
