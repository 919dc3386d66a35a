//! How well `runner predict` reads digits: MNIST's 10,000 test images, drawn at other sizes, moved, inverted and
//! written as PNG and JPEG, then read as the command reads them. `scripts/predict_accuracy.sh` trains the network and
//! runs this.
//!
//! Usage: predict_accuracy FOLDER CHECKPOINT

use std::path::Path;

use jpeg_encoder::{ColorType, Encoder};
use minitorch_core::{Cpu, Generator};
use rayon::prelude::*;
use runner::args::Training;
use runner::checkpoint::Opened;
use runner::data::{Digits, Mnist, SIDE};
use runner::error::Failure;
use runner::task::mnist::Trained;
use runner::task::predict::{Picture, digit};

/// How an image becomes a picture.
#[derive(Clone, Copy, Default)]
struct Form {
    /// Pixels to a side of the enlarged image.
    side: usize,
    /// In blocks, as a magnifier shows it; otherwise with smooth edges.
    blocks: bool,
    /// On a larger sheet, somewhere.
    moved: bool,
    /// White on black.
    inverted: bool,
    /// Grey ink on paper that is lit from one side, with noise, as a camera sees it.
    photograph: bool,
    /// JPEG of quality 75; otherwise PNG.
    jpeg: bool,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, checkpoint] = &arguments[..] else {
        return Err(Failure::usage("usage: predict_accuracy FOLDER CHECKPOINT"));
    };
    let digits = Mnist::from_folder(Path::new(folder))?.held_out;
    let path = Path::new(checkpoint);
    let file = Opened::read(path)?;
    let network = Trained::open(&Cpu::default(), path, &file, Training::default())?;

    println!("side  pictures  image as it is  picture  moved   moved, inverted  moved, JPEG");
    for (side, count) in [
        (14, 10_000),
        (28, 10_000),
        (56, 10_000),
        (200, 10_000),
        (1000, 1000),
    ] {
        let plain = accuracy(&digits, count, |index| {
            read(&network, digits.image(index).try_into().ok()?)
        });
        let form = Form {
            side,
            ..Form::default()
        };
        let moved = Form {
            moved: true,
            ..form
        };
        let [a, b, c, d] = [
            form,
            moved,
            Form {
                inverted: true,
                ..moved
            },
            Form {
                jpeg: true,
                ..moved
            },
        ]
        .map(|form| accuracy_of(&network, &digits, count, form));
        println!("{side:4}  {count:8}  {plain:13.2}%  {a:6.2}%  {b:5.2}%  {c:14.2}%  {d:10.2}%");
    }
    let form = Form {
        side: 200,
        moved: true,
        ..Form::default()
    };
    let blocks = accuracy_of(
        &network,
        &digits,
        10_000,
        Form {
            blocks: true,
            ..form
        },
    );
    println!("\nside 200, moved, in blocks: {blocks:.2}%");
    let photograph = Form {
        photograph: true,
        jpeg: true,
        ..form
    };
    let photograph = accuracy_of(&network, &digits, 10_000, photograph);
    println!("side 200, moved, like a photograph: {photograph:.2}%");
    Ok(())
}

/// The share of the first `count` digits that `read` reads correctly, in percent.
fn accuracy(digits: &Digits, count: usize, read: impl Fn(usize) -> Option<usize> + Sync) -> f64 {
    let correct = |&index: &usize| read(index) == Some(digits.labels()[index].into());
    let count = count.min(digits.len());
    100.0 * (0..count).into_par_iter().filter(correct).count() as f64 / count as f64
}

fn accuracy_of(network: &Trained<Cpu>, digits: &Digits, count: usize, form: Form) -> f64 {
    accuracy(digits, count, |index| {
        let file = form.file(digits.image(index), index as u64)?;
        let picture = Picture::decode(&file, "picture").ok()?;
        read(network, &digit::find(&picture)?)
    })
}

/// The most probable digit.
fn read(network: &Trained<Cpu>, image: &[u8; SIDE * SIDE]) -> Option<usize> {
    let probabilities = network.read(image).ok()?;
    (0..10).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
}

impl Form {
    /// The file of a picture of an image; `seed` decides where it lies, and its noise.
    fn file(&self, image: &[u8], seed: u64) -> Option<Vec<u8>> {
        let side = self.side;
        let (width, height) = if self.moved {
            (side * 8 / 5, side * 13 / 10)
        } else {
            (side, side)
        };
        let mut rng = Generator::new(seed);
        let mut place = |room: usize| rng.below(room as u32 + 1) as usize;
        let (left, top) = (place(width - side), place(height - side));
        let mut noise = || (0..4).map(|_| rng.below(41) as f32 - 20.0).sum::<f32>() / 2.0;

        let enlarged = self.enlarged(image);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
                let ink = if inside {
                    enlarged[(y - top) * side + x - left]
                } else {
                    0.0
                };
                let [paper, dark, noise] = if self.photograph {
                    let light = x as f32 / width as f32 + y as f32 / height as f32;
                    [120.0 + 60.0 * light, 50.0, noise()]
                } else {
                    [255.0, 0.0, 0.0]
                };
                let shade = (paper + (dark - paper) * ink + noise)
                    .round()
                    .clamp(0.0, 255.0) as u8;
                pixels.push(if self.inverted { 255 - shade } else { shade });
            }
        }
        if self.jpeg {
            jpeg(&pixels, width, height)
        } else {
            png(&pixels, width, height)
        }
    }

    /// The image at another size, 0 to 1: smaller by averaging, larger by blocks or between four pixels.
    fn enlarged(&self, image: &[u8]) -> Vec<f32> {
        let scale = SIDE as f32 / self.side as f32;
        let shares = |pixel: usize| -> Vec<(usize, f32)> {
            let centre = (pixel as f32 + 0.5) * scale;
            if self.blocks {
                return vec![(centre as usize, 1.0)];
            }
            let share = |place: usize| {
                let distance = (place as f32 + 0.5 - centre).abs() / scale.max(1.0);
                (place, (1.0 - distance).max(0.0))
            };
            let all: Vec<_> = (0..SIDE)
                .map(share)
                .filter(|&(_, share)| share > 0.0)
                .collect();
            let sum: f32 = all.iter().map(|(_, share)| share).sum();
            all.into_iter()
                .map(|(place, share)| (place, share / sum))
                .collect()
        };
        let shares: Vec<_> = (0..self.side).map(shares).collect();
        let mut enlarged = Vec::with_capacity(self.side * self.side);
        for rows in &shares {
            for columns in &shares {
                let mut ink = 0.0;
                for &(y, height) in rows {
                    for &(x, width) in columns {
                        ink += height * width * f32::from(image[y * SIDE + x]) / 255.0;
                    }
                }
                enlarged.push(ink);
            }
        }
        enlarged
    }
}

fn png(pixels: &[u8], width: usize, height: usize) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(file)
}

fn jpeg(pixels: &[u8], width: usize, height: usize) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let encoder = Encoder::new(&mut file, 75);
    encoder
        .encode(pixels, width as u16, height as u16, ColorType::Luma)
        .ok()?;
    Some(file)
}
