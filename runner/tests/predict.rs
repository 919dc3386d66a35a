//! `runner predict` as a whole: what it prints, what it refuses, and how well it reads.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use minitorch_core::Cpu;
use minitorch_core::state::save_weights;
use runner::args::Training;
use runner::args::mnist::Recipe;
use runner::checkpoint::Opened;
use runner::data::{Mnist, SIDE};
use runner::task::mnist::{Network, Trained};
use runner::task::predict::{Picture, digit};

/// The picture of README's example.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/digit.png");

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("runner-predict-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The bytes of a checkpoint, trained once for all tests: the images in the program, three epochs.
static CHECKPOINT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = Folder::new("training");
    let file = folder.file("net.safetensors");
    let options = "mnist --preset accurate --train 5000 --epochs 3 --quiet --checkpoint";
    let output = runner()
        .args(options.split(' '))
        .arg(&file)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    std::fs::read(file).expect("a checkpoint")
});

fn runner() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.stdin(Stdio::null());
    command
}

/// Writes the checkpoint to a file of the folder, and returns the command with these arguments.
fn predict(folder: &Folder, arguments: &[&str]) -> Command {
    let checkpoint = folder.file("net.safetensors");
    std::fs::write(&checkpoint, &*CHECKPOINT).expect("a file");
    let mut command = runner();
    command
        .arg("predict")
        .args(arguments)
        .args(["--checkpoint", &checkpoint]);
    command
}

/// Exit status, standard output and standard error.
fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code().expect("no signal"),
        text(output.stdout),
        text(output.stderr),
    )
}

fn ran(mut command: Command) -> (i32, String, String) {
    outcome(command.output().expect("the program starts"))
}

#[test]
fn the_sample_is_a_seven_to_the_last_column() {
    let folder = Folder::new("sample");
    let expected = "\
┌────────────────────────────┐
│                            │
│                            │
│                            │   0   0.00%
│      ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄       │   1   0.00%
│    ▄████████████████▀      │   2   0.01%
│    ▀▀▀▀        █████       │   3   0.11%
│               ▄████        │   4   0.00%
│              ▄████         │   5   0.00%
│             █████          │   6   0.00%
│             █████          │   7  99.82%  █████████████████████████
│             █████          │   8   0.02%
│             █████          │   9   0.05%
│             ▀████          │
│               ▀            │
└────────────────────────────┘
";
    let (status, text, errors) = ran(predict(&folder, &[SAMPLE]));
    assert_eq!((status, errors.as_str()), (0, ""));
    let (first, picture) = text.split_once('\n').expect("lines");
    assert_eq!(first, format!("{SAMPLE}: 7 (99.82%)"));
    assert_eq!(picture, expected);

    // The same on any threads and instructions.
    for way in ["--backend serial", "--threads 3", "--isa portable"] {
        let arguments: Vec<&str> = [SAMPLE].into_iter().chain(way.split(' ')).collect();
        assert_eq!(ran(predict(&folder, &arguments)).1, text, "{way}");
    }
    let (_, quiet, _) = ran(predict(&folder, &[SAMPLE, "--quiet"]));
    assert_eq!(quiet, format!("{first}\n"));
}

#[test]
fn json_has_one_object_a_picture() {
    let folder = Folder::new("json");
    let (status, text, errors) = ran(predict(&folder, &[SAMPLE, SAMPLE, "--json"]));
    assert_eq!((status, errors.as_str(), text.lines().count()), (0, "", 2));
    for line in text.lines() {
        let answer: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(answer["event"], "predict");
        assert_eq!(answer["file"], SAMPLE);
        assert_eq!(answer["digit"], 7);
        let probabilities = answer["probabilities"].as_array().expect("a list");
        let sum: f64 = probabilities
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .sum();
        assert!(
            probabilities.len() == 10 && (sum - 1.0).abs() < 1e-5,
            "{line}"
        );
    }
}

