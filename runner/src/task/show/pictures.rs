//! `runner show map`, `zip`, `reduce` and `matmul`: small tensors before and after, and which cells make which.

use minitorch_core::indexing::{Indices, broadcast_index, index_to_position};
use minitorch_core::shape::Shape;
use minitorch_core::{Cpu, Tensor};

use super::short;
use super::svg::Picture;
use crate::args::show::Drawing;
use crate::error::Failure;

/// The largest size of an axis.
const LARGEST: usize = 8;
/// Width and height of a cell, room between grids and at the edges, the width of a character.
const CELL: [f64; 2] = [56.0, 36.0];
const BETWEEN: f64 = 50.0;
const MARGIN: f64 = 24.0;
const CHARACTER: f64 = 8.5;

type Numbers = Tensor<Cpu<f64>>;

/// An element that goes into a result: the number of the operand, and the index in it.
type Source = (usize, Vec<usize>);

/// The terms of a sum, each with its factors.
type Terms = Vec<Vec<Source>>;

/// What the element at an index of a result is made of.
type Origin = Box<dyn Fn(&[usize]) -> Result<Terms, Failure>>;

/// An operation on small tensors. Each element of the result is a sum of products of elements of the operands.
pub(super) struct Lesson {
    /// What is computed, as a formula.
    rule: &'static str,
    /// `-` if the sum changes its sign.
    sign: &'static str,
    operands: Vec<Numbers>,
    result: Numbers,
    terms: Origin,
}

/// One number after the other through a function: here the change of its sign.
pub(super) fn map(shape: &[usize]) -> Result<Lesson, Failure> {
    let a = numbers(shape, 1.0)?;
    Ok(Lesson {
        rule: "map: c = -a",
        sign: "-",
        result: a.try_neg()?,
        operands: vec![a],
        terms: Box::new(|index| Ok(vec![vec![(0, index.to_vec())]])),
    })
}

/// Pairs of numbers through a function of two: here their sum. Shapes broadcast.
pub(super) fn zip(left: &[usize], right: &[usize]) -> Result<Lesson, Failure> {
    let (a, b) = (numbers(left, 1.0)?, numbers(right, 10.0)?);
    let result = a.try_add(&b).map_err(refused)?;
    let (shapes, big) = ([*a.shape(), *b.shape()], *result.shape());
    let terms = move |index: &[usize]| {
        let source = |(operand, shape): (usize, &Shape)| {
            let mut from = vec![0; shape.rank()];
            broadcast_index(index, &big, shape, &mut from)?;
            Ok(vec![(operand, from)])
        };
        shapes.iter().enumerate().map(source).collect()
    };
    Ok(Lesson {
        rule: "zip: c = a + b",
        sign: "",
        operands: vec![a, b],
        result,
        terms: Box::new(terms),
    })
}

/// The numbers along one axis together: here their sum. The axis stays, with size 1.
pub(super) fn reduce(shape: &[usize], axis: usize) -> Result<Lesson, Failure> {
    let a = numbers(shape, 1.0)?;
    let result = a.try_sum_keepdim(&[axis]).map_err(refused)?;
    let size = a.shape()[axis];
    let terms = move |index: &[usize]| {
        let source = |along| {
            let mut from = index.to_vec();
            from[axis] = along;
            vec![(0, from)]
        };
        Ok((0..size).map(source).collect())
    };
    Ok(Lesson {
        rule: "reduce: c = sum of a along an axis",
        sign: "",
        operands: vec![a],
        result,
        terms: Box::new(terms),
    })
}

/// Rows with columns.
pub(super) fn matmul(left: &[usize], right: &[usize]) -> Result<Lesson, Failure> {
    if [left, right].iter().any(|shape| shape.len() != 2) {
        return Err(Failure::usage(
            "matmul: two axes are expected in each shape, such as 2,3",
        ));
    }
    let (a, b) = (numbers(left, 1.0)?, numbers(right, 1.0)?);
    let result = a.try_matmul(&b).map_err(refused)?;
    let inner = left[1];
    let terms = move |index: &[usize]| {
        let term = |k| vec![(0, vec![index[0], k]), (1, vec![k, index[1]])];
        Ok((0..inner).map(term).collect())
    };
    Ok(Lesson {
        rule: "matmul: c = a @ b",
        sign: "",
        operands: vec![a, b],
        result,
        terms: Box::new(terms),
    })
}

