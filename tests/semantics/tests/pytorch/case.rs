//! The text of a case, such as `conv2d 2x3x9x10 4x3x3x3 stride=2x2 pad=1x1`: an operation, operands, options.
//! `scripts/pytorch_operations.py` has the grammar.

use super::reference::{positive, sixteenths};
use minitorch_core::{Cpu, Element, Index, Padding, Shape, Tensor};
use minitorch_tests::samples::whole;

/// A case that has been taken apart.
pub(super) struct Case<'a> {
    /// The operation.
    pub(super) name: &'a str,
    operands: Vec<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let (options, operands) = words.partition::<Vec<_>, _>(|word| word.contains('='));
        let options = options.into_iter().filter_map(|word| word.split_once('='));
        Self {
            name,
            operands,
            options: options.collect(),
        }
    }

    /// The operands that have gradients, as leaves.
    pub(super) fn tensors<E: Element>(&self, device: &Cpu<E>) -> Vec<Tensor<Cpu<E>>> {
        let words = self.operands.iter().zip(1..);
        let tensors = words.filter(|(word, _)| !word.contains('<'));
        tensors
            .map(|(word, seed)| {
                let sizes = sizes(word.trim_end_matches(['+', '%']));
                let count = sizes.iter().product();
                let values = match word.as_bytes().last() {
                    Some(b'+') => positive(seed, count),
                    Some(b'%') => shares(seed, count),
                    _ => sixteenths(seed, count),
                };
                tensor(device, &values, &sizes).tracked()
            })
            .collect()
    }

    /// The operand of whole numbers.
    pub(super) fn index<E: Element>(&self, device: &Cpu<E>) -> Index<Cpu<E>> {
        let words = self.operands.iter().zip(1..);
        let mut found = words.filter_map(|(word, seed)| Some((word.split_once('<')?, seed)));
        let ((count, below), seed) = found.next().expect("an operand of whole numbers");
        let (count, below): (usize, u64) = (parsed(count), parsed(below));
        let values: Vec<u32> = (0..count).map(|at| whole(seed, at, below) as u32).collect();
        Index::new(device, &values).expect("an index")
    }

    /// The value of an option.
    pub(super) fn option(&self, key: &str) -> Option<&'a str> {
        let mut options = self.options.iter();
        options
            .find(|option| option.0 == key)
            .map(|option| option.1)
    }

    /// A number among the options.
    pub(super) fn number<T: std::str::FromStr>(&self, key: &str) -> T {
        parsed(self.option(key).unwrap_or_else(|| panic!("no {key}")))
    }

    /// Numbers with an `x` between them.
    pub(super) fn numbers(&self, key: &str) -> Vec<usize> {
        sizes(self.option(key).unwrap_or_else(|| panic!("no {key}")))
    }

    /// A number for rows and one for columns; a single one is for columns.
    pub(super) fn pair(&self, key: &str) -> [usize; 2] {
        match self.numbers(key)[..] {
            [columns] => [1, columns],
            [rows, columns] => [rows, columns],
            _ => panic!("{key} has one number or two"),
        }
    }

    pub(super) fn padding(&self) -> Padding {
        match self.option("pad") {
            Some("minitorch") => Padding::MiniTorch,
            Some("reverse") => Padding::MiniTorchReverse,
            _ => Padding::Symmetric(self.pair("pad")),
        }
    }
}

/// A tensor of numbers that have few bits, so that they are the same in every precision.
pub(super) fn tensor<E: Element>(
    device: &Cpu<E>,
    values: &[f64],
    sizes: &[usize],
) -> Tensor<Cpu<E>> {
    let values: Vec<E> = values.iter().map(|&value| E::from_f64(value)).collect();
    Tensor::from_slice(device, &values, Shape::new(sizes).expect("six axes"))
}

/// Multiples of 1/16 from 0 to 1.
fn shares(seed: u64, count: usize) -> Vec<f64> {
    let number = |at| whole(seed, at, 17) as f64 / 16.0;
    (0..count).map(number).collect()
}

fn sizes(text: &str) -> Vec<usize> {
    text.split('x').map(parsed).collect()
}

fn parsed<T: std::str::FromStr>(text: &str) -> T {
    let number = text.parse().ok();
    number.unwrap_or_else(|| panic!("{text} is not a number"))
}