#[test]
fn standard_input_is_a_picture_too() {
    let folder = Folder::new("stdin");
    let mut command = predict(&folder, &["-", "--quiet"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let sample = std::fs::read(SAMPLE).expect("the sample");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&sample)
        .expect("it is read");
    let (status, text, errors) = outcome(child.wait_with_output().expect("its end"));
    assert_eq!(
        (status, text.as_str(), errors.as_str()),
        (0, "-: 7 (99.82%)\n", "")
    );

    let (status, text, errors) = ran(predict(&folder, &["-"]));
    assert_eq!((status, text.as_str()), (1, ""));
    assert_eq!(errors, "error: standard input: the file is empty\n");
}

#[test]
fn what_is_wrong_with_one_picture_does_not_keep_the_others_from_being_read() {
    let folder = Folder::new("several");
    let (text_file, missing) = (
        folder.file("notes.png"),
        folder.file("\u{1b}[2Jmissing.png"),
    );
    std::fs::write(&text_file, "no picture").expect("a file");
    let files = [&*missing, SAMPLE, &text_file, &folder.file(""), SAMPLE];
    let (status, text, errors) = ran(predict(&folder, &[&files[..], &["--quiet"]].concat()));
    assert_eq!(status, 1);
    assert_eq!(text, format!("{SAMPLE}: 7 (99.82%)\n").repeat(2));
    let errors: Vec<&str> = errors.lines().collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        errors
            .iter()
            .all(|error| error.starts_with("error: ") && !error.contains('\u{1b}'))
    );
    assert!(errors[1].ends_with("byte 0: neither a PNG nor a JPEG picture begins like this"));

    // Pictures are set off from each other.
    let (_, text, _) = ran(predict(&folder, &[SAMPLE, SAMPLE]));
    assert_eq!(text.split("\n\n").count(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_source_without_end_is_read_to_the_limit() {
    let folder = Folder::new("endless");
    let (status, text, errors) = ran(predict(&folder, &["/dev/zero"]));
    assert_eq!((status, text.as_str()), (1, ""));
    assert_eq!(
        errors,
        "error: /dev/zero: over 64 MiB, more than this program reads\n"
    );
}

/// 400 million pixels: 400 MB as bytes, and 50 MB in the file's single bits, with little more than the program itself takes.
#[cfg(target_os = "linux")]
#[test]
fn a_giant_is_read_in_little_memory() {
    const SIDE: usize = 20_000;
    let folder = Folder::new("giant");
    let giant = folder.file("giant.png");
    let file = std::fs::File::create(&giant).expect("a file");
    let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    let paper = vec![0xff; SIDE / 8];
    let mut line = paper.clone();
    line[1100..1200].fill(0);
    for y in 0..SIDE {
        let row = if (3000..17_000).contains(&y) {
            &line
        } else {
            &paper
        };
        stream.write_all(row).expect("a row");
    }
    stream.finish().expect("an end");
    writer.finish().expect("an end");

    let command = predict(&folder, &[&giant, "--quiet", "--threads", "1"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 200000 && exec \"$0\" \"$@\""]);
    limited.arg(command.get_program()).args(command.get_args());
    let (status, text, errors) = ran(limited);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(text.starts_with(&format!("{giant}: 1 (")), "{text}");
}

#[test]
fn without_a_network_nothing_is_read() {
    let folder = Folder::new("network");
    let mut command = runner();
    command.args(["predict", SAMPLE]).current_dir(&folder.0);
    let (status, text, errors) = ran(command);
    assert_eq!((status, text.as_str()), (1, ""));
    assert!(
        errors.starts_with("error: ./mnist.safetensors: no such file; train"),
        "{errors}"
    );
    assert!(
        errors.lines().count() <= 4 && errors.contains("--checkpoint"),
        "{errors}"
    );
    // Where a text was meant, what it needs is said, with a network of digits and without one.
    // A longer text would be too long for the name of a file.
    for text in ["a fine film", &"a fine film ".repeat(30)] {
        let mut command = runner();
        command.args(["predict", text]).current_dir(&folder.0);
        for command in [command, predict(&folder, &[text])] {
            let (status, _, errors) = ran(command);
            assert_eq!(status, 1);
            assert!(
                errors.lines().count() <= 4
                    && errors.contains("--checkpoint sentiment.safetensors"),
                "{errors}"
            );
        }
    }

    for (name, content) in [
        ("text", &b"not a network"[..]),
        ("empty", b""),
        ("image", b"\x89PNG\r\n\x1a\n"),
    ] {
        let file = folder.file(name);
        std::fs::write(&file, content).expect("a file");
        let mut command = runner();
        command.args(["predict", SAMPLE, "--checkpoint", &file]);
        let (status, text, errors) = ran(command);
        assert_eq!((status, text.as_str()), (1, ""), "{name}");
        assert!(
            errors.contains(&file) && errors.lines().count() <= 4,
            "{errors}"
        );
    }
    let (status, _, errors) = ran(predict(&folder, &[]));
    assert_eq!(status, 2, "{errors}");
}

/// It would be waited for, for ever.
#[cfg(unix)]
#[test]
fn a_named_pipe_is_no_network() {
    let folder = Folder::new("pipe");
    let pipe = folder.file("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let mut command = runner();
    command.args(["predict", SAMPLE, "--checkpoint", &pipe]);
    let expected = format!("error: {pipe}: is a named pipe, not a file\n");
    assert_eq!(ran(command), (1, String::new(), expected));
}

/// Each is told what it is, and the others are still read.
#[cfg(unix)]
#[test]
fn what_is_no_picture_is_told_what_it_is() {
    let folder = Folder::new("no-picture");
    let (pipe, shots) = (folder.file("pipe"), folder.file("shots"));
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    std::fs::create_dir(&shots).expect("a folder");
    let (status, text, errors) = ran(predict(&folder, &[&pipe, &shots, "", SAMPLE, "--quiet"]));
    let expected = format!(
        "error: {pipe}: is a named pipe, not a file; name a picture, or - for standard input\n\
         error: {shots}: is a folder, not a file; name the pictures in it\n\
         error: \"\": an empty name; name a picture, or - for standard input; a text needs a network of sentiment: \
         --checkpoint sentiment.safetensors\n"
    );
    assert_eq!((status, errors), (1, expected));
    assert!(text.starts_with(&format!("{SAMPLE}: 7 (")), "{text}");

    // A pipe that a shell opens is as good as a file.
    let sample = std::fs::File::open(SAMPLE).expect("the sample");
    let mut cat = Command::new("cat");
    let mut cat = cat
        .stdin(sample)
        .stdout(Stdio::piped())
        .spawn()
        .expect("cat");
    let mut command = predict(&folder, &["/dev/stdin", "--quiet"]);
    command.stdin(cat.stdout.take().expect("its output"));
    let (status, text, errors) = ran(command);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(text.starts_with("/dev/stdin: 7 ("), "{text}");
    cat.wait().expect("its end");
}

#[test]
fn weights_alone_have_to_be_told_how_they_were_trained() {
    let folder = Folder::new("weights");
    let file = folder.file("weights.safetensors");
    let network = Network::new(&Cpu::<f32>::default(), &Recipe::DEFAULT, 1).expect("a network");
    std::fs::write(&file, save_weights(&network).expect("a file")).expect("a file");
    let with = |options: &[&str]| {
        let mut command = runner();
        command
            .args(["predict", SAMPLE, "--quiet", "--checkpoint", &file])
            .args(options);
        ran(command)
    };
    let (status, _, errors) = with(&[]);
    assert_eq!(status, 1);
    assert!(
        errors.contains(&file) && errors.lines().count() <= 4,
        "{errors}"
    );
    for option in [
        "--preset minitorch",
        "--preset accurate",
        "--pool avg",
        "--pool max",
    ] {
        assert!(errors.contains(option), "{errors}");
        let (status, _, errors) = with(&option.split(' ').collect::<Vec<_>>());
        assert_eq!((status, errors.as_str()), (0, ""), "{option}");
    }

    // Weights that went out of bounds in training: NaN in all biases, and minus infinity in one, which has an answer.
    let valid = std::fs::read(&file).expect("weights");
    for (count, value) in [(10, f32::NAN), (1, f32::NEG_INFINITY)] {
        let mut bytes = valid.clone();
        let last = bytes.len() - 4 * count;
        bytes[last..].copy_from_slice(&value.to_le_bytes().repeat(count));
        std::fs::write(&file, bytes).expect("a file");
        let (status, text, errors) = with(&["--preset", "minitorch"]);
        assert_eq!((status, text.as_str()), (1, ""));
        assert_eq!(
            errors,
            format!(
                "error: {file}: not all weights in this file are finite numbers; name another one\n"
            )
        );
    }

    // A checkpoint says it itself, and is not contradicted.
    for (options, expected) in [
        (&["--preset", "accurate"][..], 0),
        (&["--pool", "max"], 0),
        (&["--pool", "avg"], 1),
        (&["--preset", "minitorch"], 1),
    ] {
        let (status, _, errors) = ran(predict(&folder, &[&[SAMPLE], options].concat()));
        assert_eq!(status, expected, "{options:?}: {errors}");
        assert!(errors.is_empty() || errors.contains(options[0]), "{errors}");
    }
    let (_, _, errors) = ran(predict(&folder, &[SAMPLE, "--preset", "minitorch"]));
    assert!(
        errors.ends_with(": the network was trained with --preset accurate\n"),
        "{errors}"
    );
}

#[test]
fn pictures_are_read_nearly_as_well_as_images() {
    let folder = Folder::new("accuracy");
    let file = folder.0.join("net.safetensors");
    std::fs::write(&file, &*CHECKPOINT).expect("a file");
    let opened = Opened::read(&file).expect("a checkpoint");
    let network = Trained::open(&Cpu::<f32>::default(), &file, &opened, Training::default())
        .expect("a network");
    let digits = Mnist::embedded()
        .expect("the images in the program")
        .held_out;
    let read = |image: &[u8; SIDE * SIDE]| {
        let probabilities = network.read(image).expect("an answer");
        (0..10)
            .max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
            .expect("a digit") as u8
    };
    let (mut plain, mut drawn) = (0, 0);
    for (index, &label) in digits.labels().iter().enumerate() {
        let image: &[u8; SIDE * SIDE] = digits.image(index).try_into().expect("an image");
        plain += usize::from(read(image) == label);
        // Four times as large, dark grey on light grey, off the centre.
        let (width, height) = (200, 150);
        let pixel = |place: usize| {
            let (x, y) = (place % width, place / width);
            let inside = (60..172).contains(&x) && (20..132).contains(&y);
            let ink = if inside {
                image[(y - 20) / 4 * SIDE + (x - 60) / 4]
            } else {
                0
            };
            220 - (u32::from(ink) * 180 / 255) as u8
        };
        let pixels = (0..width * height).map(pixel).collect();
        let image = digit::find(&Picture {
            width,
            height,
            pixels,
        })
        .expect("a digit");
        drawn += usize::from(read(&image) == label);
    }
    assert!(plain > 450, "{plain} of 500");
    assert!(drawn + 5 >= plain, "{drawn} of {plain}");
}
