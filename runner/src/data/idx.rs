//! The IDX format of the MNIST files, plain or gzipped.
//!
//! | file | header, big-endian u32 | then |
//! | --- | --- | --- |
//! | images | `0x803`, count, rows, columns | count x rows x columns bytes, 0 background to 255 ink |
//! | labels | `0x801`, count | count bytes, 0 to 9 |
//!
//! A file is hostile until proven otherwise: memory grows with the bytes that are really there, never with what a header
//! claims, and of compressed content no more than a block is inflated beyond what the header promises.

use std::io::Read;
use std::path::Path;

use super::content::{Content, open};
use crate::error::Failure;

/// Rows and columns of an image.
pub const SIDE: usize = 28;
/// Bytes of an image.
pub const PIXELS: usize = SIDE * SIDE;

const IMAGES: u32 = 0x803;
const LABELS: u32 = 0x801;
/// The most items a file may hold: seventeen times MNIST.
const MOST: u32 = 1 << 20;

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

/// What an IDX file is read with.
impl Content<'_> {
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
        let bytes = self.promised(4)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    /// Exactly the bytes that the header promises, and then the end.
    fn rest(&mut self, promised: usize) -> Result<Vec<u8>, Failure> {
        let bytes = self.promised(promised)?;
        let end = self.at;
        match self.bytes(1)?.is_empty() {
            true => Ok(bytes),
            false => Err(self.wrong(end, "more bytes than the header promises")),
        }
    }

    fn promised(&mut self, promised: usize) -> Result<Vec<u8>, Failure> {
        let begin = self.at;
        let bytes = self.bytes(promised)?;
        if bytes.len() < promised {
            let end = begin + promised as u64;
            return Err(self.wrong(
                self.at,
                format!("the file ends here, but {end} bytes are expected"),
            ));
        }
        Ok(bytes)
    }
}
