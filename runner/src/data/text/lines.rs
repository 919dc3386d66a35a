//! The lines of a text file that is trusted in nothing.

use std::fmt::Display;
use std::io::Read;
use std::str;

use crate::data::content::Content;
use crate::error::Failure;

/// How much a file may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of a line.
    pub(super) line: usize,
    /// Bytes of the whole content.
    pub(super) content: u64,
}

/// Reads one line after the other, in the memory of one.
pub(super) struct Lines<'a> {
    content: Content<'a>,
    limits: Limits,
    buffer: Vec<u8>,
    number: usize,
}

/// A line without its end, which is `\n`, `\r\n` or the end of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    /// Its number, from 1.
    pub(super) number: usize,
    /// Where in the content it begins.
    at: u64,
    /// What errors call the file.
    name: &'a str,
}

impl<'a> Lines<'a> {
    /// Reads from anything, plain or gzipped; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// If nothing can be read.
    pub(super) fn open(
        source: impl Read + 'a,
        name: &'a str,
        limits: Limits,
    ) -> Result<Self, Failure> {
        Ok(Self {
            content: Content::open(source, name)?,
            limits,
            buffer: Vec::new(),
            number: 0,
        })
    }

    /// The next line, if there is one.
    ///
    /// # Errors
    ///
    /// A line or a content over its limit, what is not UTF-8, damaged compression, and what the system refuses.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, Failure> {
        let Limits { line, content } = self.limits;
        let at = self.content.at;
        self.buffer.clear();
        // A byte more than a line may have, for its end.
        self.content.line(line + 2, &mut self.buffer)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.content.at > content {
            let most = content >> 20;
            let what = format_args!("over {most} MiB, more than this program reads");
            return Err(self.content.wrong(content, what));
        }
        let bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() > line {
            let what = format_args!("line {}: over {line} bytes long", self.number);
            return Err(self.content.wrong(at, what));
        }
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Some(Line {
                text,
                number: self.number,
                at,
                name: self.content.name,
            })),
            Err(error) => Err(self.content.wrong(
                at + error.valid_up_to() as u64,
                format_args!("line {}: not UTF-8", self.number),
            )),
        }
    }

    /// Something is wrong at the end of the file.
    pub(super) fn wrong_at_end(&self, what: impl Display) -> Failure {
        self.content.wrong(self.content.at, what)
    }
}

impl Line<'_> {
    /// Something is wrong with the line, at the first byte of `part`, which is a part of its text.
    pub(super) fn wrong(&self, part: &str, what: impl Display) -> Failure {
        let offset = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let offset = offset.min(self.text.len()) as u64;
        Failure::at_byte(
            self.name,
            self.at + offset,
            format_args!("line {}: {what}", self.number),
        )
    }
}
