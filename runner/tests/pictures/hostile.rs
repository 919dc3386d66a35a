//! Files that are damaged, that lie, or that ask for too much.

use flate2::Crc;
use jpeg_encoder::{ColorType, SamplingFactor};
use minitorch_core::Generator;
use runner::task::predict::{Picture, digit};

use crate::files::*;

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
