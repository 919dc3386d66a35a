//! When and where a run saves its state.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Program;
use crate::error::Failure;
use crate::files;
use crate::output::Output;

/// A run that is killed loses at most this much, besides the step and the saving that were going on.
///
/// An epoch may take far longer, and saving takes some milliseconds: a minute costs nothing that could be measured.
const EVERY: Duration = Duration::from_secs(60);

/// Where a run saves its state, and how long ago it did.
///
/// A run saves after each epoch, when it ends or is interrupted, and in between when [`is_due`](Self::is_due) says so.
/// Saving only reads, so that no result depends on when it happens.
pub struct Keeper {
    target: Option<Target>,
    every: Duration,
    saved: Instant,
    /// Whether it has ever saved.
    has_saved: bool,
}

struct Target {
    path: PathBuf,
    /// Whether the user named it: then not being able to write it is an error.
    asked: bool,
}

impl Keeper {
    /// Saves to the file that was asked for, or else to the program's default; the run reads `data`.
    ///
    /// A default that cannot be written, or that another program has saved, is one warning, and nothing is saved.
    ///
    /// # Errors
    ///
    /// If the file that was asked for cannot be written, is one of `data`, or is there and is no checkpoint of the program.
    pub fn new(
        asked: Option<&Path>,
        program: &Program,
        data: &[PathBuf],
        output: &Output,
    ) -> Result<Self, Failure> {
        if let Some(path) = asked {
            let data = data.iter().map(PathBuf::as_path);
            files::apart("--checkpoint", path, "data", data)?;
        }
        let mut path = files::checkpoint(asked, program.default, |text| output.warn(text))?;
        if let Some(found) = path.take_if(|path| program.is_of_another(path)) {
            let what = format!(
                "{}: this is what another program has saved",
                found.display()
            );
            if asked.is_some() {
                let advice = "delete it, or name another --checkpoint";
                return Err(Failure::usage(format!("{what}; {advice}")));
            }
            output.warn(&format!(
                "{what}; nothing is saved, unless --checkpoint names another file"
            ));
        }
        let asked = asked.is_some();
        Ok(Self {
            target: path.map(|path| Target { path, asked }),
            every: EVERY,
            saved: Instant::now(),
            has_saved: false,
        })
    }

    /// The same, but due this long after the last time: for tests, which have no minute to wait.
    #[cfg(test)]
    pub(crate) fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// The file, unless nothing is saved.
    pub fn path(&self) -> Option<&Path> {
        self.target.as_ref().map(|target| &*target.path)
    }

    /// What a run that fails leaves, for its message.
    pub fn left(&self) -> String {
        match (self.path(), self.has_saved) {
            (Some(path), true) => format!("{} has the last state before", path.display()),
            _ => "nothing was saved".to_string(),
        }
    }

    /// Whether the state was last saved, or the run begun, a minute ago. Cheap enough to ask in every step.
    pub fn is_due(&self) -> bool {
        self.saved.elapsed() >= self.every
    }

    /// Saves by calling `save`.
    ///
    /// # Errors
    ///
    /// That of `save`, if the file was asked for. A default that cannot be written is one warning, and from then on
    /// nothing is saved.
    pub fn keep(
        &mut self,
        output: &Output,
        save: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(target) = &self.target else {
            return Ok(());
        };
        let result = save(&target.path);
        self.saved = Instant::now();
        self.has_saved |= result.is_ok();
        match result {
            Err(failure) if !target.asked => {
                output.warn(&format!("{failure}; nothing is saved from now on"));
                self.target = None;
                Ok(())
            }
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Style;

    /// A keeper of a file that is never written to.
    fn keeper(asked: bool) -> Keeper {
        let target = Target {
            path: PathBuf::from("state"),
            asked,
        };
        Keeper {
            target: Some(target),
            every: EVERY,
            saved: Instant::now(),
            has_saved: false,
        }
    }

    #[test]
    fn saving_is_due_some_time_after_the_last_time() {
        let output = Output::to(std::io::sink(), Style::default());
        let mut keeper = keeper(true);
        let began = keeper.saved;
        assert!(!keeper.is_due());
        keeper = keeper.every(Duration::from_millis(2));
        std::thread::sleep(Duration::from_millis(2));
        assert!(keeper.is_due());
        let mut saved = Vec::new();
        let save = |path: &Path| {
            saved.push(path.to_path_buf());
            Ok(())
        };
        assert_eq!(keeper.keep(&output, save), Ok(()));
        assert_eq!(saved, [Path::new("state")]);
        assert_eq!(keeper.left(), "state has the last state before");
        assert!(keeper.saved > began && !keeper.every(EVERY).is_due());
    }

    #[test]
    fn only_a_file_that_was_asked_for_must_be_saved() {
        let output = Output::to(std::io::sink(), Style::default());
        let full = || Failure::new("the disk is full");
        let (mut asked, mut default) = (keeper(true), keeper(false));
        assert_eq!(asked.keep(&output, |_| Err(full())), Err(full()));
        assert_eq!(asked.path(), Some(Path::new("state")));
        assert_eq!(asked.left(), "nothing was saved");
        assert_eq!(default.keep(&output, |_| Err(full())), Ok(()));
        assert_eq!(default.path(), None);
        let again = default.keep(&output, |_| unreachable!("it was given up"));
        assert_eq!(again, Ok(()));
    }
}
