//! Launches in their order, with copies of what their kernels take, until the driver gets them.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ops::Range;

use cudarc::driver::sys::CUstream;
use cudarc::driver::{CudaFunction, DriverError, result};

use super::GROUP;
use super::plain::words;
use super::updates::{Update, Updates};

/// A kernel on a grid.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) kernel: CudaFunction,
    /// Groups of threads.
    pub(super) groups: u32,
    /// Threads of a group.
    pub(super) group: u32,
    /// Where the words of what the kernel takes end in the recording; they begin where those of the launch before end.
    end: usize,
}

impl PartialEq for Launch {
    fn eq(&self, other: &Self) -> bool {
        let parts = |launch: &Self| {
            (
                launch.kernel.cu_function(),
                launch.groups,
                launch.group,
                launch.end,
            )
        };
        parts(self) == parts(other)
    }
}

/// Launches that the driver has not got.
#[derive(Debug, Default)]
pub(super) struct Recording {
    launches: Vec<Launch>,
    words: Vec<u64>,
    /// What comes behind all of these.
    updates: Updates,
}

impl Recording {
    /// Appends a launch and a copy of what its kernel takes.
    pub(super) fn push(&mut self, kernel: &CudaFunction, groups: u32, group: u32, words: &[u64]) {
        self.close();
        self.append(kernel, groups, group, words);
    }

    /// Appends an update by the kernel that takes several of them.
    pub(super) fn update(&mut self, kernel: &CudaFunction, update: Update) {
        if self.updates.is_full() {
            self.close();
        }
        self.updates.push(kernel, update);
    }

    /// Makes launches of the updates that wait for others to join them.
    pub(super) fn close(&mut self) {
        for together in self.updates.take() {
            let (groups, arguments) = (together.groups(), together.arguments());
            self.append(&together.kernel, groups, GROUP, words(&arguments));
        }
    }

    fn append(&mut self, kernel: &CudaFunction, groups: u32, group: u32, words: &[u64]) {
        self.words.extend_from_slice(words);
        self.launches.push(Launch {
            kernel: kernel.clone(),
            groups,
            group,
            end: self.words.len(),
        });
    }

    /// The launches, without the updates that wait.
    pub(super) fn launches(&self) -> &[Launch] {
        &self.launches
    }

    /// What the kernels take, one after the other.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Forgets everything, but keeps the memory for more.
    pub(super) fn clear(&mut self) {
        self.launches.clear();
        self.words.clear();
        self.updates.take();
    }

    /// Launches one kernel after the other.
    ///
    /// # Safety
    ///
    /// The stream is there and its context current, and each kernel may be launched with its words.
    pub(super) unsafe fn launch(&self, stream: CUstream) -> Result<(), DriverError> {
        for (launch, words) in self.launches.iter().zip(parts(&self.launches)) {
            let mut parameters = parameters(&self.words[words]);
            // SAFETY: as the caller says. The words are copied before the call returns.
            unsafe {
                result::launch_kernel(
                    launch.kernel.cu_function(),
                    (launch.groups, 1, 1),
                    (launch.group, 1, 1),
                    0,
                    stream,
                    &mut parameters,
                )
            }?;
        }
        Ok(())
    }
}

/// Where in the words of a recording those of each launch are.
pub(super) fn parts(launches: &[Launch]) -> impl Iterator<Item = Range<usize>> {
    launches.iter().scan(0, |begin, launch| {
        let part = *begin..launch.end;
        *begin = launch.end;
        Some(part)
    })
}

/// The parameters of a kernel as the driver wants them: one, which is only read.
pub(super) fn parameters(words: &[u64]) -> [*mut c_void; 1] {
    [words.as_ptr().cast_mut().cast()]
}
