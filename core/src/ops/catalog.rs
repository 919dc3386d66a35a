//! Every elementwise operation of this crate by name and C body: what a device can compile ahead of time.

use super::binary::*;
use super::special::*;
use super::unary::*;
use super::{Binary, Grad, GradLeft, GradRight, Op, Unary};
use crate::nn::{Bce, BceWithLogits};
use crate::pool::{Count, Largest, Take, Uncount};
use alloc::vec::Vec;

/// An operation as a device knows it. Two operations are one to a device if their entries are equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// [`Op::NAME`]; an operation shares it with its gradients.
    pub name: &'static str,
    /// The number of operands.
    pub operands: usize,
    /// [`Op::C`].
    pub c: &'static str,
}

impl Entry {
    /// The entry of an operation.
    ///
    /// ```
    /// use minitorch_core::ops::{binary::Add, catalog::Entry};
    /// let add = Entry::of::<2, Add>();
    /// assert_eq!((add.name, add.operands, add.c), ("add", 2, "x0 + x1"));
    /// ```
    #[must_use]
    pub const fn of<const N: usize, O: Op<N>>() -> Self {
        Self {
            name: O::NAME,
            operands: N,
            c: O::C,
        }
    }
}

/// The entries of every operation of this crate and of its gradients: those of the tables, those with parameters, and
/// those that losses, optimisers ([`steps`]) and pooling use. No entry is there twice.
///
/// ```
/// use minitorch_core::ops::{Grad, catalog, catalog::Entry, unary::Relu};
/// let all = catalog::entries();
/// assert!(all.contains(&Entry::of::<1, Relu>()));
/// assert!(all.contains(&Entry::of::<2, Grad<Relu>>()));
/// ```
#[must_use]
pub fn entries() -> Vec<Entry> {
    let mut all = Vec::new();
    macro_rules! unary_table {
        ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
            eval($x:ident) $eval:block c $c:literal
            grad($saves:ident, $s:ident, $g:ident) $grad:block c $grad_c:literal;)*) => {$(
            unary::<$name>(&mut all);
        )*};
    }
    crate::with_unary_ops!(unary_table);
    unary::<AddScalar>(&mut all);
    unary::<SubFrom>(&mut all);
    unary::<MulScalar>(&mut all);
    unary::<DivScalar>(&mut all);
    unary::<DivFrom>(&mut all);
    unary::<PowScalar>(&mut all);
    unary::<Clamp>(&mut all);
    macro_rules! binary_table {
        ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident
            eval($a:ident, $b:ident) $eval:block c $c:literal
            slopes($($slope:ident),*)
            grads($($args:ident),*) $grads:block c [$($grads_c:literal),*];)*) => {$(
            binary::<$name>(&mut all);
        )*};
    }
    crate::with_binary_ops!(binary_table);
    binary::<Bce>(&mut all);
    binary::<BceWithLogits>(&mut all);
    for entry in [
        Entry::of::<1, Keep>(),
        Entry::of::<3, Where>(),
        Entry::of::<2, Largest>(),
        Entry::of::<3, Count>(),
        Entry::of::<3, Uncount>(),
        Entry::of::<4, Take>(),
    ] {
        add(&mut all, entry);
    }
    for entry in steps() {
        add(&mut all, entry);
    }
    all
}

/// The entries of what optimisers do in place to one parameter after the other, which a device may do to several at a time.
#[must_use]
pub const fn steps() -> [Entry; 6] {
    [
        Entry::of::<2, AddScaled>(),
        Entry::of::<1, MulScalar>(),
        Entry::of::<2, Decay>(),
        Entry::of::<2, DecaySquare>(),
        Entry::of::<3, AdamStep>(),
        Entry::of::<3, AdadeltaStep>(),
    ]
}

fn unary<O: Unary>(all: &mut Vec<Entry>) {
    add(all, Entry::of::<1, O>());
    add(all, Entry::of::<2, Grad<O>>());
}

fn binary<O: Binary>(all: &mut Vec<Entry>) {
    add(all, Entry::of::<2, O>());
    add(all, Entry::of::<3, GradLeft<O>>());
    add(all, Entry::of::<3, GradRight<O>>());
}

fn add(all: &mut Vec<Entry>, entry: Entry) {
    if !all.contains(&entry) {
        all.push(entry);
    }
}
