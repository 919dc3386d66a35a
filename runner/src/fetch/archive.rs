//! Files that are published inside of a zip archive: the archive is downloaded as any other file, what is needed of it is
//! unpacked, and the archive is removed.
//!
//! A file that was unpacked has `NAME.sha256` beside it, in the form that `sha256sum --check` reads. That is how it is
//! known to be whole later, when the archive is gone.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive};
use ring::digest::{Context, SHA256};

use super::cache::Lock;
use super::content::hex;
use super::{Patience, Set, bring, folder_of, interrupted, with_mirror};
use crate::error::Failure;
use crate::files;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// Bytes that are unpacked at a time.
const BLOCK: usize = 64 << 10;
/// The most bytes of a file with a sum.
const RECORD: u64 = 1024;

/// Files in an archive. The archive is the one file of a set, and its sum vouches for all that is in it.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// The archive.
    pub set: Set<'a>,
    /// The files that are needed.
    pub members: &'a [Member<'a>],
}

/// A file in an archive.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its path in the archive.
    pub path: &'a str,
    /// Its name in the cache.
    pub name: &'a str,
}

impl Archive<'_> {
    /// Bytes to download.
    pub fn size(&self) -> u64 {
        self.set.files.iter().map(|file| file.size).sum()
    }

    /// The folder that holds the members, or will.
    ///
    /// # Errors
    ///
    /// If there is no folder for the cache.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        folder_of(&self.set)
    }

    /// Whether every member is in `folder`, as it was unpacked.
    pub fn is_in(&self, folder: &Path) -> bool {
        self.members.iter().all(|member| member.is_in(folder))
    }
}

/// The folder with the members of an archive, downloaded if need be: from `mirror`, or else from the set's own mirrors.
///
/// # Errors
///
/// As [`fetch`](super::fetch), and an archive that lacks a member.
pub fn fetch_archive(
    archive: &Archive<'_>,
    mirror: Option<&str>,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<PathBuf, Failure> {
    let folder = archive.folder()?;
    let archive = Archive {
        set: with_mirror(&archive.set, &mirror),
        ..*archive
    };
    fetch_archive_into(&folder, &archive, Patience::default(), output, interrupt)?;
    Ok(folder)
}

/// Sees to it that the members of an archive are in `folder`, which is made if need be.
///
/// # Errors
///
/// As [`fetch_archive`].
pub fn fetch_archive_into(
    folder: &Path,
    archive: &Archive<'_>,
    patience: Patience,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let zips = || archive.set.files.iter().map(|file| folder.join(file.name));
    if archive.is_in(folder) && !zips().any(|zip| zip.exists()) {
        return Ok(());
    }
    let _lock = Lock::take(folder, interrupt, output)?
        .ok_or_else(|| interrupted(&archive.set, interrupt))?;
    // Whoever held the lock may have unpacked it.
    if !archive.is_in(folder) {
        bring(folder, &archive.set, patience, output, interrupt)?;
        for zip in zips() {
            unpack(&zip, folder, archive, output, interrupt)?;
        }
    }
    for zip in zips().filter(|zip| zip.exists()) {
        fs::remove_file(&zip).map_err(|error| Failure::io(&zip, "remove", &error))?;
    }
    Ok(())
}

impl Member<'_> {
    fn record(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.sha256", self.name))
    }

    /// What the file of the sum holds.
    fn line(&self, sum: &str) -> String {
        format!("{sum}  {}\n", self.name)
    }

    fn is_in(&self, folder: &Path) -> bool {
        let (path, record) = (folder.join(self.name), self.record(folder));
        let Ok(record) = files::read(File::open(&record), &record, RECORD) else {
            return false;
        };
        let sum = File::open(path).and_then(|mut file| transfer(&mut file, |_| Ok(())));
        sum.is_ok_and(|sum| self.line(&sum).as_bytes() == record)
    }
}

