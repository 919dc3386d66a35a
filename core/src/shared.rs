//! [`Shared`]: the one reference-counted pointer of this library.
//!
//! It is `alloc::sync::Arc` without weak references, and with three things that `Arc` does not give on stable Rust:
//!
//! * [`Shared::try_new`] returns an error when memory is out, where `Arc::new` aborts;
//! * it exists on targets without compare-and-swap (Cortex-M0), where the count comes from `portable-atomic`;
//! * [`Shared::unsize`] turns a `Shared<T>` into a `Shared<dyn Trait>` or `Shared<[T]>` without compiler magic and
//!   without `unsafe` in the caller, by a closure `|slot| slot` that the compiler checks.
//!
//! One allocation holds the count and the value. Cloning costs one atomic addition, and dropping another one unless the
//! owner is the only one.
#![allow(unsafe_code)]

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::Deref;
use core::ptr::NonNull;
#[cfg(target_has_atomic = "ptr")]
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
#[cfg(not(target_has_atomic = "ptr"))]
use portable_atomic::AtomicUsize;

/// Counts above this are out of order: only leaking more than `isize::MAX` clones gets there.
const MAX_COUNT: usize = isize::MAX as usize;
/// Where a count that went out of order is held: as far from zero as from wrapping around.
const SATURATED: usize = MAX_COUNT + MAX_COUNT / 2;

/// The memory behind a [`Shared`]: the count and the value.
///
/// It has no public fields and no methods. It is visible only because [`Shared::unsize`] hands a reference to it to a
/// closure, which returns the same reference with another type.
pub struct Slot<T: ?Sized> {
    count: AtomicUsize,
    value: T,
}

/// A pointer to a value with several owners, which is dropped with the last of them.
///
/// It is `Send` and `Sync` exactly when `T` is both, and gives out `&T` only; [`get_mut`](Shared::get_mut) gives
/// `&mut T` to a sole owner. Cycles leak.
///
/// ```
/// use minitorch_core::shared::Shared;
///
/// let mut a = Shared::new(vec![1.0, 2.0]);
/// let b = a.clone();
/// assert!(Shared::ptr_eq(&a, &b));
/// assert!(Shared::get_mut(&mut a).is_none());
/// drop(b);
/// Shared::get_mut(&mut a).unwrap().push(3.0);
/// assert_eq!(a.len(), 3);
/// ```
pub struct Shared<T: ?Sized> {
    slot: NonNull<Slot<T>>,
    /// Tells the drop checker that dropping this may drop a `T`.
    owns: PhantomData<Slot<T>>,
}

