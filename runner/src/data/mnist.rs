//! MNIST: MiniTorch's 5,000 + 500 images, which are embedded, or all of it from a folder or the network.

use std::path::{Path, PathBuf};

use super::idx::{Images, Labels, PIXELS};
use super::needed;
use super::published::{FILES, MNIST};
use crate::args::mnist::{Data, Settings};
use crate::error::Failure;
use crate::fetch::{fetch, folder_of};
use crate::interrupt::Interrupt;
use crate::output::Output;

/// Training images in the program: 0..5000 of the published training set.
pub const EMBEDDED_TRAIN: usize = 5000;
/// Held-out images in the program: 10000..10500 of the published training set.
pub const EMBEDDED_HELD_OUT: usize = 500;

/// Images in the published training set.
pub const PUBLISHED_TRAIN: usize = 60_000;
/// Images in the published test set.
pub const PUBLISHED_TEST: usize = 10_000;

static IMAGES: &[u8] = include_bytes!("../../data/mnist-images.gz");
static LABELS: &[u8] = include_bytes!("../../data/mnist-labels.gz");

/// The number of batches an epoch has.
///
/// MiniTorch skips the last batch when no more than a batch of images is left, so this is `(images - 1) / batch` rounded
/// down: 312 for 5,000 images in batches of 16, and none for 16.
///
/// # Panics
///
/// If `batch` is 0.
pub fn batches(images: usize, batch: usize) -> usize {
    images.saturating_sub(1) / batch
}

/// Handwritten digits of 28x28 pixels, each with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Digits {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All pixels, `[len, 28, 28]` in row-major order: 0 is background, 255 is ink.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The digit, 0 to 9, of each image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The 784 pixels of one image.
    ///
    /// # Panics
    ///
    /// If there is no image `index`.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * PIXELS..][..PIXELS]
    }

    /// Keeps the first `count`.
    fn truncate(&mut self, count: usize) {
        self.labels.truncate(count);
        self.pixels.truncate(count * PIXELS);
    }

    /// Joins images and labels, which have to be as many; both are called by their files' names.
    fn join(images: (Images, &str), labels: (Labels, &str)) -> Result<Self, Failure> {
        let ((images, images_name), (Labels(labels), labels_name)) = (images, labels);
        if images.count != labels.len() {
            return Err(Failure::new(format!(
                "{images_name} holds {} images,\nbut {labels_name} holds {} labels",
                images.count,
                labels.len()
            )));
        }
        Ok(Self {
            pixels: images.pixels,
            labels,
        })
    }
}

/// MNIST as a run needs it: what it learns from, and what it is tested with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mnist {
    /// Images to train on.
    pub train: Digits,
    /// Images the network never learns from.
    pub held_out: Digits,
}

impl Mnist {
    /// The files that are read, some of which may still have to be downloaded; none for what the program holds.
    ///
    /// # Errors
    ///
    /// A file of a folder that is missing, and no folder for the cache.
    pub fn files(data: &Data) -> Result<Vec<PathBuf>, Failure> {
        match data {
            Data::Embedded => Ok(Vec::new()),
            Data::Split(folder) | Data::Full(folder) => Ok(published(folder)?.into()),
            Data::Cached { .. } => {
                let folder = folder_of(&MNIST)?;
                Ok(FILES.map(|file| folder.join(file.name)).into())
            }
        }
    }

    /// The images that `settings` ask for, downloaded if they say so.
    ///
    /// # Errors
    ///
    /// Files that are missing, damaged or do not belong together; fewer images than `--train` or `--valid` ask for
    /// (exit status 2); too few for one batch; a download that fails or is interrupted.
    pub fn load(
        settings: &Settings,
        output: &mut Output,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let (mut mnist, place) = match &settings.data {
            Data::Embedded => (Self::embedded()?, "the program".to_string()),
            Data::Split(folder) => (Self::split(folder)?, folder.display().to_string()),
            Data::Full(folder) => (Self::from_folder(folder)?, folder.display().to_string()),
            Data::Cached { mirror } => {
                let folder = fetch(&MNIST, mirror.as_deref(), output, interrupt)?;
                let files = FILES.map(|file| folder.join(file.name));
                (Self::from_files(&files)?, folder.display().to_string())
            }
        };
        limit(
            &mut mnist.train,
            settings.train,
            ["--train", "training"],
            &place,
        )?;
        limit(
            &mut mnist.held_out,
            settings.valid,
            ["--valid", "held-out"],
            &place,
        )?;
        let (images, batch) = (mnist.train.len(), settings.recipe.batch);
        if batches(images, batch) == 0 {
            return Err(Failure::file(
                place,
                format_args!("{images} training images give no batch of {batch}"),
            ));
        }
        Ok(mnist)
    }

