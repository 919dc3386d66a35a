//! What a file shows does not depend on how it is written.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use runner::task::predict::digit;

use crate::files::*;

#[test]
fn every_kind_of_png_gives_the_same_shades() {
    let size = [37, 50];
    for (color, depths) in [
        (GREY, &[1, 2, 4, 8, 16][..]),
        (RGB, &[8, 16]),
        (PALETTE, &[1, 2, 4, 8]),
        (GREY_ALPHA, &[8, 16]),
        (RGBA, &[8, 16]),
    ] {
        for &depth in depths {
            let full = u16::MAX >> (16 - depth);
            let pixel = |(x, y)| {
                let shade = if ink(x, y, size) { 0 } else { full };
                match color {
                    GREY => vec![shade],
                    RGB => vec![shade; 3],
                    GREY_ALPHA => vec![shade, full],
                    RGBA => vec![shade, shade, shade, full],
                    _ => vec![u16::from(ink(x, y, size))],
                }
            };
            let samples: Vec<u16> = places(size).flat_map(pixel).collect();
            let width = samples.len() / size[1];
            let rows = rows(width, depth.into(), samples.into_iter());
            let palette = chunk(b"PLTE", &[255, 255, 255, 0, 0, 0]);
            let palette = if color == PALETTE { &palette[..] } else { &[] };
            let file = png([37, 50], [depth, color], false, palette, &rows);
            assert_eq!(
                decoded(&file),
                bar(size),
                "colour type {color}, {depth} bits"
            );
        }
    }
}

#[test]
fn an_interlaced_png_is_the_same_picture() {
    for size in [[37, 50], [5, 3], [1, 1], [1, 9], [3, 1]] {
        let mut content = Vec::new();
        for (y, x, down, right) in [
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        ] {
            let columns: Vec<usize> = (x..size[0]).step_by(right).collect();
            if columns.is_empty() {
                continue;
            }
            for y in (y..size[1]).step_by(down) {
                let samples = columns.iter().map(|&x| u16::from(!ink(x, y, size)));
                content.extend(rows(columns.len(), 1, samples));
            }
        }
        let file = png(size.map(|side| side as u32), [1, GREY], true, &[], &content);
        assert_eq!(decoded(&file), bar(size), "{size:?}");
    }
}

#[test]
fn every_kind_of_jpeg_gives_nearly_the_same_shades() {
    use SamplingFactor::*;
    let size = [100, 140];
    for color in [
        ColorType::Luma,
        ColorType::Rgb,
        ColorType::Cmyk,
        ColorType::CmykAsYcck,
    ] {
        for progressive in [false, true] {
            for sampling in [F_1_1, F_2_1, F_1_2, F_2_2, F_4_1, F_1_4] {
                let file = jpeg(size, color, |encoder| {
                    encoder.set_progressive(progressive);
                    encoder.set_sampling_factor(sampling);
                    encoder.set_restart_interval(5);
                });
                let (picture, expected) = (decoded(&file), bar(size));
                let differences = picture
                    .pixels
                    .iter()
                    .zip(&expected.pixels)
                    .map(|(a, b)| a.abs_diff(*b));
                let mean = differences.map(f64::from).sum::<f64>() / 14_000.0;
                assert!(
                    mean < 2.0,
                    "{color:?} {sampling:?}, progressive {progressive}: {mean}"
                );
            }
        }
    }
}

#[test]
fn a_camera_that_was_turned_gives_the_picture_as_it_was_seen() {
    // An ell tells all eight ways apart: its corner and the end of its foot are dark.
    let is_ink = |x: usize, y: usize| x < 8 || y >= 40;
    let samples = |[width, height]: [usize; 2], stored: &dyn Fn(usize, usize) -> bool| -> Vec<u8> {
        places([width, height])
            .map(|(x, y)| if stored(x, y) { 0 } else { 255 })
            .collect()
    };
    // Where pixel (x, y) of a seen picture of 32x48 is stored, by the definition of each orientation.
    let (right, bottom) = (31, 47);
    for orientation in 1..=8u8 {
        let size = if orientation < 5 { [32, 48] } else { [48, 32] };
        let stored = |a: usize, b: usize| match orientation {
            1 => is_ink(a, b),
            2 => is_ink(right - a, b),
            3 => is_ink(right - a, bottom - b),
            4 => is_ink(a, bottom - b),
            5 => is_ink(b, a),
            6 => is_ink(right - b, a),
            7 => is_ink(right - b, bottom - a),
            _ => is_ink(b, bottom - a),
        };
        for little in [false, true] {
            let [magic, offset, count, tag, kind, one] = match little {
                true => [
                    &[b'I', b'I', 42, 0][..],
                    &[8, 0, 0, 0],
                    &[1, 0],
                    &[0x12, 1],
                    &[3, 0],
                    &[1, 0, 0, 0],
                ],
                false => [
                    &[b'M', b'M', 0, 42][..],
                    &[0, 0, 0, 8],
                    &[0, 1],
                    &[1, 0x12],
                    &[0, 3],
                    &[0, 0, 0, 1],
                ],
            };
            let value = if little {
                [orientation, 0, 0, 0]
            } else {
                [0, orientation, 0, 0]
            };
            let exif = [magic, offset, count, tag, kind, one, &value, &[0; 4]].concat();
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 95);
            encoder
                .add_app_segment(1, [&b"Exif\0\0"[..], &exif].concat())
                .unwrap();
            let pixels = samples(size, &stored);
            encoder
                .encode(&pixels, size[0] as u16, size[1] as u16, ColorType::Luma)
                .unwrap();
            let picture = decoded(&file);
            assert_eq!((picture.width, picture.height), (32, 48), "{orientation}");
            let seen = picture.pixels.iter().map(|&shade| shade < 128);
            assert!(
                seen.eq(places([32, 48]).map(|(x, y)| is_ink(x, y))),
                "{orientation}"
            );
            // Cut anywhere, it is no orientation, and no panic.
            for length in 0..exif.len() {
                let mut file = Vec::new();
                let mut encoder = Encoder::new(&mut file, 95);
                encoder
                    .add_app_segment(1, [&b"Exif\0\0"[..], &exif[..length]].concat())
                    .unwrap();
                encoder.encode(&[255; 64], 8, 8, ColorType::Luma).unwrap();
                decoded(&file);
            }
        }
    }
}

