//! The data sets: the embedded images are the published ones, and no file, however hostile, gets past the reader.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use runner::args::mnist::{Data, Settings};
use runner::args::{Task, parse};
use runner::data::idx::{Images, Labels, PIXELS};
use runner::data::{Digits, Mnist, batches};
use runner::error::{Failure, Status};
use runner::interrupt::Interrupt;
use runner::output::{Output, Style};

/// An IDX file of images: any header, any number of pixel bytes.
fn images(header: [u32; 4], pixels: usize) -> Vec<u8> {
    let mut file: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    file.extend((0..pixels).map(|i| (i * 7 % 256) as u8));
    file
}

/// An IDX file of labels.
fn labels(header: [u32; 2], labels: &[u8]) -> Vec<u8> {
    let mut file: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    file.extend(labels);
    file
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn read_images(file: &[u8]) -> Result<Images, String> {
    Images::read(file, "F").map_err(|failure| failure.to_string())
}

fn read_labels(file: &[u8]) -> Result<Labels, String> {
    Labels::read(file, "F").map_err(|failure| failure.to_string())
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| {
        (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&b| u64::from(b)).sum()
}

fn histogram(labels: &[u8]) -> [usize; 10] {
    std::array::from_fn(|digit| {
        labels
            .iter()
            .filter(|&&label| usize::from(label) == digit)
            .count()
    })
}

fn load(settings: &Settings) -> Result<Mnist, Failure> {
    let mut output = Output::new(Style::default());
    Mnist::load(settings, &mut output, &Interrupt::default())
}

/// The folder of the published files, if this machine has them.
fn published(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MINITORCH_DATA").map(|data| Path::new(&data).join("mnist"));
    if folder.is_none() {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: set MINITORCH_DATA to a folder that holds mnist/ with the published files"
        );
    }
    folder
}

/// A folder with four small, valid files that go away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("runner-data-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        let folder = Self(path);
        folder.put(
            "train-images-idx3-ubyte",
            &images([0x803, 40, 28, 28], 40 * PIXELS),
        );
        folder.put(
            "train-labels-idx1-ubyte.gz",
            &gzip(&labels([0x801, 40], &[3; 40])),
        );
        folder.put(
            "t10k-images-idx3-ubyte.gz",
            &gzip(&images([0x803, 20, 28, 28], 20 * PIXELS)),
        );
        folder.put("t10k-labels-idx1-ubyte", &labels([0x801, 20], &[4; 20]));
        folder
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.0.join(name), content).unwrap();
    }

    fn failure(&self) -> String {
        Mnist::from_folder(&self.0).unwrap_err().to_string()
    }

    fn settings(&self, options: &[&str]) -> Settings {
        let data = self.0.to_str().unwrap();
        let start = ["runner", "mnist", "--full", "--data", data];
        match parse(start.iter().chain(options)).unwrap() {
            Task::Mnist(settings) => settings,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_embedded_images_are_minitorchs() {
    let Mnist { train, held_out } = Mnist::embedded().unwrap();
    assert_eq!((train.len(), held_out.len()), (5000, 500));
    assert_eq!(
        (train.pixels().len(), held_out.pixels().len()),
        (5000 * PIXELS, 500 * PIXELS)
    );
    assert_eq!(train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(held_out.labels()[..10], [3, 8, 7, 9, 9, 0, 1, 1, 5, 2]);
    assert_eq!(
        (sum(train.pixels()), sum(held_out.pixels())),
        (130_170_281, 14_635_049)
    );
    assert_eq!(
        histogram(train.labels()),
        [479, 563, 488, 493, 535, 434, 501, 550, 462, 495]
    );
    assert_eq!(
        histogram(held_out.labels()),
        [56, 57, 51, 49, 46, 46, 50, 51, 40, 54]
    );
    assert_eq!(
        fnv1a(&[train.pixels(), held_out.pixels()].concat()),
        0x172a_29ee_b899_3daf
    );
    assert_eq!(
        fnv1a(&[train.labels(), held_out.labels()].concat()),
        0x6574_1768_f595_185d
    );
    assert_eq!(train.image(4999), &train.pixels()[4999 * PIXELS..]);
}

#[test]
fn the_embedded_files_stay_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let sizes = ["mnist-images.gz", "mnist-labels.gz"]
        .map(|name| fs::metadata(folder.join(name)).unwrap().len());
    assert!(sizes.iter().sum::<u64>() < 1_000_000, "{sizes:?}");
}

#[test]
fn the_embedded_images_equal_the_published_ones() {
    let Some(folder) = published("the_embedded_images_equal_the_published_ones") else {
        return;
    };
    let (all, embedded) = (
        Mnist::from_folder(&folder).unwrap(),
        Mnist::embedded().unwrap(),
    );
    let same = |part: &Digits, from: usize| {
        assert_eq!(part.labels(), &all.train.labels()[from..][..part.len()]);
        assert!(part.pixels() == &all.train.pixels()[from * PIXELS..][..part.pixels().len()]);
    };
    same(&embedded.train, 0);
    same(&embedded.held_out, 10_000);
}

#[test]
fn the_published_files_are_read_whole() {
    let Some(folder) = published("the_published_files_are_read_whole") else {
        return;
    };
    let Mnist { train, held_out } = Mnist::from_folder(&folder).unwrap();
    assert_eq!((train.len(), held_out.len()), (60_000, 10_000));
    assert_eq!(
        (sum(train.pixels()), sum(held_out.pixels())),
        (1_567_298_545, 264_923_200)
    );
    assert_eq!(
        (sum(train.labels()), sum(held_out.labels())),
        (267_236, 44_434)
    );
    assert_eq!(
        histogram(train.labels()),
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(held_out.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
}

#[test]
fn plain_and_gzipped_files_are_told_by_their_content() {
    let plain = images([0x803, 3, 28, 28], 3 * PIXELS);
    let read = read_images(&plain).unwrap();
    assert_eq!((read.count, read.rows, read.columns), (3, 28, 28));
    assert_eq!(read.pixels, plain[16..]);
    assert_eq!(read_images(&gzip(&plain)).unwrap(), read);
    let parts = [gzip(&plain[..1000]), gzip(&plain[1000..])].concat();
    assert_eq!(
        read_images(&parts).unwrap(),
        read,
        "a gzip file may have several members"
    );
    let plain = labels([0x801, 4], &[0, 9, 5, 1]);
    assert_eq!(read_labels(&plain).unwrap(), Labels(vec![0, 9, 5, 1]));
    assert_eq!(
        read_labels(&gzip(&plain)).unwrap(),
        Labels(vec![0, 9, 5, 1])
    );
}

#[test]
fn every_truncation_is_an_error_that_says_where() {
    let plain = images([0x803, 2, 28, 28], 2 * PIXELS);
    for length in 0..plain.len() {
        let message = read_images(&plain[..length]).unwrap_err();
        assert!(
            message.starts_with(&format!("F: byte {length}: the file ends here")),
            "{message}"
        );
    }
    let packed = gzip(&plain);
    for length in 2..packed.len() {
        let message = read_images(&packed[..length]).unwrap_err();
        assert!(
            message.contains("damaged or incomplete gzip data"),
            "{length}: {message}"
        );
    }
    let plain = labels([0x801, 5], &[1, 2, 3, 4, 5]);
    for length in 0..plain.len() {
        let message = read_labels(&plain[..length]).unwrap_err();
        assert!(
            message.starts_with(&format!("F: byte {length}: the file ends here")),
            "{message}"
        );
    }
}

#[test]
fn every_damaged_header_bit_is_an_error() {
    let (image, label) = (
        images([0x803, 2, 28, 28], 2 * PIXELS),
        labels([0x801, 5], &[1, 2, 3, 4, 5]),
    );
    for bit in 0..16 * 8 {
        let mut file = image.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(read_images(&file).is_err(), "bit {bit}");
        assert!(read_images(&gzip(&file)).is_err(), "bit {bit}, gzipped");
    }
    for bit in 0..8 * 8 {
        let mut file = label.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(read_labels(&file).is_err(), "bit {bit}");
    }
}

#[test]
fn damaged_gzip_data_never_reads_as_something_else() {
    let plain = labels([0x801, 64], &[7; 64]);
    let packed = gzip(&plain);
    for bit in 0..packed.len() * 8 {
        let mut file = packed.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        // Damage to a time stamp or the like may go unnoticed; damage to the content may not.
        if let Ok(read) = read_labels(&file) {
            assert_eq!(read.0, plain[8..], "bit {bit}");
        }
    }
}

#[test]
fn each_mistake_has_its_sentence() {
    let image = |header, pixels| read_images(&images(header, pixels)).unwrap_err();
    assert_eq!(
        image([0x801, 1, 28, 28], PIXELS),
        "F: byte 0: 0x00000801 is not the start of an IDX file of images (0x00000803)"
    );
    assert_eq!(
        image([0x803, 0, 28, 28], 0),
        "F: byte 4: no images: the header says 0"
    );
    assert_eq!(
        image([0x803, u32::MAX, 28, 28], 10),
        "F: byte 4: the header says 4294967295 images, over the limit of 1048576"
    );
    for (rows, columns) in [
        (0, 28),
        (28, 0),
        (0, 0),
        (27, 28),
        (784, 1),
        (u32::MAX, u32::MAX),
    ] {
        assert_eq!(
            image([0x803, 1, rows, columns], PIXELS),
            format!("F: byte 8: images of {rows}x{columns} pixels, but 28x28 are expected")
        );
    }
    assert_eq!(
        image([0x803, 1, 28, 28], PIXELS + 1),
        "F: byte 800: more bytes than the header promises"
    );
    let label = |header, content: &[u8]| read_labels(&labels(header, content)).unwrap_err();
    assert_eq!(
        label([0x801, 0], &[]),
        "F: byte 4: no labels: the header says 0"
    );
    assert_eq!(
        label([0x801, 3], &[1, 2, 10]),
        "F: byte 10: label 10, but digits go from 0 to 9"
    );
    assert_eq!(
        label([0x801, 2], &[1, 2, 3]),
        "F: byte 10: more bytes than the header promises"
    );
}

#[test]
fn no_more_is_inflated_than_the_header_promises_and_a_byte() {
    /// Counts what is read through it.
    struct Counted<R>(R, u64);
    impl<R: Read> Read for Counted<R> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read as u64;
            Ok(read)
        }
    }
    let start = labels([0x801, 2], &[1, 2]);
    let mut endless = Counted(Cursor::new(start).chain(std::io::repeat(0)), 0);
    let failure = Labels::read(&mut endless, "F").unwrap_err();
    assert_eq!(
        failure.to_string(),
        "F: byte 10: more bytes than the header promises"
    );
    assert!(endless.1 <= 1 << 16, "{} bytes were read", endless.1);

    // 256 MiB of zeros in 256 KiB: refused after what the header promises, and so at once.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(&images([0x803, 1, 28, 28], PIXELS))
        .unwrap();
    for _ in 0..256 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let mut bomb = Counted(Cursor::new(bomb), 0);
    assert!(
        Images::read(&mut bomb, "F")
            .unwrap_err()
            .to_string()
            .contains("byte 800: more bytes")
    );
    assert!(bomb.1 <= 1 << 16, "{} compressed bytes were read", bomb.1);
}

#[test]
fn a_folder_is_read_plain_first() {
    let folder = Folder::new("plain-first");
    let mnist = Mnist::from_folder(&folder.0).unwrap();
    assert_eq!((mnist.train.len(), mnist.held_out.len()), (40, 20));
    assert_eq!(
        (mnist.train.labels()[0], mnist.held_out.labels()[0]),
        (3, 4)
    );
    folder.put("train-labels-idx1-ubyte", &labels([0x801, 40], &[8; 40]));
    assert_eq!(Mnist::from_folder(&folder.0).unwrap().train.labels()[0], 8);
}

#[test]
fn a_folder_with_a_mistake_names_the_files() {
    let folder = Folder::new("mistakes");
    folder.put("t10k-labels-idx1-ubyte", &labels([0x801, 19], &[4; 19]));
    let message = folder.failure();
    assert!(
        message.contains("t10k-images-idx3-ubyte.gz holds 20 images"),
        "{message}"
    );
    assert!(
        message.contains("t10k-labels-idx1-ubyte holds 19 labels"),
        "{message}"
    );
    assert!(message.lines().count() <= 4);

    folder.put("train-images-idx3-ubyte", b"not an image");
    let message = folder.failure();
    assert!(
        message.contains("train-images-idx3-ubyte: byte 0: 0x6e6f7420 is not"),
        "{message}"
    );

    fs::remove_file(folder.0.join("train-images-idx3-ubyte")).unwrap();
    assert!(
        folder
            .failure()
            .ends_with("train-images-idx3-ubyte: no such file, neither plain nor .gz")
    );
    let message = Mnist::from_folder(&folder.0.join("no"))
        .unwrap_err()
        .to_string();
    assert!(message.ends_with("no: no such folder"), "{message}");
}

#[test]
fn options_choose_the_first_images_and_no_more_than_there_are() {
    let folder = Folder::new("limits");
    let load = |options: &[&str]| load(&folder.settings(options));
    let mnist = load(&["--train", "17", "--valid", "3"]).unwrap();
    assert_eq!((mnist.train.len(), mnist.held_out.len()), (17, 3));
    assert_eq!(
        (mnist.train.pixels().len(), mnist.held_out.pixels().len()),
        (17 * PIXELS, 3 * PIXELS)
    );
    assert_eq!(load(&[]).unwrap().train.len(), 40);

    for (option, held) in [("--train", "40 training"), ("--valid", "20 held-out")] {
        let failure = load(&[option, "41"]).unwrap_err();
        assert_eq!(failure.status(), Status::Usage);
        let message = failure.to_string();
        assert!(message.starts_with(&format!("{option} 41: ")), "{message}");
        assert!(
            message.ends_with(&format!("holds {held} images")),
            "{message}"
        );
    }
    let failure = load(&["--batch", "40"]).unwrap_err();
    assert_eq!(failure.status(), Status::Failed);
    assert!(
        failure
            .to_string()
            .ends_with("40 training images give no batch of 40"),
        "{failure}"
    );
}

#[test]
fn the_program_gives_what_was_asked_for() {
    let settings = match parse(["runner", "mnist", "--train", "100", "--valid", "7"]).unwrap() {
        Task::Mnist(settings) => settings,
        other => panic!("{other:?}"),
    };
    assert_eq!(settings.data, Data::Embedded);
    let (some, all) = (load(&settings).unwrap(), Mnist::embedded().unwrap());
    assert_eq!((some.train.len(), some.held_out.len()), (100, 7));
    assert_eq!(some.train.image(99), all.train.image(99));
    assert_eq!(some.held_out.labels(), &all.held_out.labels()[..7]);
}

#[test]
fn the_last_batch_is_skipped_when_no_more_than_a_batch_is_left() {
    for (images, batch, count) in [
        (0, 16, 0),
        (1, 16, 0),
        (16, 16, 0),
        (17, 16, 1),
        (32, 16, 1),
        (33, 16, 2),
    ] {
        assert_eq!(
            batches(images, batch),
            count,
            "{images} images in batches of {batch}"
        );
    }
    assert_eq!(batches(5000, 16), 312);
    assert_eq!(batches(1000, 16), 62);
}
