//! Builds the fake driver and prints its folder, for `LD_LIBRARY_PATH`.

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = minitorch_fake_cuda::folder() else {
        return ExitCode::FAILURE;
    };
    match writeln!(io::stdout(), "{}", folder.display()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
