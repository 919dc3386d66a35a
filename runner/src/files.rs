//! Files that are read up to a limit, and replaced whole or not at all.

mod temporary;

use std::ffi::OsStr;
use std::fs::{self, File, FileType};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Failure;
use temporary::{Temporary, folder, sweep};

pub use temporary::place;

/// The content of `source` (a file, standard input), called `name` in errors, of at most `most` bytes.
///
/// Memory grows with what is really there, so that a device without end does no harm.
///
/// # Errors
///
/// If it cannot be opened or read, and if there is more.
pub fn read(source: io::Result<impl Read>, name: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source
        .and_then(|source| source.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::io(name, "read", &error))?;
    if bytes.len() as u64 > most {
        let limit = format_args!("over {} MiB, more than this program reads", most >> 20);
        return Err(Failure::file(name.display(), limit));
    }
    Ok(bytes)
}

/// Refuses what is there and is no file to be read or written: a folder, a block device, a socket, and a named pipe, which
/// waits for another program, perhaps for ever.
///
/// Devices of characters, such as `/dev/null`, and pipes without a name, such as a shell opens for `|` and `<(..)` and
/// `/dev/stdin` may lead to, are as good as files.
///
/// # Errors
///
/// If so.
pub fn expect_file(path: &Path) -> Result<(), Failure> {
    let kind = match fs::metadata(path).map(|found| found.file_type()) {
        Ok(kind) if kind.is_dir() => Some("a folder"),
        Ok(kind) => special(path, kind),
        Err(_) => None,
    };
    match kind {
        Some(kind) => {
            let what = format_args!("is {kind}, not a file");
            Err(Failure::file(path.display(), what))
        }
        None => Ok(()),
    }
}

#[cfg(unix)]
fn special(path: &Path, kind: FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;

    // Links to a pipe without a name lead nowhere.
    if kind.is_fifo() && fs::canonicalize(path).is_ok() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_block_device() {
        Some("a block device")
    } else {
        None
    }
}

#[cfg(not(unix))]
fn special(_: &Path, _: FileType) -> Option<&'static str> {
    None
}

/// Replaces the file at `path` by `content`, or leaves it exactly as it was.
///
/// The content goes to a temporary file in the same folder, is forced to the disk, and takes the name in one step; then
/// the folder is forced to the disk too. A power cut leaves the old file or the new one. A symbolic link stays, and what
/// it points to is replaced. What is no ordinary file, such as `/dev/null`, is written to in place, and what
/// [`expect_file`] refuses is refused.
///
/// Any number of programs may do so at once: each name change puts a whole file in place, and the last one stays. Only a
/// program that is killed leaves its temporary file behind, until the next [`check`] of the same `path`.
///
/// # Errors
///
/// If anything of this fails; the temporary file is gone then, and the file at `path` is whole.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let target = Target::of(path)?;
    target
        .write(content)
        .map_err(|error| Failure::io(path, "write", &error))
}

/// Finds out whether [`replace`] would work, without touching the file at `path`, and removes what programs that were
/// killed in [`replace`] left beside it.
///
/// # Errors
///
/// As [`expect_file`], and if `path` cannot be a name, if its folder does not exist, or if no file can be made there.
pub fn check(path: &Path) -> Result<(), Failure> {
    match Target::of(path)? {
        Target::Place(_) => Ok(()),
        Target::File(target) => {
            sweep(&target);
            Temporary::beside(&target)
                .map(drop)
                .map_err(|error| Failure::io(path, "write", &error))
        }
    }
}

/// Where a path leads, links followed: two paths to one file give the same. Of a file that is not there yet, its folder
/// says so, and so do links to it.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(there) = fs::canonicalize(path) {
        return there;
    }
    let mut path = path.to_path_buf();
    // As many links in a row as systems follow.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(link) => path = folder(&path).join(link),
            Err(_) => break,
        }
    }
    let to_be = || {
        Some(
            fs::canonicalize(folder(&path))
                .ok()?
                .join(path.file_name()?),
        )
    };
    to_be().unwrap_or(path)
}

