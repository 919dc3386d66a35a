//! A model to bytes.

use super::super::checksum::{KEY, checksum};
use super::super::{Data, Dtype, Entry, serialize};
use super::{MARK, StateError};
use crate::backend::Backend;
use crate::element::Element;
use crate::error::Result;
use crate::host;
use crate::nn::{Module, Param, Path, Visitor};
use crate::optim::Memory;
use crate::optim::Optimizer;
use crate::random::Generator;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The weights of a model as a file: what [`load_weights`](super::load_weights), and PyTorch, can read.
///
/// # Errors
/// [`StateError::Write`] if two parameters have the same path; [`StateError::Device`].
pub fn save_weights<B: Backend>(module: &dyn Module<B>) -> Result<Vec<u8>, StateError> {
    let mut items = Items {
        items: Vec::new(),
        memory: None,
        weights_only: true,
    };
    module.visit(&Path::ROOT, &mut items)?;
    items.to_file(&[])
}

/// A model and all that its training needs to go on, as a file: what [`load`](super::load) can read.
///
/// `numbers` are the program's own, such as the epoch. Settings, such as the learning rate, are not saved.
///
/// # Errors
/// [`StateError::Write`] if two names are equal; [`StateError::Device`].
pub fn save<B: Backend>(
    module: &dyn Module<B>,
    optimizer: Option<&dyn Optimizer<B>>,
    numbers: &[(&str, &[u64])],
) -> Result<Vec<u8>, StateError> {
    let memory = optimizer.map(Optimizer::memory);
    let mut items = Items {
        items: Vec::new(),
        memory,
        weights_only: false,
    };
    module.visit(&Path::ROOT, &mut items)?;
    for &(name, values) in numbers {
        items.push_u64(format!("{MARK}{name}"), values)?;
    }
    let tensors = items.items.iter();
    let checksum =
        checksum(tensors.map(|item| (&*item.name, item.dtype, &*item.shape, &*item.bytes)));
    items.to_file(&[(KEY, &format!("{checksum:016x}"))])
}

/// What goes into the file.
struct Items<'a, B: Backend> {
    items: Vec<Item>,
    memory: Option<&'a Memory<B>>,
    weights_only: bool,
}

struct Item {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl<B: Backend> Visitor<B> for Items<'_, B> {
    fn param(&mut self, path: &Path<'_>, param: &Param<B>) -> Result<()> {
        let path = path.to_string();
        let values = param.leaf().try_to_vec()?;
        self.push_elements(path.clone(), param.shape(), &values)?;
        let Some(memory) = self.memory else {
            return Ok(());
        };
        // What is not remembered yet is written as it would start, so that a file always has all names.
        let record = memory.get(&path);
        for (index, name) in memory.tensor_names().iter().enumerate() {
            let values = match record.and_then(|record| record.tensors.get(index)) {
                Some(tensor) => tensor.try_to_vec()?,
                None => host::filled("save", param.leaf().elements(), B::Elem::ZERO)?,
            };
            self.push_elements(format!("{path}{MARK}{name}"), param.shape(), &values)?;
        }
        for (index, (name, start)) in memory.number_names().iter().enumerate() {
            let value = record
                .and_then(|record| record.numbers.get(index))
                .unwrap_or(start);
            self.items.push(Item {
                name: format!("{path}{MARK}{name}"),
                dtype: Dtype::F64,
                shape: Vec::new(),
                bytes: value.to_le_bytes().into(),
            });
        }
        Ok(())
    }

    fn generator(&mut self, path: &Path<'_>, generator: &Generator) -> Result<()> {
        if !self.weights_only {
            self.push_u64(format!("{path}{MARK}generator"), &generator.parts())?;
        }
        Ok(())
    }
}

impl<B: Backend> Items<'_, B> {
    fn push_elements(&mut self, name: String, shape: &[usize], elements: &[B::Elem]) -> Result<()> {
        let mut bytes = host::reserved("save", size_of_val(elements))?;
        let values = elements.iter().map(|element| element.to_f64());
        let dtype = if size_of::<B::Elem>() == size_of::<f32>() {
            bytes.extend(values.flat_map(|value| (value as f32).to_le_bytes()));
            Dtype::F32
        } else {
            bytes.extend(values.flat_map(f64::to_le_bytes));
            Dtype::F64
        };
        self.items.push(Item {
            name,
            dtype,
            shape: shape.into(),
            bytes,
        });
        Ok(())
    }

    fn push_u64(&mut self, name: String, values: &[u64]) -> Result<()> {
        let mut bytes = host::reserved("save", size_of_val(values))?;
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let shape = [values.len()].into();
        self.items.push(Item {
            name,
            dtype: Dtype::U64,
            shape,
            bytes,
        });
        Ok(())
    }

    fn to_file(&self, metadata: &[(&str, &str)]) -> Result<Vec<u8>, StateError> {
        let entries = self.items.iter().map(|item| {
            let data = Data::Bytes(item.dtype, &item.bytes);
            Entry::new(&item.name, &item.shape, data)
        });
        let entries: Vec<Entry<'_>> = entries.collect();
        Ok(serialize(&entries, metadata)?)
    }
}
