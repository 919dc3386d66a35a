//! Small pictures, as PNG in the page itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Html;
use crate::error::Failure;

/// What is negative, and the first of two classes.
const NEGATIVE: [u8; 3] = [0x2f, 0x6f, 0xb5];
/// What is positive, and the second of two classes.
const POSITIVE: [u8; 3] = [0xd9, 0x7a, 0x1f];

/// A picture of some width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What its address in a page is: all of it.
    uri: String,
}

impl Picture {
    /// White ink on black: 0 is black, 255 is white.
    ///
    /// # Errors
    ///
    /// If `pixels` make no rows of `width`.
    pub fn grey(width: usize, pixels: &[u8]) -> Result<Self, Failure> {
        Self::new(width, pixels, png::ColorType::Grayscale)
    }

    /// Values from -1, blue, to 1, orange. 0 and what is no number show the page behind.
    ///
    /// # Errors
    ///
    /// If `values` make no rows of `width`.
    pub fn signed(width: usize, values: impl Iterator<Item = f64>) -> Result<Self, Failure> {
        let pixels: Vec<u8> = values.flat_map(colour).collect();
        Self::new(width, &pixels, png::ColorType::Rgba)
    }

    /// Its address in a page.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Shows it, enlarged as the style sheet says, with sharp pixels. `description` is for those who cannot see it.
    pub fn show(&self, html: &mut Html, description: &str) {
        let attributes = [
            ("class", "pixels"),
            ("src", &*self.uri),
            ("alt", description),
            ("title", description),
        ];
        html.void("img", &attributes);
    }

    fn new(width: usize, pixels: &[u8], colours: png::ColorType) -> Result<Self, Failure> {
        let failure = |what: &dyn std::fmt::Display| {
            Failure::new(format!("cannot make a picture for the report: {what}"))
        };
        let row = (width * colours.samples()).max(1);
        let [width, height] = [width, pixels.len() / row].map(u32::try_from);
        let (Ok(width), Ok(height)) = (width, height) else {
            return Err(failure(&"it is too large"));
        };
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colours);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(pixels))
            .map_err(|error| failure(&error))?;
        let uri = format!("data:image/png;base64,{}", STANDARD.encode(&file));
        Ok(Self { uri })
    }
}

/// Red, green, blue and opacity of a value from -1 to 1.
fn colour(value: f64) -> [u8; 4] {
    let [red, green, blue] = if value < 0.0 { NEGATIVE } else { POSITIVE };
    // As NaN casts to 0, what is no number is transparent.
    let opacity = (255.0 * value.abs().min(1.0)).round();
    [
        red,
        green,
        blue,
        if value.is_nan() { 0 } else { opacity as u8 },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(picture: &Picture) -> (u32, u32, Vec<u8>) {
        let data = picture.uri().strip_prefix("data:image/png;base64,");
        let file = STANDARD.decode(data.unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn pictures_hold_their_pixels() {
        let pixels = [0, 1, 2, 127, 254, 255];
        let picture = Picture::grey(3, &pixels).unwrap();
        assert_eq!(decode(&picture), (3, 2, pixels.to_vec()));
        let values = [-1.0, 0.0, f64::NAN, 0.2, f64::INFINITY];
        let (width, height, pixels) = decode(&Picture::signed(5, values.into_iter()).unwrap());
        assert_eq!((width, height), (5, 1));
        let opacity: Vec<u8> = pixels.chunks(4).map(|pixel| pixel[3]).collect();
        assert_eq!(opacity, [255, 0, 0, 51, 255]);
        assert_eq!(
            (&pixels[..3], &pixels[16..19]),
            (&NEGATIVE[..], &POSITIVE[..])
        );
    }

    #[test]
    fn what_makes_no_rows_is_no_picture() {
        for (width, pixels) in [(2, &[1, 2, 3][..]), (0, &[1]), (3, &[])] {
            assert!(Picture::grey(width, pixels).is_err(), "{width}");
        }
    }
}
