//! `--data`: the four files of MNIST, or what pretends to be them.

use super::*;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use flate2::{Compression, write::GzEncoder};
use runner::data::idx::PIXELS;

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";
const COUNT: u32 = 40;

/// An IDX file: the numbers of its header, then its content.
fn idx(header: &[u32], content: &[u8]) -> Vec<u8> {
    let header = header.iter().flat_map(|n| n.to_be_bytes());
    header.chain(content.iter().copied()).collect()
}

fn images(count: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count as usize * PIXELS)
        .map(|i| (i % 251) as u8)
        .collect();
    idx(&[0x803, count, 28, 28], &pixels)
}

fn labels(count: u32) -> Vec<u8> {
    let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    idx(&[0x801, count], &labels)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

/// A folder with four small, valid files.
fn valid(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.put(IMAGES, &images(COUNT));
    folder.put(LABELS, &labels(COUNT));
    folder.put("t10k-images-idx3-ubyte.gz", &gzip(&images(20)));
    folder.put("t10k-labels-idx1-ubyte.gz", &gzip(&labels(20)));
    folder
}

fn train_on(folder: &Folder) -> Command {
    mnist(options![
        "--full",
        "--data",
        &folder.0,
        "--checkpoint",
        "/dev/null"
    ])
}

/// Puts `content` in the place of a file, plain or gzipped, and demands a refusal that names the file and `part`.
fn refuses(folder: &Folder, name: &str, content: &[u8], part: &str) {
    let path = folder.put(name, content);
    let message = refused(train_on(folder), &[&text(&path), part]);
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn plain_files_that_lie() {
    let folder = valid("plain");
    accepted(train_on(&folder));

    let image = images(COUNT);
    for length in [
        0,
        1,
        3,
        4,
        7,
        8,
        11,
        12,
        15,
        16,
        17,
        16 + PIXELS,
        image.len() - 1,
    ] {
        let part = format!("byte {length}: the file ends here");
        refuses(&folder, IMAGES, &image[..length], &part);
    }
    let pixels = &image[16..];
    for (header, part) in [
        (
            [0x801, COUNT, 28, 28],
            "byte 0: 0x00000801 is not the start",
        ),
        (
            [0x0308_0000, COUNT, 28, 28],
            "byte 0: 0x03080000 is not the start",
        ),
        ([0x803, 0, 28, 28], "byte 4: no images"),
        (
            [0x803, u32::MAX, 28, 28],
            "byte 4: the header says 4294967295 images",
        ),
        (
            [0x803, 1 << 20, 28, 28],
            "the file ends here, but 822083600 bytes are expected",
        ),
        (
            [0x803, COUNT + 1, 28, 28],
            "byte 31376: the file ends here, but 32160 bytes",
        ),
        (
            [0x803, COUNT - 1, 28, 28],
            "byte 30592: more bytes than the header promises",
        ),
        ([0x803, COUNT, 0, 28], "byte 8: images of 0x28 pixels"),
        (
            [0x803, COUNT, 28, u32::MAX],
            "byte 8: images of 28x4294967295 pixels",
        ),
    ] {
        refuses(&folder, IMAGES, &idx(&header, pixels), part);
    }
    refuses(
        &folder,
        IMAGES,
        &[&image[..], b"\n"].concat(),
        "byte 31376: more bytes",
    );
    folder.put(IMAGES, &image);

    let label = labels(COUNT);
    for length in [0, 4, 7, 8, 47] {
        let part = format!("byte {length}: the file ends here");
        refuses(&folder, LABELS, &label[..length], &part);
    }
    let mut ten = label.clone();
    ten[47] = 10;
    refuses(
        &folder,
        LABELS,
        &ten,
        "byte 47: label 10, but digits go from 0 to 9",
    );
    refuses(&folder, LABELS, &idx(&[0x801, 0], &[]), "byte 4: no labels");
    refuses(
        &folder,
        LABELS,
        &idx(&[0x801, u32::MAX], &label[8..]),
        "byte 4: the header says 4294967295 labels",
    );

    folder.put(LABELS, &labels(COUNT - 1));
    let both = [IMAGES, LABELS].map(|name| text(&folder.path(name)));
    refused(
        train_on(&folder),
        &[&both[0], &both[1], "40 images", "39 labels"],
    );
}

#[test]
fn gzip_files_that_lie() {
    let folder = valid("gzip");
    fs::remove_file(folder.path(IMAGES)).expect("it is there");
    let (name, image) = (format!("{IMAGES}.gz"), images(COUNT));
    let whole = gzip(&image);
    let damaged = |from_end: usize| {
        let mut file = whole.clone();
        let at = file.len() - from_end;
        file[at] ^= 1;
        file
    };

    let in_two = [gzip(&image[..5000]), gzip(&image[5000..])].concat();
    folder.put(&name, &in_two);
    accepted(train_on(&folder));
    for (file, part) in [
        (whole[..2].to_vec(), "damaged or incomplete gzip data"),
        (whole[..10].to_vec(), "damaged or incomplete gzip data"),
        (
            whole[..whole.len() / 2].to_vec(),
            "damaged or incomplete gzip data",
        ),
        (
            whole[..whole.len() - 1].to_vec(),
            "damaged or incomplete gzip data",
        ),
        (damaged(8), "byte 31376: damaged or incomplete gzip data"),
        (damaged(4), "byte 31376: damaged or incomplete gzip data"),
        (
            [&whole[..], b"garbage"].concat(),
            "byte 31376: damaged or incomplete gzip data",
        ),
        ([&whole[..], &gzip(b"x")].concat(), "byte 31376: more bytes"),
        (gzip(&whole), "byte 0: 0x1f8b0800 is not the start"),
        (gzip(b""), "byte 0: the file ends here"),
    ] {
        refuses(&folder, &name, &file, part);
    }

    // A gigabyte of zeros in a megabyte: after a valid file, after a header that refuses itself, and after one that
    // promises almost as much, which is more than there is memory.
    let zeros = gzip(&vec![0; 1 << 20]).repeat(1024);
    let header = |count: u32| gzip(&idx(&[0x803, count, 28, 28], &[]));
    for (start, part) in [
        (whole, "byte 31376: more bytes than the header promises"),
        (
            header(u32::MAX),
            "byte 4: the header says 4294967295 images",
        ),
        (header(1 << 20), ": cannot read: "),
    ] {
        refuses(&folder, &name, &[start, zeros.clone()].concat(), part);
    }
}

#[test]
fn what_is_no_file() {
    let folder = valid("no-file");
    let path = folder.path(IMAGES);
    let replace = |make: &dyn Fn(&Path) -> std::io::Result<()>| {
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        make(&path).expect("a thing in the file's place");
        refused(train_on(&folder), &[&text(&path)])
    };
    let ends = |message: &str, end: &str| assert!(message.ends_with(end), "{message}");
    let fifo = |path: &Path| Command::new("mkfifo").arg(path).status().map(drop);

    ends(
        &replace(&|_| Ok(())),
        ": no such file, neither plain nor .gz\n",
    );
    ends(
        &replace(&|path| symlink("nowhere", path)),
        ": no such file, neither plain nor .gz\n",
    );
    ends(&replace(&|path| fs::create_dir(path)), ": is not a file\n");
    ends(
        &replace(&|path| symlink("/dev/zero", path)),
        ": is not a file\n",
    );
    ends(
        &replace(&|path| symlink("/dev/null", path)),
        ": is not a file\n",
    );
    ends(&replace(&fifo), ": is not a file\n");
    let message = replace(&|path| symlink(path, path));
    assert!(message.contains(": cannot open: "), "{message}");
    // A file whose first byte is nowhere: opening it works, reading does not.
    let message = replace(&|path| symlink("/proc/self/mem", path));
    assert!(message.contains(": cannot read: "), "{message}");

    fs::remove_file(&path).expect("it is there");
    folder.put(IMAGES, &images(COUNT));
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("its owner may");
    if fs::File::open(&path).is_ok() {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED a file without permissions: this user may read it all the same"
        );
        return;
    }
    let message = refused(train_on(&folder), &[&text(&path)]);
    assert!(message.contains(": cannot open: "), "{message}");
}

#[test]
fn what_is_no_folder() {
    let folder = valid("no-folder");
    let file = folder.path(IMAGES);
    for (path, end) in [
        (folder.path("nowhere"), ": no such folder\n"),
        (file, ": no such folder\n"),
        (
            folder.path("a\n\u{1b}[2J"),
            "/a\\n\\u{1b}[2J: no such folder\n",
        ),
        ("/dev/null".into(), ": no such folder\n"),
    ] {
        let message = refused(
            mnist(options![
                "--full",
                "--data",
                &path,
                "--checkpoint",
                "/dev/null"
            ]),
            &[],
        );
        assert!(message.ends_with(end), "{message:?}");
    }
    let split = refused(
        mnist(options!["--data", &folder.0, "--checkpoint", "/dev/null"]),
        &[&text(&folder.0), "use --full"],
    );
    assert!(split.contains("40 training images"), "{split}");
}
