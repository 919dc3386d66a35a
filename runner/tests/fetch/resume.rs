//! Downloads that stop and go on where they stopped.

use std::fs;
use std::io::Write;

use super::server::{Server, head, hold, reply, send};
use super::*;

#[test]
fn a_stall_is_resumed() {
    let folder = Folder::with(HASTY, "stall");
    let file = gzip(&noise(SIZE));
    let copy = file.clone();
    let server = Server::start(move |request, stream| match request.number {
        0 => {
            head(
                stream,
                "200 OK",
                &[&format!("Content-Length: {}", copy.len())],
            )?;
            stream.write_all(&copy[..40_000])?;
            hold(stream)
        }
        _ => send(stream, request, &copy),
    });
    fetch_noise(&folder, &server).unwrap();
    assert!(folder.read("file") == file);
    assert_eq!(server.ranges(), [None, Some(40_000)]);
}

#[test]
fn a_cut_is_resumed_again_and_again() {
    let folder = Folder::new("cut");
    let file = gzip(&noise(SIZE));
    let copy = file.clone();
    // Ten thousand bytes at a time.
    let server = Server::start(move |request, stream| {
        let (from, size) = (request.from.unwrap_or(0), copy.len());
        let status = if from == 0 {
            "200 OK"
        } else {
            "206 Partial Content"
        };
        let range = format!("Content-Range: bytes {from}-{}/{size}", size - 1);
        let length = format!("Content-Length: {}", size - from);
        head(stream, status, &[&range, &length])?;
        stream.write_all(&copy[from..size.min(from + 10_000)])
    });
    fetch_noise(&folder, &server).unwrap();
    assert!(folder.read("file") == file);
    let ranges: Vec<usize> = server
        .ranges()
        .into_iter()
        .map(|from| from.unwrap_or(0))
        .collect();
    assert!(
        ranges.len() > 10 && ranges.is_sorted_by(|a, b| a < b),
        "{ranges:?}"
    );
}

#[test]
fn a_part_that_was_left_is_gone_on_with() {
    let file = gzip(&noise(SIZE));
    let server = Server::of(vec![("file", file.clone())]);
    let folder = Folder::new("left");
    let ask = |part: &[u8]| {
        let before = server.requests().len();
        let _ = fs::remove_file(folder.path.join("file"));
        folder.put("file.part", part);
        fetch_noise(&folder, &server).unwrap();
        assert!(folder.read("file") == file);
        assert_eq!(folder.names(), ["file"]);
        server.ranges().split_off(before)
    };
    assert_eq!(ask(&file[..70_000]), [Some(70_000)]);
    let all = file.len();
    assert_eq!(
        ask(&file),
        [Some(all)],
        "nothing is missing, says the server: 416"
    );
    assert_eq!(
        ask(&vec![7; all]),
        [Some(all), None],
        "nothing is missing, but it is wrong"
    );
    assert_eq!(
        ask(&[7; 500]),
        [Some(500), None],
        "the beginning of something else"
    );
    assert_eq!(
        ask(&vec![7; all + 1]),
        [Some(all + 1), None],
        "more than there is"
    );
    assert_eq!(ask(&vec![7; MOST + 1]), [None], "more than there can be");
}

#[test]
fn a_server_that_cannot_resume_begins_again() {
    let file = gzip(&noise(SIZE));
    let whole = file.clone();
    let ignores = Server::start(move |_, stream| reply(stream, "200 OK", &[], &whole));
    let whole = file.clone();
    let another_part = Server::start(move |request, stream| match request.from {
        Some(_) => {
            let range = format!("Content-Range: bytes 0-{}/{}", whole.len() - 1, whole.len());
            reply(stream, "206 Partial Content", &[&range], &whole)
        }
        None => reply(stream, "200 OK", &[], &whole),
    });
    let whole = file.clone();
    let no_part = Server::start(move |request, stream| match request.from {
        Some(_) => reply(stream, "206 Partial Content", &[], &whole),
        None => reply(stream, "200 OK", &[], &whole),
    });
    for (server, requests) in [(ignores, 1), (another_part, 2), (no_part, 2)] {
        let folder = Folder::new("resume");
        folder.put("file.part", &file[..500]);
        fetch_noise(&folder, &server).unwrap();
        assert!(folder.read("file") == file);
        assert_eq!(server.requests().len(), requests);
    }
    let unasked = Server::start(|_, stream| {
        reply(
            stream,
            "206 Partial Content",
            &["Content-Range: bytes 5-9/10"],
            b"56789",
        )
    });
    assert!(fetch_in_vain(Folder::new("unasked"), &unasked).contains("HTTP status 206"));
}

#[test]
fn an_answer_that_cannot_be_the_file_costs_nothing() {
    let folder = Folder::new("portal");
    let file = gzip(&noise(SIZE));
    folder.put("file.part", &file[..90_000]);
    let too_long = Server::start(|_, stream| reply(stream, "200 OK", &[], &vec![b'.'; MOST + 1]));
    let refusing = Server::start(|_, stream| reply(stream, "403 Forbidden", &[], b"log in"));
    let mirrors = [&*too_long.url(), &refusing.url()];
    fetch(&folder, &noise(SIZE), Packing::Gzip, &mirrors).unwrap_err();
    assert!(folder.read("file.part") == file[..90_000]);
}