impl Lesson {
    /// Prints the lesson, and draws it if that was asked for.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`] if the result has no such cell.
    pub(super) fn show(&self, options: &Drawing) -> Result<(), Failure> {
        let shape = self.result.shape();
        let cell = match options.cell.as_slice() {
            [] => shape.iter().map(|size| size - 1).collect(),
            cell => cell.to_vec(),
        };
        if cell.len() != shape.rank() || cell.iter().zip(shape.iter()).any(|(i, size)| i >= size) {
            let what = format!("--cell: {cell:?} is outside of the result's shape {shape}");
            return Err(Failure::usage(what));
        }
        let svg = super::Drawn {
            option: "--svg",
            what: "an SVG picture",
            file: options.svg.as_deref(),
            picture: self.svg(&cell)?,
        };
        super::deliver(&self.text()?, &[svg])
    }

    /// The tensors with their names, the result last.
    fn grids(&self) -> impl Iterator<Item = (&'static str, &Numbers)> {
        let operands = ["a", "b"].into_iter().zip(&self.operands);
        operands.chain([("c", &self.result)])
    }

    fn title(&self) -> String {
        let operands = self
            .operands
            .iter()
            .map(|operand| operand.shape().to_string());
        let operands = operands.collect::<Vec<_>>().join(" and ");
        format!("{}, from {operands} to {}", self.rule, self.result.shape())
    }

    /// The grids beside each other, then how each element of the result is made.
    fn text(&self) -> Result<String, Failure> {
        let mut blocks = Vec::new();
        for (name, numbers) in self.grids() {
            blocks.push(block(name, numbers)?);
        }
        let height = blocks.iter().map(Vec::len).max().unwrap_or(0);
        let mut text = self.title() + "\n\n";
        for line in 0..height {
            let cell = |block: &Vec<String>| block.get(line).cloned().unwrap_or_default();
            let width = |block: &Vec<String>| block.iter().map(String::len).max().unwrap_or(0);
            let cells = blocks
                .iter()
                .map(|block| format!("{:1$}", cell(block), width(block)));
            text += cells.collect::<Vec<_>>().join("     ").trim_end();
            text += "\n";
        }
        text += "\n";
        for index in Indices::new(*self.result.shape()) {
            text += &(self.formula(&index)? + "\n");
        }
        Ok(text)
    }

    /// `c[1] = a[1] + b[0] = 2 + 10 = 12`.
    fn formula(&self, index: &[usize]) -> Result<String, Failure> {
        let (mut names, mut values, mut factors) = (Vec::new(), Vec::new(), 0);
        for term in (self.terms)(index)? {
            let (mut name, mut value) = (Vec::new(), Vec::new());
            for (operand, from) in &term {
                name.push(format!("{}{from:?}", ["a", "b"][*operand]));
                value.push(short(at(&self.operands[*operand], from)?));
            }
            factors += term.len();
            names.push(name.join("*"));
            values.push(value.join("*"));
        }
        let (sign, result) = (self.sign, short(at(&self.result, index)?));
        let middle = match factors {
            1 => String::new(),
            _ => format!("{sign}{} = ", values.join(" + ")),
        };
        Ok(format!(
            "c{index:?} = {sign}{} = {middle}{result}",
            names.join(" + ")
        ))
    }

