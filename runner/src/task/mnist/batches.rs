//! Batches of digits: written into memory that is made once and used for every step, or read on the device.

use minitorch_core::{Backend, Element, ErrorKind, Generator, Index, Tensor};

use super::resident::Resident;
use crate::args::mnist::Recipe;
use crate::data::{Digits, PIXELS, SIDE};
use crate::error::Failure;
use crate::output::warn;

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

/// Makes one batch after the other of a set of digits.
pub struct Loader<'a, B: Backend> {
    digits: &'a Digits,
    images: Images<B>,
    numbers: Vec<u32>,
    labels: Index<B>,
}

/// Where the images of a batch come from.
enum Images<B: Backend> {
    /// The host, which writes them into the same memory for every step.
    Host {
        /// What a pixel of each of the 256 values becomes.
        values: Vec<B::Elem>,
        pixels: Vec<B::Elem>,
        images: Tensor<B>,
    },
    /// The device itself.
    Device(Resident<B>),
}

impl<'a, B: Backend> Loader<'a, B> {
    /// A loader of `size` digits at a time. Pixels are 0 to 255 as they are, or of mean 0 and deviation 1.
    ///
    /// # Errors
    ///
    /// If the device has no room for a batch.
    pub fn new(
        device: &B,
        digits: &'a Digits,
        size: usize,
        normalise: bool,
    ) -> Result<Self, Failure> {
        let images = Images::Host {
            values: values(normalise),
            pixels: vec![B::Elem::ZERO; size * PIXELS],
            images: Tensor::try_zeros(device, [size, 1, SIDE, SIDE])?,
        };
        Self::from(device, digits, size, images)
    }

    /// The same for a device with memory of its own: all digits are copied there once, and a batch is read from them, moved
    /// by `shift` pixels at most. (A digit's number would be no shorter than its label, so labels are copied.)
    ///
    /// If the device has no room for all of them, and for so many numbers that a step needs, it is said, and each batch is
    /// copied.
    ///
    /// # Errors
    ///
    /// If the device has no room for a batch, or fails.
    pub fn resident(
        device: &B,
        digits: &'a Digits,
        size: usize,
        normalise: bool,
        shift: u8,
        step: usize,
    ) -> Result<Self, Failure> {
        let values = values(normalise);
        let resident = Resident::new(device, digits, &values, size, shift.into());
        // The images alone may fit, and the first step would end for want of memory. A device may have a limit to one
        // tensor, which this is not about.
        let step = step.min(i32::MAX as usize);
        match resident.and_then(|resident| Tensor::try_zeros(device, [step]).map(|_| resident)) {
            Ok(resident) => Self::from(device, digits, size, Images::Device(resident)),
            Err(error) if error.kind() == ErrorKind::Memory => {
                warn(&format!(
                    "the device has no room for all {} images beside a step; each batch of {size} is copied to it, which is slower",
                    digits.len()
                ));
                Self::new(device, digits, size, normalise)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn from(
        device: &B,
        digits: &'a Digits,
        size: usize,
        images: Images<B>,
    ) -> Result<Self, Failure> {
        let numbers = vec![0; size];
        Ok(Self {
            digits,
            images,
            labels: Index::new(device, &numbers)?,
            numbers,
        })
    }

    /// The digits that `views` name, as many as the batch has.
    ///
    /// # Errors
    ///
    /// If the device fails, or somebody still holds the last batch.
    ///
    /// # Panics
    ///
    /// If an image on the device is moved further than [`Loader::resident`] was told.
    pub fn load(&mut self, views: impl Iterator<Item = View> + Clone) -> Result<Batch<B>, Failure> {
        let digits = self.digits;
        for (view, label) in views.clone().zip(&mut self.numbers) {
            *label = u32::from(digits.labels()[view.image]);
        }
        self.labels.try_write(&self.numbers)?;
        let images = match &mut self.images {
            Images::Device(resident) => resident.images(views)?,
            Images::Host {
                values,
                pixels,
                images,
            } => {
                for (view, pixels) in views.zip(pixels.chunks_exact_mut(PIXELS)) {
                    view.write(digits.image(view.image), values, pixels);
                }
                images.try_write(pixels)?;
                images.clone()
            }
        };
        Ok(Batch {
            images,
            labels: self.labels.clone(),
        })
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

    /// Writes what is shown, with a value for each of the 256 pixels there are.
    fn write<E: Copy>(&self, image: &[u8], values: &[E], out: &mut [E]) {
        if self.shift == [0, 0] {
            for (out, &pixel) in out.iter_mut().zip(image) {
                *out = values[usize::from(pixel)];
            }
        } else {
            for (place, out) in out.iter_mut().enumerate() {
                *out = values[usize::from(self.pixel(image, place))];
            }
        }
    }

    /// The pixel that is shown at `place`.
    pub(super) fn pixel(&self, image: &[u8], place: usize) -> u8 {
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