// SAFETY: a `Shared` on another thread gives out `&T` there (hence `T: Sync`) and, as the last owner, drops or moves out
// the value there (hence `T: Send`). The count is atomic.
unsafe impl<T: ?Sized + Send + Sync> Send for Shared<T> {}
// SAFETY: `&Shared<T>` gives out `&T` and clones, so it needs the same as sending does.
unsafe impl<T: ?Sized + Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Moves a value to the heap under a count of one; when memory is out, calls the allocation error handler (which
    /// aborts or panics), as `Arc::new` does.
    pub fn new(value: T) -> Self {
        Self::try_new(value).unwrap_or_else(|_| handle_alloc_error(Layout::new::<Slot<T>>()))
    }

    /// Moves a value to the heap under a count of one.
    ///
    /// # Errors
    /// The value itself comes back when memory is out.
    #[inline]
    pub fn try_new(value: T) -> Result<Self, T> {
        // SAFETY: a slot holds a count, so its size is not zero.
        let memory = unsafe { alloc(Layout::new::<Slot<T>>()) };
        let Some(slot) = NonNull::new(memory.cast::<Slot<T>>()) else {
            return Err(value);
        };
        let count = AtomicUsize::new(1);
        // SAFETY: the memory is fresh, and has the size and alignment of a slot.
        unsafe { slot.write(Slot { count, value }) };
        Ok(Self::from_slot(slot))
    }

    /// Moves the value out if this is its only owner.
    ///
    /// # Errors
    /// The pointer itself comes back when there are other owners.
    pub fn try_unwrap(this: Self) -> Result<T, Self> {
        if !Self::is_unique(&this) {
            return Err(this);
        }
        let _memory = Memory::of(&this);
        let slot = this.slot;
        mem::forget(this);
        // SAFETY: the sole owner was just forgotten, so nothing else reads the value, now or later; `_memory` returns
        // the allocation without touching it.
        Ok(unsafe { (&raw const (*slot.as_ptr()).value).read() })
    }

    /// Forgets the concrete type: `Shared<T>` becomes `Shared<dyn Trait>`, or `Shared<[X; N]>` becomes `Shared<[X]>`.
    ///
    /// The closure is always `|slot| slot`: the compiler coerces the reference that it returns.
    ///
    /// ```
    /// use core::fmt::Display;
    /// use minitorch_core::shared::Shared;
    ///
    /// let text = Shared::unsize::<dyn Display>(Shared::new(42), |slot| slot).unwrap();
    /// assert_eq!(text.to_string(), "42");
    /// ```
    ///
    /// # Errors
    /// The pointer itself comes back when there are other owners; do it right after construction.
    ///
    /// # Panics
    /// If the closure returns another slot, such as one that a closure around it was lent.
    pub fn unsize<U: ?Sized>(
        this: Self,
        coerce: impl for<'a> FnOnce(&'a mut Slot<T>) -> &'a mut Slot<U>,
    ) -> Result<Shared<U>, Self> {
        if Self::is_unique(&this) {
            Ok(this.coerce(coerce))
        } else {
            Err(this)
        }
    }

    /// [`try_new`](Shared::try_new) and [`unsize`](Shared::unsize) in one step.
    ///
    /// ```
    /// # use minitorch_core::shared::Shared;
    /// let slice = Shared::try_new_unsized::<[i32]>([1, 2, 3], |slot| slot).unwrap();
    /// assert_eq!(slice.iter().sum::<i32>(), 6);
    /// ```
    ///
    /// # Errors
    /// The value itself comes back when memory is out.
    ///
    /// # Panics
    /// As [`unsize`](Shared::unsize).
    pub fn try_new_unsized<U: ?Sized>(
        value: T,
        coerce: impl for<'a> FnOnce(&'a mut Slot<T>) -> &'a mut Slot<U>,
    ) -> Result<Shared<U>, T> {
        Ok(Self::try_new(value)?.coerce(coerce))
    }

    /// Unsizes the only owner.
    fn coerce<U: ?Sized>(
        self,
        coerce: impl for<'a> FnOnce(&'a mut Slot<T>) -> &'a mut Slot<U>,
    ) -> Shared<U> {
        // SAFETY: this is the only pointer to the slot, and it is not used until the reference is gone. Swapping two
        // slots inside nested closures is harmless: both counts are one and both values have the same type.
        let slot = NonNull::from(coerce(unsafe { &mut *self.slot.as_ptr() }));
        // The lifetimes alone do not promise this: where `T` borrows for the lifetime of a slot of another closure, that
        // slot could be returned, and would have two owners. A slot is never inside of another, so one at this address
        // is the one that was lent.
        assert!(
            slot.cast::<u8>() == self.slot.cast::<u8>(),
            "Shared::unsize: the closure must return the slot that it was given"
        );
        // Only now: if the closure or the assertion panics, `self` still drops the value.
        mem::forget(self);
        Shared::from_slot(slot)
    }
}

impl<T: ?Sized> Shared<T> {
    fn from_slot(slot: NonNull<Slot<T>>) -> Self {
        Self {
            slot,
            owns: PhantomData,
        }
    }

    fn count(&self) -> &AtomicUsize {
        // SAFETY: an owner keeps the slot alive. The reference covers the count alone.
        unsafe { &(*self.slot.as_ptr()).count }
    }

