//! One file from one source after the other, tried again where that may help, and resumed where it stopped.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::StatusCode;

use super::http::{Client, Head, Range, Response};
use super::part::Part;
use super::{Fault, Patience, RemoteFile, Set, interrupted};
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// How often in a row a source may bring next to nothing.
const IN_VAIN: u32 = 3;
/// How often a source is tried for one file.
const TRIES: u32 = 20;
/// How often Ctrl-C is looked for during a pause.
const TICK: Duration = Duration::from_millis(50);

/// Downloads files into a folder that nobody else changes.
pub(super) struct Download<'a> {
    folder: &'a Path,
    client: Client,
    patience: Patience,
    output: &'a mut Output,
    interrupt: &'a Interrupt,
}

impl<'a> Download<'a> {
    pub(super) fn new(
        folder: &'a Path,
        patience: Patience,
        output: &'a mut Output,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            folder,
            client: Client::new(patience, interrupt),
            patience,
            output,
            interrupt,
        }
    }

    /// Tells a person at a terminal.
    pub(super) fn note(&self, text: &str) {
        self.output.note(text);
    }

    /// Downloads a file from the first mirror of its set that has it.
    pub(super) fn file(&mut self, set: &Set<'_>, file: &RemoteFile<'_>) -> Result<(), Failure> {
        let mut last = String::new();
        for mirror in set.mirrors {
            let url = format!("{}/{}", mirror.trim_end_matches('/'), file.name);
            let outcome = self.from(&url, file);
            self.output.finish();
            match outcome {
                Ok(()) => return Ok(()),
                Err(Fault::Interrupted) => return Err(interrupted(set, self.interrupt)),
                Err(Fault::Machine(failure)) => return Err(failure),
                Err(Fault::Source(why) | Fault::Passing(why)) => {
                    last = format!("{url}: {why}");
                    self.note(&last);
                }
            }
        }
        let sources = match set.mirrors.len() {
            1 => "the source failed".to_string(),
            count => format!("all {count} sources failed; the last"),
        };
        Err(Failure::new(format!(
            "cannot download {} ({sources}: {last});\n{}",
            set.name, set.otherwise
        )))
    }

    /// Downloads a file from one source.
    fn from(&mut self, url: &str, file: &RemoteFile<'_>) -> Result<(), Fault> {
        let mut part = Part::open(self.folder, file)?;
        let mut in_vain = 0;
        for _ in 0..TRIES {
            let before = part.length();
            let why = match (self.attempt(url, file, &mut part), part.length()) {
                (Err(Fault::Passing(why)), 0) => why,
                (Err(Fault::Passing(why)), bytes) => format!("{why} after {bytes} bytes"),
                (outcome, _) => return outcome,
            };
            match part.length().saturating_sub(before) {
                brought if brought < self.patience.least() => in_vain += 1,
                _ => in_vain = 0,
            }
            if in_vain == IN_VAIN {
                return Err(Fault::Source(why));
            }
            self.note(&format!("{url}: {why}; trying again"));
            self.pause(self.patience.pause * 2u32.pow(in_vain))?;
        }
        Err(Fault::Source(format!("{TRIES} tries were not enough")))
    }

    /// Makes one request for what is missing of a file, and puts the file in its place if it is complete then.
    fn attempt(&mut self, url: &str, file: &RemoteFile<'_>, part: &mut Part) -> Result<(), Fault> {
        let wanted = part.length();
        let mut response = self.client.get(url, wanted)?;
        let Head {
            status,
            length,
            range: Range { start, total },
        } = response.head;
        // Where in the file the body begins.
        let start = match status {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if wanted > 0 && start == Some(wanted) => wanted,
            StatusCode::RANGE_NOT_SATISFIABLE if wanted > 0 && total == Some(wanted) => {
                // The part is all there is.
                return part.place(file, true);
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if wanted > 0 => {
                part.clear()?;
                return Err(Fault::Passing("the server cannot resume".into()));
            }
            status => return Err(refusal(status)),
        };
        let total = total.or(length.map(|length| start.saturating_add(length)));
        if let Some(why) = total.and_then(|total| file.refuses(total)) {
            return Err(Fault::Source(why));
        }
        if start == 0 {
            part.clear()?;
        }
        self.output.start_download(file.name, total);
        self.receive(&mut response, file, part)?;
        if total.is_some_and(|total| part.length() < total) {
            return Err(Fault::Passing("the answer ends".into()));
        }
        part.place(file, start > 0)
    }

    /// Appends the body of an answer to a part.
    fn receive(
        &self,
        response: &mut Response,
        file: &RemoteFile<'_>,
        part: &mut Part,
    ) -> Result<(), Fault> {
        loop {
            self.output.downloaded(part.length());
            let bytes = response.next()?;
            if bytes.is_empty() {
                return Ok(());
            }
            if bytes.len() as u64 > file.most() - part.length() {
                part.clear()?;
                let most = file.most();
                return Err(Fault::Source(format!("more than {most} bytes are sent")));
            }
            part.append(&bytes)?;
        }
    }

    /// Waits, but not after Ctrl-C.
    fn pause(&self, time: Duration) -> Result<(), Fault> {
        let start = Instant::now();
        while start.elapsed() < time {
            if self.interrupt.requested() {
                return Err(Fault::Interrupted);
            }
            thread::sleep(TICK.min(time));
        }
        Ok(())
    }
}

/// What a status without a file means.
fn refusal(status: StatusCode) -> Fault {
    let why = format!("HTTP status {status}");
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Fault::Passing(why),
        status if status.is_server_error() => Fault::Passing(why),
        _ => Fault::Source(why),
    }
}
