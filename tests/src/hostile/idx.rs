//! Images and labels in plain IDX files.

use super::{NAME, check_refusal};
use runner::data::idx::{Images, Labels, PIXELS, SIDE};

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The most items that a file may hold.
const MOST: usize = 1 << 20;

/// Reads the bytes both as images and as labels: exactly the files that the format's table describes are accepted, and
/// each is read to what is in it.
pub fn check(file: &[u8]) {
    if file.starts_with(&GZIP) {
        return; // what `gz` looks at
    }
    match Images::read(file, NAME) {
        Ok(images) => {
            assert_eq!((images.rows, images.columns), (SIDE, SIDE));
            assert_eq!(images.count * PIXELS, images.pixels.len());
            assert!(images_file(&images.pixels) == file);
        }
        Err(failure) => {
            check_refusal(&failure, file.len());
            let count = file.len().saturating_sub(16) / PIXELS;
            let pixels = file.get(16..).unwrap_or_default();
            assert!(count == 0 || count > MOST || images_file(pixels) != file);
        }
    }
    match Labels::read(file, NAME) {
        Ok(Labels(labels)) => assert!(labels_file(&labels) == file),
        Err(failure) => {
            check_refusal(&failure, file.len());
            let labels = file.get(8..).unwrap_or_default();
            let valid =
                (1..=MOST).contains(&labels.len()) && labels.iter().all(|&label| label < 10);
            assert!(!valid || labels_file(labels) != file);
        }
    }
}

/// Files with one and with two images, and with five labels.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let pixels: Vec<u8> = (0..2 * PIXELS).map(|i| (i % 251) as u8).collect();
    vec![
        images_file(&pixels[..PIXELS]),
        images_file(&pixels),
        labels_file(&[0, 9, 1, 8, 5]),
    ]
}

/// The file of the images with these pixels; pixels beyond the last whole image are lost.
#[must_use]
pub fn images_file(pixels: &[u8]) -> Vec<u8> {
    let images = pixels.as_chunks::<PIXELS>().0;
    let header = [0x803, images.len() as u32, SIDE as u32, SIDE as u32];
    let mut file: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    file.extend(images.as_flattened());
    file
}

/// The file of these labels.
#[must_use]
pub fn labels_file(labels: &[u8]) -> Vec<u8> {
    let header = [0x801, labels.len() as u32];
    let mut file: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    file.extend(labels);
    file
}
