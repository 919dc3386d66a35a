//! Threads for the CPU backend, by rayon.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use minitorch_core::executor::Executor;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use crate::error::Failure;

/// How long threads without work look for more before they sleep. Operations of a training step follow each other
/// within this, and to wake a thread takes as long as a small one of them.
const AWAKE: Duration = Duration::from_micros(200);

/// Runs the parts of an operation on a pool of threads.
///
/// Work that is started from inside of the pool ([`Rayon::inside`]) is shared without putting the calling thread to
/// sleep, which matters for operations of a few microseconds.
#[derive(Clone, Debug)]
pub struct Rayon {
    pool: Arc<ThreadPool>,
    /// How many threads are kept awake.
    awake: Arc<AtomicUsize>,
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
            awake: Arc::default(),
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

    /// Lets the other threads than `caller` look for work until there has been none for [`AWAKE`], unless they do.
    fn keep_awake(&self, caller: usize) {
        let others = self.workers() - 1;
        let order = Ordering::Relaxed;
        if others == 0
            || self
                .awake
                .compare_exchange(0, others, order, order)
                .is_err()
        {
            return;
        }
        let awake = self.awake.clone();
        self.pool.spawn_broadcast(move |thread| {
            if thread.index() == caller {
                return;
            }
            let mut last = Instant::now();
            while last.elapsed() < AWAKE {
                match rayon::yield_now() {
                    Some(Yield::Executed) => last = Instant::now(),
                    // Another process may want this processor.
                    _ => std::thread::yield_now(),
                }
            }
            awake.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

impl Executor for Rayon {
    fn workers(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let all = || (0..tasks).into_par_iter().with_max_len(1).for_each(task);
        if let Some(caller) = self.pool.current_thread_index() {
            self.keep_awake(caller);
            all();
        } else {
            self.pool.install(all);
        }
    }
}
