//! Between the packed corpora in `tests/corpus` and folders of files, which the fuzzer works with; `scripts/fuzz.sh`
//! calls it.
//!
//! * `corpus unpack FOLDER` writes seeds and corpus of each target to `FOLDER/<target>/`;
//! * `corpus pack FOLDER` makes the files of `FOLDER/<target>/` the corpus of the target, if there is such a folder.

use minitorch_tests::hostile::TARGETS;
use minitorch_tests::hostile::corpus::{pack, path, stored, unpack};
use std::fs;
use std::io::{Error, Result};
use std::path::Path;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["unpack", folder] => write_folders(Path::new(folder)),
        ["pack", folder] => read_folders(Path::new(folder)),
        _ => Err(Error::other("usage: corpus <pack|unpack> FOLDER")),
    }
}

fn write_folders(folder: &Path) -> Result<()> {
    for target in &TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        let file = stored(target).unwrap_or_default();
        let seeds = (target.seeds)();
        let inputs = unpack(&file)
            .into_iter()
            .chain(seeds.iter().map(Vec::as_slice));
        for (index, input) in inputs.enumerate() {
            fs::write(folder.join(format!("known-{index:04}")), input)?;
        }
    }
    Ok(())
}

fn read_folders(folder: &Path) -> Result<()> {
    for target in &TARGETS {
        let Ok(files) = fs::read_dir(folder.join(target.name)) else {
            continue;
        };
        let inputs = files.map(|entry| fs::read(entry?.path()));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let (count, file) = (inputs.len(), pack(inputs));
        println!(
            "{:<12} {count:>5} inputs {:>7} bytes",
            target.name,
            file.len()
        );
        fs::write(path(target), file)?;
    }
    Ok(())
}
