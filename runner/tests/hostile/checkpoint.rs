//! `--resume` and `--init`: files that are no checkpoint, or not this network's.

use super::*;

use std::io::Write;
use std::process::Child;

use minitorch_core::state::{Data, Dtype, Entry, SafeTensors, serialize};

/// A tensor of a file that is to be changed.
#[derive(Clone)]
struct Item {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// A folder with a checkpoint of [`short`], its bytes, and what is in it.
fn valid(name: &str) -> (Folder, Vec<u8>, Vec<Item>) {
    let folder = Folder::new(name);
    let path = folder.path("valid");
    accepted(short(options!["--checkpoint", &path]));
    let bytes = fs::read(&path).expect("a checkpoint");
    let file = SafeTensors::parse(&bytes).expect("a safetensors file");
    let items = file.views().iter().map(|view| Item {
        name: view.name().into(),
        dtype: view.dtype(),
        shape: view.shape().into(),
        data: view.data().into(),
    });
    let items = items.collect();
    (folder, bytes, items)
}

fn bytes(items: &[Item]) -> Vec<u8> {
    let entries = items.iter().map(|item| {
        let data = Data::Bytes(item.dtype, &item.data);
        Entry::new(&item.name, &item.shape, data)
    });
    serialize(&entries.collect::<Vec<_>>(), &[]).expect("a valid file")
}

/// The bytes before the data.
fn header(file: &[u8]) -> usize {
    8 + u64::from_le_bytes(*file.first_chunk().expect("a prefix")) as usize
}

fn edited(items: &[Item], edit: impl FnOnce(&mut Vec<Item>)) -> Vec<u8> {
    let mut items = items.to_vec();
    edit(&mut items);
    bytes(&items)
}

fn find<'a>(items: &'a mut [Item], name: &str) -> &'a mut Item {
    let found = items.iter_mut().find(|item| item.name == name);
    found.unwrap_or_else(|| panic!("{name}"))
}

fn number(name: &str, values: &[u64]) -> Item {
    Item {
        name: name.into(),
        dtype: Dtype::U64,
        shape: vec![values.len()],
        data: values.iter().flat_map(|n| n.to_le_bytes()).collect(),
    }
}

/// Demands that `option` refuses the file, and that the checkpoint it would replace stays what it was.
fn refuses(folder: &Folder, option: &str, file: &Path, parts: &[&str]) {
    let kept = folder.put("kept", b"\x02\0\0\0\0\0\0\0{}");
    let before = folder.names();
    let message = refused(short(options![option, file, "--checkpoint", &kept]), parts);
    assert!(
        message.starts_with(&format!("error: {}: ", file.display())),
        "{message}"
    );
    assert_eq!(
        fs::read(&kept).expect("it is there"),
        b"\x02\0\0\0\0\0\0\0{}"
    );
    assert_eq!(folder.names(), before);
}

