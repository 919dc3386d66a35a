//! One HTTP request, watched for silence and for Ctrl-C.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{HeaderName, Response as Answer, StatusCode, header};
use ureq::{Agent, Body, Error, Timeout};

use super::url::is_local;
use super::{Fault, Patience};
use crate::error::Failure;
use crate::interrupt::Interrupt;

/// How often Ctrl-C is looked for while a server is silent.
const TICK: Duration = Duration::from_millis(50);
/// The most bytes of a body that are handed on together, and how many of such pieces may wait.
const PIECE: usize = 64 << 10;
const PIECES: usize = 4;
/// No request lasts longer. A longer download goes on with the next one.
const LONGEST: Duration = Duration::from_secs(3600);

/// Makes requests. Proxies are those of the usual environment variables, such as `HTTPS_PROXY` and `NO_PROXY`; a server
/// on this machine is talked to without.
pub(super) struct Client {
    agent: Agent,
    patience: Patience,
    interrupt: Interrupt,
}

/// An answer that has begun.
pub(super) struct Response {
    /// What the server says about it.
    pub(super) head: Head,
    body: News<Vec<u8>>,
    watch: Watch,
}

/// What a server says about its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    /// Bytes of the body, if known.
    pub(super) length: Option<u64>,
    /// Which part of the file the body is, if known.
    pub(super) range: Range,
}

/// `Content-Range: bytes 500-899/900`, or `bytes */900` of an answer without a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    /// The first byte of the part.
    pub(super) start: Option<u64>,
    /// Bytes of the whole.
    pub(super) total: Option<u64>,
}

impl Client {
    pub(super) fn new(patience: Patience, interrupt: &Interrupt) -> Self {
        let stall = Some(patience.stall);
        let config = Agent::config_builder()
            .user_agent(concat!("minitorch-runner/", env!("CARGO_PKG_VERSION")))
            // Files are wanted as they are.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .timeout_resolve(stall)
            .timeout_connect(stall)
            .timeout_recv_response(stall)
            .timeout_per_read(stall)
            .timeout_per_write(stall)
            .timeout_global(Some(LONGEST));
        Self {
            agent: config.build().new_agent(),
            patience,
            interrupt: interrupt.clone(),
        }
    }

    /// Asks for the file at `url` from byte `from` on, and follows redirects. Returns when the head of the answer is there.
    ///
    /// Another thread talks to the server, because some of that, such as looking up a name, cannot be interrupted. When it
    /// is no longer listened to, it ends with the next thing that happens, or when its time is up.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Response, Fault> {
        let (head_teller, head) = mpsc::sync_channel(1);
        let (body_teller, body) = mpsc::sync_channel(PIECES);
        let (agent, url) = (self.agent.clone(), url.to_string());
        let talker = thread::Builder::new().name("download".into());
        // Whoever asked may have gone away: then there is nobody to tell.
        let started = talker.spawn(move || match request(&agent, &url, from) {
            Err(error) => _ = head_teller.send(Err(error)),
            Ok(answer) => {
                if head_teller.send(Ok(Head::of(&answer))).is_ok() {
                    tell(answer.into_body(), &body_teller);
                }
            }
        });
        started.map_err(|error| {
            Fault::Machine(Failure::new(format!("cannot start a thread: {error}")))
        })?;
        let watch = |patience| Watch {
            since: Instant::now(),
            bytes: 0,
            patience,
            interrupt: self.interrupt.clone(),
        };
        // A name, a connection and redirects may come before the head.
        let patience = Patience {
            stall: 4 * self.patience.stall,
            ..self.patience
        };
        let head = watch(patience).next(&head)?;
        Ok(Response {
            head,
            body,
            watch: watch(self.patience),
        })
    }
}

impl Response {
    /// The next bytes of the body; none at its end.
    pub(super) fn next(&mut self) -> Result<Vec<u8>, Fault> {
        let bytes = self.watch.next(&self.body)?;
        if !bytes.is_empty() {
            self.watch.count(bytes.len() as u64)?;
        }
        Ok(bytes)
    }
}

