//! Writes what follows from core's operations in `runner/src/backend/cuda/kernels` to a folder, for `scripts/ptx.sh`.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).unwrap_or_else(|| ".".into());
    for (name, text) in runner::backend::cuda::sources() {
        fs::write(Path::new(&folder).join(name), text)?;
    }
    Ok(())
}
