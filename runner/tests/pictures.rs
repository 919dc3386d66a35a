//! Pictures: every kind of PNG and JPEG gives the same shades, what is transparent does not hide the digit, and no file,
//! however hostile, gets past the reader.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use runner::task::predict::{Picture, digit};

/// Colour types of PNG.
const GREY: u8 = 0;
const RGB: u8 = 2;
const PALETTE: u8 = 3;
const GREY_ALPHA: u8 = 4;
const RGBA: u8 = 6;

/// Whether a pixel is ink: an upright bar, a one.
fn ink(x: usize, y: usize, [width, height]: [usize; 2]) -> bool {
    10 * x / width == 4 && (1..9).contains(&(10 * y / height))
}

/// The bar, black on white.
fn bar(size: [usize; 2]) -> Picture {
    let pixels = places(size).map(|(x, y)| if ink(x, y, size) { 0 } else { 255 });
    Picture {
        width: size[0],
        height: size[1],
        pixels: pixels.collect(),
    }
}

fn places([width, height]: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    (0..width * height).map(move |place| (place % width, place / width))
}

/// A chunk of a PNG file: length, kind, content, checksum.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], kind, content, &crc.sum().to_be_bytes()].concat()
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A PNG file: width and height, bits and colour type, chunks before the pixels, and the rows, each after a filter byte.
fn png(size: [u32; 2], kind: [u8; 2], interlaced: bool, chunks: &[u8], rows: &[u8]) -> Vec<u8> {
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
fn rows(width: usize, bits: usize, samples: impl Iterator<Item = u16>) -> Vec<u8> {
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
fn rgba(size: [usize; 2], pixel: impl Fn(usize, usize) -> [u16; 4]) -> Vec<u8> {
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
fn jpeg(
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

fn decoded(file: &[u8]) -> Picture {
    Picture::decode(file, "F").unwrap_or_else(|failure| panic!("{failure}"))
}

/// What a file is refused with: one line to four, that names the file.
fn refused(file: &[u8]) -> String {
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
    let corner = |x: usize, y: usize| (x < 20 || x >= 80) && (y < 20 || y >= 120);
    let cases: [(&str, &dyn Fn(usize, usize) -> [u16; 4]); 7] = [
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
fn a_wrong_extension_does_not_matter_but_other_content_does() {
    assert!(refused(b"").contains("empty"));
    for content in [
        &b"GIF89a"[..],
        b"BM",
        b"<svg/>",
        b"\x89PN",
        b"\xff",
        &[0; 100],
    ] {
        assert_eq!(
            refused(content),
            "F: byte 0: neither a PNG nor a JPEG picture begins like this"
        );
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    let size = [40, 30];
    let samples = places(size).map(|(x, y)| u16::from(ink(x, y, size)) * 255);
    let whole = png([40, 30], [8, GREY], false, &[], &rows(40, 8, samples));
    let mut files = vec![whole];
    for progressive in [false, true] {
        files.push(jpeg(size, ColorType::Rgb, |encoder| {
            encoder.set_progressive(progressive)
        }));
    }
    for file in files {
        decoded(&file);
        for length in 4..file.len() {
            let message = refused(&file[..length]);
            let end = format!("F: byte {length}: the file ends here, but the picture goes on");
            assert_eq!(message, end, "{length} of {}", file.len());
        }
    }
}

#[test]
fn sizes_are_checked_before_anything_is_decoded() {
    for (size, part) in [
        (
            [30_000, 30_000],
            "a picture of 30000x30000 pixels; at most 536 million are read",
        ),
        (
            [u32::MAX >> 1, u32::MAX >> 1],
            "at most 65535 to a side are read",
        ),
        ([65_536, 1], "at most 65535 to a side are read"),
        ([0, 5], "damaged PNG"),
    ] {
        let message = refused(&png(size, [16, RGBA], false, &[], &[]));
        assert!(message.contains(part), "{message}");
    }
    // A JPEG says its size in bytes that are easily found.
    for (progressive, limit) in [(false, "536 million"), (true, "67 million")] {
        let mut file = jpeg([16, 16], ColorType::Luma, |encoder| {
            encoder.set_progressive(progressive)
        });
        let frame = file
            .windows(2)
            .position(|pair| matches!(pair, [0xff, 0xc0 | 0xc2]))
            .unwrap();
        file[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
        let message = refused(&file);
        assert!(
            message.contains("65535x65535 pixels") && message.contains(limit),
            "{message}"
        );
    }
}

#[test]
fn a_promise_that_is_not_kept_is_an_error() {
    // Fewer rows than the header says; a wrong checksum; an animation whose first picture is smaller.
    let message = refused(&png([40, 30], [8, GREY], false, &[], &[0; 41 * 29]));
    assert!(message.contains("damaged PNG"), "{message}");
    let mut file = png([40, 30], [8, GREY], false, &[], &[0; 41 * 30]);
    let end = file.len() - 14;
    file[end] ^= 1;
    assert!(refused(&file).contains("damaged PNG"));
    let animation = chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let frame = [
        0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0,
    ];
    let chunks = [animation, chunk(b"fcTL", &[&[0; 4][..], &frame].concat())].concat();
    let message = refused(&png([40, 30], [8, GREY], false, &chunks, &[0; 21 * 30]));
    assert!(message.contains("damaged PNG"), "{message}");
}

#[test]
fn a_small_jpeg_of_many_scans_is_an_error() {
    let file = jpeg([16, 16], ColorType::Luma, |encoder| {
        encoder.set_progressive(true)
    });
    let scan = file
        .windows(2)
        .rposition(|pair| pair == [0xff, 0xda])
        .unwrap();
    let end = file.len() - 2;
    let many = [&file[..scan], &file[scan..end].repeat(200), &file[end..]].concat();
    assert!(
        refused(&many).contains("over 100 scans"),
        "{}",
        refused(&many)
    );
}

#[test]
fn a_bomb_beside_the_picture_is_not_unpacked() {
    // What goes off would be over the limit of the decoder.
    let bomb = zlib(&vec![0; 128 << 20]);
    let text = chunk(b"zTXt", &[&b"a\0\0"[..], &bomb].concat());
    let profile = chunk(b"iCCP", &[&b"a\0\0"[..], &bomb].concat());
    let chunks = [text, profile].concat();
    decoded(&png([40, 30], [8, GREY], false, &chunks, &[0; 41 * 30]));
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

#[test]
fn extreme_proportions_are_answers() {
    for size in [
        [1, 20_000],
        [20_000, 1],
        [3, 5000],
        [5000, 2],
        [2, 2],
        [1, 2],
    ] {
        let sample = |(x, y): (usize, usize)| {
            let (x, y) = (x as f32 / size[0] as f32, y as f32 / size[1] as f32);
            u16::from((0.3..0.6).contains(&x.max(y))) * 255
        };
        let rows = rows(size[0], 8, places(size).map(sample));
        let picture = decoded(&png(
            size.map(|side| side as u32),
            [8, GREY],
            false,
            &[],
            &rows,
        ));
        // Whatever it is, it is no crash.
        let _ = digit::find(&picture);
    }
    for shade in [0, 255] {
        let one = decoded(&png([1, 1], [8, GREY], false, &[], &[0, shade]));
        assert_eq!(digit::find(&one), None);
    }
}

/// Changes files at random, half of the time in their headers, and reads them: an error or an answer, never a panic.
fn mutate(count: usize) {
    use minitorch_core::Generator;
    let size = [33, 41];
    let mut files = Vec::new();
    for color in [ColorType::Luma, ColorType::Rgb, ColorType::Cmyk] {
        for progressive in [false, true] {
            for (size, sampling) in [
                (size, SamplingFactor::F_2_2),
                ([140, 180], SamplingFactor::F_1_1),
            ] {
                files.push(jpeg(size, color, |encoder| {
                    encoder.set_progressive(progressive);
                    encoder.set_sampling_factor(sampling);
                    encoder.set_restart_interval(3);
                }));
            }
        }
    }
    for (color, depth, channels) in [
        (GREY, 1, 1),
        (GREY, 16, 1),
        (RGB, 8, 3),
        (PALETTE, 4, 1),
        (RGBA, 8, 4),
    ] {
        let pixel = |(x, y)| {
            [u16::from(ink(x, y, size)), 1, 1, 1]
                .into_iter()
                .take(channels)
        };
        let rows = rows(33 * channels, depth.into(), places(size).flat_map(pixel));
        let palette = chunk(b"PLTE", &[255, 255, 255, 0, 0, 0]);
        let chunks = [palette, chunk(b"tRNS", &[255, 128])].concat();
        let chunks = if color == PALETTE { &chunks[..] } else { &[] };
        files.push(png([33, 41], [depth, color], false, chunks, &rows));
    }
    let mut rng = Generator::new(1);
    let (mut read, mut below) = (0, |most: usize| rng.below(most as u32) as usize);
    for _ in 0..count {
        let mut file = files[below(files.len())].clone();
        for _ in 0..=below(6) {
            let most = if below(2) == 0 {
                file.len().min(700)
            } else {
                file.len()
            };
            let at = below(most);
            match below(5) {
                0 => file[at] = below(256) as u8,
                1 => file[at] ^= 1 << below(8),
                2 => _ = file.remove(at),
                3 => file.insert(at, below(256) as u8),
                _ => file.truncate(at.max(8)),
            }
        }
        repair(&mut file);
        if let Ok(picture) = Picture::decode(&file, "F") {
            read += 1;
            let _ = digit::find(&picture);
        }
    }
    assert!(read > count / 50, "{read} of {count} files were read");
}

/// Corrects the checksums of a PNG file, so that what was changed is looked at.
fn repair(file: &mut [u8]) {
    let mut at = 8;
    while file.starts_with(b"\x89PNG") && at + 12 <= file.len() {
        let length = u32::from_be_bytes([0, 1, 2, 3].map(|i| file[at + i])) as usize;
        if at + 12 + length > file.len() {
            return;
        }
        let mut crc = Crc::new();
        crc.update(&file[at + 4..at + 8 + length]);
        file[at + 8 + length..at + 12 + length].copy_from_slice(&crc.sum().to_be_bytes());
        at += 12 + length;
    }
}

#[test]
fn files_that_were_changed_at_random_are_errors_or_answers() {
    mutate(5000);
}

/// `cargo test --release -p runner --test pictures -- --ignored`: a minute.
#[test]
#[ignore = "a minute"]
fn many_files_that_were_changed_at_random_are_errors_or_answers() {
    mutate(300_000);
}
