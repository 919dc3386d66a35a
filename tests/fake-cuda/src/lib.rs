//! A stand-in for NVIDIA's driver, so that the CUDA backend is tested where there is no GPU: the kernels' own sources,
//! compiled by a C++ compiler into a library that is called as the driver is.
//!
//! The library is built when it is first asked for, which takes a few seconds, and kept in the folder of the build. It has
//! two devices whose threads take turns in opposite orders. `LD_LIBRARY_PATH=$(cargo run -q -p minitorch-fake-cuda)` lets any
//! program find it. With the environment variable `FAKE_CUDA` it fails on purpose:
//! `no-device`, `unknown` (an error of no name), `too-old` (the driver), `old-device`, `no-graphs` and `no-updates` (of
//! graphs), or in the middle of work, as `faults.h` says; with `FAKE_CUDA_COUNTS` it writes to that file how often each kernel
//! was launched and some functions of the driver were called. A process that does not give back what it holds of a device
//! ends with a word.
#![allow(unsafe_code)]

use std::collections::hash_map::DefaultHasher;
use std::ffi::{CString, c_char, c_int};
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use libloading::Library;

/// The name under which programs look for the driver first.
const LIBRARY: &str = "libcuda.so";

/// The folder of the library, for `LD_LIBRARY_PATH`; `None`, and a loud word on standard error, without a C++ compiler.
///
/// # Panics
///
/// If the library cannot be built: a kernel that does not compile, or a folder that cannot be written to.
pub fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(built).as_deref()
}

/// Loads the library, so that this process finds it as the driver; whether there is one.
///
/// # Panics
///
/// As [`folder`]; if the library cannot be loaded.
pub fn load() -> bool {
    library().is_some()
}

/// Makes the driver fail from now on, as `faults.h` says: `kind` may be `alloc`, `alloc-once`, `launch` and `lost`, and `at`
/// counts from 1. A `kind` of "" ends it, and makes a broken device whole. It is the whole process that fails.
///
/// # Panics
///
/// As [`load`].
pub fn fail(kind: &str, at: u64) {
    let Some(library) = library() else { return };
    let kind = CString::new(kind).expect("a word");
    type Fail = unsafe extern "C" fn(*const c_char, u64) -> c_int;
    // SAFETY: the function is of this type, and reads the word while it runs.
    unsafe {
        let fail = library.get::<Fail>(b"fake_cuda_fail\0");
        fail.expect("a function of the fake driver")(kind.as_ptr(), at);
    }
}

/// How many kernels this process has launched so far, on all devices; 0 without the library.
///
/// # Panics
///
/// As [`load`].
#[must_use]
pub fn launches() -> u64 {
    let Some(library) = library() else { return 0 };
    type Launches = unsafe extern "C" fn(*mut u64) -> c_int;
    let mut count = 0;
    // SAFETY: the function is of this type, and writes the number while it runs.
    unsafe {
        let launches = library.get::<Launches>(b"fake_cuda_launches\0");
        launches.expect("a function of the fake driver")(&mut count);
    }
    count
}

fn library() -> Option<&'static Library> {
    // It stays, as the driver does. Who looks for a library of its name finds this one.
    static LOADED: OnceLock<Library> = OnceLock::new();
    let folder = folder()?;
    Some(LOADED.get_or_init(|| {
        // SAFETY: the library's initialisers fill a table of its own.
        let library = unsafe { Library::new(folder.join(LIBRARY)) };
        library.expect("the library that was just built")
    }))
}

fn built() -> Option<PathBuf> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let version = Command::new(&compiler).arg("--version").output();
    let Some(version) = version.ok().filter(|version| version.status.success()) else {
        let _ = writeln!(
            io::stderr(),
            "SKIPPED the tests of the CUDA backend: there is no C++ compiler here ({compiler}; CXX names another one)"
        );
        return None;
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (own, kernels) = (
        here.join("src"),
        here.join("../../runner/src/backend/cuda/kernels"),
    );
    let mut command = Command::new(&compiler);
    command.args([
        "-std=c++20",
        "-O2",
        "-ffp-contract=off",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]);
    // Variables of the macros that an operation does not use.
    command.args([
        "-Wno-unused-variable",
        "-Wno-unused-function",
        "-Wno-parentheses",
    ]);
    command.args(["-shared", "-fPIC", "-fvisibility=hidden"]);
    command.arg(format!("-Wl,-soname,{LIBRARY}"));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("fma") {
        command.arg("-mfma");
    }
    command
        .arg("-I")
        .arg(&kernels)
        .arg("-I")
        .arg(&own)
        .arg(own.join("driver.cpp"));
    // A sanitizer, say.
    let flags = std::env::var("CXXFLAGS").unwrap_or_default();
    command.args(flags.split_whitespace());

    let mut hasher = DefaultHasher::new();
    (&version.stdout, format!("{command:?}")).hash(&mut hasher);
    for folder in [&own, &kernels] {
        for file in sources(folder) {
            fs::read(file).expect("a source").hash(&mut hasher);
        }
    }
    let folder = target().join(format!("fake-cuda-{:016x}", hasher.finish()));
    if !folder.join(LIBRARY).exists() {
        // Another test may be building it at the same time: whoever is done first puts it in place whole.
        let draft = target().join(format!("fake-cuda-{}.tmp", std::process::id()));
        fs::create_dir_all(&draft).expect("a folder in the build's");
        let out = command.arg("-o").arg(draft.join(LIBRARY)).output();
        let out = out.expect("the compiler starts");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(
            out.status.success(),
            "the fake driver does not compile:\n{said}"
        );
        if fs::rename(&draft, &folder).is_err() {
            assert!(
                folder.join(LIBRARY).exists(),
                "cannot write {}",
                folder.display()
            );
            let _ = fs::remove_dir_all(&draft);
        }
    }
    Some(folder)
}

/// The C++ and CUDA C files of a folder, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("h" | "cpp" | "cu" | "cuh"))
        })
        .collect();
    files.sort();
    files
}

/// The folder of the build: the one of the test that runs, without `debug/deps`.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the test that runs");
    let folder = program.ancestors().nth(2).expect("a folder of the build");
    folder.to_path_buf()
}
