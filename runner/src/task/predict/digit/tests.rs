use super::*;
use crate::data::{Digits, Mnist};

/// Held-out images of MNIST.
fn digits() -> Digits {
    Mnist::embedded()
        .expect("the images in the program")
        .held_out
}

/// An image, each pixel `times` as large, at a place on a sheet; `shade` makes ink a shade, given the place.
fn sheet(
    image: &[u8],
    times: usize,
    [left, top]: [usize; 2],
    [width, height]: [usize; 2],
    shade: impl Fn(f32, usize, usize) -> f32,
) -> Picture {
    let pixel = |place: usize| {
        let (x, y) = (place % width, place / width);
        let inside =
            (left..left + SIDE * times).contains(&x) && (top..top + SIDE * times).contains(&y);
        let ink = if inside {
            image[(y - top) / times * SIDE + (x - left) / times]
        } else {
            0
        };
        shade(f32::from(ink) / 255.0, x, y).round() as u8
    };
    Picture {
        width,
        height,
        pixels: (0..width * height).map(pixel).collect(),
    }
}

fn black_on_white(ink: f32, _: usize, _: usize) -> f32 {
    255.0 * (1.0 - ink)
}

/// The mean difference of two images, of 255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: u32 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum();
    f64::from(sum) / a.len() as f64
}

/// The mean difference between images and what is found of them.
fn mean_difference(picture: impl Fn(&[u8]) -> Picture) -> f64 {
    let digits = digits();
    let found = |index| find(&picture(digits.image(index))).expect("a digit");
    (0..100)
        .map(|index| difference(digits.image(index), &found(index)))
        .sum::<f64>()
        / 100.0
}

#[test]
fn an_image_comes_back_almost_as_it_was() {
    let plain = mean_difference(|image| sheet(image, 1, [0, 0], [28, 28], black_on_white));
    assert!(plain < 1.5, "{plain}");
    // Exactly the same, wherever it lies, in black on white or white on black.
    for (index, image) in digits().pixels().chunks_exact(PIXELS).take(50).enumerate() {
        let expected = find(&sheet(image, 1, [0, 0], [28, 28], black_on_white));
        assert!(expected.is_some());
        let moved = sheet(image, 1, [40, 3], [90, 50], black_on_white);
        assert_eq!(find(&moved), expected, "image {index}, moved");
        let inverted = sheet(image, 1, [2, 30], [70, 60], |ink, _, _| 255.0 * ink);
        assert_eq!(find(&inverted), expected, "image {index}, inverted");
    }
}

#[test]
fn size_light_and_contrast_do_not_matter() {
    let large = mean_difference(|image| sheet(image, 7, [100, 30], [400, 250], black_on_white));
    assert!(large < 1.5, "{large}");
    let faint = mean_difference(|image| {
        sheet(image, 3, [10, 3], [100, 90], |ink, _, _| 200.0 - 60.0 * ink)
    });
    assert!(faint < 2.0, "{faint}");
    let lit = mean_difference(|image| {
        sheet(image, 5, [40, 30], [250, 220], |ink, x, y| {
            let paper = 130.0 + x as f32 / 4.0 + y as f32 / 5.0;
            paper * (1.0 - 0.8 * ink)
        })
    });
    assert!(lit < 6.0, "{lit}"); // The ink is lit, too, and stronger where there is light.
}

#[test]
fn specks_and_shadows_are_not_the_digit() {
    let digits = digits();
    for index in 0..20 {
        let image = digits.image(index);
        let clean = sheet(image, 6, [60, 40], [300, 260], black_on_white);
        let expected = find(&clean).expect("a digit");
        let mut dirty = clean.clone();
        for (x, y) in [(3, 4), (290, 20), (12, 250), (280, 240)] {
            dirty.pixels[y * 300 + x] = 0;
            dirty.pixels[y * 300 + x + 1] = 30;
        }
        // A shadow in a corner, a third as dark as ink.
        for y in 200..260 {
            dirty.pixels[y * 300 + 250..][..50].fill(170);
        }
        assert_eq!(find(&dirty), Some(expected), "image {index}");
    }
}

