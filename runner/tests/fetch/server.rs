//! A web server for tests, on this machine, that answers as a test says: well, badly, late or never.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The method's argument: a path, or more from clients that believe in proxies.
    pub(crate) path: String,
    /// The first byte wanted.
    pub(crate) from: Option<usize>,
    /// How many requests came before.
    pub(crate) number: usize,
}

/// Answers requests, each on a connection of its own, until dropped.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Starts a server whose answers `answer` writes. It may fail: clients go away.
    pub(crate) fn start<F>(answer: F) -> Self
    where
        F: Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (log, end, answer) = (requests.clone(), over.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || stream.and_then(|stream| serve(stream, &log, &*answer)));
            }
        });
        Self {
            address,
            requests,
            over,
        }
    }

    /// A server that has files, and honours ranges.
    pub(crate) fn of(files: Vec<(&'static str, Vec<u8>)>) -> Self {
        Self::start(move |request, stream| {
            match files
                .iter()
                .find(|(name, _)| request.path.ends_with(&format!("/{name}")))
            {
                Some((_, file)) => send(stream, request, file),
                None => reply(stream, "404 Not Found", &[], b"no such file"),
            }
        })
    }

    /// The URL of its root, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked for so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic in a server").clone()
    }

    /// The first bytes that were asked for so far.
    pub(crate) fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(|request| request.from).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve<F>(mut stream: TcpStream, log: &Mutex<Vec<Request>>, answer: &F) -> io::Result<()>
where
    F: Fn(&Request, &mut TcpStream) -> io::Result<()>,
{
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let Some(path) = first.split(' ').nth(1).map(str::to_string) else {
        return Ok(());
    };
    let mut from = None;
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.strip_suffix('-').and_then(|start| start.parse().ok());
        }
    }
    let request = {
        let mut log = log.lock().expect("no panic in a server");
        let number = log.len();
        log.push(Request { path, from, number });
        log[number].clone()
    };
    answer(&request, &mut stream)
}

/// Writes the head of an answer.
pub(crate) fn head(stream: &mut TcpStream, status: &str, headers: &[&str]) -> io::Result<()> {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n"
    )
}

/// Writes a whole answer.
pub(crate) fn reply(
    stream: &mut TcpStream,
    status: &str,
    headers: &[&str],
    body: &[u8],
) -> io::Result<()> {
    let length = format!("Content-Length: {}", body.len());
    head(stream, status, &[headers, &[&length]].concat())?;
    stream.write_all(body)
}

/// Writes what a good server answers to a request for a file.
pub(crate) fn send(stream: &mut TcpStream, request: &Request, file: &[u8]) -> io::Result<()> {
    let size = file.len();
    match request.from {
        None => reply(stream, "200 OK", &[], file),
        Some(from) if from < size => {
            let range = format!("Content-Range: bytes {from}-{}/{size}", size - 1);
            reply(stream, "206 Partial Content", &[&range], &file[from..])
        }
        Some(_) => {
            let range = format!("Content-Range: bytes */{size}");
            reply(stream, "416 Range Not Satisfiable", &[&range], b"")
        }
    }
}

/// Says nothing more until the client gives up.
pub(crate) fn hold(stream: &mut TcpStream) -> io::Result<()> {
    stream.read(&mut [0]).map(drop)
}
