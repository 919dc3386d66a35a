//! `runner fetch` as a whole.

use std::fs;
use std::process::{Command, Output, Stdio};

use super::server::Server;
use super::{Folder, sha256};

fn fetch(cache: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.arg("fetch").args(arguments);
    command.env("MINITORCH_CACHE", &cache.path);
    command.stdin(Stdio::null()).output().unwrap()
}

/// What a run says on standard output, and on standard error, with its exit status.
fn said(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

/// Puts a file into the cache as if it had been unpacked there.
fn unpacked(cache: &Folder, set: &str, name: &str) {
    let folder = cache.path.join(set);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), name).unwrap();
    let record = format!("{}  {name}\n", sha256(name.as_bytes()));
    fs::write(folder.join(format!("{name}.sha256")), record).unwrap();
}

#[test]
fn a_large_download_is_not_begun_unasked() {
    let cache = Folder::new("unasked");
    let (out, err, status) = said(&fetch(&cache, &["glove"]));
    assert_eq!((out.as_str(), status), ("", Some(2)));
    assert_eq!(
        err,
        "error: GloVe 6B is 862 MB to download; say --yes to begin without being asked\n"
    );
    assert!(!cache.path.exists(), "nothing is touched");

    // A small one, and a large one that is wanted, are looked for at once.
    let server = Server::of(Vec::new());
    for (arguments, file, otherwise) in [
        (
            &["sst2"][..],
            "SST-2.zip",
            "give its folder to sentiment with --data DIR\n",
        ),
        (
            &["glove", "--yes"],
            "glove.6B.zip",
            "give them to sentiment with\n--data DIR --glove FILE, where DIR has sentences, which fetch sst2 brings\n",
        ),
        (
            &["mnist"],
            "train-images-idx3-ubyte.gz",
            "to mnist with --full --data DIR\n",
        ),
    ] {
        let mirror = ["--mirror", &server.url()];
        let (out, err, status) = said(&fetch(&cache, &[arguments, &mirror].concat()));
        assert_eq!((out.as_str(), status), ("", Some(1)), "{err}");
        let expected = format!("{}/{file}: HTTP status 404", server.url());
        assert!(
            err.starts_with("error: cannot download ") && err.contains(&expected),
            "{err}"
        );
        assert!(
            err.ends_with(otherwise) && err.lines().count() <= 4,
            "{err}"
        );
    }
}

#[test]
fn another_file_of_that_name_is_refused() {
    let cache = Folder::new("wrong-zip");
    let server = Server::of(vec![("SST-2.zip", b"<html>".to_vec())]);
    let (out, err, status) = said(&fetch(&cache, &["sst2", "--mirror", &server.url()]));
    assert_eq!((out.as_str(), status), ("", Some(1)));
    assert!(
        err.contains("the file has 6 bytes there, but 7439277 are expected"),
        "{err}"
    );
}

#[test]
fn each_set_names_the_next_command() {
    let cache = Folder::new("next");
    let next = |arguments: &[&str]| {
        let (out, err, status) = said(&fetch(&cache, arguments));
        assert_eq!((err.as_str(), status), ("", Some(0)));
        out
    };
    let place = cache.path.display();
    unpacked(&cache, "sst2", "train.tsv");
    unpacked(&cache, "sst2", "dev.tsv");
    assert_eq!(
        next(&["sst2"]),
        format!(
            "SST-2: train.tsv, dev.tsv in {place}/sst2\nNext: cargo run -p runner -- fetch glove\n"
        )
    );
    unpacked(&cache, "glove", "glove.6B.50d.txt");
    unpacked(&cache, "glove", "glove.6B.100d.txt");
    assert_eq!(
        next(&["glove", "--quiet"]),
        format!(
            "GloVe 6B: glove.6B.50d.txt in {place}/glove\n\
             Next: cargo run -p runner -- sentiment --data {place}\n"
        )
    );
    assert_eq!(
        next(&["glove", "--embedding-dim", "100"]),
        format!(
            "GloVe 6B: glove.6B.100d.txt in {place}/glove\n\
             Next: cargo run -p runner -- sentiment --data {place} --embedding-dim 100\n"
        )
    );
    fs::remove_file(cache.path.join("sst2/dev.tsv")).unwrap();
    assert!(next(&["glove"]).ends_with("-- fetch sst2\n"));
}

#[test]
fn mnist_is_brought_too() {
    let Some((_, server)) = super::program::published("mnist_is_brought_too") else {
        return;
    };
    let cache = Folder::new("mnist");
    let (out, err, status) = said(&fetch(&cache, &["mnist", "--mirror", &server.url()]));
    assert_eq!((err.as_str(), status), ("", Some(0)));
    assert!(
        out.starts_with("MNIST: train-images-idx3-ubyte.gz, "),
        "{out}"
    );
    assert!(
        out.ends_with("\nNext: cargo run -p runner -- mnist --full\n"),
        "{out}"
    );
}

#[test]
fn what_cannot_be_is_wrong_usage() {
    let cache = Folder::new("usage");
    for (arguments, part) in [
        (&[][..], "required"),
        (&["imagenet"], "imagenet"),
        (
            &["sst2", "--embedding-dim", "50"],
            "--embedding-dim belongs to fetch glove",
        ),
        (
            &["glove", "--embedding-dim", "64"],
            "one of [50, 100, 200, 300] is expected",
        ),
        (
            &["sst2", "--mirror", "ftp://a"],
            "the URL of a folder is expected",
        ),
    ] {
        let (out, err, status) = said(&fetch(&cache, arguments));
        assert_eq!(
            (out.as_str(), status),
            ("", Some(2)),
            "{arguments:?}: {err}"
        );
        assert!(err.contains(part), "{err}");
    }
}
