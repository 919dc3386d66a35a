//! Whether a file is what it should be.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use ring::digest::{Context, Digest, SHA256};

use super::{Packing, RemoteFile};

/// Checks size and sha256 of a file's content. Memory does not grow with the file, and of compressed content one byte more
/// than there should be is looked at.
///
/// # Errors
///
/// What is wrong, for people.
pub(super) fn check(path: &Path, expected: &RemoteFile<'_>) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let outcome = match expected.packing {
        Packing::Plain => sum(file, expected.size),
        Packing::Gzip => sum(MultiGzDecoder::new(BufReader::new(file)), expected.size),
    };
    let (size, digest) = outcome.map_err(|error| match (expected.packing, error.kind()) {
        (Packing::Gzip, io::ErrorKind::UnexpectedEof) => "the gzip data end too early".into(),
        (Packing::Gzip, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            format!("damaged gzip data: {error}")
        }
        _ => format!("cannot read: {error}"),
    })?;
    if size > expected.size {
        return Err(format!("more content than {} bytes", expected.size));
    }
    if size < expected.size {
        return Err(format!(
            "{size} bytes of content instead of {}",
            expected.size
        ));
    }
    let found = hex(&digest);
    if found != expected.sha256 {
        let expected = expected.sha256;
        return Err(format!(
            "the content has sha256 {found} instead of {expected}"
        ));
    }
    Ok(())
}

/// Size and sha256 of a content, of which no more than `most` bytes and one are read.
fn sum(content: impl Read, most: u64) -> io::Result<(u64, Digest)> {
    let mut context = Context::new(&SHA256);
    let mut content = content.take(most.saturating_add(1));
    let mut buffer = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok((size, context.finish())),
            Ok(read) => {
                context.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A digest in lower-case hex digits.
pub(super) fn hex(digest: &Digest) -> String {
    let digits = digest.as_ref().iter();
    digits.map(|byte| format!("{byte:02x}")).collect()
}
