//! Data sets: embedded in the program, or read from files that are trusted in nothing.

pub mod idx;
mod mnist;

pub use idx::{PIXELS, SIDE};
pub use mnist::{Digits, EMBEDDED_HELD_OUT, EMBEDDED_TRAIN, Mnist, batches};
