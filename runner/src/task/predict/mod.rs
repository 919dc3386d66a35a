//! `runner predict`: reads the digit on a picture, or tells whether a text is positive, with a trained network.
//!
//! ```text
//! cargo run -p runner -- predict tests/data/digit.png
//! cargo run -p runner -- predict "a fine film" --checkpoint sentiment.safetensors
//! ```
//!
//! The checkpoint says which of the two it is: one of `runner sentiment` holds the words that it knows.
//!
//! A [`Picture`] is decoded, the [`digit`] on it is brought to MNIST's form, the network reads it, and the answer is
//! printed with the probabilities and what the network saw.
//!
//! How well: the 10,000 test images of MNIST (of the largest size the first 1,000), drawn at other sizes, smoothly
//! enlarged or reduced, and read by the network of `mnist --full --preset accurate`. *Moved* is somewhere on a sheet of
//! 1.6 x 1.3 times the size; the JPEGs are of quality 75. The command is `scripts/predict_accuracy.sh FOLDER`.
//!
//! | pixels to a side | the image itself | as a picture | moved | moved, white on black | moved, JPEG |
//! | --- | --- | --- | --- | --- | --- |
//! | 14 | 99.21 % | 96.49 % | 96.49 % | 96.49 % | 95.63 % |
//! | 28 | 99.21 % | 99.21 % | 99.21 % | 99.21 % | 99.20 % |
//! | 56 | 99.21 % | 99.08 % | 99.08 % | 99.08 % | 98.99 % |
//! | 200 | 99.21 % | 98.98 % | 98.98 % | 98.98 % | 98.96 % |
//! | 1000 | 99.00 % | 98.60 % | 98.50 % | 98.70 % | 98.50 % |
//!
//! At 200 pixels, moved: 99.18 % if it is enlarged in blocks.

pub mod digit;
mod picture;
mod report;
mod text;

pub use picture::Picture;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use minitorch_core::Backend;

use crate::args::Predict;
use crate::backend::{self, Device};
use crate::checkpoint::{Opened, Program};
use crate::data::{PIXELS, is_absent};
use crate::error::Failure;
use crate::task::{mnist, sentiment};
use crate::{files, output};
use report::Answer;

/// What is said where a text may have been meant.
const TEXTS: &str = "a text needs a network of sentiment: --checkpoint sentiment.safetensors";
/// The most bytes of a picture's file.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads one picture after the other. What is wrong with a picture is said at once, and the others are still read.
///
/// # Errors
///
/// A checkpoint that cannot be used, and standard output that cannot be written to, end the run; a picture that cannot
/// be read, or has nothing on it, gives exit status 1 at the end.
pub fn run(arguments: &Predict) -> Result<(), Failure> {
    match backend::device(&arguments.machine)? {
        Device::Cuda(device) => on(&device, arguments),
        Device::Cpu(device, Some(pool)) => pool.inside(|| on(&device, arguments)),
        Device::Cpu(device, None) => on(&device, arguments),
    }
}

fn on<B: Backend>(device: &B, arguments: &Predict) -> Result<(), Failure> {
    let path = checkpoint(arguments)?;
    let file = Opened::read(&path)?;
    let inputs = arguments.inputs.iter();
    if Program::of(file.numbers()) == Some(Program::SENTIMENT) {
        if let Some(option) = arguments.training.given() {
            return Err(Failure::usage(format!(
                "{option} is for weights of mnist alone, and {} is a checkpoint of sentiment; leave it out",
                path.display()
            )));
        }
        let network = sentiment::Trained::open(device, &path, &file)?;
        let texts = inputs.flat_map(|input| text::texts(input));
        return tell(texts.map(|text| text::answer(&network, &text?, arguments)));
    }
    let network = mnist::Trained::open(device, &path, &file, arguments.training)?;
    let mut follows = false;
    tell(inputs.map(|input| {
        let file = Path::new(input);
        let image = image(file)?;
        let answer = Answer {
            file,
            image: &image,
            probabilities: network.read(&image)?,
        };
        let text = answer.text(arguments, follows)?;
        follows = true;
        Ok(text)
    }))
}

/// Prints one answer after the other. What is wrong with an input is said at once, and the others are still answered.
fn tell(answers: impl Iterator<Item = Result<String, Failure>>) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for answer in answers {
        match answer {
            Ok(answer) => output::print(&answer)?,
            Err(failure) => {
                // The exit status counts at the end only.
                let _ = failure.report();
                outcome = Err(Failure::silent());
            }
        }
    }
    outcome
}

/// The file of `--checkpoint`, or the one that training digits leaves in the current folder.
fn checkpoint(arguments: &Predict) -> Result<PathBuf, Failure> {
    let default = Path::new(".").join(mnist::CHECKPOINT);
    match &arguments.checkpoint {
        Some(path) => Ok(path.clone()),
        None if default.exists() => Ok(default),
        None => Err(Failure::file(
            default.display(),
            format_args!(
                "no such file; train a network first (cargo run -p runner -- mnist),\n\
                 or name one with --checkpoint FILE; {TEXTS}"
            ),
        )),
    }
}

/// Refuses what is no picture before it is opened: nothing at all, a folder, and a named pipe, which would be waited for.
fn expect_picture(file: &Path) -> Result<(), Failure> {
    const PICTURE: &str = "name a picture, or - for standard input";
    if file.as_os_str().is_empty() {
        return Err(Failure::file(
            "\"\"",
            format_args!("an empty name; {PICTURE}; {TEXTS}"),
        ));
    }
    let advice = match file.is_dir() {
        true => "name the pictures in it",
        false => PICTURE,
    };
    files::expect_file(file).map_err(|failure| Failure::new(format!("{failure}; {advice}")))
}

/// What the network is shown of a file.
fn image(file: &Path) -> Result<[u8; PIXELS], Failure> {
    let (bytes, name) = if file == Path::new("-") {
        let name = "standard input";
        (
            files::read(Ok(io::stdin().lock()), Path::new(name), LARGEST_FILE)?,
            name.to_string(),
        )
    } else {
        expect_picture(file)?;
        let opened = File::open(file);
        if opened.as_ref().is_err_and(is_absent) {
            let what = format_args!("no such picture; {TEXTS}");
            return Err(Failure::file(file.display(), what));
        }
        (
            files::read(opened, file, LARGEST_FILE)?,
            file.display().to_string(),
        )
    };
    let picture = Picture::decode(&bytes, &name)?;
    digit::find(&picture).ok_or_else(|| {
        Failure::file(
            name,
            "no digit found: all of the picture has about one shade",
        )
    })
}