/// Refuses to write to `path`, which `option` names, if it leads to one of `others`, which the run has for `what`.
///
/// # Errors
///
/// If so (exit status 2).
pub fn apart<'a>(
    option: &str,
    path: &Path,
    what: &str,
    others: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let place = resolved(path);
    if others.into_iter().all(|other| resolved(other) != place) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option} {}: the run has this file for {what}; give another name",
        path.display()
    )))
}

/// Whether there is a file that is not empty.
pub fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Refuses to replace the file at `path`, which `option` names, if there is one that is not what would be written, such
/// as a picture. `kind` is given the first bytes of a file that is not empty. Refuses `-`, too, which stands for standard
/// output elsewhere: the log goes there.
///
/// # Errors
///
/// If so (exit status 2), and if the file cannot be read.
pub fn of_kind(
    option: &str,
    path: &Path,
    what: &str,
    kind: impl FnOnce(&[u8]) -> bool,
) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Err(Failure::usage(format!(
            "{option} -: standard output has the log; give the name of a file (./- for one that is called -)"
        )));
    }
    if !is_there(path) {
        return Ok(());
    }
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut head))
        .map_err(|error| Failure::io(path, "read", &error))?;
    if kind(&head) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option} {}: this file is there and is not {what}; delete it or give another name",
        path.display()
    )))
}

/// The file a run saves to, checked before the work begins: what was asked for, or else `default` in the current folder.
///
/// It must be writable, and a checkpoint if it is there. If the default is not, `warn` gets one sentence and nothing is
/// saved.
///
/// # Errors
///
/// As [`of_kind`] and [`check`], for a file that was asked for.
pub fn checkpoint(
    asked: Option<&Path>,
    default: &str,
    warn: impl FnOnce(&str),
) -> Result<Option<PathBuf>, Failure> {
    let usable = |path: &Path| {
        // Safetensors: eight bytes of length, then JSON.
        of_kind("--checkpoint", path, "a checkpoint", |head| {
            head.get(8) == Some(&b'{')
        })?;
        check(path)
    };
    if let Some(path) = asked {
        return usable(path).map(|()| Some(path.to_path_buf()));
    }
    let path = Path::new(".").join(default);
    match usable(&path) {
        Ok(()) => Ok(Some(path)),
        Err(failure) => {
            warn(&format!("{failure}; no checkpoint will be written"));
            Ok(None)
        }
    }
}

/// Where content goes.
enum Target {
    /// An ordinary file that is there or will be.
    File(PathBuf),
    /// A device or a pipe.
    Place(PathBuf),
}

impl Target {
    fn of(path: &Path) -> Result<Self, Failure> {
        expect_file(path)?;
        match fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(Self::File(
                fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()),
            )),
            Ok(_) => Ok(Self::Place(path.to_path_buf())),
            Err(_) if !names_a_file(path) => {
                Err(Failure::file(path.display(), "is not the name of a file"))
            }
            Err(_) if !folder(path).is_dir() => Err(Failure::file(
                path.display(),
                format_args!("there is no folder {}", folder(path).display()),
            )),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::io(path, "write", &error))
            }
            // What a symbolic link leads to is not there yet. The system has told links without an end already.
            Err(_) => match fs::read_link(path) {
                Ok(link) => Self::of(&folder(path).join(link)),
                Err(_) => Ok(Self::File(path.to_path_buf())),
            },
        }
    }

    fn write(&self, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Place(path) => File::options().write(true).open(path)?.write_all(content),
            Self::File(path) => {
                let mut temporary = Temporary::beside(path)?;
                temporary.file.write_all(content)?;
                temporary.place(path)
            }
        }
    }
}

/// Whether a path ends in a name: not in a slash, and not in `.` or `..`.
fn names_a_file(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::as_encoded_bytes);
    name.is_some_and(|name| path.as_os_str().as_encoded_bytes().ends_with(name))
}

#[cfg(test)]
pub(crate) mod scratch;
#[cfg(test)]
mod tests;
