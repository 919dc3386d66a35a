//! An operator with its operands and attributes: what a function in [`operators`](super::operators) is given.

use super::model::{Array, Node, element};
use super::{Device, Outcome, T};
use minitorch_core::{Index, Shape};

/// A node whose operands are known. Integers and truth values are numbers, too: every tensor is one of `f32`.
pub(super) struct Call<'a> {
    pub(super) device: &'a Device,
    pub(super) node: &'a Node,
    pub(super) operands: Vec<Option<Operand>>,
}

/// A tensor, and what ONNX says that its elements are.
#[derive(Clone)]
pub(super) struct Operand {
    pub(super) tensor: T,
    pub(super) element: i64,
}

impl Operand {
    pub(super) fn new(device: &Device, array: &Array) -> Outcome<Self> {
        let values = array.values()?;
        let tensor =
            Shape::new(&array.sizes).and_then(|shape| T::try_from_slice(device, &values, shape));
        Ok(Self {
            tensor: tensor.map_err(|error| array.fault(error))?,
            element: array.element,
        })
    }
}

impl Call<'_> {
    /// How many operands there are, with those that are left out before the last one.
    pub(super) fn operands(&self) -> usize {
        self.operands.len()
    }

    /// How many results are asked for.
    pub(super) fn results(&self) -> usize {
        self.node.outputs.len()
    }

    /// An operand that may be left out.
    pub(super) fn optional(&self, at: usize) -> Option<&T> {
        Some(&self.operands.get(at)?.as_ref()?.tensor)
    }

    /// An operand.
    pub(super) fn tensor(&self, at: usize) -> Outcome<&T> {
        let missing = || format!("operand {at} is missing").into();
        self.optional(at).ok_or_else(missing)
    }

    /// All operands.
    pub(super) fn tensors(&self) -> Outcome<Vec<T>> {
        let all = 0..self.operands();
        all.map(|at| self.tensor(at).cloned()).collect()
    }

    /// Whether an operand has truth values.
    pub(super) fn is_bool(&self, at: usize) -> bool {
        let operand = self.operands.get(at).and_then(Option::as_ref);
        operand.is_some_and(|operand| operand.element == element::BOOL)
    }

    /// An operand of integers.
    pub(super) fn integers(&self, at: usize) -> Outcome<Vec<i64>> {
        integers(self.tensor(at)?)
    }

    /// An operand of sizes.
    pub(super) fn sizes(&self, at: usize) -> Outcome<Vec<usize>> {
        sizes(&self.integers(at)?)
    }

    /// An operand of one number.
    pub(super) fn number(&self, at: usize) -> Outcome<f64> {
        Ok(self.tensor(at)?.try_item()?.into())
    }

    /// An operand of one number, or the number that stands for one that is left out.
    pub(super) fn number_or(&self, at: usize, default: f64) -> Outcome<f64> {
        self.optional(at).map_or(Ok(default), |_| self.number(at))
    }

    /// An attribute that is an integer, if it is given.
    pub(super) fn given(&self, name: &str) -> Option<i64> {
        Some(self.node.attributes.get(name)?.int)
    }

    /// An attribute that is an integer.
    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.given(name).unwrap_or(default)
    }

    /// An attribute that is a size.
    pub(super) fn size(&self, name: &str, default: i64) -> Outcome<usize> {
        Ok(self.int(name, default).try_into()?)
    }

    /// An attribute that is not 0.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.int(name, 0) != 0
    }

    /// An attribute that is a number.
    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        let attribute = self.node.attributes.get(name);
        attribute.map_or(default, |attribute| attribute.float.into())
    }

    /// An attribute that is a word.
    pub(super) fn text<'b>(&'b self, name: &str, default: &'b str) -> &'b str {
        let attribute = self.node.attributes.get(name);
        attribute.map_or(default, |attribute| &attribute.text)
    }

    /// An attribute that is a list of integers.
    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        Some(&self.node.attributes.get(name)?.ints)
    }

    /// An attribute that is a tensor.
    pub(super) fn array(&self, name: &str) -> Option<&Array> {
        self.node.attributes.get(name)?.tensor.as_ref()
    }

    /// An attribute that names an axis of the first operand.
    pub(super) fn axis(&self, default: i64) -> Outcome<usize> {
        wrapped(self.int("axis", default), self.tensor(0)?.rank())
    }

    /// Axes, from an operand or, in older versions, an attribute.
    pub(super) fn axes(&self, at: usize, rank: usize) -> Outcome<Option<Vec<usize>>> {
        let numbers = match (self.optional(at), self.ints("axes")) {
            (Some(operand), _) => integers(operand)?,
            (None, Some(list)) => list.to_vec(),
            (None, None) => return Ok(None),
        };
        let axes = numbers.into_iter().map(|number| wrapped(number, rank));
        axes.collect::<Outcome<_>>().map(Some)
    }

    /// Applies an operation to the first operand.
    pub(super) fn map(&self, operation: impl Fn(&T) -> minitorch_core::Result<T>) -> Outcome {
        one(operation(self.tensor(0)?)?)
    }

    /// Applies an operation to the first two operands.
    pub(super) fn zip(&self, operation: impl Fn(&T, &T) -> minitorch_core::Result<T>) -> Outcome {
        one(operation(self.tensor(0)?, self.tensor(1)?)?)
    }

    /// A tensor of integers that say something about shapes or positions.
    pub(super) fn count(&self, values: &[usize], sizes: &[usize]) -> Outcome<T> {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        Ok(T::try_from_slice(self.device, &values, shape(sizes)?)?)
    }

    /// Whole numbers as the positions that gathering needs.
    pub(super) fn index(&self, values: &[usize]) -> Outcome<Index<Device>> {
        let values = values.iter().map(|&value| value.try_into());
        let values: Vec<u32> = values.collect::<Result<_, _>>()?;
        Ok(Index::new(self.device, &values)?)
    }
}

/// The result of an operator that has one.
pub(super) fn one(tensor: T) -> Outcome {
    Ok(vec![tensor])
}

/// The numbers of a tensor, as integers; those that are too large become the largest one.
pub(super) fn integers(tensor: &T) -> Outcome<Vec<i64>> {
    Ok(tensor.try_to_vec()?.iter().map(|&x| x as i64).collect())
}

/// Whole numbers that are sizes.
pub(super) fn sizes(numbers: &[i64]) -> Outcome<Vec<usize>> {
    let sizes = numbers.iter().map(|&number| usize::try_from(number));
    Ok(sizes.collect::<Result<_, _>>()?)
}

/// The position that a number names, counted from the start or backwards from the end.
pub(super) fn wrapped(number: i64, size: usize) -> Outcome<usize> {
    let count = i64::try_from(size)?;
    let position = if number < 0 { number + count } else { number };
    let inside = usize::try_from(position).ok().filter(|&at| at < size);
    inside.ok_or_else(|| format!("{number} is outside of {size}").into())
}

/// A shape of any number of sizes up to six.
pub(super) fn shape(sizes: &[usize]) -> Outcome<Shape> {
    Ok(Shape::new(sizes)?)
}
