//! PNG files: any colour type and depth, interlaced or not; of an animation the still picture.

use std::io::{Cursor, ErrorKind};

use png::{DecodeOptions, Decoder, DecodingError, Transformations};

use super::canvas::Canvas;
use super::{MOST, Picture, check_size, luminance};
use crate::error::Failure;

/// Where the rows of a pass lie: first row and column, and the distance between two.
struct Pass {
    first: [usize; 2],
    step: [usize; 2],
}

const fn pass(y: usize, x: usize, rows: usize, columns: usize) -> Pass {
    Pass {
        first: [y, x],
        step: [rows, columns],
    }
}

/// All rows in order.
const WHOLE: [Pass; 1] = [pass(0, 0, 1, 1)];
/// The seven passes of an interlaced picture (Adam7).
const INTERLACED: [Pass; 7] = [
    pass(0, 0, 8, 8),
    pass(0, 4, 8, 8),
    pass(4, 0, 8, 4),
    pass(0, 2, 4, 4),
    pass(2, 0, 4, 2),
    pass(0, 1, 2, 2),
    pass(1, 0, 2, 1),
];

/// The picture and its EXIF data, if it has any.
///
/// # Errors
///
/// A damaged or incomplete file, and too large a picture.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<(Picture, Option<Vec<u8>>), Failure> {
    let failure = |error: DecodingError| match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Failure::at_byte(
                name,
                bytes.len() as u64,
                "the file ends here, but the picture goes on",
            )
        }
        error => Failure::file(name, format_args!("damaged PNG: {error}")),
    };
    // Texts and colour profiles may be compressed, to a thousandth of their size; nothing here needs them.
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(failure)?;
    let size = [header.width as usize, header.height as usize];
    check_size(size, MOST, name)?;

    let mut reader = decoder.read_info().map_err(failure)?;
    let channels = reader.output_color_type().0.samples();
    let passes = if reader.info().interlaced {
        &INTERLACED[..]
    } else {
        &WHOLE[..]
    };
    let mut canvas = Canvas::new(size);
    for Pass { first, step } in passes {
        let pixels = size[0].saturating_sub(first[1]).div_ceil(step[1]);
        let rows = if pixels > 0 { first[0]..size[1] } else { 0..0 };
        for y in rows.step_by(step[0]) {
            let row = reader.next_interlaced_row().map_err(failure)?;
            // An animation can say that its first picture is smaller than the header says.
            let Some(row) = row
                .map(|row| row.data())
                .filter(|row| row.len() == pixels * channels)
            else {
                return Err(Failure::file(
                    name,
                    "damaged PNG: fewer pixels than the header promises",
                ));
            };
            canvas.add(y, first[1], step[1], row.chunks_exact(channels).map(grey));
        }
    }
    // A file that is cut off behind the last row is damaged, too.
    reader.finish().map_err(failure)?;
    let exif = reader
        .info()
        .exif_metadata
        .as_ref()
        .map(|exif| exif.to_vec());
    Ok((canvas.finish(), exif))
}

/// Luminance and opacity of a pixel of 1 to 4 channels.
fn grey(pixel: &[u8]) -> [u8; 2] {
    match *pixel {
        [grey] => [grey, 255],
        [grey, opacity] => [grey, opacity],
        [red, green, blue] => [luminance(red, green, blue), 255],
        [red, green, blue, opacity] => [luminance(red, green, blue), opacity],
        _ => [0, 0],
    }
}
