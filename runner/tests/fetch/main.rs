//! Downloads, from servers on this machine that redirect, stall, cut, corrupt and lie.

mod archive;
mod command;
mod content;
mod program;
mod resume;
mod server;
mod servers;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use runner::error::{Failure, Status};
use runner::fetch::{Packing, Patience, RemoteFile, Set, fetch_into};
use runner::interrupt::Interrupt;
use runner::output::{Output, Style};
use server::{Server, send};

/// Long enough for a busy machine, so that nothing seems to stall that does not.
const PATIENT: Patience = Patience {
    stall: Duration::from_secs(5),
    pause: Duration::from_millis(1),
};
/// For the tests that wait for a stall.
const HASTY: Patience = Patience {
    stall: Duration::from_millis(500),
    ..PATIENT
};
/// The size of the content of most tests, and the most bytes its file may have.
const SIZE: usize = 100_000;
const MOST: usize = SIZE + SIZE / 1000 + 1024;

/// A folder to download to, as patiently as a test can be. It is removed at the end of the test.
struct Folder {
    path: PathBuf,
    patience: Patience,
}

impl Folder {
    fn new(name: &str) -> Self {
        Self::with(PATIENT, name)
    }

    fn with(patience: Patience, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("runner-fetch-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self { path, patience }
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::create_dir_all(&self.path).unwrap();
        fs::write(self.path.join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path.join(name)).unwrap()
    }

    /// What is in it, without the lock that some systems keep.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| cfg!(unix) || name != ".lock");
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Bytes that gzip can make little of.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn sha256(content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Fetches a file called `file`, with this content, from these servers.
fn fetch(
    folder: &Folder,
    content: &[u8],
    packing: Packing,
    mirrors: &[&str],
) -> Result<(), Failure> {
    let file = RemoteFile {
        name: "file",
        packing,
        size: content.len() as u64,
        sha256: &sha256(content),
    };
    fetch_set(folder, &[file], mirrors, &Interrupt::default())
}

fn fetch_set(
    folder: &Folder,
    files: &[RemoteFile<'_>],
    mirrors: &[&str],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let set = Set {
        name: "TEST",
        folder: "unused",
        mirrors,
        files,
        otherwise: "do without",
    };
    let mut output = Output::to(std::io::sink(), Style::default());
    fetch_into(&folder.path, &set, folder.patience, &mut output, interrupt)
}

/// Fetches noise, compressed, from one server.
fn fetch_noise(folder: &Folder, server: &Server) -> Result<(), Failure> {
    fetch(folder, &noise(SIZE), Packing::Gzip, &[&server.url()])
}

/// Fetches noise in vain, and returns what the failure says.
fn fetch_in_vain(folder: Folder, server: &Server) -> String {
    let failure = fetch_noise(&folder, server).unwrap_err();
    assert_eq!(failure.status(), Status::Failed);
    let message = failure.to_string();
    assert!(
        message.starts_with("cannot download TEST (the source failed: "),
        "{message}"
    );
    assert!(
        message.contains(&format!("{}/file: ", server.url())),
        "{message}"
    );
    assert!(message.ends_with(");\ndo without"), "{message}");
    assert!(
        !folder.names().contains(&"file".to_string()),
        "{:?}",
        folder.names()
    );
    message
}

#[test]
fn a_file_is_downloaded_once() {
    let folder = Folder::new("once");
    let (content, file) = (noise(SIZE), gzip(&noise(SIZE)));
    let server = Server::of(vec![
        ("mnist/file", file.clone()),
        ("mnist/abc", b"abc".to_vec()),
    ]);
    let sum = sha256(&content);
    let files = [
        RemoteFile {
            name: "file",
            packing: Packing::Gzip,
            size: SIZE as u64,
            sha256: &sum,
        },
        RemoteFile {
            name: "abc",
            packing: Packing::Plain,
            size: 3,
            // The first example of FIPS 180.
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        },
    ];
    for slash in ["", "/", ""] {
        let mirror = format!("{}/mnist{slash}", server.url());
        fetch_set(&folder, &files, &[&mirror], &Interrupt::default()).unwrap();
        assert_eq!(folder.names(), ["abc", "file"]);
        assert!(folder.read("file") == file);
        assert_eq!(folder.read("abc"), b"abc");
        let paths: Vec<String> = server
            .requests()
            .into_iter()
            .map(|request| request.path)
            .collect();
        assert_eq!(paths, ["/mnist/file", "/mnist/abc"]);
    }
}

#[test]
fn what_is_in_the_cache_is_checked_and_downloaded_anew_if_it_is_wrong() {
    let folder = Folder::new("damaged");
    let file = gzip(&noise(SIZE));
    let server = Server::of(vec![("file", file.clone())]);
    let mut damaged = file.clone();
    damaged[SIZE / 2] ^= 1;
    let other = gzip(&noise(SIZE - 1));
    for (i, wrong) in [&damaged, &other, &file[..SIZE / 2], b"", b"no gzip"]
        .into_iter()
        .enumerate()
    {
        folder.put("file", wrong);
        fetch_noise(&folder, &server).unwrap();
        assert!(folder.read("file") == file);
        assert_eq!(server.requests().len(), i + 1);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new("blocked");
    folder.put("taken", b"");
    let blocked = Folder {
        path: folder.path.join("taken").join("cache"),
        ..folder
    };
    let message = fetch(&blocked, b"abc", Packing::Plain, &["http://127.0.0.1:1"])
        .unwrap_err()
        .to_string();
    let start = format!(
        "{}: cannot make this folder for downloads: ",
        blocked.path.display()
    );
    assert!(
        message.starts_with(&start) && message.ends_with("MINITORCH_CACHE can name another"),
        "{message}"
    );
}

#[test]
fn two_at_a_time_download_once() {
    let folder = Folder::new("two");
    let file = gzip(&noise(SIZE));
    let copy = file.clone();
    let server = Server::start(move |request, stream| {
        thread::sleep(Duration::from_millis(100));
        send(stream, request, &copy)
    });
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fetch_noise(&folder, &server).unwrap());
        }
    });
    assert!(folder.read("file") == file);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn no_other_source_is_asked_when_this_machine_is_at_fault() {
    let folder = Folder::new("fault");
    let server = Server::of(vec![("file", b"abc".to_vec())]);
    // A folder in the way: first of the growing file, then of the complete one.
    for name in ["file.part", "file"] {
        fs::create_dir_all(folder.path.join(name)).unwrap();
        let mirrors = [&*server.url(), &server.url()];
        let failure = fetch(&folder, b"abc", Packing::Plain, &mirrors).unwrap_err();
        let start = format!("{}: cannot write: ", folder.path.join(name).display());
        assert!(failure.to_string().starts_with(&start), "{failure}");
        fs::remove_dir(folder.path.join(name)).unwrap();
    }
    assert_eq!(server.requests().len(), 1);
    assert_eq!(folder.names(), ["file.part"]);

    let nowhere = Folder::new("nowhere");
    assert!(fetch(&nowhere, b"abc", Packing::Plain, &["http://127.0.0.1:1"]).is_err());
    assert!(nowhere.names().is_empty(), "nothing to go on from is kept");
}
