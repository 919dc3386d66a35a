//! Executors: who runs the independent parts of a kernel.

/// The most tasks that one operation of the CPU backend hands to an executor: enough to keep 16 threads evenly busy. More
/// threads than this have nothing to do.
pub const MOST_TASKS: usize = 64;

/// Runs independent tasks, on one thread or on many.
///
/// The CPU backend cuts an operation's *output* into parts and hands them over; how many threads there are, and which
/// of them takes which part, never changes a result. An implementation needs no unsafe code; `rayon`, two cores of a
/// microcontroller, or a kernel's workers will do.
///
/// ```
/// use minitorch_core::executor::Executor;
///
/// /// One thread for every task: simple, and fine for a few large ones.
/// struct Scoped;
/// impl Executor for Scoped {
///     fn workers(&self) -> usize {
///         4
///     }
///     fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
///         std::thread::scope(|scope| {
///             for index in 0..tasks {
///                 scope.spawn(move || task(index));
///             }
///         });
///     }
/// }
/// let dev: minitorch_core::Cpu = minitorch_core::Cpu::builder().executor(Scoped).build();
/// ```
pub trait Executor: Send + Sync {
    /// How many tasks run at the same time.
    fn workers(&self) -> usize;

    /// Calls `task(i)` exactly once for each `i` in `0..tasks`, in any order, and returns when all have ended.
    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync));
}

/// The executor without threads: one task after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn workers(&self) -> usize {
        1
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(task);
    }
}

/// Claims to have so many threads, and runs the last task first.
#[cfg(test)]
pub(crate) struct Backwards(pub(crate) usize);

#[cfg(test)]
impl Executor for Backwards {
    fn workers(&self) -> usize {
        self.0
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..tasks).rev().for_each(task);
    }
}