    /// Says whether this is the only owner. If so it stays so while the pointer is borrowed mutably or owned: a new
    /// owner can only be made from this one.
    #[inline]
    pub fn is_unique(this: &Self) -> bool {
        // Acquire, so that what other owners did before they let go happens before what the caller does next.
        this.count().load(Acquire) == 1
    }

    /// Lends the value mutably if this is its only owner.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        if !Self::is_unique(this) {
            return None;
        }
        // SAFETY: there is no other owner, and none can appear while `this` is borrowed mutably.
        Some(unsafe { &mut (*this.slot.as_ptr()).value })
    }

    /// Says whether two pointers own the same value, whatever their types.
    #[inline]
    pub fn ptr_eq<U: ?Sized>(this: &Self, other: &Shared<U>) -> bool {
        Self::address(this) == Shared::address(other)
    }

    /// The address of the allocation: the identity of the value while it has an owner, different for different values
    /// even if they have size zero.
    #[inline]
    pub fn address(this: &Self) -> usize {
        this.slot.as_ptr().cast::<u8>() as usize
    }

    /// Drops the value and returns the memory. Out of line: most drops only count.
    #[inline(never)]
    fn free(&mut self) {
        // Returned when this goes out of scope, also when the value's drop panics.
        let _memory = Memory::of(self);
        // SAFETY: the last owner is being dropped, so nothing reads the value from here on.
        unsafe { (&raw mut (*self.slot.as_ptr()).value).drop_in_place() }
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: an owner keeps the value alive, and `get_mut` lends it mutably only under `&mut self`.
        unsafe { &(*self.slot.as_ptr()).value }
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    /// Makes one more owner.
    ///
    /// If leaked clones bring the count above `isize::MAX`, it sticks there and the value is never freed: a leak, where
    /// a count that wrapped around would free the value under its owners.
    #[inline]
    fn clone(&self) -> Self {
        // Relaxed: whoever hands the clone to another thread synchronises with it.
        if self.count().fetch_add(1, Relaxed) > MAX_COUNT {
            self.count().store(SATURATED, Relaxed);
        }
        Self::from_slot(self.slot)
    }
}

impl<T: ?Sized> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        // Alone, nobody can make another owner meanwhile: a load is enough, which is much cheaper than a subtraction.
        if Self::is_unique(self) {
            return self.free();
        }
        // Release: what this owner did happens before the last owner frees.
        match self.count().fetch_sub(1, Release) {
            1 => {
                // Acquire, the other half. A load and not a fence: thread sanitizers do not see fences.
                self.count().load(Acquire);
                self.free();
            }
            old if old > MAX_COUNT => self.count().store(SATURATED, Relaxed),
            _ => {}
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

/// The allocation of a slot, given back when this is dropped. Whoever makes one is the last owner.
struct Memory {
    start: *mut u8,
    layout: Layout,
}

impl Memory {
    fn of<T: ?Sized>(shared: &Shared<T>) -> Self {
        // SAFETY: the slot is alive. Its value may be in use by the last owner only, and its size does not change.
        let layout = unsafe { Layout::for_value(shared.slot.as_ref()) };
        Self {
            start: shared.slot.as_ptr().cast(),
            layout,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `try_new` allocated the slot with this layout, which unsizing does not change.
        unsafe { dealloc(self.start, self.layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_COUNT, Relaxed, SATURATED, Shared};

    #[test]
    fn a_count_out_of_order_stays_there() {
        let shared = Shared::new(1);
        // As if MAX_COUNT - 1 clones had been leaked.
        shared.count().store(MAX_COUNT, Relaxed);
        let first = shared.clone();
        assert_eq!(shared.count().load(Relaxed), MAX_COUNT + 1);
        let second = shared.clone();
        assert_eq!(shared.count().load(Relaxed), SATURATED);
        drop((first, second));
        assert_eq!(shared.count().load(Relaxed), SATURATED);
        assert!(!Shared::is_unique(&shared));
        // The true count again, so that the value is freed.
        shared.count().store(1, Relaxed);
    }
}