impl Head {
    fn of(answer: &Answer<Body>) -> Self {
        let text = |name: HeaderName| answer.headers().get(name)?.to_str().ok();
        Self {
            status: answer.status(),
            length: text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok()),
            range: text(header::CONTENT_RANGE)
                .and_then(Range::read)
                .unwrap_or_default(),
        }
    }
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let range = text.trim().strip_prefix("bytes")?;
        let (part, total) = range.split_once('/')?;
        let start = part.split_once('-').map(|(start, _)| start.trim().parse());
        Some(Self {
            start: start.and_then(Result::ok),
            total: total.trim().parse().ok(),
        })
    }
}

/// What a thread that talks to a server tells, or why it has nothing more to tell.
type News<T> = Receiver<Result<T, Error>>;

/// Waits for news, but not for ever.
struct Watch {
    /// When the server was last found to be fast enough.
    since: Instant,
    /// Bytes that came since.
    bytes: u64,
    patience: Patience,
    interrupt: Interrupt,
}

impl Watch {
    fn next<T>(&self, news: &News<T>) -> Result<T, Fault> {
        loop {
            if self.interrupt.requested() {
                return Err(Fault::Interrupted);
            }
            match news.recv_timeout(TICK) {
                Ok(news) => return news.map_err(|error| self.fault(error)),
                Err(RecvTimeoutError::Timeout) => self.check()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::Passing("the download broke off".into()));
                }
            }
        }
    }

    /// Counts bytes that came: enough of them begin a new span of time.
    fn count(&mut self, bytes: u64) -> Result<(), Fault> {
        self.bytes += bytes;
        if self.bytes >= self.patience.least() {
            (self.since, self.bytes) = (Instant::now(), 0);
        }
        self.check()
    }

    fn check(&self) -> Result<(), Fault> {
        match self.since.elapsed() < self.patience.stall {
            true => Ok(()),
            false => Err(self.stalled()),
        }
    }

    fn stalled(&self) -> Fault {
        Fault::Passing(format!("stalled for {:?}", self.patience.stall))
    }

    /// What an error of the client is worth: a connection that was made and then failed may be made again.
    fn fault(&self, error: Error) -> Fault {
        use io::ErrorKind::*;
        match error {
            Error::Timeout(Timeout::Resolve) => {
                Fault::Source("the host is not found in time".into())
            }
            Error::Timeout(Timeout::Connect) => Fault::Source("no connection in time".into()),
            Error::Timeout(Timeout::Global) => Fault::Passing(format!("not done in {LONGEST:?}")),
            Error::Timeout(_) => self.stalled(),
            Error::Io(error) => match error.kind() {
                UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe | TimedOut => {
                    Fault::Passing("the connection was cut".into())
                }
                _ => Fault::Source(error.to_string()),
            },
            error => Fault::Source(error.to_string()),
        }
    }
}

fn request(agent: &Agent, url: &str, from: u64) -> Result<Answer<Body>, Error> {
    let mut request = agent.get(url);
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    if is_local(url) {
        request = request.config().proxy(None).build();
    }
    request.call()
}

/// Tells a body piece by piece, the last one empty, as long as somebody listens.
fn tell(body: Body, listener: &SyncSender<Result<Vec<u8>, Error>>) {
    let mut body = body.into_reader();
    loop {
        let piece = piece(&mut body);
        let last = piece.as_ref().map_or(true, Vec::is_empty);
        if listener.send(piece).is_err() || last {
            break;
        }
    }
}

fn piece(body: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut piece = vec![0; PIECE];
    let read = body.read(&mut piece)?;
    piece.truncate(read);
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_an_answer_is_read() {
        let range = |start, total| Some(Range { start, total });
        for (text, expected) in [
            ("bytes 500-899/900", range(Some(500), Some(900))),
            ("bytes 500-899/*", range(Some(500), None)),
            ("bytes */900", range(None, Some(900))),
            ("bytes  0-0 / 1", range(Some(0), Some(1))),
            ("bytes -1-5/99999999999999999999", range(None, None)),
            ("lines 1-2/3", None),
            ("bytes 1-2", None),
            ("", None),
        ] {
            assert_eq!(Range::read(text), expected, "{text}");
        }
    }
}
