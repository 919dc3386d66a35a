//! What an optimiser remembers of each parameter.

use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Param, Path};
use crate::state::Fnv;
use crate::tensor::Tensor;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hasher};
use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;

/// What an optimiser remembers of each parameter, by the parameter's path.
///
/// The table has no order; where one is needed, such as in a file, it is that of the walk over the model.
#[doc(alias = "state")]
#[derive(Clone)]
pub struct Memory<B: Backend> {
    tensors: &'static [&'static str],
    numbers: &'static [(&'static str, f64)],
    records: HashMap<String, Record<B>, BuildHasherDefault<PathHasher>>,
    // Where a path is written to be looked up, so that a step allocates nothing.
    name: String,
}

/// What is remembered of one parameter, in the order of the names that [`Memory::new`] was given.
#[derive(Clone, Debug)]
pub struct Record<B: Backend> {
    /// Tensors of the parameter's shape, such as averages of its gradients.
    pub tensors: Vec<Tensor<B>>,
    /// Numbers, such as a power that grows with each step.
    pub numbers: Vec<f64>,
}

impl<B: Backend> Memory<B> {
    /// An empty memory. Its records will hold tensors with these names, which start at 0, and numbers with these names
    /// and first values. The names stand in files.
    #[must_use]
    pub const fn new(
        tensors: &'static [&'static str],
        numbers: &'static [(&'static str, f64)],
    ) -> Self {
        Self {
            tensors,
            numbers,
            records: HashMap::with_hasher(BuildHasherDefault::new()),
            name: String::new(),
        }
    }

    /// The names of the tensors of a record.
    #[must_use]
    pub const fn tensor_names(&self) -> &'static [&'static str] {
        self.tensors
    }

    /// The names and first values of the numbers of a record.
    #[must_use]
    pub const fn number_names(&self) -> &'static [(&'static str, f64)] {
        self.numbers
    }

    /// What is remembered of the parameter at `path`; creates the record on first use.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if what is remembered has another shape. Parameters are told apart by path alone, so another
    /// network's, of the same paths, are taken for these. [`ErrorKind::Memory`].
    pub fn of(&mut self, path: &Path<'_>, param: &Param<B>) -> Result<&mut Record<B>> {
        match self.records.entry_ref(path.write_to(&mut self.name)) {
            EntryRef::Occupied(entry) => {
                let record = entry.into_mut();
                let mut shapes = record.tensors.iter().map(Tensor::shape);
                match shapes.find(|&shape| shape != param.shape()) {
                    Some(&shape) => Err(another_network(&shape, param.shape())),
                    None => Ok(record),
                }
            }
            EntryRef::Vacant(entry) => {
                let zeros = |_| Tensor::try_zeros(param.leaf().device(), param.shape());
                let record = Record {
                    tensors: self.tensors.iter().map(zeros).collect::<Result<_>>()?,
                    numbers: self.numbers.iter().map(|number| number.1).collect(),
                };
                Ok(entry.insert(record))
            }
        }
    }

    /// What is remembered of the parameter at the path with this text.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Record<B>> {
        self.records.get(path)
    }

    /// Remembers this of the parameter at the path with this text.
    pub(crate) fn insert(&mut self, path: String, record: Record<B>) {
        self.records.insert(path, record);
    }

    /// Makes room for so many more records: [`Memory::insert`] then needs no memory.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`].
    pub(crate) fn try_reserve(&mut self, count: usize) -> Result<()> {
        let error = Error::about(ErrorKind::Memory, "load", &[count]);
        self.records.try_reserve(count).map_err(|_| error)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.records.clear();
    }
}

impl<B: Backend> core::fmt::Debug for Memory<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Memory({} records)", self.records.len())
    }
}

impl<B: Backend> Record<B> {
    /// The tensors and numbers, if there are as many as the optimiser works with.
    pub(super) fn parts<const T: usize, const N: usize>(
        &mut self,
    ) -> Result<(&mut [Tensor<B>; T], &mut [f64; N])> {
        let parts = (
            self.tensors.as_mut_slice().try_into(),
            self.numbers.as_mut_slice().try_into(),
        );
        match parts {
            (Ok(tensors), Ok(numbers)) => Ok((tensors, numbers)),
            _ => Err(Error::new(
                ErrorKind::Argument,
                "step",
                "the record of a parameter is another optimiser's",
            )),
        }
    }
}

fn another_network(remembered: &[usize], shape: &[usize]) -> Error {
    Error::between(ErrorKind::Shape, "step", remembered, shape).advise(
        "this optimiser remembers steps of another network: use one optimiser for each, or clear its memory",
    )
}

/// FNV-1a: the same table in every run.
#[derive(Default)]
struct PathHasher(Fnv);

impl Hasher for PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
