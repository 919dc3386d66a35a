//! Prints `runner/src/backend/cuda/kernels/ops.cu`, for `scripts/ptx.sh`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(runner::backend::cuda::source().as_bytes())
}
