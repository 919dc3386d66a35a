//! Which files of a folder are read.

use std::fs;
use std::path::{Path, PathBuf};

use super::Format;
use super::vectors::is_text;
use crate::data::{find, is_absent, needed};
use crate::error::Failure;

/// All that is read of a [`Source::Folder`](super::Source::Folder).
pub(super) struct Sources {
    pub(super) files: Files,
    /// What to train on instead.
    pub(super) phrases: Option<(Format, PathBuf)>,
    pub(super) vectors: PathBuf,
}

impl Sources {
    /// Looks for what is not named. Vectors have so many numbers.
    ///
    /// # Errors
    ///
    /// As [`Files::find`], [`phrases`] and [`vectors`].
    pub(super) fn find(
        folder: &Path,
        glove: Option<&Path>,
        with_phrases: bool,
        dimension: usize,
    ) -> Result<Self, Failure> {
        Ok(Self {
            files: Files::find(folder, with_phrases)?,
            vectors: match glove {
                Some(file) => file.to_path_buf(),
                None => vectors(folder, dimension)?,
            },
            phrases: match with_phrases {
                true => phrases(folder)?,
                false => None,
            },
        })
    }

    /// Every file.
    pub(super) fn all(self) -> impl Iterator<Item = PathBuf> {
        let Files {
            train, valid, test, ..
        } = self.files;
        let phrases = self.phrases.map(|(_, file)| file);
        [train, valid, self.vectors]
            .into_iter()
            .chain(test)
            .chain(phrases)
    }
}

/// The files of a set of sentences, all of the same form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) format: Format,
    pub(super) train: PathBuf,
    pub(super) valid: PathBuf,
    pub(super) test: Option<PathBuf>,
}

impl Files {
    /// The first of these that is there: TSV files in the folder, `stsa` files in the folder, TSV files in `sst2` inside
    /// of it. Whoever wants to train on phrases gets `stsa` files first: these are whole sentences.
    ///
    /// # Errors
    ///
    /// If there are none, or one of them is missing.
    fn find(folder: &Path, phrases: bool) -> Result<Self, Failure> {
        if !folder.is_dir() {
            return Err(Failure::file(folder.display(), "no such folder"));
        }
        let mut formats = [Format::Tsv, Format::Lines];
        if phrases {
            formats.reverse();
        }
        for format in formats {
            if let Some(files) = Self::of(format, folder)? {
                return Ok(files);
            }
        }
        Self::of(Format::Tsv, &folder.join("sst2"))?.ok_or_else(|| {
            Failure::file(
                folder.display(),
                "neither train.tsv (here or in sst2) nor stsa.binary.train is there, plain or .gz",
            )
        })
    }

    /// The files of one form, if the folder has those to train on.
    fn of(format: Format, folder: &Path) -> Result<Option<Self>, Failure> {
        let [train, valid] = match format {
            Format::Tsv => ["train.tsv", "dev.tsv"],
            Format::Lines => ["stsa.binary.train", "stsa.binary.dev"],
        };
        let Some(train) = find(folder, train)? else {
            return Ok(None);
        };
        // GLUE's own test sentences have no labels.
        let test = match format {
            Format::Tsv => None,
            Format::Lines => find(folder, "stsa.binary.test")?,
        };
        Ok(Some(Self {
            format,
            train,
            valid: needed(folder, valid)?,
            test,
        }))
    }
}

/// The phrases to train on instead of whole sentences, if they are there: `stsa.binary.phrases.train` in the folder, or
/// else GLUE's `train.tsv` in the folder, in `sst2` inside of it, or in `sst2` beside it.
///
/// # Errors
///
/// If it cannot be told what is there.
fn phrases(folder: &Path) -> Result<Option<(Format, PathBuf)>, Failure> {
    if let Some(file) = find(folder, "stsa.binary.phrases.train")? {
        return Ok(Some((Format::Lines, file)));
    }
    for place in [
        folder.to_path_buf(),
        folder.join("sst2"),
        folder.join("../sst2"),
    ] {
        if let Some(file) = find(&place, "train.tsv")? {
            return Ok(Some((Format::Tsv, file)));
        }
    }
    Ok(None)
}

/// The file of vectors: `glove*.<d>d*.txt`, plain or gzipped, in the folder, in `glove` inside of it, or beside it. Of
/// several in one place the first by name counts whose first line is a word with its vector.
///
/// # Errors
///
/// If there is none, and if a folder cannot be read.
fn vectors(folder: &Path, dimension: usize) -> Result<PathBuf, Failure> {
    for place in [
        folder.to_path_buf(),
        folder.join("glove"),
        folder.join("../glove"),
    ] {
        let mut files = matching(&place, dimension)?;
        files.sort();
        if let Some(file) = files.iter().find(|file| is_text(file, dimension)) {
            return Ok(file.clone());
        }
        // What is wrong with it is said when it is read.
        if let Some(file) = files.into_iter().next() {
            return Ok(file);
        }
    }
    Err(Failure::file(
        folder.display(),
        format_args!(
            "no glove*.{dimension}d*.txt, plain or .gz, here, in glove or in ../glove;\n\
             name a file with --glove FILE (runner fetch glove brings one)"
        ),
    ))
}

/// The files of a folder whose names say that they hold vectors of so many numbers.
fn matching(folder: &Path, dimension: usize) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io(folder, "read", &error)),
    };
    let mark = format!(".{dimension}d");
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| Failure::io(folder, "read", &error))?
            .path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let stem = stem.strip_suffix(".txt");
        if stem.is_some_and(|stem| stem.starts_with("glove") && stem.contains(&mark))
            && path.is_file()
        {
            files.push(path);
        }
    }
    Ok(files)
}
