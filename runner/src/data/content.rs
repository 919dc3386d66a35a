//! The bytes of a file, inflated if need be, with the position for error messages.
//!
//! Compression is told by content, so a misnamed file works. Memory grows with the bytes that are really there.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::Failure;

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How much memory a promise of bytes is good for; beyond it, memory grows as the bytes come.
const TRUST: usize = 1 << 20;
/// Bytes that are read or inflated at a time.
const BLOCK: usize = 32 << 10;

/// The content of a file. `name` is what errors call it.
pub(super) struct Content<'a> {
    stream: Box<dyn BufRead + 'a>,
    pub(super) name: &'a str,
    /// Bytes of the content that have been read.
    pub(super) at: u64,
}

/// Opens a file to read it.
///
/// # Errors
///
/// If the system refuses.
pub(super) fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::io(path, "open", &error))
}

impl<'a> Content<'a> {
    /// Looks at the first bytes to tell whether the rest is gzipped.
    ///
    /// # Errors
    ///
    /// If nothing can be read.
    pub(super) fn open(source: impl Read + 'a, name: &'a str) -> Result<Self, Failure> {
        let mut source = BufReader::with_capacity(BLOCK, source);
        let mut start = Vec::with_capacity(GZIP.len());
        let read = source
            .by_ref()
            .take(GZIP.len() as u64)
            .read_to_end(&mut start);
        read.map_err(|error| Failure::file(name, format_args!("cannot read: {error}")))?;
        let gzipped = start == GZIP;
        let whole = Cursor::new(start).chain(source);
        let stream: Box<dyn BufRead + 'a> = if gzipped {
            Box::new(BufReader::with_capacity(BLOCK, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self {
            stream,
            name,
            at: 0,
        })
    }

    /// So many bytes, or all that are left if there are fewer.
    ///
    /// # Errors
    ///
    /// If they cannot be read, and without memory.
    pub(super) fn bytes(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(most.min(TRUST)).is_err() {
            return Err(self.wrong(self.at, format!("no memory for {most} bytes")));
        }
        let read = self
            .stream
            .by_ref()
            .take(most as u64)
            .read_to_end(&mut bytes);
        self.at += bytes.len() as u64;
        read.map_err(|error| self.unreadable(&error))?;
        Ok(bytes)
    }

    /// Appends the bytes up to the next line feed, that included, or so many of them if there is none.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub(super) fn line(&mut self, most: usize, line: &mut Vec<u8>) -> Result<(), Failure> {
        let begin = line.len();
        let read = self
            .stream
            .by_ref()
            .take(most as u64)
            .read_until(b'\n', line);
        self.at += (line.len() - begin) as u64;
        read.map_err(|error| self.unreadable(&error))?;
        Ok(())
    }

    /// Something is wrong at a byte of the content.
    pub(super) fn wrong(&self, at: u64, what: impl Display) -> Failure {
        Failure::at_byte(self.name, at, what)
    }

    /// A read that failed: the system's words, or the decoder's for damaged gzip.
    fn unreadable(&self, error: &io::Error) -> Failure {
        let damaged = matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        );
        let what = if damaged {
            "damaged or incomplete gzip data"
        } else {
            "cannot read"
        };
        self.wrong(self.at, format_args!("{what}: {error}"))
    }
}