#[test]
fn a_digit_that_touches_the_border_is_found() {
    // Cut to the bounding box of the ink, as an editor's crop does.
    let digits = digits();
    let labels = digits.labels();
    let mut differences = 0.0;
    let wide = (0..100).filter(|&index| labels[index] != 1);
    for index in wide.clone() {
        let whole = sheet(digits.image(index), 4, [0, 0], [112, 112], black_on_white);
        let is_ink = |x: usize, y: usize| whole.pixels[y * 112 + x] < 255;
        let columns: Vec<usize> = (0..112)
            .filter(|&x| (0..112).any(|y| is_ink(x, y)))
            .collect();
        let rows: Vec<usize> = (0..112)
            .filter(|&y| (0..112).any(|x| is_ink(x, y)))
            .collect();
        let (left, right) = (columns[0], columns[columns.len() - 1] + 1);
        let (top, bottom) = (rows[0], rows[rows.len() - 1] + 1);
        let pixels =
            (top..bottom).flat_map(|y| whole.pixels[y * 112 + left..y * 112 + right].to_vec());
        let cut = Picture {
            width: right - left,
            height: bottom - top,
            pixels: pixels.collect(),
        };
        differences += difference(&find(&cut).expect("a digit"), digits.image(index));
    }
    let mean = differences / wide.count() as f64;
    assert!(mean < 2.0, "{mean}");
}

#[test]
fn a_thin_line_is_as_black_as_a_thick_one() {
    // A seven of 300 pixels, drawn with a line of 2: a seventh of a pixel of the image.
    let mut seven = Picture {
        width: 500,
        height: 500,
        pixels: vec![255; 500 * 500],
    };
    for x in 150..350 {
        seven.pixels[100 * 500 + x] = 0;
        seven.pixels[101 * 500 + x] = 0;
    }
    for y in 100..400 {
        let x = 350 - (y - 100) / 3;
        seven.pixels[y * 500 + x..][..2].fill(0);
    }
    let image = find(&seven).expect("a digit");
    assert!(
        image.iter().filter(|&&pixel| pixel > 100).count() >= 20,
        "{image:?}"
    );
    assert!(image.contains(&255));
}

#[test]
fn where_there_is_nothing_nothing_is_found() {
    for shade in [0, 100, 255] {
        for (width, height) in [(1, 1), (28, 28), (300, 2)] {
            let empty = Picture {
                width,
                height,
                pixels: vec![shade; width * height],
            };
            assert_eq!(find(&empty), None, "{width}x{height} of {shade}");
        }
    }
    // Light that falls from one side, and less contrast than noise has.
    let lit = sheet(&[0; PIXELS], 1, [0, 0], [200, 100], |_, x, y| {
        100.0 + x as f32 / 2.0 + y as f32 / 3.0
    });
    assert_eq!(find(&lit), None);
    let image = digits().image(0).to_vec();
    let faint = sheet(&image, 2, [9, 9], [90, 90], |ink, _, _| 200.0 - 15.0 * ink);
    assert_eq!(find(&faint), None);
}

#[test]
fn a_digit_stays_inside_of_the_image() {
    // Nearly all of its mass is in one corner: centred, the rest would be cut off.
    let mut flag = Picture {
        width: 200,
        height: 200,
        pixels: vec![255; 200 * 200],
    };
    for y in 20..180 {
        flag.pixels[y * 200 + 20..][..4].fill(0);
    }
    for y in 20..60 {
        flag.pixels[y * 200 + 20..][..40].fill(0);
    }
    let image = find(&flag).expect("ink");
    let rows: Vec<usize> = (0..SIDE)
        .filter(|row| image[row * SIDE..][..SIDE].iter().any(|&p| p > 60))
        .collect();
    assert_eq!(rows.len(), 20, "{rows:?}");
}
