//! Where downloads are kept, and that one process at a time puts them there.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// How often a process that waits looks whether it is its turn.
const TICK: Duration = Duration::from_millis(100);

/// The cache folder: what `MINITORCH_CACHE` names, or else `minitorch` where the system keeps caches. `variable` looks up
/// an environment variable.
pub(super) fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = path("MINITORCH_CACHE") {
        return Some(folder);
    }
    let caches = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join("Library/Caches"))
    } else {
        // The XDG rules: a relative path is no path.
        let named = path("XDG_CACHE_HOME").filter(|named| named.is_absolute());
        named.or_else(|| path("HOME").map(|home| home.join(".cache")))
    };
    Some(caches?.join("minitorch"))
}

/// The right to change a folder of the cache, until it is dropped or the process ends.
pub(super) struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Makes the folder if need be, and waits until no other process changes it; `None` after Ctrl-C.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or written to.
    pub(super) fn take(
        folder: &Path,
        interrupt: &Interrupt,
        output: &Output,
    ) -> Result<Option<Self>, Failure> {
        fs::create_dir_all(folder).map_err(|error| {
            let what = format_args!("cannot make this folder for downloads: {error}");
            Failure::file(
                folder.display(),
                format_args!("{what}; MINITORCH_CACHE can name another"),
            )
        })?;
        let path = folder.join(".lock");
        let open = || {
            let mut options = File::options();
            let file = options.create(true).truncate(false).write(true).open(&path);
            file.map_err(|error| Failure::io(&path, "write", &error))
        };
        let (mut waiting, mut told) = (None, false);
        while !interrupt.requested() {
            let file = match waiting.take() {
                Some(file) => file,
                None => open()?,
            };
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        let folder = folder.display();
                        output.note(&format!("{folder}: waiting for another run's download"));
                        told = true;
                    }
                    thread::sleep(TICK);
                    waiting = Some(file);
                }
                // On a file system without locks two runs may spoil each other's work, but not unnoticed: it is checked.
                Err(TryLockError::Error(_)) => return Ok(Some(Self { _file: file, path })),
                Ok(()) if is_at(&file, &path) => return Ok(Some(Self { _file: file, path })),
                // Whoever had the lock has removed its file: the next one locks another of this name.
                Ok(()) => thread::sleep(TICK),
            }
        }
        Ok(None)
    }
}

impl Drop for Lock {
    /// Removes the file while it is still locked, where those who wait for it find out: see [`is_at`].
    fn drop(&mut self) {
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether an open file is the one that is now called `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let (ours, named) = (file.metadata().map(place), fs::metadata(path).map(place));
    matches!((ours, named), (Ok(ours), Ok(named)) if ours == named)
}

/// The file is never removed here.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Style;

    fn folder_of(variables: &[(&str, &str)]) -> Option<PathBuf> {
        folder(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_cache_is_where_the_user_or_the_system_says() {
        let home = if cfg!(windows) {
            "LOCALAPPDATA"
        } else {
            "HOME"
        };
        let own = ("MINITORCH_CACHE", "own");
        assert_eq!(folder_of(&[own, (home, "/home")]), Some("own".into()));
        assert_eq!(folder_of(&[]), None);
        assert_eq!(folder_of(&[("MINITORCH_CACHE", ""), (home, "")]), None);
        let system = if cfg!(windows) {
            "/home/minitorch"
        } else if cfg!(target_os = "macos") {
            "/home/Library/Caches/minitorch"
        } else {
            let xdg = ("XDG_CACHE_HOME", "/xdg");
            assert_eq!(
                folder_of(&[xdg, (home, "/home")]),
                Some("/xdg/minitorch".into())
            );
            let relative = ("XDG_CACHE_HOME", "xdg");
            assert_eq!(
                folder_of(&[relative, (home, "/home")]),
                folder_of(&[(home, "/home")])
            );
            "/home/.cache/minitorch"
        };
        assert_eq!(folder_of(&[(home, "/home")]), Some(system.into()));
    }

    #[test]
    fn one_waits_for_the_other_and_for_nothing_after_ctrl_c() {
        let path = std::env::temp_dir().join(format!("runner-cache-{}", std::process::id()));
        let interrupt = Interrupt::default();
        let take = || {
            let output = Output::new(Style::default());
            Lock::take(&path, &interrupt, &output).unwrap()
        };
        let first = take().unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(take);
            thread::sleep(TICK / 2);
            assert!(!second.is_finished());
            drop(first);
            let second = second.join().unwrap();
            assert!(second.is_some());
            interrupt.request();
            assert!(take().is_none());
        });
        if cfg!(unix) {
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "no lock is left");
        }
        fs::remove_dir_all(&path).unwrap();
    }
}