#[test]
fn files_that_are_no_checkpoint() {
    let (folder, valid, items) = valid("no-checkpoint");
    let header = header(&valid);
    let with = |at: usize, bytes: &[u8]| {
        let mut file = valid.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let position = |text: &str| {
        let mut windows = valid.windows(text.len());
        windows
            .position(|window| window == text.as_bytes())
            .expect(text)
    };
    let shape = position("\"shape\":[10]") + 9;
    let offsets = position("\"data_offsets\":[0,") + 16;
    for (file, part) in [
        (vec![], ": the file is empty, at byte 0"),
        (
            valid[..7].to_vec(),
            ": the file is cut short: it ends within the 8 bytes that hold the length of the header, at byte 7",
        ),
        (
            valid[..8].to_vec(),
            "bytes long, but can be at most 0: the file is of another format, or cut short, at byte 0",
        ),
        (valid[..header - 1].to_vec(), "the header is said to be"),
        (
            valid[..header].to_vec(),
            "but there are only 0 bytes of data: the file is cut short, at byte",
        ),
        (valid[..valid.len() - 1].to_vec(), "bytes of data"),
        (
            [&valid[..], b"\n"].concat(),
            "the last 1 bytes of the file belong to no tensor",
        ),
        (
            with(0, &[0xff; 8]),
            "the header is said to be 18446744073709551615 bytes",
        ),
        (with(0, &[0; 8]), "expected `{`, at byte 8"),
        (with(0, &2u64.to_le_bytes()), "at byte 10"),
        (with(8, b"["), "expected `{`, at byte 8"),
        (with(20, &[0xff]), "the header is not UTF-8, at byte 20"),
        (
            with(shape, b"99"),
            ": fc2.bias: the tensor has 40 bytes of data, but its shape and type need 396, at byte",
        ),
        (with(offsets, b"9"), "the tensor's data"),
        (
            with(position("\"F32\""), b"\"F33\""),
            "the type of the elements is unknown",
        ),
        (
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0".to_vec(),
            "the header is said to be",
        ),
        (valid.repeat(2), "belong to no tensor"),
    ] {
        let path = folder.put("file", &file);
        for option in ["--resume", "--init"] {
            refuses(&folder, option, &path, &[part]);
        }
    }
    // The header promises four exabytes.
    let huge = br#"{"a":{"dtype":"F32","shape":[1152921504606846975],"data_offsets":[0,4611686018427387900]}}"#;
    let path = folder.put(
        "file",
        &[&(huge.len() as u64).to_le_bytes()[..], huge].concat(),
    );
    refuses(
        &folder,
        "--init",
        &path,
        &["but there are only 0 bytes of data"],
    );
    let unedited = bytes(&items);
    assert_eq!(
        unedited[self::header(&unedited)..],
        valid[header..],
        "the edits below begin with the file itself, but for its checksum"
    );
}

/// A byte that has changed in any tensor, or in the checksum itself, is found out; a file without checksum has none to
/// find it out by.
#[test]
fn a_byte_that_has_changed_is_found_out() {
    let (folder, valid, items) = valid("damaged");
    let key = b"\"minitorch_checksum\":\"";
    let checksum = valid.windows(key.len()).position(|window| window == key);
    let data = (header(&valid)..valid.len()).step_by(valid.len() / 20);
    let digits = checksum.expect("a checksum") + key.len()..;
    let letter = (digits.clone().take(16)).find(|&at| valid[at].is_ascii_lowercase());
    let flips = data
        .chain([valid.len() - 1, digits.start])
        .map(|at| (at, 1));
    // A capital letter is another byte as well.
    for (at, bit) in flips.chain(letter.map(|at| (at, 0x20))) {
        let mut file = valid.clone();
        file[at] ^= bit;
        let path = folder.put("file", &file);
        for option in ["--resume", "--init"] {
            let part = "its tensors have changed since it was saved";
            refuses(&folder, option, &path, &[part]);
        }
    }
    let path = folder.put("file", &bytes(&items));
    accepted(short(options![
        "--resume",
        &path,
        "--checkpoint",
        "/dev/null"
    ]));
}

#[test]
fn checkpoints_of_another_network() {
    let (folder, _, items) = valid("other-network");
    let other = edited(&items, |items| {
        items.retain(|item| item.name != "conv1.bias");
        find(items, "conv2.bias").name = "conv3.bias".into();
        find(items, "fc2.bias").shape = vec![2, 5];
        items.push(Item {
            name: "fc9.we\nird".into(),
            ..items[0].clone()
        });
    });
    let path = folder.put("file", &other);
    for option in ["--resume", "--init"] {
        refuses(
            &folder,
            option,
            &path,
            &[
                "\nmissing: conv1.bias, conv2.bias\n",
                "conv3.bias",
                "fc9.we\\nird",
                "\nof another shape: fc2.bias ([2, 5] in the file, [10] in the model)\n",
            ],
        );
    }

    // Every difference there can be: still four lines of bounded length.
    let path = folder.put(
        "file",
        &edited(&items, |items| {
            items.retain(|item| !item.name.ends_with("bias"));
            items.iter_mut().for_each(|item| item.shape.insert(0, 1));
            let many = (0..1000).map(|i| Item {
                name: format!("{i}{}", "\u{1b}[2J".repeat(500)),
                shape: vec![1; 100],
                dtype: Dtype::U8,
                data: vec![0],
            });
            items.extend(many);
        }),
    );
    let message = refused(
        short(options!["--init", &path, "--checkpoint", "/dev/null"]),
        &["995 more"],
    );
    assert_eq!(message.lines().count(), 4, "{message}");
    assert!(
        message.len() < 4096 && !message.contains('\u{1b}'),
        "{message}"
    );
}

#[test]
fn checkpoints_of_another_program_or_run() {
    let (folder, _, items) = valid("other-run");
    let long = format!("@{}", "long".repeat(1000));
    type Edit<'a> = &'a dyn Fn(&mut Vec<Item>);
    let set = |name: &'static str, values: &'static [u64]| {
        move |items: &mut Vec<Item>| *find(items, name) = number(name, values)
    };
    let edits: [(Edit<'_>, &str); 14] = [
        (
            &|items| items.retain(|item| !item.name.starts_with('@')),
            "weights alone, without the state of a run to go on from;\nto start from them, write --init ",
        ),
        (
            &|items| items.retain(|item| item.name != "@net"),
            "not a checkpoint of mnist; leave --resume out",
        ),
        (
            &|items| items.retain(|item| item.name != "@epoch"),
            "has no number @epoch",
        ),
        (&set("@epoch", &[1, 1]), "has no number @epoch"),
        (&set("@loss", &[]), "has no number @loss"),
        (
            &set("@epoch", &[2]),
            ": after epoch 2: beyond the end of this run, which has\n--epochs 1, each of 2 batches",
        ),
        (&set("@epoch", &[u64::MAX]), "beyond the end of this run"),
        // One epoch is done, and a batch of the second.
        (
            &set("@batch", &[1]),
            ": epoch 2, batch 1: beyond the end of this run",
        ),
        (&set("@batch", &[1 << 32]), "beyond the end of this run"),
        (
            &set("@seed", &[7]),
            "of a run with --seed 7, but this one has --seed 0",
        ),
        (
            &set("@images", &[41]),
            "of a run with --train 41, but this one has --train 40",
        ),
        (&|items| find(items, "@seed").dtype = Dtype::I64, ""),
        (
            &|items| find(items, "@loss").dtype = Dtype::F64,
            "@loss: a tensor of type F64 cannot be read as u64",
        ),
        (
            &|items| find(items, "@loss").name = long.clone(),
            "has no number @loss",
        ),
    ];
    for (edit, part) in edits {
        let path = folder.put("file", &edited(&items, edit));
        if part.is_empty() {
            accepted(short(options![
                "--resume",
                &path,
                "--checkpoint",
                "/dev/null"
            ]));
        } else {
            refuses(&folder, "--resume", &path, &[part]);
        }
    }
    // A name that a file chose is cut short.
    let path = folder.put(
        "file",
        &edited(&items, |items| {
            let item = find(items, "@loss");
            (item.name, item.dtype) = (long.clone(), Dtype::F64);
        }),
    );
    let message = refused(
        short(options!["--resume", &path, "--checkpoint", "/dev/null"]),
        &["@longlong", "...: a tensor of type F64"],
    );
    assert!(message.len() < 300, "{message}");
    // Another optimiser remembers other things: the preset is what the message names, not the tensors.
    let path = folder.put("file", &bytes(&items));
    let mut command = short(options!["--resume", &path, "--checkpoint", "/dev/null"]);
    command.args(["--preset", "accurate", "--batch", "16"]);
    let part = "of a run with no --preset, but this one has --preset accurate;\nresume with the options of that run\n";
    refused(command, &[&text(&path), part]);
    // Whoever resumes a run of a preset without it is told which; and numbers of no preset have no name.
    for (quirks, name) in [(1, "--preset minitorch"), (7, "another --preset")] {
        let edit = |items: &mut Vec<Item>| *find(items, "@quirks") = number("@quirks", &[quirks]);
        let path = folder.put("file", &edited(&items, edit));
        let part = format!("of a run with {name}, but this one has no --preset;\n");
        refuses(&folder, "--resume", &path, &[&part]);
    }
}

/// Nothing is learnt from what is no number, and nothing of it is saved.
#[test]
fn numbers_that_are_none_are_not_trained_on() {
    let (folder, _, items) = valid("nan");
    for value in [f32::NAN, f32::INFINITY, f32::MAX, f32::from_bits(1)] {
        let file = edited(&items, |items| {
            for item in items.iter_mut().filter(|item| item.dtype == Dtype::F32) {
                item.data = value.to_le_bytes().repeat(item.data.len() / 4);
            }
            *find(items, "@epoch") = number("@epoch", &[0]);
            *find(items, "@loss") = number("@loss", &[f64::NAN.to_bits()]);
        });
        let path = folder.put("file", &file);
        for option in ["--resume", "--init"] {
            if value == f32::from_bits(1) {
                accepted(short(options![option, &path, "--checkpoint", "/dev/null"]));
            } else {
                let parts = match value.is_finite() {
                    true => ["epoch 1, batch 1: the loss is ", "(nothing was saved)"],
                    // That is known before a batch, and no rate is to blame.
                    false => ["/file: not all weights", "; name another one\n"],
                };
                let kept = folder.put("kept", b"\x02\0\0\0\0\0\0\0{}");
                refused(
                    short(options![option, &path, "--checkpoint", &kept]),
                    &parts,
                );
                assert_eq!(fs::read(&kept).expect("it is there").len(), 10);
            }
        }
    }
}

#[test]
fn what_is_no_file_or_too_large() {
    let (folder, bytes, _) = valid("too-large");
    let dir = folder.path("dir");
    fs::create_dir(&dir).expect("a folder");
    let pipe = folder.pipe("pipe");
    let sparse = folder.put("sparse", b"");
    let file = fs::File::options()
        .write(true)
        .open(&sparse)
        .expect("it is there");
    file.set_len(2 << 30).expect("a file with a hole");
    let long = folder.path(&"x".repeat(300));
    for (option, missing) in [
        ("--resume", "there is no checkpoint to go on from"),
        ("--init", ": cannot read: "),
    ] {
        for (path, part) in [
            (folder.path("nowhere").as_path(), missing),
            (&dir, ": is a folder, not a file\n"),
            (&pipe, ": is a named pipe, not a file\n"),
            (
                &Path::new("/proc/self/root").join(pipe.strip_prefix("/").expect("a root")),
                ": is a named pipe, not a file\n",
            ),
            (&folder.path("valid").join("below"), ": cannot read: "),
            (&long, ": cannot read: "),
            (Path::new("/proc/self/mem"), ": cannot read: "),
            (Path::new("/dev/null"), "the file is empty, at byte 0"),
            (
                Path::new("/dev/zero"),
                "over 128 MiB, more than this program reads",
            ),
            (&sparse, "over 128 MiB, more than this program reads"),
        ] {
            refuses(&folder, option, path, &[part]);
        }
    }

    // A pipe that somebody holds the other end of is as good as a file, and no better.
    for (content, code) in [(&bytes[..], 0), (b"garbage", 1), (b"", 1)] {
        let mut command = short(["--init", "/dev/stdin", "--checkpoint", "/dev/null"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child: Child = command.spawn().expect("the program starts");
        let _ = child.stdin.take().expect("a pipe").write_all(content);
        let output = child.wait_with_output().expect("its end");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(
            code == 0 || message.starts_with("error: /dev/stdin: "),
            "{message}"
        );
    }
}