    /// The grids beside each other, with one cell of the result and all that it is made of in colour.
    fn svg(&self, cell: &[usize]) -> Result<String, Failure> {
        let mut picture = Picture::new();
        let (title, formula) = (self.title(), self.formula(cell)?);
        picture.text("title", [MARGIN, MARGIN + 8.0], &title);
        let sources: Vec<Source> = (self.terms)(cell)?.into_iter().flatten().collect();
        let (mut left, mut rows) = (MARGIN, 0);
        let top = MARGIN + 54.0;
        for (number, (name, numbers)) in self.grids().enumerate() {
            let [height, width] = grid(numbers.shape());
            let middle = left + CELL[0] * width as f64 / 2.0;
            picture.text(
                "strong",
                [middle, top - 10.0],
                &format!("{name} {}", numbers.shape()),
            );
            let result = number == self.operands.len();
            for (place, index) in Indices::new(*numbers.shape()).enumerate() {
                let source = |(operand, from): &Source| *operand == number && from[..] == index[..];
                let class = match result {
                    true if index[..] == *cell => "root",
                    false if sources.iter().any(source) => "leaf",
                    _ => "operation",
                };
                let x = left + CELL[0] * (place % width) as f64;
                let y = top + CELL[1] * (place / width) as f64;
                picture.rectangle(class, [x, y], CELL);
                let value = short(at(numbers, &index)?);
                picture.text("", [x + CELL[0] / 2.0, y + CELL[1] / 2.0 + 5.0], &value);
            }
            left += CELL[0] * width as f64 + BETWEEN;
            rows = rows.max(height);
        }
        let bottom = top + CELL[1] * rows as f64 + 34.0;
        picture.text("title", [MARGIN, bottom], &formula);
        let characters = title.chars().count().max(formula.chars().count());
        let wide = (left - BETWEEN).max(MARGIN + CHARACTER * characters as f64) + MARGIN;
        Ok(picture.finish(&title, [wide, bottom + MARGIN]))
    }
}

fn refused(error: minitorch_core::Error) -> Failure {
    Failure::usage(error.to_string())
}

/// A tensor with the values `step`, `2 step`, `3 step`, ...
fn numbers(shape: &[usize], step: f64) -> Result<Numbers, Failure> {
    if !(1..=2).contains(&shape.len()) || shape.iter().any(|size| !(1..=LARGEST).contains(size)) {
        let what = format!("a shape of one or two axes, each of 1 to {LARGEST}, can be drawn");
        return Err(Failure::usage(format!("{what}, not {shape:?}")));
    }
    let shape = Shape::new(shape)?;
    let count = shape.elements().unwrap_or(0);
    let values: Vec<f64> = (1..=count).map(|n| n as f64 * step).collect();
    Ok(Tensor::try_from_slice(&Cpu::default(), &values, shape)?)
}

/// One element of a contiguous tensor.
fn at(numbers: &Numbers, index: &[usize]) -> Result<f64, Failure> {
    let place = index_to_position(index, numbers.layout().strides());
    Ok(numbers.try_to_vec()?[place])
}

/// How many cells a shape is down and across: one axis is a row.
fn grid(shape: &[usize]) -> [usize; 2] {
    match *shape {
        [rows, columns] => [rows, columns],
        _ => [1, shape.iter().product()],
    }
}

/// A grid as lines of text, with its name above.
fn block(name: &str, numbers: &Numbers) -> Result<Vec<String>, Failure> {
    let cells: Vec<String> = numbers.try_to_vec()?.into_iter().map(short).collect();
    let width = cells.iter().map(String::len).max().unwrap_or(0);
    let row = |row: &[String]| {
        let cells = row.iter().map(|cell| format!("{cell:>width$}"));
        cells.collect::<Vec<_>>().join(" ")
    };
    let [_, columns] = grid(numbers.shape());
    let rows = cells.chunks(columns.max(1)).map(row);
    Ok([name.to_string()].into_iter().chain(rows).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_the_sum_that_the_picture_says() {
        let lessons = [
            map(&[2, 3]),
            zip(&[2, 3], &[3]),
            zip(&[2, 1], &[1, 4]),
            zip(&[3], &[2, 1]),
            reduce(&[2, 3], 0),
            reduce(&[2, 3], 1),
            reduce(&[4], 0),
            matmul(&[2, 3], &[3, 4]),
        ];
        for lesson in lessons {
            let lesson = lesson.expect("a lesson");
            for index in Indices::new(*lesson.result.shape()) {
                let terms = (lesson.terms)(&index).expect("terms");
                let source = |(operand, from): &Source| at(&lesson.operands[*operand], from);
                let product = |term: &Vec<Source>| -> f64 {
                    term.iter()
                        .map(|from| source(from).expect("an element"))
                        .product()
                };
                let sum: f64 = terms.iter().map(product).sum();
                let sum = if lesson.sign == "-" { -sum } else { sum };
                assert_eq!(
                    at(&lesson.result, &index).expect("an element"),
                    sum,
                    "{}",
                    lesson.title()
                );
            }
        }
    }
}
