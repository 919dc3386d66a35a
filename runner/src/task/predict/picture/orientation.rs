//! How a camera was held: the orientation of EXIF data, which telephones write instead of turning the picture.

use super::Picture;

/// The tag of the orientation in EXIF data.
const ORIENTATION: u16 = 0x0112;

/// How stored pixels become what was seen: first mirrored in the main diagonal, then from left to right, then from top to
/// bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    transpose: bool,
    flip_x: bool,
    flip_y: bool,
}

/// The orientation that EXIF data (a TIFF file without pictures) names; as it is stored if there is none, or if the data
/// make no sense.
pub(super) fn of(exif: &[u8]) -> Orientation {
    let orientation = |transpose, flip_x, flip_y| Orientation {
        transpose,
        flip_x,
        flip_y,
    };
    match value(exif).unwrap_or(1) {
        2 => orientation(false, true, false),
        3 => orientation(false, true, true),
        4 => orientation(false, false, true),
        5 => orientation(true, false, false),
        6 => orientation(true, true, false),
        7 => orientation(true, true, true),
        8 => orientation(true, false, true),
        _ => Orientation::default(),
    }
}

/// The number behind the tag: byte order, 42, offset of the directory; there a count and entries of 12 bytes, each tag,
/// type, count and value.
fn value(exif: &[u8]) -> Option<u16> {
    let little = match exif.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let bytes = |at: usize, length| exif.get(at..)?.get(..length);
    let short = |at| {
        let bytes: [u8; 2] = bytes(at, 2)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let long = |at| {
        let bytes: [u8; 4] = bytes(at, 4)?.try_into().ok()?;
        Some(if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = (0..usize::from(short(directory)?)).map(|entry| directory + 2 + 12 * entry);
    let mut entries = entries.take_while(|&at| at < exif.len());
    let entry = entries.find(|&at| short(at) == Some(ORIENTATION))?;
    short(entry + 8)
}

impl Picture {
    /// The picture as it was seen.
    pub(super) fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::default() {
            return self;
        }
        let Orientation {
            transpose,
            flip_x,
            flip_y,
        } = orientation;
        let (width, height) = if transpose {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let pixel = |place: usize| {
            let (x, y) = (place % width, place / width);
            let x = if flip_x { width - 1 - x } else { x };
            let y = if flip_y { height - 1 - y } else { y };
            let (x, y) = if transpose { (y, x) } else { (x, y) };
            self.pixels[y * self.width + x]
        };
        Self {
            width,
            height,
            pixels: (0..width * height).map(pixel).collect(),
        }
    }
}
