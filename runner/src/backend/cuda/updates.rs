//! Updates that need not wait for one another, as one launch.
//!
//! The step of an optimiser is a few operations on each parameter, and one parameter does not concern the others: the same
//! operation on all of them is one kernel. Whether that is so is seen by what each reads and writes, so an optimiser knows
//! nothing of it, and nothing that it does can make it wrong.

use std::ops::Range;

use cudarc::driver::CudaFunction;

use super::GROUP;
use super::elementwise::Map;
use super::ops::OPERANDS;
use super::plain::plain;

/// The most updates of a launch, of which what a kernel may take leaves room for a few more.
const MOST: usize = 16;
/// The most launches that wait, since a new update is compared with all of them.
const LAUNCHES: usize = 16;

plain! {
    /// What `kernels/map.cuh` calls `Maps`.
    pub(super) struct Maps {
        each: [Map; MOST],
        count: u32,
        unused: u32,
    }
}
const _: () = assert!(size_of::<Maps>() == 3336 && size_of::<Maps>() <= 4096);

/// An elementwise operation that replaces elements in place.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) map: Map,
    /// The addresses that it writes.
    pub(super) writes: Range<u64>,
    /// Those that it reads.
    pub(super) reads: [Range<u64>; OPERANDS],
}

impl Update {
    /// Whether it matters which of the two comes first.
    fn meets(&self, other: &Self) -> bool {
        let touches = |one: &Self, other: &Self| {
            let mut all = other.reads.iter().chain([&other.writes]);
            all.any(|place| one.writes.start < place.end && place.start < one.writes.end)
        };
        touches(self, other) || touches(other, self)
    }
}

/// Updates by one operation, of which none meets another.
#[derive(Debug)]
pub(super) struct Together {
    pub(super) kernel: CudaFunction,
    updates: Vec<Update>,
}

impl Together {
    /// What the kernel takes.
    pub(super) fn arguments(&self) -> Maps {
        let updates = &self.updates;
        let map = |at: usize| updates.get(at).map_or(Map::NOTHING, |update| update.map);
        Maps {
            each: std::array::from_fn(map),
            count: updates.len() as u32,
            unused: 0,
        }
    }

    /// The groups of threads of all updates.
    pub(super) fn groups(&self) -> u32 {
        let groups = self.updates.iter();
        groups.map(|update| update.map.count.div_ceil(GROUP)).sum()
    }
}

/// Launches that updates may still join.
#[derive(Debug, Default)]
pub(super) struct Updates {
    waiting: Vec<Together>,
}

impl Updates {
    /// Whether another update may need a launch that there is no room for.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() == LAUNCHES
    }

    /// Puts an update into the first launch of its kernel behind everything that it meets.
    pub(super) fn push(&mut self, kernel: &CudaFunction, update: Update) {
        let mut place = None;
        for together in self.waiting.iter_mut().rev() {
            if together.updates.iter().any(|other| other.meets(&update)) {
                break;
            }
            let same = together.kernel.cu_function() == kernel.cu_function();
            if same && together.updates.len() < MOST {
                place = Some(together);
            }
        }
        match place {
            Some(together) => together.updates.push(update),
            None => self.waiting.push(Together {
                kernel: kernel.clone(),
                updates: vec![update],
            }),
        }
    }

    /// The launches in their order, which wait no longer.
    pub(super) fn take(&mut self) -> Vec<Together> {
        std::mem::take(&mut self.waiting)
    }
}
