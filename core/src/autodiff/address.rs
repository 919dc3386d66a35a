//! A map from addresses: how nodes are told apart.

use core::hash::{BuildHasherDefault, Hasher};
use hashbrown::HashMap;

/// A map from addresses. It is only ever asked for single keys: no order comes from it.
pub(crate) struct AddressMap<V>(HashMap<usize, V, BuildHasherDefault<AddressHasher>>);

impl<V> Default for AddressMap<V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<V> AddressMap<V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All entries, in no order that means anything.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (usize, V)> {
        self.0.into_iter()
    }

    pub(crate) fn get(&self, address: usize) -> Option<&V> {
        self.0.get(&address)
    }

    pub(crate) fn get_mut(&mut self, address: usize) -> Option<&mut V> {
        self.0.get_mut(&address)
    }

    pub(crate) fn insert(&mut self, address: usize, value: V) {
        self.0.insert(address, value);
    }

    /// Inserts if the address is new, and says whether it was.
    pub(crate) fn insert_new(&mut self, address: usize, value: V) -> bool {
        self.0.try_insert(address, value).is_ok()
    }

    pub(crate) fn remove(&mut self, address: usize) -> Option<V> {
        self.0.remove(&address)
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
