//! Answers of the wrong length, wrong bytes, and bytes without end.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Server, head, reply, send};
use super::*;

#[test]
fn lengths_need_not_be_true() {
    let file = gzip(&noise(SIZE));
    let server = |length: Option<String>, range: bool| {
        let file = file.clone();
        Server::start(move |request, stream| match (request.from, &length) {
            (Some(_), _) if range => send(stream, request, &file),
            (_, Some(length)) => {
                head(stream, "200 OK", &[&format!("Content-Length: {length}")])?;
                stream.write_all(&file)
            }
            (_, None) => {
                head(stream, "200 OK", &[])?;
                stream.write_all(&file)
            }
        })
    };
    let all = file.len();
    for (length, requests) in [(None, 1), (Some((all + 1).to_string()), 2)] {
        let folder = Folder::new("length");
        let server = server(length, true);
        fetch_noise(&folder, &server).unwrap();
        assert!(folder.read("file") == file);
        assert_eq!(server.requests().len(), requests);
    }
    for (length, part) in [
        ((all - 1).to_string(), "the gzip data end too early"),
        ((all + 1).to_string(), "the connection was cut after"),
        ("0".into(), "the gzip data end too early"),
        (
            (MOST + 1).to_string(),
            "bytes there, but at most 101124 are expected",
        ),
        (
            "4000000000000".into(),
            "the file has 4000000000000 bytes there",
        ),
        (u64::MAX.to_string(), "the file has"),
        ("99999999999999999999999".into(), ""),
        ("-1".into(), ""),
        ("many".into(), ""),
    ] {
        let message = fetch_in_vain(Folder::new("lies"), &server(Some(length), false));
        assert!(message.contains(part), "{message}");
    }
    let lies = Server::start(|_, stream| {
        reply(
            stream,
            "206 Partial Content",
            &["Content-Range: bytes 3-6/4000000000"],
            b"3456",
        )
    });
    let folder = Folder::new("total");
    folder.put("file.part", b"012");
    let message = fetch_noise(&folder, &lies).unwrap_err().to_string();
    assert!(
        message.contains("the file has 4000000000 bytes there"),
        "{message}"
    );
}

#[test]
fn a_plain_file_has_its_size() {
    let content = noise(1000);
    for wrong in [0, 999, 1001] {
        let folder = Folder::new("plain");
        let server = Server::of(vec![("file", noise(wrong))]);
        let message = fetch(&folder, &content, Packing::Plain, &[&server.url()])
            .unwrap_err()
            .to_string();
        let expected = format!("the file has {wrong} bytes there, but 1000 are expected");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn wrong_bytes_are_never_kept() {
    let folder = Folder::new("corrupt");
    let file = gzip(&noise(SIZE));
    let mut content = noise(SIZE);
    content[5] ^= 1;
    let (bad, good) = (
        Server::of(vec![("file", gzip(&content))]),
        Server::of(vec![("file", file.clone())]),
    );
    fetch(
        &folder,
        &noise(SIZE),
        Packing::Gzip,
        &[&bad.url(), &good.url()],
    )
    .unwrap();
    assert!(folder.read("file") == file);
    assert_eq!((bad.requests().len(), good.requests().len()), (1, 1));

    let message = fetch_in_vain(Folder::new("corrupt-alone"), &bad);
    for sum in [sha256(&content), sha256(&noise(SIZE))] {
        assert!(message.contains(&sum), "{message}");
    }
    for (wrong, part) in [
        (
            file[..file.len() / 2].to_vec(),
            "the gzip data end too early",
        ),
        ([&file[..], b"trailing bytes"].concat(), "damaged gzip data"),
        (b"<html>Please log in</html>".to_vec(), "damaged gzip data"),
        (
            gzip(&noise(SIZE - 1)),
            "99999 bytes of content instead of 100000",
        ),
        (gzip(&noise(SIZE + 1)), "more content than 100000 bytes"),
        // A thousand times the size, in as many bytes.
        (gzip(&vec![0; 20 << 20]), "more content than 100000 bytes"),
    ] {
        assert!(wrong.len() <= MOST);
        let message = fetch_in_vain(Folder::new("wrong"), &Server::of(vec![("file", wrong)]));
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_server_that_does_not_stop_is_cut_off() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let server = Server::start(move |_, stream| {
        head(stream, "200 OK", &[])?;
        loop {
            stream.write_all(&[0; 1 << 16])?;
            count.fetch_add(1 << 16, Ordering::Relaxed);
        }
    });
    let message = fetch_in_vain(Folder::new("endless"), &server);
    assert!(
        message.contains("more than 101124 bytes are sent"),
        "{message}"
    );
    assert_eq!(server.requests().len(), 1);
    // What lies in the buffers of two sockets is sent for nothing.
    assert!(sent.load(Ordering::Relaxed) < 64 << 20, "{sent:?}");
}

#[test]
fn chunks_are_put_together() {
    let folder = Folder::new("chunked");
    let file = gzip(&noise(SIZE));
    let copy = file.clone();
    let server = Server::start(move |_, stream| {
        head(stream, "200 OK", &["Transfer-Encoding: chunked"])?;
        for chunk in copy.chunks(7_777) {
            write!(stream, "{:x}\r\n", chunk.len())?;
            stream.write_all(chunk)?;
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(b"0\r\n\r\n")
    });
    fetch_noise(&folder, &server).unwrap();
    assert!(folder.read("file") == file);

    let broken = Server::start(|_, stream| {
        head(stream, "200 OK", &["Transfer-Encoding: chunked"])?;
        stream.write_all(b"zzzz\r\nno chunk")
    });
    fetch_in_vain(Folder::new("broken-chunk"), &broken);
}
