//! JPEG files: baseline and progressive, grey, colour or CMYK.

use jpeg_decoder::{CodingProcess, Decoder, Error, ImageInfo};

use super::canvas::{Canvas, SIDE};
use super::{MOST, Picture, check_size, luminance};
use crate::error::Failure;

/// The most pixels of a progressive JPEG, 67 million. Its coefficients have to be in memory together, 6 bytes for a
/// pixel in colour and 8 in CMYK, before the first pixel is known.
const MOST_PROGRESSIVE: usize = 1 << 26;
/// The most scans. Each goes over all of a progressive picture, so that a small file of many could take hours; programs
/// write about ten.
const MOST_SCANS: usize = 100;

/// The picture and its EXIF data, if it has any.
///
/// # Errors
///
/// A damaged or incomplete file, an unusual kind of JPEG, and too large a picture.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<(Picture, Option<Vec<u8>>), Failure> {
    let failure =
        |error: Error| Failure::file(name, format_args!("damaged or unusual JPEG: {error}"));
    check_scans(bytes, name)?;
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().map_err(failure)?;
    let header = |decoder: &Decoder<&[u8]>| {
        decoder
            .info()
            .ok_or_else(|| Failure::file(name, "damaged JPEG: it has no header"))
    };
    let ImageInfo {
        width,
        height,
        coding_process,
        ..
    } = header(&decoder)?;
    let most = match coding_process {
        CodingProcess::DctSequential => MOST,
        CodingProcess::DctProgressive => MOST_PROGRESSIVE,
        CodingProcess::Lossless => {
            return Err(Failure::file(
                name,
                "a lossless JPEG, which is not supported",
            ));
        }
    };
    check_size([width, height].map(usize::from), most, name)?;

    // A picture of more than twice the canvas is decoded at a half, a quarter or an eighth of its size.
    decoder.scale(SIDE as u16, SIDE as u16).map_err(failure)?;
    let pixels = decoder.decode().map_err(failure)?;
    let ImageInfo {
        width,
        height,
        pixel_format,
        ..
    } = header(&decoder)?;
    let (width, height, channels) = (
        usize::from(width),
        usize::from(height),
        pixel_format.pixel_bytes(),
    );
    let mut canvas = Canvas::new([width, height]);
    for (y, row) in pixels.chunks_exact(width * channels).enumerate() {
        canvas.add(
            y,
            0,
            1,
            row.chunks_exact(channels).map(|pixel| [grey(pixel), 255]),
        );
    }
    Ok((canvas.finish(), decoder.exif_data().map(<[u8]>::to_vec)))
}

/// The luminance of a pixel: grey, red-green-blue, or cyan-magenta-yellow-black.
fn grey(pixel: &[u8]) -> u8 {
    match *pixel {
        [grey] => grey,
        [red, green, blue] => luminance(red, green, blue),
        [cyan, magenta, yellow, black] => {
            let light = |ink: u8| ((255 - u32::from(ink)) * (255 - u32::from(black)) / 255) as u8;
            luminance(light(cyan), light(magenta), light(yellow))
        }
        _ => 0,
    }
}

/// Walks from marker to marker to the end of the picture, which a decoder may do without, and counts the scans.
fn check_scans(bytes: &[u8], name: &str) -> Result<(), Failure> {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: u8 = 0xd9;
    let cut = || {
        Failure::at_byte(
            name,
            bytes.len() as u64,
            "the file ends here, but the picture goes on",
        )
    };
    let (mut at, mut scans) = (2, 0);
    loop {
        // In a scan's data 0xff is followed by 0, or by a restart marker; before a marker it may be repeated.
        let rest = bytes.get(at..).ok_or_else(cut)?;
        let is_marker =
            |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0x01 | 0xd0..=0xd7 | 0xff);
        at += rest.windows(2).position(is_marker).ok_or_else(cut)?;
        match bytes[at + 1] {
            END_OF_IMAGE => return Ok(()),
            START_OF_SCAN => scans += 1,
            _ => {}
        }
        if scans > MOST_SCANS {
            return Err(Failure::at_byte(
                name,
                at as u64,
                format_args!("over {MOST_SCANS} scans in a JPEG"),
            ));
        }
        let length = bytes.get(at + 2..at + 4).ok_or_else(cut)?;
        at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
}