/// Unpacks the members that are not in `folder`.
fn unpack(
    zip: &Path,
    folder: &Path,
    archive: &Archive<'_>,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let file = File::open(zip).map_err(|error| Failure::io(zip, "open", &error))?;
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let opened = ZipArchive::from_file(file, &mut buffer).map_err(|error| damaged(zip, error))?;
    for member in archive.members {
        if member.is_in(folder) {
            continue;
        }
        let part = folder.join(format!("{}.part", member.name));
        let unpacked = one(&opened, zip, member, &part, output, interrupt);
        output.finish();
        let unpacked = unpacked.and_then(|unpacked| {
            let (file, sum) = unpacked.ok_or_else(|| interrupted(&archive.set, interrupt))?;
            // The sum comes first: without it the file would be taken for damaged.
            files::replace(&member.record(folder), member.line(&sum).as_bytes())?;
            let path = folder.join(member.name);
            files::place(&file, &part, &path).map_err(|error| Failure::io(&path, "write", &error))
        });
        if unpacked.is_err() {
            // A part that cannot be removed is written over next time.
            let _ = fs::remove_file(&part);
        }
        unpacked?;
    }
    Ok(())
}

/// Unpacks one member to `part`, and returns the file and its sum; `None` after Ctrl-C.
fn one(
    archive: &ZipArchive<FileReader>,
    zip: &Path,
    member: &Member<'_>,
    part: &Path,
    output: &mut Output,
    interrupt: &Interrupt,
) -> Result<Option<(File, String)>, Failure> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let mut entries = archive.entries(&mut buffer);
    let (place, method) = loop {
        match entries.next_entry().map_err(|error| damaged(zip, error))? {
            Some(entry) if entry.file_path().as_ref() == member.path.as_bytes() => {
                break (entry.wayfinder(), entry.compression_method());
            }
            Some(_) => {}
            None => return Err(damaged(zip, format_args!("no file {}", member.path))),
        }
    };
    let entry = archive
        .get_entry(place)
        .map_err(|error| damaged(zip, error))?;
    let packed = io::BufReader::with_capacity(BLOCK, entry.reader());
    let plain: Box<dyn Read> = match method {
        CompressionMethod::STORE => Box::new(packed),
        CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(packed)),
        _ => {
            let what = format_args!("{} is compressed by an unknown method", member.path);
            return Err(damaged(zip, what));
        }
    };
    // The reader checks length and CRC-32 at the end; nothing is read beyond the length.
    let size = place.uncompressed_size_hint();
    let mut plain = entry.verifying_reader(plain.take(size.saturating_add(1)));
    let mut file = File::create(part).map_err(|error| Failure::io(part, "write", &error))?;
    output.start_download(member.name, Some(size));
    let (mut done, mut unwritten) = (0, None);
    let sum = transfer(&mut plain, |block| {
        if interrupt.requested() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        done += block.len() as u64;
        output.downloaded(done);
        file.write_all(block).map_err(|error| {
            let kind = error.kind();
            unwritten = Some(Failure::io(part, "write", &error));
            kind.into()
        })
    });
    match (sum, unwritten) {
        (Ok(sum), _) => Ok(Some((file, sum))),
        (Err(_), _) if interrupt.requested() => Ok(None),
        (Err(_), Some(failure)) => Err(failure),
        (Err(error), None) => Err(damaged(zip, error)),
    }
}

/// Reads to the end, hands on block after block, and returns the sha256 of all.
fn transfer(
    source: &mut impl Read,
    mut to: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<String> {
    let (mut context, mut block) = (Context::new(&SHA256), vec![0; BLOCK]);
    loop {
        match source.read(&mut block) {
            Ok(0) => return Ok(hex(&context.finish())),
            Ok(read) => {
                context.update(&block[..read]);
                to(&block[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn damaged(zip: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::file(
        zip.display(),
        format_args!("cannot be unpacked: {what}; remove it to download it anew"),
    )
}
