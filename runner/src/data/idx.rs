//! The IDX format of the MNIST files, plain or gzipped.
//!
//! | file | header, big-endian u32 | then |
//! | --- | --- | --- |
//! | images | `0x803`, count, rows, columns | count x rows x columns bytes, 0 background to 255 ink |
//! | labels | `0x801`, count | count bytes, 0 to 9 |
//!
//! A file is hostile until proven otherwise. Compression is told by content, so a misnamed file works. Memory grows with
//! the bytes that are really there, never with what a header claims, and of compressed content one byte more than the
//! header promises is looked at: enough to refuse what is too long.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::Failure;

/// Rows and columns of an image.
pub const SIDE: usize = 28;
/// Bytes of an image.
pub const PIXELS: usize = SIDE * SIDE;

const IMAGES: u32 = 0x803;
const LABELS: u32 = 0x801;
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The most items a file may hold: seventeen times MNIST.
const MOST: u32 = 1 << 20;
/// How much memory a header's word alone is good for; beyond it, memory grows as the bytes come.
const TRUST: usize = 1 << 20;

/// Grey images of the same size, one after the other, each row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// How many there are.
    pub count: usize,
    /// Rows of each, 28.
    pub rows: usize,
    /// Columns of each, 28.
    pub columns: usize,
    /// `count * rows * columns` bytes.
    pub pixels: Vec<u8>,
}

/// The digit, 0 to 9, that each image shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(pub Vec<u8>);

impl Images {
    /// Reads images from anything; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// The wrong magic number, a size other than 28x28, no images at all or over a million, damaged compression, and too
    /// few or too many bytes.
    pub fn read<'a>(source: impl Read + 'a, name: &'a str) -> Result<Self, Failure> {
        let mut content = Content::open(source, name)?;
        content.magic(IMAGES, "images")?;
        let count = content.count("images")?;
        let at = content.at;
        let (rows, columns) = (content.number()?, content.number()?);
        if (rows, columns) != (SIDE as u32, SIDE as u32) {
            return Err(content.wrong(
                at,
                format!("images of {rows}x{columns} pixels, but {SIDE}x{SIDE} are expected"),
            ));
        }
        let pixels = content.rest(count * PIXELS)?;
        Ok(Self {
            count,
            rows: SIDE,
            columns: SIDE,
            pixels,
        })
    }

    /// Reads images from a file.
    ///
    /// # Errors
    ///
    /// As [`Images::read`], and when the file cannot be opened.
    pub fn from_file(path: &Path) -> Result<Self, Failure> {
        Self::read(open(path)?, &path.display().to_string())
    }
}

impl Labels {
    /// Reads labels from anything; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// The wrong magic number, no labels at all or over a million, a label over 9, damaged compression, and too few or
    /// too many bytes.
    pub fn read<'a>(source: impl Read + 'a, name: &'a str) -> Result<Self, Failure> {
        let mut content = Content::open(source, name)?;
        content.magic(LABELS, "labels")?;
        let count = content.count("labels")?;
        let at = content.at;
        let labels = content.rest(count)?;
        match labels.iter().position(|&label| label > 9) {
            Some(i) => Err(content.wrong(
                at + i as u64,
                format!("label {}, but digits go from 0 to 9", labels[i]),
            )),
            None => Ok(Self(labels)),
        }
    }

    /// Reads labels from a file.
    ///
    /// # Errors
    ///
    /// As [`Labels::read`], and when the file cannot be opened.
    pub fn from_file(path: &Path) -> Result<Self, Failure> {
        Self::read(open(path)?, &path.display().to_string())
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::io(path, "open", &error))
}

/// The content of a file, inflated if need be, with the position for error messages.
struct Content<'a> {
    stream: Box<dyn Read + 'a>,
    name: &'a str,
    at: u64,
}

impl<'a> Content<'a> {
    fn open(source: impl Read + 'a, name: &'a str) -> Result<Self, Failure> {
        let mut source = BufReader::new(source);
        let mut start = Vec::with_capacity(GZIP.len());
        let read = source
            .by_ref()
            .take(GZIP.len() as u64)
            .read_to_end(&mut start);
        read.map_err(|error| Failure::file(name, format_args!("cannot read: {error}")))?;
        let gzipped = start == GZIP;
        let whole = Cursor::new(start).chain(source);
        let stream: Box<dyn Read + 'a> = if gzipped {
            Box::new(MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        };
        Ok(Self {
            stream,
            name,
            at: 0,
        })
    }

    fn magic(&mut self, expected: u32, what: &str) -> Result<(), Failure> {
        match self.number()? {
            magic if magic == expected => Ok(()),
            magic => Err(self.wrong(
                0,
                format!(
                    "{magic:#010x} is not the start of an IDX file of {what} ({expected:#010x})"
                ),
            )),
        }
    }

    fn count(&mut self, what: &str) -> Result<usize, Failure> {
        let at = self.at;
        match self.number()? {
            0 => Err(self.wrong(at, format!("no {what}: the header says 0"))),
            count if count > MOST => Err(self.wrong(
                at,
                format!("the header says {count} {what}, over the limit of {MOST}"),
            )),
            count => Ok(count as usize),
        }
    }

    /// A big-endian number of the header.
    fn number(&mut self) -> Result<u32, Failure> {
        let bytes = self.bytes(4)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    /// Exactly the bytes that the header promises, and then the end.
    fn rest(&mut self, promised: usize) -> Result<Vec<u8>, Failure> {
        let bytes = self.bytes(promised)?;
        let mut beyond = [0];
        loop {
            match self.stream.read(&mut beyond) {
                Ok(0) => return Ok(bytes),
                Ok(_) => return Err(self.wrong(self.at, "more bytes than the header promises")),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
    }

    fn bytes(&mut self, promised: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(promised.min(TRUST)).is_err() {
            return Err(self.wrong(self.at, format!("no memory for {promised} bytes")));
        }
        let read = self
            .stream
            .by_ref()
            .take(promised as u64)
            .read_to_end(&mut bytes);
        let begin = self.at;
        self.at += bytes.len() as u64;
        read.map_err(|error| self.unreadable(&error))?;
        if bytes.len() < promised {
            let end = begin + promised as u64;
            return Err(self.wrong(
                self.at,
                format!("the file ends here, but {end} bytes are expected"),
            ));
        }
        Ok(bytes)
    }

    fn wrong(&self, at: u64, what: impl std::fmt::Display) -> Failure {
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
