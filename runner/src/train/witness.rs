//! What tests of a training run see of it.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Collects log lines. With each it keeps a copy of the checkpoint of that moment: what a kill would leave.
#[derive(Clone)]
pub(crate) struct Witness {
    lines: Arc<Mutex<Vec<String>>>,
    pub(crate) checkpoint: PathBuf,
}

impl Witness {
    pub(crate) fn new(checkpoint: PathBuf) -> Self {
        Self {
            lines: Arc::default(),
            checkpoint,
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn copy(&self, line: usize) -> PathBuf {
        self.checkpoint.with_extension(line.to_string())
    }
}

impl Write for Witness {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.lines.lock().unwrap();
        if self.checkpoint.exists() {
            fs::copy(&self.checkpoint, self.copy(lines.len()))?;
        }
        lines.push(String::from_utf8_lossy(line).into_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
