//! A map from addresses: how nodes are told apart.

use core::hash::{BuildHasherDefault, Hasher};
use hashbrown::HashMap;

/// How many entries are kept without memory of their own: those of a small graph.
const FEW: usize = 4;

/// A map from addresses. It is only ever asked for single keys: no order comes from it.
pub(crate) struct AddressMap<V> {
    few: [Option<(usize, V)>; FEW],
    rest: HashMap<usize, V, BuildHasherDefault<AddressHasher>>,
}

impl<V> Default for AddressMap<V> {
    fn default() -> Self {
        Self {
            few: [const { None }; FEW],
            rest: HashMap::default(),
        }
    }
}

impl<V> AddressMap<V> {
    pub(crate) fn len(&self) -> usize {
        self.few.iter().flatten().count() + self.rest.len()
    }

    /// All entries, in no order that means anything.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (usize, V)> {
        self.few.into_iter().flatten().chain(self.rest)
    }

    pub(crate) fn get(&self, address: usize) -> Option<&V> {
        let mut few = self.few.iter().flatten();
        match few.find(|entry| entry.0 == address) {
            Some((_, value)) => Some(value),
            None => self.rest.get(&address),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, address: usize) -> Option<&mut V> {
        let mut few = self.few.iter_mut().flatten();
        match few.find(|entry| entry.0 == address) {
            Some((_, value)) => Some(value),
            None => self.rest.get_mut(&address),
        }
    }

    /// Inserts an entry, or gives an address another value.
    pub(crate) fn insert(&mut self, address: usize, value: V) {
        match self.get_mut(address) {
            Some(old) => *old = value,
            None => match self.few.iter_mut().find(|entry| entry.is_none()) {
                Some(entry) => *entry = Some((address, value)),
                None => _ = self.rest.insert(address, value),
            },
        }
    }

    /// Inserts if the address is new, and says whether it was.
    pub(crate) fn insert_new(&mut self, address: usize, value: V) -> bool {
        let new = self.get(address).is_none();
        if new {
            self.insert(address, value);
        }
        new
    }

    pub(crate) fn remove(&mut self, address: usize) -> Option<V> {
        let is =
            |entry: &&mut Option<(usize, V)>| matches!(entry, Some(entry) if entry.0 == address);
        match self.few.iter_mut().find(is) {
            Some(entry) => entry.take().map(|(_, value)| value),
            None => self.rest.remove(&address),
        }
    }
}

/// Spreads the bits of an address: addresses of one size class differ in few of them.
#[derive(Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(byte.into());
        }
    }

    fn write_usize(&mut self, address: usize) {
        let spread = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}
