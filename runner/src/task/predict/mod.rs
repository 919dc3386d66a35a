//! `runner predict`: reads the digit on a picture with a trained network.
//!
//! A [`Picture`] is decoded, the [`digit`] on it is brought to MNIST's form, the network reads it, and the answer is
//! printed with the probabilities and what the network saw.

pub mod digit;
mod picture;
mod report;

pub use picture::Picture;

use std::fs::File;
use std::io;
use std::path::Path;

use minitorch_core::Backend;

use crate::args::Predict;
use crate::data::PIXELS;
use crate::error::Failure;
use crate::task::mnist::{CHECKPOINT, Trained};
use crate::{backend, files, output};
use report::Answer;

/// The most bytes of a picture's file.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads one picture after the other. What is wrong with a picture is said at once, and the others are still read.
///
/// # Errors
///
/// A checkpoint that cannot be used, and standard output that cannot be written to, end the run; a picture that cannot
/// be read, or has nothing on it, gives exit status 1 at the end.
pub fn run(arguments: &Predict) -> Result<(), Failure> {
    let (device, pool) = backend::cpu(&arguments.machine)?;
    match pool {
        Some(pool) => pool.inside(|| on(&device, arguments)),
        None => on(&device, arguments),
    }
}

fn on<B: Backend>(device: &B, arguments: &Predict) -> Result<(), Failure> {
    let network = network(device, arguments)?;
    let (mut outcome, mut follows) = (Ok(()), false);
    for file in &arguments.files {
        match image(file) {
            Ok(image) => {
                let answer = Answer {
                    file,
                    image: &image,
                    probabilities: network.read(&image)?,
                };
                output::print(&answer.text(arguments, follows)?)?;
                follows = true;
            }
            Err(failure) => {
                // The exit status counts at the end only.
                let _ = failure.report();
                outcome = Err(Failure::silent());
            }
        }
    }
    outcome
}

/// The network of `--checkpoint`, or of the file that training leaves in the current folder.
fn network<B: Backend>(device: &B, arguments: &Predict) -> Result<Trained<B>, Failure> {
    let default = Path::new(".").join(CHECKPOINT);
    if arguments.checkpoint.is_none() && !default.exists() {
        return Err(Failure::file(
            default.display(),
            "no such file; train a network first (cargo run -p runner -- mnist),\n\
             or name one with --checkpoint FILE",
        ));
    }
    let path = arguments.checkpoint.as_ref().unwrap_or(&default);
    Trained::open(device, path, arguments.training)
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
        (
            files::read(File::open(file), file, LARGEST_FILE)?,
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
