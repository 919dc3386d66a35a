//! Memory that a task needs for the time of its work: what it packs, and parts of padded images.

use super::SMALL;
use crate::cpu::Pool;
use crate::element::Element;

/// Elements that a task gets from the pool: 224 KiB of `f32`, which stay in the second-level cache.
const POOLED: usize = 56 << 10;

/// Elements that it gets on the stack where there is no pool.
const STACK: usize = if SMALL { 640 } else { 4096 };

/// Elements that a task can count on: what plans are told of.
pub(crate) const CAPACITY: usize = if SMALL { STACK } else { POOLED };

/// Elements beyond the ones asked for that a kernel may read, though not use: a vector.
pub(crate) const BEYOND: usize = if SMALL { 8 } else { 16 };

/// Bytes of a line of the cache: a vector that begins within one may have to be read from two.
pub(crate) const LINE: usize = 64;

/// Where tasks get their memory from.
#[derive(Clone, Copy)]
pub struct Workspace<'a, E>(Option<&'a Pool<E>>);

impl<'a, E: Element> Workspace<'a, E> {
    /// From a pool, or from the stack on small targets and where the pool is out of memory.
    pub(crate) const fn new(pool: &'a Pool<E>) -> Self {
        Self(if SMALL { None } else { Some(pool) })
    }

    /// From the stack.
    #[cfg(test)]
    #[allow(dead_code)] // Of use to the small copy of the kernels.
    pub(crate) const STACK: Self = Self(None);

    /// Runs `work` with memory whose content is arbitrary. The kernels make of it what fits: its size has no influence
    /// on any result.
    #[inline]
    pub(crate) fn with(self, work: impl FnOnce(&mut [E])) {
        if let Some(pool) = self.0
            && let Some(mut memory) = pool.take(POOLED + BEYOND + spare::<E>())
        {
            work(aligned(&mut memory, POOLED + BEYOND));
            pool.give(memory);
        } else {
            on_the_stack(work);
        }
    }

    /// Runs `work` with so many elements for all tasks of an operation; `false` if there is no memory.
    pub(crate) fn shared(self, elements: usize, work: impl FnOnce(&mut [E])) -> bool {
        let memory = self
            .0
            .and_then(|pool| Some((pool, pool.take(elements + spare::<E>())?)));
        let Some((pool, mut memory)) = memory else {
            return false;
        };
        work(aligned(&mut memory, elements));
        pool.give(memory);
        true
    }
}

/// Elements that alignment may cost.
const fn spare<E>() -> usize {
    LINE / size_of::<E>()
}

/// So many elements of memory that has some to [`spare`].
fn aligned<E>(memory: &mut [E], elements: usize) -> &mut [E] {
    let start = memory.as_ptr().align_offset(LINE).min(spare::<E>());
    &mut memory[start..][..elements]
}

#[inline(never)]
fn on_the_stack<E: Element>(work: impl FnOnce(&mut [E])) {
    work(&mut [E::ZERO; STACK + BEYOND]);
}
