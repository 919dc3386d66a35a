//! Replacing files, and failing to, without harm.

use std::ffi::OsString;
use std::io::Write as _;

use super::scratch::Scratch;
use super::*;

#[test]
fn a_file_is_made_and_replaced_and_nothing_else_is_left() {
    let scratch = Scratch::new("replace");
    let path = scratch.join("weights");
    check(&path).unwrap();
    assert_eq!(
        scratch.names(),
        Vec::<OsString>::new(),
        "checking leaves nothing behind"
    );
    for content in [&b"first"[..], b"the second, longer", b"3", b""] {
        replace(&path, content).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
        check(&path).unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            content,
            "checking changes nothing"
        );
    }
    assert_eq!(scratch.names(), ["weights"]);
}

#[test]
fn a_folder_in_the_files_place_stays() {
    let scratch = Scratch::new("folder");
    let path = scratch.join("weights");
    fs::create_dir(&path).unwrap();
    for failure in [check(&path).unwrap_err(), replace(&path, b"x").unwrap_err()] {
        assert_eq!(
            failure.to_string(),
            format!("{}: is a folder, not a file", path.display())
        );
    }
    assert!(path.is_dir());
    assert_eq!(scratch.names(), ["weights"]);
}

#[test]
fn a_missing_folder_is_named() {
    let scratch = Scratch::new("missing");
    let path = scratch.join("no").join("weights");
    let failure = check(&path).unwrap_err().to_string();
    assert!(
        failure.contains(&format!(
            "there is no folder {}",
            scratch.join("no").display()
        )),
        "{failure}"
    );
    assert_eq!(replace(&path, b"x").unwrap_err().to_string(), failure);
    for name in ["..", "/", "new/", "new/.", "new/.."] {
        assert!(
            check(&scratch.join(name)).is_err(),
            "{name} is no file name"
        );
    }
    check(&scratch.join(&"x".repeat(255))).unwrap();
    // The temporary file has a shorter name.
    let failure = check(&scratch.join(&"x".repeat(256))).unwrap_err();
    assert!(
        failure.to_string().contains(": cannot write: "),
        "{failure}"
    );
}

#[test]
fn only_what_was_asked_for_must_be_writable() {
    let scratch = Scratch::new("checkpoint");
    let asked = scratch.join("a");
    let silent = |_: &str| panic!("no warning is due");
    assert_eq!(checkpoint(Some(&asked), "default", silent), Ok(Some(asked)));
    assert!(checkpoint(Some(&scratch.join("no/a")), "default", silent).is_err());

    let mut warnings = Vec::new();
    let blocked = format!("../{}/no/default", scratch.0.display());
    assert_eq!(
        checkpoint(None, &blocked, |w| warnings.push(w.to_string())),
        Ok(None)
    );
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].ends_with("; no checkpoint will be written"),
        "{warnings:?}"
    );
}

#[cfg(unix)]
mod unix {
    use super::scratch::Scratch;
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_folder_without_permission_keeps_its_file() {
        let scratch = Scratch::new("readonly");
        let path = scratch.join("weights");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o555)).unwrap();
        let ignored = File::create_new(scratch.join("probe")).is_ok();
        let outcomes = [check(&path), replace(&path, b"new")];
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
        if ignored {
            _ = writeln!(
                std::io::stderr(),
                "SKIPPED a_folder_without_permission_keeps_its_file: this user may write anywhere"
            );
            return;
        }
        for outcome in outcomes {
            assert!(
                outcome
                    .unwrap_err()
                    .to_string()
                    .contains("weights: cannot write")
            );
        }
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(scratch.names(), ["weights"]);
    }

    #[test]
    fn a_link_stays_and_a_device_is_written_to_in_place() {
        let scratch = Scratch::new("link");
        let (real, link) = (scratch.join("real"), scratch.join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");

        // A link may come before what it leads to, however many links there are in between.
        let (later, link, first) = (
            scratch.join("later"),
            scratch.join("dangling"),
            scratch.join("first"),
        );
        symlink("later", &link).unwrap();
        symlink(&link, &first).unwrap();
        check(&first).unwrap();
        assert!(!later.exists(), "checking makes nothing");
        replace(&first, b"new").unwrap();
        assert!(fs::symlink_metadata(&first).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::symlink_metadata(&later).unwrap().is_file());
        assert_eq!(fs::read(&first).unwrap(), b"new");
        let lost = scratch.join("lost");
        symlink("nowhere/file", &lost).unwrap();
        let failure = replace(&lost, b"new").unwrap_err().to_string();
        assert!(failure.contains("there is no folder "), "{failure}");

        let null = Path::new("/dev/null");
        check(null).unwrap();
        replace(null, b"gone").unwrap();
        assert!(
            !fs::metadata(null).unwrap().is_file(),
            "it is still a device"
        );
    }
}
