//! `Shared`: drop counts, uniqueness, threads, and values of every kind of size.

mod memory;

use memory::with_allocations;
use minitorch_core::shared::{Shared, Slot};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// Counts its drops.
struct Counted<'a>(&'a AtomicUsize, u32);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

trait Number {
    fn number(&self) -> u32;
}

impl Number for Counted<'_> {
    fn number(&self) -> u32 {
        self.1
    }
}

#[test]
fn the_last_owner_drops_once() {
    let drops = AtomicUsize::new(0);
    let a = Shared::new(Counted(&drops, 7));
    let b = a.clone();
    let c = Shared::clone(&b);
    assert_eq!((a.1, b.1, c.1), (7, 7, 7));
    drop(a);
    drop(c);
    assert_eq!(drops.load(Relaxed), 0);
    drop(b);
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn unique_owners_may_change_and_move_the_value() {
    let mut a = Shared::try_new(String::from("a")).unwrap();
    assert!(Shared::is_unique(&a));
    Shared::get_mut(&mut a).unwrap().push('b');
    let b = a.clone();
    assert!(!Shared::is_unique(&a));
    assert!(Shared::get_mut(&mut a).is_none());
    let a = Shared::try_unwrap(a).unwrap_err();
    drop(b);
    assert_eq!(Shared::try_unwrap(a).unwrap(), "ab");
}

#[test]
fn moving_out_does_not_drop() {
    let drops = AtomicUsize::new(0);
    let value = Shared::try_unwrap(Shared::new(Counted(&drops, 1)))
        .ok()
        .unwrap();
    assert_eq!(drops.load(Relaxed), 0);
    drop(value);
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn identity_is_the_allocation() {
    let a = Shared::new(());
    let b = Shared::new(());
    assert!(!Shared::ptr_eq(&a, &b));
    assert!(Shared::ptr_eq(&a, &a.clone()));
    assert_eq!(Shared::address(&a), Shared::address(&a.clone()));
    let any = Shared::try_new_unsized::<dyn Send>((), |slot| slot)
        .ok()
        .unwrap();
    assert!(!Shared::ptr_eq(&any, &b));
}

#[test]
fn over_aligned_and_empty_values() {
    #[repr(align(256))]
    struct Wide(u8);
    #[repr(align(64))]
    struct Empty;
    let wide = Shared::new(Wide(3));
    assert_eq!((&raw const *wide) as usize % 256, 0);
    let wide = Shared::unsize::<dyn Send>(wide, |slot| slot).ok().unwrap();
    assert_eq!((&raw const *wide).cast::<u8>() as usize % 256, 0);
    let empty = Shared::new(Empty);
    assert_eq!((&raw const *empty) as usize % 64, 0);
    assert!(Shared::try_unwrap(empty).is_ok());
    assert_eq!(Shared::try_unwrap(Shared::new(Wide(9))).ok().unwrap().0, 9);
}

#[test]
fn unsized_values_share_and_drop() {
    let drops = AtomicUsize::new(0);
    let concrete = Shared::new(Counted(&drops, 5));
    let address = Shared::address(&concrete);
    let mut dynamic = Shared::unsize::<dyn Number + '_>(concrete, |slot| slot)
        .ok()
        .unwrap();
    assert_eq!(Shared::address(&dynamic), address);
    let other = dynamic.clone();
    assert!(Shared::get_mut(&mut dynamic).is_none());
    drop(dynamic);
    assert_eq!((other.number(), drops.load(Relaxed)), (5, 0));
    drop(other);
    assert_eq!(drops.load(Relaxed), 1);

    let array = Shared::new([Counted(&drops, 1), Counted(&drops, 2)]);
    let mut slice = Shared::unsize::<[Counted]>(array, |slot| slot)
        .ok()
        .unwrap();
    Shared::get_mut(&mut slice).unwrap()[0].1 = 4;
    assert_eq!(slice.iter().map(Number::number).sum::<u32>(), 6);
    drop(slice);
    assert_eq!(drops.load(Relaxed), 3);
}

#[test]
fn unsizing_needs_the_only_owner() {
    let a = Shared::new(1u8);
    let b = a.clone();
    let a = Shared::unsize::<dyn Send>(a, |slot| slot).err().unwrap();
    drop(b);
    assert!(Shared::unsize::<dyn Send>(a, |slot| slot).is_ok());
}

#[test]
fn a_panic_while_unsizing_still_drops() {
    let drops = AtomicUsize::new(0);
    let value = Shared::new(Counted(&drops, 0));
    let result = catch_unwind(AssertUnwindSafe(|| {
        Shared::unsize::<dyn Number + '_>(value, |_| panic!("on purpose"))
    }));
    assert!(result.is_err());
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn a_panic_in_drop_returns_the_memory() {
    // The address sanitizer's leak check is the assertion.
    struct Panics(#[expect(dead_code)] Box<u8>);
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let value = Shared::new(Panics(Box::new(1)));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(value))).is_err());
}

#[test]
fn out_of_memory_gives_the_value_back() {
    let value = String::from("kept");
    let failed = with_allocations(0, || Shared::try_new(value));
    let value = failed.unwrap_err();
    let failed = with_allocations(0, || {
        Shared::try_new_unsized::<dyn Send>(value, |slot| slot)
    });
    assert_eq!(failed.err().unwrap(), "kept");
}

#[test]
fn threads_clone_read_and_drop() {
    let drops = AtomicUsize::new(0);
    for _ in 0..50 {
        let shared = Shared::new(Counted(&drops, 11));
        thread::scope(|scope| {
            for _ in 0..4 {
                let mine = shared.clone();
                scope.spawn(move || {
                    for _ in 0..200 {
                        assert_eq!(mine.clone().1, 11);
                    }
                });
            }
            drop(shared);
        });
    }
    assert_eq!(drops.load(Relaxed), 50);
}

#[test]
fn writes_of_a_unique_owner_follow_the_reads_of_former_owners() {
    for _ in 0..200 {
        let mut shared = Shared::new(0u64);
        let reader = shared.clone();
        thread::scope(|scope| {
            scope.spawn(move || assert_eq!(*reader, 0));
            // A data race here is what the thread sanitizer would report.
            while Shared::get_mut(&mut shared)
                .map(|value| *value = 1)
                .is_none()
            {
                thread::yield_now();
            }
        });
        assert_eq!(Shared::try_unwrap(shared).unwrap(), 1);
    }
}

#[test]
fn send_and_sync_like_arc() {
    fn both<T: Send + Sync + ?Sized>() {}
    both::<Shared<u8>>();
    both::<Shared<dyn Number + Send + Sync>>();
}

/// A value that borrows for the lifetime of an outer closure's slot lets an inner closure name that lifetime, and return
/// the outer slot for its own. It would have two owners when the outer closure panics.
#[test]
fn a_closure_cannot_return_the_slot_of_another() {
    fn steal<'a>(outer: &'a mut Slot<String>) -> Shared<String> {
        let token: Shared<PhantomData<&'a ()>> = Shared::new(PhantomData);
        Shared::unsize::<String>(token, move |_| outer)
            .ok()
            .unwrap()
    }
    let victim = Shared::new(String::from("freed by its owner alone"));
    let mut stolen = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        Shared::unsize::<String>(victim, |slot| {
            stolen = Some(steal(slot));
            panic!("after the theft")
        })
        .is_ok()
    }));
    assert!(outcome.is_err());
    if let Some(stolen) = stolen {
        // Dropping it would free the string a second time.
        std::mem::forget(stolen);
        panic!("an inner closure returned the slot of the outer one");
    }
}
