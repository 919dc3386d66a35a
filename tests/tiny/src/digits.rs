//! The first images of MNIST's training set, written by `scripts/embed_mnist.py`.

/// How many there are.
pub const IMAGES: usize = 48;
/// Pixels of an image: 28 rows of 28.
pub const PIXELS: usize = 28 * 28;

/// The images one after the other, each row by row: 0 is background, 255 is ink.
pub static BYTES: [u8; IMAGES * PIXELS] = *include_bytes!("../data/images");
/// The digit, 0 to 9, that each image shows.
pub static LABELS: [u8; IMAGES] = *include_bytes!("../data/labels");

/// [`BYTES`] as the network reads them: a chip has more flash than memory, so they are not converted at run time.
pub static VALUES: [f32; IMAGES * PIXELS] = {
    let mut values = [0.0; IMAGES * PIXELS];
    let mut at = 0;
    while at < values.len() {
        values[at] = BYTES[at] as f32;
        at += 1;
    }
    values
};
