//! Makes PNG and JPEG files, ordinary and damaged ones.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};
use jpeg_encoder::{ColorType, Encoder};
use runner::task::predict::Picture;

/// Colour types of PNG.
pub(crate) const GREY: u8 = 0;
pub(crate) const RGB: u8 = 2;
pub(crate) const PALETTE: u8 = 3;
pub(crate) const GREY_ALPHA: u8 = 4;
pub(crate) const RGBA: u8 = 6;

/// Whether a pixel is ink: an upright bar, a one.
pub(crate) fn ink(x: usize, y: usize, [width, height]: [usize; 2]) -> bool {
    10 * x / width == 4 && (1..9).contains(&(10 * y / height))
}

/// The bar, black on white.
pub(crate) fn bar(size: [usize; 2]) -> Picture {
    let pixels = places(size).map(|(x, y)| if ink(x, y, size) { 0 } else { 255 });
    Picture {
        width: size[0],
        height: size[1],
        pixels: pixels.collect(),
    }
}

pub(crate) fn places([width, height]: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    (0..width * height).map(move |place| (place % width, place / width))
}

/// A chunk of a PNG file: length, kind, content, checksum.
pub(crate) fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], kind, content, &crc.sum().to_be_bytes()].concat()
}

pub(crate) fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A PNG file: width and height, bits and colour type, chunks before the pixels, and the rows, each after a filter byte.
pub(crate) fn png(
    size: [u32; 2],
    kind: [u8; 2],
    interlaced: bool,
    chunks: &[u8],
    rows: &[u8],
) -> Vec<u8> {
    let [width, height] = size.map(u32::to_be_bytes);
    let header = [&width[..], &height, &kind, &[0, 0, interlaced.into()]].concat();
    let signature = b"\x89PNG\r\n\x1a\n";
    let (header, pixels) = (chunk(b"IHDR", &header), chunk(b"IDAT", &zlib(rows)));
    [
        signature,
        &header[..],
        chunks,
        &pixels,
        &chunk(b"IEND", b""),
    ]
    .concat()
}

/// Rows of samples of some bits, each row after a filter byte that says `as it is`.
pub(crate) fn rows(width: usize, bits: usize, samples: impl Iterator<Item = u16>) -> Vec<u8> {
    let samples: Vec<u16> = samples.collect();
    let mut rows = Vec::new();
    for row in samples.chunks(width) {
        rows.push(0);
        if bits == 16 {
            rows.extend(row.iter().flat_map(|sample| sample.to_be_bytes()));
        } else {
            let byte = |group: &[u16]| {
                let place = |(i, sample): (usize, &u16)| sample << (8 - bits * (i + 1));
                group.iter().enumerate().map(place).sum::<u16>() as u8
            };
            rows.extend(row.chunks(8 / bits).map(byte));
        }
    }
    rows
}

/// A PNG file of red, green, blue and opacity.
pub(crate) fn rgba(size: [usize; 2], pixel: impl Fn(usize, usize) -> [u16; 4]) -> Vec<u8> {
    let samples = places(size).flat_map(|(x, y)| pixel(x, y));
    png(
        size.map(|side| side as u32),
        [8, RGBA],
        false,
        &[],
        &rows(4 * size[0], 8, samples),
    )
}

/// A JPEG file of the bar.
pub(crate) fn jpeg(
    size: [usize; 2],
    color: ColorType,
    prepare: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let pixels: Vec<u8> = match color {
        ColorType::Luma => bar(size).pixels,
        ColorType::Rgb => bar(size)
            .pixels
            .iter()
            .flat_map(|&shade| [shade; 3])
            .collect(),
        // Cyan, magenta, yellow and black ink.
        _ => bar(size)
            .pixels
            .iter()
            .flat_map(|&shade| [0, 0, 0, 255 - shade])
            .collect(),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    prepare(&mut encoder);
    encoder
        .encode(&pixels, size[0] as u16, size[1] as u16, color)
        .unwrap();
    file
}

pub(crate) fn decoded(file: &[u8]) -> Picture {
    Picture::decode(file, "F").unwrap_or_else(|failure| panic!("{failure}"))
}

/// What a file is refused with: one line to four, that names the file.
pub(crate) fn refused(file: &[u8]) -> String {
    let message = match Picture::decode(file, "F") {
        Err(failure) => failure.to_string(),
        Ok(picture) => panic!("{}x{} pixels were read", picture.width, picture.height),
    };
    assert!(
        message.starts_with("F: ") && message.lines().count() <= 4,
        "{message}"
    );
    message
}
