//! Servers that redirect, stall, drip, refuse and talk nonsense.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use runner::error::Status;
use runner::fetch::{Packing, RemoteFile};
use runner::interrupt::Interrupt;

use super::server::{Server, head, hold, reply, send};
use super::*;

#[test]
fn redirects_are_followed_as_long_as_they_lead_somewhere() {
    let folder = Folder::new("redirect");
    let file = gzip(&noise(SIZE));
    folder.put("file.part", &file[..1000]);
    let target = Server::of(vec![("there/file", file.clone())]);
    let location = format!("Location: {}/there/file", target.url());
    let server = Server::start(move |request, stream| match request.path.as_str() {
        "/file" => reply(
            stream,
            "302 Found",
            &["Location: /other/file"],
            b"elsewhere",
        ),
        "/other/file" => reply(stream, "301 Moved Permanently", &[&location], b""),
        _ => reply(stream, "404 Not Found", &[], b""),
    });
    fetch_noise(&folder, &server).unwrap();
    assert!(folder.read("file") == file);
    assert_eq!(target.ranges(), [Some(1000)], "the range goes along");
    assert_eq!(server.requests().len(), 2);

    let circle = Server::start(|_, stream| reply(stream, "302 Found", &["Location: /file"], b""));
    let message = fetch_in_vain(Folder::new("circle"), &circle);
    assert!(message.contains("too many redirects"), "{message}");
    assert!(circle.requests().len() < 20);
    let elsewhere = Server::start(|_, stream| {
        reply(stream, "302 Found", &["Location: file:///etc/passwd"], b"")
    });
    fetch_in_vain(Folder::new("elsewhere"), &elsewhere);
}

#[test]
fn a_silent_server_is_given_up_and_another_one_asked() {
    let folder = Folder::with(HASTY, "silent");
    let file = gzip(&noise(SIZE));
    let silent = Server::start(|_, stream| hold(stream));
    let good = Server::of(vec![("file", file.clone())]);
    let start = Instant::now();
    fetch(
        &folder,
        &noise(SIZE),
        Packing::Gzip,
        &[&silent.url(), &good.url()],
    )
    .unwrap();
    assert!(start.elapsed() < 6 * HASTY.stall, "{:?}", start.elapsed());
    assert!(folder.read("file") == file);
    assert_eq!((silent.requests().len(), good.requests().len()), (3, 1));
}

#[test]
fn a_server_that_drips_has_stalled() {
    let server = Server::start(|_, stream| {
        head(stream, "200 OK", &["Content-Length: 100000"])?;
        loop {
            stream.write_all(b".")?;
            thread::sleep(Duration::from_millis(10));
        }
    });
    let message = fetch_in_vain(Folder::with(HASTY, "drip"), &server);
    assert!(message.contains("stalled for 500ms"), "{message}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_status_tells_whether_to_try_again() {
    let file = gzip(&noise(SIZE));
    for status in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "429 Too Many Requests",
    ] {
        let folder = Folder::new("status");
        let copy = file.clone();
        let server = Server::start(move |request, stream| match request.number {
            0 | 1 => reply(stream, status, &[], b"sorry"),
            _ => send(stream, request, &copy),
        });
        fetch_noise(&folder, &server).unwrap();
        assert_eq!(server.requests().len(), 3);
    }
    for (status, tries) in [
        ("404 Not Found", 1),
        ("403 Forbidden", 1),
        ("204 No Content", 1),
        ("304 Not Modified", 1),
        ("416 Range Not Satisfiable", 1),
        ("500 Internal Server Error", 3),
    ] {
        let server = Server::start(move |_, stream| reply(stream, status, &[], b""));
        let message = fetch_in_vain(Folder::new("refused"), &server);
        assert!(
            message.contains(&format!("HTTP status {status}")),
            "{message}"
        );
        assert_eq!(server.requests().len(), tries, "{status}");
    }
}

#[test]
fn nonsense_is_no_answer() {
    for nonsense in [
        &b""[..],
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200",
        &[0xff; 100_000],
    ] {
        let server = Server::start(move |_, stream| stream.write_all(nonsense));
        fetch_in_vain(Folder::new("nonsense"), &server);
    }
}

#[test]
fn https_begins_with_a_handshake_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let first = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut first = [0; 3];
        stream.read_exact(&mut first).unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        // What is not read would be answered by a reset.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        first
    });
    let folder = Folder::new("tls");
    let message = fetch(&folder, b"abc", Packing::Plain, &[&url])
        .unwrap_err()
        .to_string();
    assert!(message.contains("corrupt message"), "{message}");
    assert_eq!(
        first.join().unwrap()[..2],
        [0x16, 3],
        "a handshake record of TLS"
    );
}

#[test]
fn the_failure_names_the_last_source_and_the_way_out() {
    let folder = Folder::new("nobody");
    // Ports that nobody listens on.
    let [first, second] = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
    let failure = fetch(&folder, b"abc", Packing::Plain, &[first, second])
        .unwrap_err()
        .to_string();
    let start = format!("cannot download TEST (all 2 sources failed; the last: {second}/file: ");
    assert!(failure.starts_with(&start), "{failure}");
    assert!(failure.ends_with(");\ndo without"), "{failure}");
}

#[test]
fn an_interrupt_does_not_wait_for_a_silent_server() {
    let folder = Folder::new("interrupt");
    let interrupt = Interrupt::default();
    let ctrl_c = interrupt.clone();
    let server = Server::start(move |_, stream| {
        head(stream, "200 OK", &["Content-Length: 50000"])?;
        stream.write_all(&[7; 1234])?;
        thread::sleep(Duration::from_millis(100));
        ctrl_c.request();
        hold(stream)
    });
    let sum = sha256(b"");
    let file = RemoteFile {
        name: "file",
        packing: Packing::Gzip,
        size: SIZE as u64,
        sha256: &sum,
    };
    let start = Instant::now();
    let failure = fetch_set(
        &folder,
        &[file],
        &[&server.url(), &server.url()],
        &interrupt,
    )
    .unwrap_err();
    assert!(start.elapsed() < PATIENT.stall, "{:?}", start.elapsed());
    assert_eq!(failure.status(), Status::Interrupted);
    assert_eq!(folder.read("file.part"), [7; 1234]);
    assert_eq!(server.requests().len(), 1);
}
