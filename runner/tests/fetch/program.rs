//! `runner mnist --full` as a whole.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Folder;
use super::server::{Server, head, hold, reply};

fn runner(cache: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    let checkpoint = cache.path.join("net.safetensors");
    fs::create_dir_all(&cache.path).unwrap();
    command
        .args(["mnist", "--full", "--hash"])
        .args(arguments)
        .arg("--checkpoint")
        .arg(checkpoint)
        .env("MINITORCH_CACHE", &cache.path)
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last line of a run that has to succeed, in silence on standard error.
fn hash(output: &Output) -> String {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{out}{err}");
    assert!(
        out.contains("Test accuracy: ") && out.contains(" of 100)"),
        "{out}"
    );
    let last = out.lines().last().unwrap_or_default();
    assert!(last.starts_with("Weights hash: "), "{out}");
    last.into()
}

/// The published files, if this machine has them.
pub(crate) fn published(test: &str) -> Option<(PathBuf, Server)> {
    const NAMES: [&str; 4] = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let Some(data) = std::env::var_os("MINITORCH_DATA") else {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: set MINITORCH_DATA to a folder that holds mnist/ with the published files"
        );
        return None;
    };
    let folder = Path::new(&data).join("mnist");
    let files = NAMES.map(|name| (name, fs::read(folder.join(name)).unwrap()));
    Some((folder, Server::of(files.into())))
}

#[test]
fn downloaded_images_teach_what_those_of_a_folder_teach() {
    let Some((folder, server)) = published("downloaded_images_teach_what_those_of_a_folder_teach")
    else {
        return;
    };
    let cache = Folder::new("program");
    const SMALL: [&str; 7] = [
        "--train", "200", "--valid", "100", "--epochs", "1", "--quiet",
    ];
    let with = |more: &[&str]| hash(&runner(&cache, &[&SMALL, more].concat()).output().unwrap());
    let expected = with(&["--data", folder.to_str().unwrap()]);
    assert_eq!(
        cache.names(),
        ["net.safetensors"],
        "--data leaves the cache alone"
    );

    let mirror = format!("{}/some/where", server.url());
    assert_eq!(with(&["--mirror", &mirror]), expected);
    assert_eq!(server.requests().len(), 4);
    assert_eq!(with(&["--mirror", &mirror]), expected);
    assert_eq!(
        server.requests().len(),
        4,
        "the network is not needed any more"
    );
}

#[test]
fn without_a_network_one_sentence_names_both_ways_out() {
    let cache = Folder::new("offline");
    // A port that nobody listens on.
    let mirror = ["--mirror", "http://127.0.0.1:1"];
    let output = runner(&cache, &mirror).output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(output.stdout.is_empty());
    assert!(
        message.starts_with("error: cannot download MNIST ("),
        "{message}"
    );
    assert!(
        message.contains("to mnist with --full --data DIR") && message.contains("--mirror URL"),
        "{message}"
    );
    assert!(message.lines().count() <= 4, "{message}");
}

#[test]
fn proxies_of_the_environment_are_used() {
    let cache = Folder::new("proxy");
    let proxy = Server::start(|_, stream| reply(stream, "404 Not Found", &[], b""));
    let mut command = runner(&cache, &["--mirror", "http://mirror.invalid/mnist"]);
    for name in [
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(name);
    }
    let output = command.env("HTTP_PROXY", proxy.url()).output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("404"), "{message}");
    let asked = proxy.requests()[0].path.clone();
    assert!(asked.contains("mirror.invalid"), "{asked}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_there_and_the_next_run_goes_on() {
    let cache = Folder::new("ctrl-c");
    let server = Server::start(|request, stream| match request.number {
        0 => {
            head(stream, "200 OK", &["Content-Length: 9000000"])?;
            stream.write_all(&[7; 5000])?;
            hold(stream)
        }
        _ => reply(stream, "404 Not Found", &[], b""),
    });
    let mirror = ["--mirror", &server.url()];
    let mut command = runner(&cache, &mirror);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let part = cache.path.join("mnist/train-images-idx3-ubyte.gz.part");
    let start = Instant::now();
    while fs::metadata(&part).map_or(0, |part| part.len()) < 5000 {
        assert!(start.elapsed() < Duration::from_secs(10), "no download");
        thread::sleep(Duration::from_millis(10));
    }
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signal.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert_eq!(
        message,
        "interrupted while downloading MNIST; the same command goes on from there\n"
    );
    assert_eq!(fs::read(&part).unwrap(), [7; 5000]);

    runner(&cache, &mirror).output().unwrap();
    assert_eq!(server.ranges(), [None, Some(5000)]);
}