#[test]
fn what_is_transparent_does_not_hide_the_digit() {
    let size = [100, 140];
    let expected = digit::find(&bar(size)).unwrap();
    let corner = |x: usize, y: usize| !(20..80).contains(&x) && !(20..120).contains(&y);
    type Pixel<'a> = &'a dyn Fn(usize, usize) -> [u16; 4];
    let cases: [(&str, Pixel<'_>); 7] = [
        ("black on nothing", &|x, y| {
            [0, 0, 0, if ink(x, y, size) { 255 } else { 0 }]
        }),
        ("white on nothing", &|x, y| {
            [255, 255, 255, if ink(x, y, size) { 255 } else { 0 }]
        }),
        ("white on invisible black", &|x, y| {
            if ink(x, y, size) { [255; 4] } else { [0; 4] }
        }),
        ("black on invisible white", &|x, y| {
            if ink(x, y, size) {
                [0, 0, 0, 255]
            } else {
                [255, 255, 255, 0]
            }
        }),
        ("blue on half-transparent white", &|x, y| {
            if ink(x, y, size) {
                [0, 0, 255, 255]
            } else {
                [255, 255, 255, 128]
            }
        }),
        (
            "a white card with round corners",
            &|x, y| match (corner(x, y), ink(x, y, size)) {
                (true, _) => [0; 4],
                (_, true) => [0, 0, 0, 255],
                _ => [255; 4],
            },
        ),
        (
            "a black card with round corners",
            &|x, y| match (corner(x, y), ink(x, y, size)) {
                (true, _) => [255, 255, 255, 0],
                (_, true) => [255; 4],
                _ => [0, 0, 0, 255],
            },
        ),
    ];
    for (what, pixel) in cases {
        let picture = decoded(&rgba(size, pixel));
        assert_eq!(digit::find(&picture), Some(expected), "{what}");
    }
    assert_eq!(digit::find(&decoded(&rgba(size, |_, _| [0; 4]))), None);
}

#[test]
fn a_large_picture_is_averaged_in_squares() {
    // 5000 pixels to a side make squares of 5x5; those at the right and bottom edges may be smaller.
    let size = [5003, 2001];
    let samples = places(size).map(|(x, y)| ((x / 5 + y / 5) % 256 + (x % 5) * 2) as u16 % 256);
    let samples: Vec<u16> = samples.collect();
    let file = png(
        [5003, 2001],
        [8, GREY],
        false,
        &[],
        &rows(5003, 8, samples.iter().copied()),
    );
    let picture = decoded(&file);
    assert_eq!((picture.width, picture.height), (1001, 401));
    for (x, y) in places([1001, 401]) {
        let square = (5 * y..(5 * y + 5).min(2001))
            .flat_map(|y| (5 * x..(5 * x + 5).min(5003)).map(move |x| y * 5003 + x));
        let values: Vec<f64> = square.map(|place| f64::from(samples[place])).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let shade = f64::from(picture.pixels[y * 1001 + x]);
        assert!((shade - mean).abs() <= 0.5, "{x} {y}: {shade} for {mean}");
    }
    // The same from a JPEG, which is decoded at a quarter of its size.
    let picture = decoded(&jpeg([4200, 4200], ColorType::Luma, |_| {}));
    let expected = bar([picture.width, picture.height]);
    assert!(picture.width.max(picture.height) <= 1024);
    let differences = picture
        .pixels
        .iter()
        .zip(&expected.pixels)
        .map(|(a, b)| a.abs_diff(*b));
    let mean = differences.map(f64::from).sum::<f64>() / expected.pixels.len() as f64;
    assert!(mean < 1.0, "{mean}");
}
