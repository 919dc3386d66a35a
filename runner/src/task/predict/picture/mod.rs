//! Pictures: PNG and JPEG files, trusted in nothing, as shades of grey.
//!
//! The kind is told by content, so a misnamed file works. Dimensions are read from the header and checked before
//! anything is decoded. Rows go through one by one and are averaged in squares, so that 20,000 x 20,000 pixels take as
//! little memory as 2,000 x 2,000; only a progressive JPEG has to be in memory as a whole, hence its lower limit.

mod canvas;
mod jpeg;
mod orientation;
mod png;

use crate::error::Failure;

/// The largest side of a picture: what a JPEG can say.
const LARGEST_SIDE: usize = 65_535;
/// The most pixels of a picture, 536 million. Memory does not depend on them; this bounds the time to some seconds.
const MOST: usize = 1 << 29;

/// A grey picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// `[height, width]`, row by row: 0 is black, 255 is white.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Decodes a PNG or JPEG file; `name` is what errors call it. A side of over 1,024 pixels is reduced to at most that
    /// by averaging squares.
    ///
    /// # Errors
    ///
    /// Other content, a damaged or incomplete file, and a picture of more pixels than the limit.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, Failure> {
        let (picture, exif) = match bytes {
            [] => return Err(Failure::file(name, "the file is empty")),
            [0x89, b'P', b'N', b'G', ..] => png::read(bytes, name)?,
            [0xff, 0xd8, ..] => jpeg::read(bytes, name)?,
            _ => {
                return Err(Failure::at_byte(
                    name,
                    0,
                    "neither a PNG nor a JPEG picture begins like this",
                ));
            }
        };
        Ok(picture.turned(orientation::of(exif.as_deref().unwrap_or_default())))
    }
}

/// Refuses a picture that is too large: over [`LARGEST_SIDE`] to a side, or over `most` pixels.
fn check_size(size: [usize; 2], most: usize, name: &str) -> Result<(), Failure> {
    let [width, height] = size;
    let refuse = |limit: String| {
        Err(Failure::file(
            name,
            format_args!("a picture of {width}x{height} pixels; {limit}"),
        ))
    };
    if width == 0 || height == 0 {
        refuse("there is nothing to see".into())
    } else if width.max(height) > LARGEST_SIDE {
        refuse(format!("at most {LARGEST_SIDE} to a side are read"))
    } else if width * height > most {
        refuse(format!(
            "at most {} million are read; make it smaller",
            most / 1_000_000
        ))
    } else {
        Ok(())
    }
}

/// The luminance of a colour: the Y of JPEG (ITU-R BT.601), rounded.
fn luminance(red: u8, green: u8, blue: u8) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}
