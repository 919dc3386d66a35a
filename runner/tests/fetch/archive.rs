//! Files that come in a zip archive.

use std::fs;
use std::io::Write;

use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use runner::fetch::{Archive, Member, fetch_archive_into};

use super::server::{Server, head, send};
use super::*;

const MEMBERS: [Member<'_>; 2] = [
    Member {
        path: "set/a.txt",
        name: "a.txt",
    },
    Member {
        path: "set/b.txt",
        name: "b.txt",
    },
];
const NAMES: [&str; 4] = ["a.txt", "a.txt.sha256", "b.txt", "b.txt.sha256"];

/// An archive of compressed files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ZipArchiveWriter::new(&mut bytes);
    for (name, content) in files {
        let file = writer.new_file(name);
        let (mut entry, config) = file
            .compression_method(CompressionMethod::DEFLATE)
            .start()
            .unwrap();
        let mut file = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
        file.write_all(content).unwrap();
        let (encoder, descriptor) = file.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// The archive that most tests fetch: what is needed, and something else.
fn usual() -> Vec<u8> {
    zip(&[
        ("set/", b""),
        ("set/a.txt", b"a\n"),
        ("set/other.txt", &noise(1000)),
        ("set/b.txt", &noise(SIZE)),
    ])
}

/// Fetches the members of `expected` from a server.
fn fetch_members(
    folder: &Folder,
    expected: &[u8],
    server: &Server,
    members: &[Member<'_>],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let sum = sha256(expected);
    let files = [RemoteFile {
        name: "set.zip",
        packing: Packing::Plain,
        size: expected.len() as u64,
        sha256: &sum,
    }];
    let archive = Archive {
        set: Set {
            name: "TEST",
            folder: "unused",
            mirrors: &[&server.url()],
            files: &files,
            otherwise: "do without",
        },
        members,
    };
    let mut output = Output::to(std::io::sink(), Style::default());
    fetch_archive_into(
        &folder.path,
        &archive,
        folder.patience,
        &mut output,
        interrupt,
    )
}

fn fetch_usual(folder: &Folder, server: &Server) -> Result<(), Failure> {
    fetch_members(folder, &usual(), server, &MEMBERS, &Interrupt::default())
}

#[test]
fn what_is_needed_is_kept_and_nothing_else() {
    let folder = Folder::new("members");
    let server = Server::of(vec![("set.zip", usual())]);
    for _ in 0..2 {
        fetch_usual(&folder, &server).unwrap();
        assert_eq!(folder.names(), NAMES);
        assert_eq!(folder.read("a.txt"), b"a\n");
        assert!(folder.read("b.txt") == noise(SIZE));
        let record = format!("{}  b.txt\n", sha256(&noise(SIZE)));
        assert_eq!(folder.read("b.txt.sha256"), record.as_bytes());
        assert_eq!(
            server.requests().len(),
            1,
            "the network is not needed again"
        );
    }
}

#[test]
fn what_is_no_longer_as_it_was_is_downloaded_anew() {
    let folder = Folder::new("members-damaged");
    let server = Server::of(vec![("set.zip", usual())]);
    fetch_usual(&folder, &server).unwrap();
    let damage: [fn(&Folder); 4] = [
        |folder| folder.put("b.txt", &noise(SIZE - 1)),
        |folder| folder.put("b.txt.sha256", b""),
        |folder| fs::remove_file(folder.path.join("a.txt")).unwrap(),
        |folder| fs::remove_file(folder.path.join("a.txt.sha256")).unwrap(),
    ];
    for (i, damage) in damage.into_iter().enumerate() {
        damage(&folder);
        fetch_usual(&folder, &server).unwrap();
        assert_eq!(folder.names(), NAMES);
        assert!(folder.read("b.txt") == noise(SIZE));
        assert_eq!(server.requests().len(), i + 2);
    }
}

#[test]
fn an_archive_that_is_there_is_used_and_removed() {
    let folder = Folder::new("archive-there");
    let server = Server::of(Vec::new());
    folder.put("set.zip", &usual());
    // What a killed run left.
    folder.put("b.txt.part", &noise(2 * SIZE));
    fetch_usual(&folder, &server).unwrap();
    assert_eq!(folder.names(), NAMES);
    assert!(folder.read("b.txt") == noise(SIZE));
    folder.put("set.zip", b"what a run that was killed did not remove");
    fetch_usual(&folder, &server).unwrap();
    assert_eq!(folder.names(), NAMES);
    assert!(server.requests().is_empty());
}

#[test]
fn a_download_that_was_cut_is_resumed() {
    let folder = Folder::new("archive-cut");
    let file = usual();
    let server = Server::start(move |request, stream| match request.number {
        0 => {
            let length = format!("Content-Length: {}", file.len());
            head(stream, "200 OK", &[&length])?;
            stream.write_all(&file[..50_000])
        }
        _ => send(stream, request, &file),
    });
    fetch_usual(&folder, &server).unwrap();
    assert_eq!(folder.names(), NAMES);
    assert_eq!(server.ranges(), [None, Some(50_000)]);
}

#[test]
fn another_archive_is_refused_and_nothing_kept() {
    let folder = Folder::new("archive-other");
    let mut other = usual();
    let end = other.len() - 1;
    other[end / 2] ^= 1;
    let server = Server::of(vec![("set.zip", other)]);
    let message = fetch_usual(&folder, &server).unwrap_err().to_string();
    assert!(message.contains(&sha256(&usual())), "{message}");
    assert!(folder.names().is_empty());
}

#[test]
fn archives_that_cannot_be_unpacked_say_why() {
    let content = noise(5000);
    let sound = zip(&[("set/a.txt", b"a\n"), ("set/b.txt", &content)]);
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sound.clone();
        change(&mut bytes);
        bytes
    };
    let directory = sound
        .windows(4)
        .rposition(|four| four == b"PK\x01\x02")
        .unwrap();
    for (bytes, part) in [
        (zip(&[("set/a.txt", b"a\n")]), "no file set/b.txt"),
        (b"no archive".to_vec(), "cannot be unpacked"),
        (damaged(&|bytes| bytes[1000] ^= 1), "cannot be unpacked"),
        (
            damaged(&|bytes| bytes[directory + 10] = 99),
            "unknown method",
        ),
        // A wrong sum, and a length that is too short for what follows.
        (
            damaged(&|bytes| bytes[directory + 16] ^= 1),
            "cannot be unpacked",
        ),
        (
            damaged(&|bytes| bytes[directory + 24] ^= 1),
            "cannot be unpacked",
        ),
    ] {
        let folder = Folder::new("unpack");
        let server = Server::of(vec![("set.zip", bytes.clone())]);
        let outcome = fetch_members(&folder, &bytes, &server, &MEMBERS, &Interrupt::default());
        let failure = outcome.unwrap_err();
        let start = format!(
            "{}: cannot be unpacked: ",
            folder.path.join("set.zip").display()
        );
        let message = failure.to_string();
        assert!(
            message.starts_with(&start) && message.contains(part),
            "{message}"
        );
        assert_eq!(failure.status(), Status::Failed);
        assert!(!folder.names().iter().any(|name| name.starts_with("b.txt")));
    }
}

#[test]
fn ctrl_c_while_unpacking_keeps_the_archive() {
    let folder = Folder::new("archive-ctrl-c");
    let zeros = vec![0; 128 << 20];
    let bytes = zip(&[("set/a.txt", b"a\n"), ("set/b.txt", &zeros)]);
    folder.put("set.zip", &bytes);
    let (server, interrupt) = (Server::of(Vec::new()), Interrupt::default());
    let part = folder.path.join("b.txt.part");
    let outcome = thread::scope(|scope| {
        let run = scope.spawn(|| fetch_members(&folder, &bytes, &server, &MEMBERS, &interrupt));
        while !part.exists() && !run.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        interrupt.request();
        run.join().unwrap()
    });
    assert_eq!(outcome.unwrap_err().status(), Status::Interrupted);
    assert_eq!(folder.names(), ["a.txt", "a.txt.sha256", "set.zip"]);
    assert!(folder.read("set.zip") == bytes);
}
