//! The CPU backend in every configuration that must not change a result.

use minitorch_core::executor::Executor;
use minitorch_core::isa::Level;
use minitorch_core::{Cpu, Element};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads of the operating system, made for each run. They take the tasks from the last to the first, so that an
/// operation which relies on their order is found out.
#[derive(Clone, Copy, Debug)]
pub struct Threads(pub usize);

impl Executor for Threads {
    fn workers(&self) -> usize {
        self.0
    }

    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let left = AtomicUsize::new(tasks);
        let work = || {
            let take = |left: usize| left.checked_sub(1);
            while let Ok(before) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
                task(before - 1);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.0.min(tasks) {
                scope.spawn(work);
            }
            work();
        });
    }
}

/// Every supported instruction set, on one thread and on 2, 3 and 7.
#[must_use]
pub fn cpus<E: Element>() -> Vec<Cpu<E>> {
    let threads =
        |level| [2, 3, 7].map(|count| Cpu::builder().level(level).executor(Threads(count)).build());
    Level::supported()
        .flat_map(|level| {
            let serial = Cpu::builder().level(level).build();
            std::iter::once(serial).chain(threads(level))
        })
        .collect()
}
