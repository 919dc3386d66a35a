//! Bytes to a model. First everything is checked and read, then everything is changed.
//!
//! Where memory ends, that is an error like others: a file is the larger part of what a small machine holds.

use super::super::load::copy;
use super::super::{ReadError, SafeTensors, Value, View, match_names};
use super::room::{add, collect, no_memory, text};
use super::{MARK, StateError};
use crate::backend::Backend;
use crate::element::Element;
use crate::error::Result;
use crate::nn::{Module, Param, Path, Visitor, VisitorMut};
use crate::optim::{Memory, Optimizer, Record};
use crate::random::Generator;
use crate::shape::Shape;
use crate::tensor::Tensor;
use alloc::string::String;
use alloc::vec::{self, Vec};
use core::fmt;

/// Loads the weights of a model from its own file or from one of PyTorch, and returns how many entries were left out
/// because they belong to training (an `@` in their name).
///
/// ```
/// use minitorch_core::nn::{Linear, Module};
/// use minitorch_core::state::{load_weights, save_weights};
/// use minitorch_core::{Cpu, Generator};
/// let dev: Cpu = Cpu::default();
/// let trained = Linear::new(&dev, 3, 2, &mut Generator::new(1))?;
/// let mut other = Linear::new(&dev, 3, 2, &mut Generator::new(2))?;
/// assert_eq!(load_weights(&save_weights(&trained)?, &mut other)?, 0);
/// assert_eq!(other.weights_hash(), trained.weights_hash());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A [`StateError`]; then the model is as it was. [`StateError::Names`] has all names that are missing, unexpected or
/// of another shape.
pub fn load_weights<B: Backend>(
    file: &[u8],
    module: &mut dyn Module<B>,
) -> Result<usize, StateError> {
    let file = open(file)?;
    let slots = Slots::of(module)?;
    let mut expected = slots.weights()?;
    expected.accept(&file, |name| name.contains(MARK))?;
    let views = expected.find(&file)?;
    let params = slots.read(&mut views.into_iter())?;
    Changes::new(params, Vec::new()).apply(module)?;
    Ok(expected.accepted.len())
}

/// Loads what [`save`](super::save) wrote: a run that goes on is the run that was never interrupted, bit for bit.
///
/// The optimiser must be of the kind that was saved, or be left out where none was saved; the numbers of the program
/// are returned.
///
/// ```
/// use minitorch_core::nn::{Layer, Linear, Module};
/// use minitorch_core::optim::{Adam, Optimizer};
/// use minitorch_core::state::{load, save};
/// use minitorch_core::{Cpu, Generator, Tensor};
///
/// let dev: Cpu = Cpu::default();
/// let (mut net, mut adam) = (Linear::new(&dev, 3, 2, &mut Generator::new(1))?, Adam::new(0.1));
/// let step = |net: &mut Linear<Cpu>, adam: &mut Adam<Cpu>| {
///     let loss = net.forward(&Tensor::ones(&dev, [4, 3])).square().sum_all();
///     adam.step(net, loss.backward());
/// };
/// step(&mut net, &mut adam);
/// let file = save(&net, Some(&adam), &[("epoch", &[1])])?;
///
/// let (mut again, mut adam_again) = (Linear::new(&dev, 3, 2, &mut Generator::new(2))?, Adam::new(0.1));
/// let numbers = load(&file, &mut again, Some(&mut adam_again))?;
/// assert_eq!(numbers.get("epoch"), Some(&[1][..]));
/// step(&mut net, &mut adam);
/// step(&mut again, &mut adam_again);
/// assert_eq!(again.weights_hash(), net.weights_hash());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`load_weights`]; then model and optimiser are as they were.
pub fn load<B: Backend>(
    file: &[u8],
    module: &mut dyn Module<B>,
    mut optimizer: Option<&mut dyn Optimizer<B>>,
) -> Result<Numbers, StateError> {
    let file = open(file)?;
    let slots = Slots::of(module)?;
    let memory = optimizer.as_ref().map(|optimizer| optimizer.memory());
    let mut expected = slots.weights()?;
    expected.add_generators(&slots)?;
    if let Some(memory) = memory {
        expected.add_records(&slots, memory)?;
    }
    expected.accept(&file, |name| name.starts_with(MARK))?;

    // The views come in the order in which their names were added.
    let mut views = expected.find(&file)?.into_iter();
    let params = slots.read(&mut views)?;
    let generators = slots.generators.iter().zip(views.by_ref());
    let generators = collect(generators.map(|(_, view)| read_generator(view)))?;
    let records = match memory {
        Some(memory) => slots.read_records(memory, &mut views)?,
        None => Vec::new(),
    };
    let numbers = Numbers::read(expected.accepted.iter().copied())?;
    if let Some(optimizer) = &mut optimizer {
        optimizer.memory_mut().try_reserve(records.len())?;
    }

    Changes::new(params, generators).apply(module)?;
    if let Some(optimizer) = optimizer {
        optimizer.memory_mut().clear();
        for (slot, record) in slots.params.into_iter().zip(records) {
            optimizer.memory_mut().insert(slot.path, record);
        }
    }
    Ok(numbers)
}

