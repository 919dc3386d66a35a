//! Threads for the CPU backend, by rayon.

use std::sync::Arc;

use minitorch_core::executor::Executor;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Failure;

/// Runs the parts of an operation on a pool of threads.
///
/// Work that is started from inside of the pool ([`Rayon::inside`]) is shared without putting the calling thread to
/// sleep, which matters for operations of a few microseconds.
#[derive(Clone, Debug)]
pub struct Rayon {
    pool: Arc<ThreadPool>,
}

impl Rayon {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    ///
    /// If the operating system does not give that many.
    pub fn new(threads: usize) -> Result<Self, Failure> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("worker {index}"))
            .build()
            .map_err(|error| Failure::new(format!("cannot start {threads} threads: {error}")))?;
        Ok(Self {
            pool: Arc::new(pool),
        })
    }

    /// Calls `work` on a thread of the pool and waits for it.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// Calls `task` on each thread of the pool, with the thread's number, and waits for all.
    pub fn on_each(&self, task: impl Fn(usize) + Sync) {
        self.pool.broadcast(|thread| task(thread.index()));
    }
}

impl Executor for Rayon {
    fn workers(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let all = || (0..tasks).into_par_iter().with_max_len(1).for_each(task);
        if self.pool.current_thread_index().is_some() {
            all();
        } else {
            self.pool.install(all);
        }
    }
}
