//! Data sets that are downloaded once, checked, and kept in the cache folder.
//!
//! A [`Set`] says which files there are, how long each is and what its sha256 is. [`fetch`] returns the folder that
//! holds them: at once if they are all there and sound, else after downloading what is not.
//!
//! * `http` makes one request, which may begin in the middle, and watches for silence and Ctrl-C; `url` checks URLs;
//! * `download` asks one source after the other, again where that may help, and resumes where it stopped;
//! * `part` is a file while it grows, `content` tells whether it is what it should be;
//! * `archive` unpacks files that are published in a zip archive;
//! * `cache` knows where files are kept, and lets one process at a time put them there.
//!
//! A download grows in `NAME.part`, which stays when it is interrupted, unless nothing is in it. It takes its name in one
//! step, after its content was checked, so a file in the cache is whole. It is checked again at each use: disks and
//! people make mistakes. No server is trusted, so it does not matter whether a mirror speaks `http` or `https`.

mod archive;
mod cache;
mod content;
mod download;
mod http;
mod part;
mod url;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use cache::Lock;
use download::Download;

pub use archive::{Archive, Member, fetch_archive, fetch_archive_into};
pub use url::base_url;

/// Files that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Set<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// Its folder inside of the cache folder.
    pub folder: &'a str,
    /// Where to download from: URLs that a file's name is appended to, tried in this order.
    pub mirrors: &'a [&'a str],
    /// The files.
    pub files: &'a [RemoteFile<'a>],
    /// What somebody can do who cannot download it, as the end of a sentence.
    pub otherwise: &'a str,
}

/// A file that can be downloaded. What is known of it is its content, whatever the compression made of that.
#[derive(Clone, Copy, Debug)]
pub struct RemoteFile<'a> {
    /// Its name, at the source and in the cache.
    pub name: &'a str,
    /// How its content is packed.
    pub packing: Packing,
    /// Bytes of the content.
    pub size: u64,
    /// The sha256 of the content: 64 lower-case hex digits.
    pub sha256: &'a str,
}

/// How content is packed in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// The file is the content.
    Plain,
    /// The file is the content, compressed by gzip in one member or several.
    Gzip,
}

impl RemoteFile<'_> {
    /// The most bytes that the file may have: gzip adds little to what it cannot compress.
    fn most(&self) -> u64 {
        match self.packing {
            Packing::Plain => self.size,
            Packing::Gzip => self.size + self.size / 1000 + 1024,
        }
    }

    /// Why a file of so many bytes cannot be this one, if it cannot.
    fn refuses(&self, bytes: u64) -> Option<String> {
        let expected = match self.packing {
            Packing::Plain if bytes != self.size => format!("{} are", self.size),
            Packing::Gzip if bytes > self.most() => format!("at most {} are", self.most()),
            _ => return None,
        };
        Some(format!(
            "the file has {bytes} bytes there, but {expected} expected"
        ))
    }
}

/// How long to wait for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A server that brings less than 1 KiB a second, over this time, has stalled.
    pub stall: Duration,
    /// The pause before something is tried again; it doubles with each try in a row that was in vain.
    pub pause: Duration,
}

impl Patience {
    /// The fewest bytes that a server has to bring within [`Patience::stall`].
    fn least(&self) -> u64 {
        (1024.0 * self.stall.as_secs_f64()) as u64
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(15),
            pause: Duration::from_millis(500),
        }
    }
}

/// The folder with all files of `set`, downloaded if need be: from `mirror`, or else from the set's own mirrors.
///
/// It is inside of the cache folder: `MINITORCH_CACHE`, or else `minitorch` in `XDG_CACHE_HOME` or `~/.cache`, on macOS
/// in `~/Library/Caches`, on Windows in `LOCALAPPDATA`.
///
/// # Errors
///
/// No folder for the cache; a file that no source has or that cannot be written; an interruption, with its status.
pub fn fetch(
    set: &Set<'_>,
    mirror: Option<&str>,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<PathBuf, Failure> {
    let folder = folder_of(set)?;
    let set = with_mirror(set, &mirror);
    fetch_into(&folder, &set, Patience::default(), output, interrupt)?;
    Ok(folder)
}

/// The folder of a set inside of the cache folder, whether it is there or not.
///
/// # Errors
///
/// No folder for the cache.
pub fn folder_of(set: &Set<'_>) -> Result<PathBuf, Failure> {
    match cache::folder(|name| std::env::var_os(name)) {
        Some(cache) => Ok(cache.join(set.folder)),
        None => {
            let how = "no folder to keep downloads in: name one in MINITORCH_CACHE, or";
            Err(Failure::new(format!("{how} {}", set.otherwise)))
        }
    }
}

/// The set with this mirror instead of its own, if there is one.
fn with_mirror<'a>(set: &Set<'a>, mirror: &'a Option<&'a str>) -> Set<'a> {
    let mirrors = mirror.as_ref().map_or(set.mirrors, std::slice::from_ref);
    Set { mirrors, ..*set }
}

/// Sees to it that all files of `set` are in `folder`, which is made if need be.
///
/// # Errors
///
/// As [`fetch`].
pub fn fetch_into(
    folder: &Path,
    set: &Set<'_>,
    patience: Patience,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let is_sound = |file: &RemoteFile<'_>| content::check(&folder.join(file.name), file).is_ok();
    if set.files.iter().all(is_sound) {
        return Ok(());
    }
    let _lock =
        Lock::take(folder, interrupt, output)?.ok_or_else(|| interrupted(set, interrupt))?;
    bring(folder, set, patience, output, interrupt)
}

/// Downloads the files of `set` that are not in `folder`, of which the caller holds the lock.
fn bring(
    folder: &Path,
    set: &Set<'_>,
    patience: Patience,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    output.note(&format!("downloading {} to {}", set.name, folder.display()));
    let mut download = Download::new(folder, patience, output, interrupt);
    for file in set.files {
        // Whoever held the lock may have brought it.
        let path = folder.join(file.name);
        let Err(why) = content::check(&path, file) else {
            continue;
        };
        if path.exists() {
            let path = path.display();
            download.note(&format!("{path}: {why}; it is downloaded anew"));
        }
        download.file(set, file)?;
    }
    Ok(())
}

fn interrupted(set: &Set<'_>, interrupt: &Interrupt) -> Failure {
    let name = set.name;
    interrupt.failure(format!(
        "interrupted while downloading {name}; the same command goes on from there"
    ))
}

/// Why a download did not work.
enum Fault {
    /// It may work in a moment.
    Passing(String),
    /// This source does not work.
    Source(String),
    /// This machine does not work: no room on the disk, say.
    Machine(Failure),
    /// Ctrl-C.
    Interrupted,
}