    /// The images in the program: MiniTorch's split, 5,000 to train on and 500 held out.
    ///
    /// # Errors
    ///
    /// None, unless the program itself is damaged.
    pub fn embedded() -> Result<Self, Failure> {
        let (images, labels) = ("embedded mnist-images.gz", "embedded mnist-labels.gz");
        let mut train = Digits::join(
            (Images::read(IMAGES, images)?, images),
            (Labels::read(LABELS, labels)?, labels),
        )?;
        if train.len() != EMBEDDED_TRAIN + EMBEDDED_HELD_OUT {
            return Err(Failure::file(
                images,
                "not the images this program was built with",
            ));
        }
        let held_out = Digits {
            pixels: train.pixels.split_off(EMBEDDED_TRAIN * PIXELS),
            labels: train.labels.split_off(EMBEDDED_TRAIN),
        };
        Ok(Self { train, held_out })
    }

    /// MiniTorch's split out of the published training files in `folder`: the images that are embedded, too.
    ///
    /// # Errors
    ///
    /// As [`Mnist::from_folder`], and if there are fewer than 10,500 training images.
    pub fn split(folder: &Path) -> Result<Self, Failure> {
        let all = Self::from_folder(folder)?.train;
        let [train, held_out] = [0..EMBEDDED_TRAIN, 10_000..10_000 + EMBEDDED_HELD_OUT];
        if all.len() < held_out.end {
            return Err(Failure::file(
                folder.display(),
                format_args!(
                    "{} training images, but images {} to {} are held out; use --full",
                    all.len(),
                    held_out.start,
                    held_out.end
                ),
            ));
        }
        let part = |range: std::ops::Range<usize>| Digits {
            pixels: all.pixels[range.start * PIXELS..range.end * PIXELS].to_vec(),
            labels: all.labels[range].to_vec(),
        };
        Ok(Self {
            train: part(train),
            held_out: part(held_out),
        })
    }

    /// All of MNIST from the four published files in `folder`, plain or `.gz`; plain wins where both are there. The
    /// held-out images are the test images.
    ///
    /// # Errors
    ///
    /// A file that is missing or damaged, and counts that disagree.
    pub fn from_folder(folder: &Path) -> Result<Self, Failure> {
        Self::from_files(&published(folder)?)
    }

    /// All of MNIST from its files, in the order of [`FILES`].
    fn from_files(
        [train_images, train_labels, test_images, test_labels]: &[PathBuf; 4],
    ) -> Result<Self, Failure> {
        let read = |images: &Path, labels: &Path| {
            Digits::join(
                (Images::from_file(images)?, &images.display().to_string()),
                (Labels::from_file(labels)?, &labels.display().to_string()),
            )
        };
        Ok(Self {
            train: read(train_images, train_labels)?,
            held_out: read(test_images, test_labels)?,
        })
    }
}

/// The published files in a folder, plain or `.gz`, in the order of [`FILES`].
fn published(folder: &Path) -> Result<[PathBuf; 4], Failure> {
    let [a, b, c, d] = FILES.map(|file| needed(folder, file.name.trim_end_matches(".gz")));
    Ok([a?, b?, c?, d?])
}

/// Keeps as many digits as an option asks for.
fn limit(
    digits: &mut Digits,
    wanted: Option<usize>,
    [option, what]: [&str; 2],
    place: &str,
) -> Result<(), Failure> {
    let Some(wanted) = wanted else { return Ok(()) };
    if wanted > digits.len() {
        return Err(Failure::usage(format!(
            "{option} {wanted}: {place} holds {} {what} images",
            digits.len()
        )));
    }
    digits.truncate(wanted);
    Ok(())
}
