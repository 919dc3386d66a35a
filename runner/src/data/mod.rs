//! Data sets: embedded in the program, or read from files, downloaded or not, that are trusted in nothing.

pub mod idx;
mod mnist;
mod points;
mod published;
mod python;

pub use idx::{PIXELS, SIDE};
pub use mnist::{Digits, EMBEDDED_HELD_OUT, EMBEDDED_TRAIN, Mnist, batches};
pub use points::{Pattern, Point};
pub use python::PythonRandom;
