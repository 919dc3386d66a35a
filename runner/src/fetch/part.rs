//! The beginning of a file that is being downloaded.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Fault, RemoteFile, content};
use crate::error::Failure;
use crate::files;

/// The file `NAME.part`, which is to become the file `NAME`.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Part {
    /// What an earlier download left, or nothing.
    pub(super) fn open(folder: &Path, expected: &RemoteFile<'_>) -> Result<Self, Fault> {
        let path = folder.join(format!("{}.part", expected.name));
        let mut options = File::options();
        let opened = options.create(true).truncate(false).write(true).open(&path);
        let opened = opened.and_then(|mut file| Ok((file.seek(SeekFrom::End(0))?, file)));
        let (length, file) = opened.map_err(|error| unwritable(&path, &error))?;
        let mut part = Self { file, path, length };
        if length > expected.most() {
            part.clear()?;
        }
        Ok(part)
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| unwritable(&self.path, &error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.rewind());
        cleared.map_err(|error| unwritable(&self.path, &error))?;
        self.length = 0;
        Ok(())
    }

    /// Gives the file its name if its content is as expected, or else clears it. `resumed` tells whether its beginning may
    /// be that of another file.
    pub(super) fn place(&mut self, expected: &RemoteFile<'_>, resumed: bool) -> Result<(), Fault> {
        if let Err(why) = content::check(&self.path, expected) {
            self.clear()?;
            let fault = if resumed {
                Fault::Passing
            } else {
                Fault::Source
            };
            return Err(fault(why));
        }
        let path = self.path.with_file_name(expected.name);
        files::place(&self.file, &self.path, &path).map_err(|error| unwritable(&path, &error))
    }
}

impl Drop for Part {
    /// Nothing to go on from is nothing to keep. The folder is locked: nobody else has this file.
    fn drop(&mut self) {
        if self.length == 0 {
            // One that cannot be removed is as good a beginning as none.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Fault {
    Fault::Machine(Failure::io(path, "write", error))
}
