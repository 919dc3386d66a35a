//! Packs the kernels of the CUDA backend, which are text: a seventh of the bytes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;

fn main() -> io::Result<()> {
    let to = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    for name in ["ops.ptx", "kernels.ptx"] {
        let from = Path::new("src/backend/cuda/kernels").join(name);
        println!("cargo::rerun-if-changed={}", from.display());
        let mut packed = ZlibEncoder::new(File::create(to.join(name))?, Compression::best());
        packed.write_all(&fs::read(from)?)?;
        packed.finish()?;
    }
    Ok(())
}
