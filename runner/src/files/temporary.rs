//! Temporary files, written beside the file they are to replace; and what becomes of them when their owner is killed.
//!
//! Whoever writes a temporary file holds an exclusive lock on it. The system gives the lock back when the process ends,
//! however it ends, so a temporary file that can be locked belongs to nobody and [`sweep`] may remove it. Names have 64
//! random bits and are never used twice: to remove a name is to remove that one file, or nothing if it has been put in
//! its place meanwhile. Between making a file and locking it there is a moment in which a sweep may take it for litter;
//! [`Temporary::beside`] looks again after locking. On a file system without locks nothing is swept: litter stays, and
//! no live file is lost.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// How many times a sweep may come between making a file and locking it. Once is rare.
const ATTEMPTS: usize = 16;
/// How many characters of the target's name are in that of its temporary files; file systems end at 255 bytes or so.
const NAME: usize = 40;
const SUFFIX: &str = ".tmp";

/// A new file beside the one it is to replace, which goes away unless it is put in its place.
pub(super) struct Temporary {
    pub(super) file: File,
    path: PathBuf,
    placed: bool,
}

impl Temporary {
    /// An empty file in the folder of `target`.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let temporary = Self::create(target)?;
            if temporary.lock()? {
                return Ok(temporary);
            }
        }
        Err(io::Error::other("its temporary file keeps disappearing"))
    }

    fn create(target: &Path) -> io::Result<Self> {
        // A hasher's random keys are the random bits that the standard library has.
        let random = RandomState::new().hash_one(target);
        let name = format!("{}{random:016x}{SUFFIX}", prefix(target));
        let path = folder(target).join(name);
        Ok(Self {
            file: File::create_new(&path)?,
            path,
            placed: false,
        })
    }

    /// Takes the lock, and tells whether the file is still there: a sweep may have been faster.
    fn lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => fs::exists(&self.path),
            // A sweep has it and is about to remove the file.
            Err(TryLockError::WouldBlock) => Ok(false),
            // There are no locks here, so nothing is swept.
            Err(TryLockError::Error(_)) => Ok(true),
        }
    }

    /// Puts the file in the place of `target`, see [`place`].
    pub(super) fn place(mut self, target: &Path) -> io::Result<()> {
        place(&self.file, &self.path, target)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            // A file that cannot be removed harms nobody, and there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives a finished file another name in its folder, in the place of any file that has it: its content reaches the disk
/// first, then the name changes in one step, then that reaches the disk.
///
/// # Errors
///
/// If the system refuses; the file may have either name then, and is whole.
pub fn place(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(from, to)?;
    sync_folder(folder(to))
}

/// Removes the temporary files of `target` whose owners are dead. What cannot be listed, locked or removed stays.
pub(super) fn sweep(target: &Path) {
    let prefix = prefix(target);
    let entries = fs::read_dir(folder(target)).into_iter().flatten();
    for entry in entries.map_while(Result::ok) {
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_temporary(&entry.file_name(), &prefix) && is_file() {
            // A file that cannot be removed harms nobody, and there is nobody to tell.
            let _ = remove_dead(&entry.path());
        }
    }
}

fn remove_dead(path: &Path) -> io::Result<()> {
    // Some systems lock only what is open for writing.
    let file = File::options().write(true).open(path)?;
    file.try_lock()?;
    fs::remove_file(path)
}

/// What all temporary files of `target` begin with: a dot and its name, or so much of it that the whole fits.
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(NAME).collect();
    format!(".{name}.")
}

/// Whether [`Temporary::beside`] makes such a name for a target of this prefix.
fn is_temporary(name: &OsStr, prefix: &str) -> bool {
    let rest = name.to_str().and_then(|name| name.strip_prefix(prefix));
    let random = rest.and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| random.len() == 16 && random.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The folder a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Forces a folder's entries to the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems have no such thing; the file itself is safe.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        // A folder one may write to but not list.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// Elsewhere a folder cannot be opened; the system sees to its entries.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
