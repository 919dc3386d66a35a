//! Splitting an output among tasks: the only place where several threads write to one buffer.

use crate::executor::Executor;
use spin::Mutex;

/// The most tasks that one call hands to an executor: enough to keep 16 threads evenly busy.
const MAX_TASKS: usize = 64;

/// Cuts `out` into chunks, each a multiple of `unit` elements long (the last one may be shorter), and calls
/// `task(start, chunk)` for each. A chunk has at least `grain` elements, so that a task is worth handing over.
///
/// Each chunk waits in a slot of its own and is taken out by the task that runs it. So this needs no unsafe code, and
/// an executor that runs a task twice writes nothing twice.
pub(crate) fn chunks<T: Send>(
    executor: &dyn Executor,
    out: &mut [T],
    unit: usize,
    grain: usize,
    task: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    // An executor that claims to have no workers still runs tasks.
    let workers = executor.workers().clamp(1, MAX_TASKS);
    let unit = unit.max(1);
    // Four chunks a worker even out unequal speeds; the number has no influence on any result.
    let wanted = if workers == 1 {
        1
    } else {
        (workers * 4).min(MAX_TASKS)
    };
    let size = out
        .len()
        .div_ceil(wanted)
        .max(grain)
        .max(1)
        .next_multiple_of(unit);
    if out.len() <= size {
        return task(0, out);
    }
    let mut parts = out.chunks_mut(size);
    let slots: [Mutex<Option<&mut [T]>>; MAX_TASKS] =
        core::array::from_fn(|_| Mutex::new(parts.next()));
    let tasks = slots.iter().filter(|slot| slot.lock().is_some()).count();
    executor.run(tasks, &|index| {
        let taken = slots.get(index).and_then(|slot| slot.lock().take());
        if let Some(chunk) = taken {
            task(index * size, chunk);
        }
    });
}
