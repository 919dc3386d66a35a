//! Splitting an output among tasks: the only place where several threads write to one buffer.

use crate::executor::{Executor, MOST_TASKS};
use spin::Mutex;

/// How an output is cut into the parts that tasks compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Elements of a part; the last one may have fewer.
    pub size: usize,
    /// How many parts there are. A single one stays on the calling thread: the executor does not hear of it.
    pub tasks: usize,
}

/// As many threads as tasks are made for: an executor that claims to have none still runs tasks.
pub(crate) fn threads(workers: usize) -> usize {
    workers.clamp(1, MOST_TASKS)
}

impl Cut {
    /// Cuts `elements` for `workers` threads into parts of a multiple of `unit`, and at least `grain`, so that a task is
    /// worth handing over.
    #[inline]
    pub(crate) fn new(workers: usize, elements: usize, unit: usize, grain: usize) -> Self {
        let workers = threads(workers);
        let unit = unit.max(1);
        // Four parts a worker even out unequal speeds; the number has no influence on any result.
        let wanted = if workers == 1 {
            1
        } else {
            (workers * 4).min(MOST_TASKS)
        };
        let size = elements
            .div_ceil(wanted)
            .max(grain)
            .max(1)
            .next_multiple_of(unit);
        if elements <= size {
            return Self {
                size: elements.max(1),
                tasks: 1,
            };
        }
        let tasks = elements.div_ceil(size);
        Self { size, tasks }
    }
}

/// Cuts `out` and calls `task(start, chunk)` for each part.
pub(crate) fn chunks<T: Send>(
    executor: &dyn Executor,
    out: &mut [T],
    Cut { size, tasks }: Cut,
    task: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    if tasks == 1 {
        return task(0, out);
    }
    parts(executor, out.chunks_mut(size), tasks, &|index, chunk| {
        task(index * size, chunk);
    });
}

/// Calls `task(index, part)` for each of the first `tasks` parts, of one output or several.
///
/// Each part waits in a slot of its own and is taken out by the task that runs it. So this needs no unsafe code, and
/// an executor that runs a task twice writes nothing twice.
pub(crate) fn parts<T: Send>(
    executor: &dyn Executor,
    mut parts: impl Iterator<Item = T>,
    tasks: usize,
    task: &(dyn Fn(usize, T) + Sync),
) {
    if tasks == 1 {
        return parts.next().into_iter().for_each(|part| task(0, part));
    }
    let slots: [Mutex<Option<T>>; MOST_TASKS] = core::array::from_fn(|_| Mutex::new(parts.next()));
    executor.run(tasks, &|index| {
        let taken = slots.get(index).and_then(|slot| slot.lock().take());
        if let Some(part) = taken {
            task(index, part);
        }
    });
}