/// Reads the numbers of the program alone, for one that builds its model from what the file says.
///
/// A file of weights alone has none.
///
/// ```
/// use minitorch_core::nn::Linear;
/// use minitorch_core::state::{load_numbers, save, save_weights};
/// use minitorch_core::{Cpu, Generator};
///
/// let dev: Cpu = Cpu::default();
/// let net = Linear::new(&dev, 3, 2, &mut Generator::new(1))?;
/// let numbers = load_numbers(&save(&net, None, &[("inputs", &[3])])?)?;
/// assert_eq!(numbers.get("inputs"), Some(&[3][..]));
/// assert!(load_numbers(&save_weights(&net)?)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the bytes are not a safetensors file, or are damaged, or a number is not a whole one.
pub fn load_numbers(file: &[u8]) -> Result<Numbers, StateError> {
    let file = open(file)?;
    let views = file.views().iter();
    Numbers::read(views.filter(|view| view.name().starts_with(MARK)))
}

/// A file whose tensors are those that were saved.
fn open(file: &[u8]) -> Result<SafeTensors<'_>, StateError> {
    let file = SafeTensors::parse(file)?;
    match file.is_intact() {
        true => Ok(file),
        false => Err(StateError::Damaged),
    }
}

/// The numbers that a program saved beside its model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbers(Vec<(String, Vec<u64>)>);

impl Numbers {
    /// The numbers that were saved under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u64]> {
        let mut all = self.0.iter();
        all.find(|entry| entry.0 == name).map(|entry| &*entry.1)
    }

    /// Whether the file has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn read<'a>(views: impl IntoIterator<Item = &'a View<'a>>) -> Result<Self, StateError> {
        let number = |view: &'a View<'a>| {
            let name = view.name().strip_prefix(MARK).unwrap_or_default();
            Ok((copy(name).map_err(|_| no_memory(name.len()))?, read(view)?))
        };
        collect(views.into_iter().map(number)).map(Self)
    }
}

/// What a model has places for.
struct Slots<B: Backend> {
    params: Vec<Slot<B>>,
    generators: Vec<String>,
}

/// The place of a parameter.
struct Slot<B: Backend> {
    path: String,
    shape: Shape,
    device: B,
}

impl<B: Backend> Visitor<B> for Slots<B> {
    fn param(&mut self, path: &Path<'_>, param: &Param<B>) -> Result<()> {
        let device = param.leaf().device().clone();
        let (path, shape) = (text(format_args!("{path}"))?, *param.shape());
        let slot = Slot {
            path,
            shape,
            device,
        };
        add(&mut self.params, slot)
    }

    fn generator(&mut self, path: &Path<'_>, _: &Generator) -> Result<()> {
        add(&mut self.generators, text(format_args!("{path}"))?)
    }
}

impl<B: Backend> Slots<B> {
    fn of(module: &dyn Module<B>) -> Result<Self> {
        let mut slots = Self {
            params: Vec::new(),
            generators: Vec::new(),
        };
        module.visit(&Path::ROOT, &mut slots)?;
        Ok(slots)
    }

    fn weights<'a>(&self) -> Result<Expected<'a>> {
        let mut expected = Expected {
            own: Vec::new(),
            accepted: Vec::new(),
        };
        for slot in &self.params {
            expected.add(format_args!("{}", slot.path), slot.shape)?;
        }
        Ok(expected)
    }

    fn read<'a>(
        &self,
        views: &mut impl Iterator<Item = &'a View<'a>>,
    ) -> Result<Vec<Tensor<B>>, StateError> {
        collect(
            self.params
                .iter()
                .zip(views)
                .map(|(slot, view)| slot.read(view)),
        )
    }

    fn read_records<'a>(
        &self,
        memory: &Memory<B>,
        views: &mut impl Iterator<Item = &'a View<'a>>,
    ) -> Result<Vec<Record<B>>, StateError> {
        let record = |slot: &Slot<B>| {
            let tensors = memory.tensor_names().iter().zip(views.by_ref());
            let tensors = collect(tensors.map(|(_, view)| slot.read(view)))?;
            let numbers = memory.number_names().iter().zip(views.by_ref());
            let numbers = collect(numbers.map(|(_, view)| Ok(read_array::<_, 1>(view)?[0])))?;
            Ok(Record { tensors, numbers })
        };
        collect(self.params.iter().map(record))
    }
}

