//! Images and labels in gzipped IDX files.

use super::{NAME, check_refusal, idx};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};
use runner::data::idx::{Images, Labels};
use std::io::{Read, Write};

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// A header without a name, a time or anything else that is optional.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Content above this size is not compared.
const MOST: u64 = 1 << 16;

/// Makes a gzip file of the bytes, and demands that it reads as its content would.
///
/// The first byte says how the file is made of the rest, because a fuzzer does not guess checksums: as it is; as a
/// deflate stream between a header and the right checksum; or as content, in two members.
pub fn check(bytes: &[u8]) {
    let Some((&kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 3 {
        0 => check_file(rest),
        1 => check_file(&around(rest)),
        _ => {
            let (first, second) = rest.split_at(rest.len() * usize::from(kind / 3 % 5) / 4);
            let members = [first, second].map(|content| around(&uncompressed(content)));
            check_file(&members.concat());
        }
    }
}

fn check_file(file: &[u8]) {
    let (images, labels) = (Images::read(file, NAME), Labels::read(file, NAME));
    let content = if file.starts_with(&GZIP) {
        let mut content = Vec::new();
        let inflated = MultiGzDecoder::new(file)
            .take(MOST + 1)
            .read_to_end(&mut content);
        inflated.map(|_| content)
    } else {
        Ok(file.to_vec())
    };
    let length = match content {
        // What is longer than was looked at cannot be judged here.
        Ok(content) if content.len() as u64 > MOST => usize::MAX,
        Ok(content) if file.starts_with(&GZIP) && content.starts_with(&GZIP) => {
            assert!(images.is_err() && labels.is_err(), "compressed twice");
            content.len()
        }
        Ok(content) => {
            assert_eq!(images, Images::read(&content[..], NAME));
            assert_eq!(labels, Labels::read(&content[..], NAME));
            content.len()
        }
        Err(_) => {
            assert!(images.is_err() && labels.is_err(), "damaged, but accepted");
            usize::MAX
        }
    };
    for failure in [images.err(), labels.err()].into_iter().flatten() {
        check_refusal(&failure, length);
    }
}

/// Each seed of [`idx`] in each of the three forms.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let forms = |content: Vec<u8>| {
        let file = gzip(&content);
        let stream = &file[HEADER.len()..file.len() - 8];
        let in_two = [&[2 + 2 * 3], &content[..]].concat();
        [[&[0], &file[..]].concat(), [&[1], stream].concat(), in_two]
    };
    idx::seeds().into_iter().flat_map(forms).collect()
}

/// A gzip file as an encoder makes it.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.expect("memory takes what it is given")
}

/// A deflate stream of blocks that are not compressed, which takes no time to make.
fn uncompressed(content: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for block in content.chunks(0xffff) {
        let length = block.len() as u16;
        stream.push(0);
        stream.extend([length, !length].map(u16::to_le_bytes).as_flattened());
        stream.extend(block);
    }
    // The last block: empty, of the fixed code.
    stream.extend([3, 0]);
    stream
}

/// A gzip file around a deflate stream, with the checksum and the length of what it inflates to. What follows the end
/// of the stream follows the file.
fn around(bytes: &[u8]) -> Vec<u8> {
    let (mut decoder, mut crc) = (DeflateDecoder::new(bytes), Crc::new());
    let mut block = [0; 4096];
    // A damaged stream gets the checksum of what came before the damage.
    while let Ok(count @ 1..) = decoder.read(&mut block)
        && decoder.total_out() <= 2 * MOST
    {
        crc.update(&block[..count]);
    }
    let end = bytes.len().min(decoder.total_in() as usize);
    let (stream, rest) = bytes.split_at(end);
    let trailer = [crc.sum(), crc.amount()].map(u32::to_le_bytes);
    [&HEADER, stream, trailer.as_flattened(), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn streams_get_the_trailer_that_an_encoder_writes() -> io::Result<()> {
        let content = b"some content, some content";
        let file = gzip(content);
        let compressed = &file[HEADER.len()..file.len() - 8];
        for stream in [compressed, &uncompressed(content)] {
            let mut read = Vec::new();
            MultiGzDecoder::new(&around(stream)[..]).read_to_end(&mut read)?;
            assert_eq!(read, content);
        }
        assert!(around(&[compressed, b"rest"].concat()).ends_with(b"rest"));
        Ok(())
    }
}
