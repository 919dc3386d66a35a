//! Temporary files whose owner lives, dies, or shares the folder with others.

use std::ffi::OsString;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::scratch::Scratch;
use super::super::{check, replace};
use super::*;

/// A temporary file of `target` as a killed owner leaves it: half-written, and locked by nobody.
fn leave(target: &Path) -> PathBuf {
    let mut temporary = Temporary::beside(target).unwrap();
    temporary.file.write_all(b"half of the n").unwrap();
    temporary.placed = true; // so that it stays
    temporary.path.clone()
}

/// Whether the folder of the tests has locks. Where it has none nothing is swept.
fn has_locks(scratch: &Scratch, test: &str) -> bool {
    let file = File::create(scratch.join("probe")).unwrap();
    let locks = file.try_lock().is_ok();
    fs::remove_file(scratch.join("probe")).unwrap();
    if !locks {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: no locks in {}",
            scratch.0.display()
        );
    }
    locks
}

#[test]
fn a_write_that_fails_half_way_leaves_the_old_file_and_no_other() {
    let scratch = Scratch::new("half");
    let path = scratch.join("weights");
    fs::write(&path, "old").unwrap();
    let mut temporary = Temporary::beside(&path).unwrap();
    temporary.file.write_all(b"half of the n").unwrap();
    assert_eq!(scratch.names().len(), 2);
    drop(temporary);
    assert_eq!(scratch.names(), ["weights"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn what_the_dead_left_is_not_in_the_way_and_is_swept() {
    let scratch = Scratch::new("dead");
    if !has_locks(
        &scratch,
        "what_the_dead_left_is_not_in_the_way_and_is_swept",
    ) {
        return;
    }
    for name in ["weights", "a.b.c", "a b", &"x".repeat(255)] {
        let path = scratch.join(name);
        let left = [leave(&path), leave(&path)];
        replace(&path, b"new").unwrap();
        assert!(left.iter().all(|left| left.exists()), "{name}");
        check(&path).unwrap();
        assert_eq!(scratch.names(), [name]);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_lives_or_belongs_to_others_stays() {
    let scratch = Scratch::new("living");
    let path = scratch.join("weights");
    let mut living = Temporary::beside(&path).unwrap();
    let mut others: Vec<OsString> = [
        ".weights.tmp",
        ".weights.0123456789abcde.tmp",
        ".weights.0123456789abcdef.tm",
        ".weights.0123456789abcdeg.tmp",
        "weights.0123456789abcdef.tmp",
        ".weights.new.0123456789abcdef.tmp",
        ".Weights.fedcba9876543210.tmp",
    ]
    .map(OsString::from)
    .to_vec();
    for name in &others {
        fs::write(scratch.0.join(name), "mine").unwrap();
    }
    others.push(
        leave(&scratch.join("weights.2"))
            .file_name()
            .unwrap()
            .into(),
    );
    let folder = ".weights.0123456789abcdef.tmp";
    fs::create_dir(scratch.join(folder)).unwrap();
    others.push(folder.into());

    check(&path).unwrap();
    living.file.write_all(b"new").unwrap();
    living.place(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    others.push("weights".into());
    others.sort();
    assert_eq!(scratch.names(), others);
}

#[test]
fn an_owner_notices_that_a_sweep_came_before_its_lock() {
    let scratch = Scratch::new("race");
    if !has_locks(
        &scratch,
        "an_owner_notices_that_a_sweep_came_before_its_lock",
    ) {
        return;
    }
    let path = scratch.join("weights");
    let swept = Temporary::create(&path).unwrap();
    sweep(&path);
    assert!(!swept.lock().unwrap());

    let held = Temporary::create(&path).unwrap();
    let sweeping = File::options().write(true).open(&held.path).unwrap();
    sweeping.lock().unwrap();
    assert!(!held.lock().unwrap());

    let kept = Temporary::create(&path).unwrap();
    assert!(kept.lock().unwrap());
    sweep(&path);
    kept.place(&path).unwrap();
    drop(held);
    assert_eq!(scratch.names(), ["weights"]);
}

#[test]
fn the_name_fits_whatever_the_target_is_called() {
    let scratch = Scratch::new("long");
    for name in ["\u{1f600}".repeat(60), "x".repeat(255), "a b".into()] {
        let temporary = Temporary::beside(&scratch.join(&name)).unwrap();
        let own = temporary.path.file_name().unwrap();
        assert!(own.len() <= 255 && is_temporary(own, &prefix(Path::new(&name))));
    }
    assert_eq!(scratch.names(), Vec::<OsString>::new());
}

#[test]
fn programs_that_share_a_file_all_keep_working_and_it_is_always_whole() {
    const WRITERS: u8 = 3;
    let scratch = Scratch::new("shared");
    let path = scratch.join("weights");
    let content = |writer: u8| vec![writer; 20_000 + usize::from(writer)];
    replace(&path, &content(0)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (path, content) = (&path, content(writer));
                scope.spawn(move || {
                    for _ in 0..20 {
                        replace(path, &content).unwrap();
                        check(path).unwrap();
                    }
                })
            })
            .collect();
        // Without pause: far more often than any program does.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sweep(&path);
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let read = fs::read(&path).unwrap();
                assert!((0..WRITERS).any(|writer| read == content(writer)));
            }
        });
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok));
    });
    assert_eq!(scratch.names(), ["weights"]);
}