impl<B: Backend> Slot<B> {
    fn read(&self, view: &View<'_>) -> Result<Tensor<B>, StateError> {
        let numbers: Vec<f64> = read(view)?;
        let mut values = Vec::new();
        let room = values.try_reserve_exact(numbers.len());
        room.map_err(|_| no_memory(numbers.len()))?;
        values.extend(numbers.into_iter().map(B::Elem::from_f64));
        Ok(Tensor::try_from_slice(&self.device, &values, self.shape)?)
    }
}

/// The names and shapes that a file must have.
struct Expected<'a> {
    own: Vec<(String, Shape)>,
    /// Those that only the file knows.
    accepted: Vec<&'a View<'a>>,
}

impl<'a> Expected<'a> {
    fn add(&mut self, name: fmt::Arguments<'_>, shape: Shape) -> Result<()> {
        add(&mut self.own, (text(name)?, shape))
    }

    fn add_generators<B: Backend>(&mut self, slots: &Slots<B>) -> Result<()> {
        for path in &slots.generators {
            self.add(format_args!("{path}{MARK}generator"), [3].into())?;
        }
        Ok(())
    }

    fn add_records<B: Backend>(&mut self, slots: &Slots<B>, memory: &Memory<B>) -> Result<()> {
        for Slot { path, shape, .. } in &slots.params {
            for name in memory.tensor_names() {
                self.add(format_args!("{path}{MARK}{name}"), *shape)?;
            }
            for (name, _) in memory.number_names() {
                self.add(format_args!("{path}{MARK}{name}"), [].into())?;
            }
        }
        Ok(())
    }

    /// Accepts the names of the file that `wanted` holds for and that are not here yet, with the shapes they have.
    fn accept(&mut self, file: &'a SafeTensors<'a>, wanted: impl Fn(&str) -> bool) -> Result<()> {
        for view in file.views() {
            let is_new = || self.own.iter().all(|(name, _)| name != view.name());
            if wanted(view.name()) && is_new() {
                add(&mut self.accepted, view)?;
            }
        }
        Ok(())
    }

    /// The tensors of the file, in the order of the names, if the file has these and no others.
    fn find(&self, file: &'a SafeTensors<'a>) -> Result<Vec<&'a View<'a>>, StateError> {
        let own = self.own.iter().map(|(name, shape)| (&**name, &**shape));
        let accepted = self.accepted.iter().map(|view| (view.name(), view.shape()));
        let found = match_names(file, "", own.chain(accepted))?;
        let views = found
            .into_iter()
            .filter_map(|index| file.views().get(index));
        collect(views.map(Ok))
    }
}

fn read<T: Value>(view: &View<'_>) -> Result<Vec<T>, StateError> {
    view.read().map_err(|error| unread(view, error))
}

fn read_array<T: Value, const N: usize>(view: &View<'_>) -> Result<[T; N], StateError> {
    let mut values = [T::default(); N];
    let result = view.read_into(&mut values);
    result.map_err(|error| unread(view, error))?;
    Ok(values)
}

fn read_generator(view: &View<'_>) -> Result<Generator, StateError> {
    read_array(view).map(Generator::from_parts)
}

/// A tensor that cannot be read: without its name where there is no memory for it.
fn unread(view: &View<'_>, error: ReadError) -> StateError {
    let name = copy(view.name()).unwrap_or_default();
    StateError::Read { name, error }
}

/// What a model changes to: a value for each parameter and generator, in the order of the walk.
struct Changes<B: Backend> {
    params: vec::IntoIter<Tensor<B>>,
    generators: vec::IntoIter<Generator>,
}

impl<B: Backend> Changes<B> {
    fn new(params: Vec<Tensor<B>>, generators: Vec<Generator>) -> Self {
        Self {
            params: params.into_iter(),
            generators: generators.into_iter(),
        }
    }

    fn apply(mut self, module: &mut dyn Module<B>) -> Result<()> {
        module.visit_mut(&Path::ROOT, &mut self)
    }
}

impl<B: Backend> VisitorMut<B> for Changes<B> {
    fn param(&mut self, _: &Path<'_>, param: &mut Param<B>) -> Result<()> {
        self.params
            .next()
            .map_or(Ok(()), |value| param.try_set(&value))
    }

    fn generator(&mut self, _: &Path<'_>, generator: &mut Generator) -> Result<()> {
        if let Some(loaded) = self.generators.next() {
            *generator = loaded;
        }
        Ok(())
    }
}
