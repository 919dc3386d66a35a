//! `runner show tensor`: where the elements of a tensor are in its storage.

use minitorch_core::Layout;
use minitorch_core::indexing::{Indices, index_to_position, to_index};
use minitorch_core::shape::Shape;

use crate::args::show::Tensor;
use crate::error::Failure;
use crate::output;

/// The most elements of which every position is printed.
const MOST: usize = 1000;

/// Prints the layout of a shape, the way of an index to its position and back, and all positions.
///
/// # Errors
///
/// [`Failure::usage`] for what does not fit the shape.
pub(super) fn run(options: &Tensor) -> Result<(), Failure> {
    output::print(&describe(options)?)
}

fn describe(options: &Tensor) -> Result<String, Failure> {
    let refused = |error: minitorch_core::Error| Failure::usage(error.to_string());
    let shape = Shape::new(&options.shape).map_err(refused)?;
    let mut layout = Layout::contiguous(shape).map_err(refused)?;
    if !options.permute.is_empty() {
        layout = layout.permute(&options.permute).map_err(refused)?;
    }
    let (shape, strides, elements) = (layout.shape(), layout.strides(), layout.elements());
    let contiguous = match layout.is_contiguous() {
        true => "contiguous",
        false => "not contiguous",
    };
    let mut text =
        format!("shape {shape}, {elements} elements\nstrides {strides:?}, {contiguous}\n");
    if !options.index.is_empty() {
        let index = &options.index;
        if index.len() != shape.rank() || index.iter().zip(shape.iter()).any(|(i, size)| i >= size)
        {
            let what = format!("--index: {index:?} is outside of the shape {shape}");
            return Err(Failure::usage(what));
        }
        let products = index
            .iter()
            .zip(strides)
            .map(|(i, stride)| format!("{i}*{stride}"));
        let products = products.collect::<Vec<_>>().join(" + ");
        let position = index_to_position(index, strides);
        text += &format!("index_to_position({index:?}) = {products} = {position}\n");
    }
    if let Some(ordinal) = options.position {
        if ordinal >= elements {
            let what = format!("--position: {ordinal} is beyond the {elements} elements");
            return Err(Failure::usage(what));
        }
        let mut index = vec![0; shape.rank()];
        to_index(ordinal, shape, &mut index);
        let position = index_to_position(&index, strides);
        text += &format!("to_index({ordinal}) = {index:?}, stored at position {position}\n");
    }
    Ok(match elements {
        0 => text,
        1..=MOST => text + "\npositions in the storage:\n" + &positions(&layout),
        _ => text + &format!("\nthe positions of more than {MOST} elements are not printed\n"),
    })
}

/// The position of each element: the last axis across, the one before it down, a block for each index of the others.
fn positions(layout: &Layout) -> String {
    let rank = layout.shape().rank();
    let last = rank.saturating_sub(1);
    let width = layout.end().saturating_sub(1).to_string().len();
    let mut text = String::new();
    for index in Indices::new(*layout.shape()) {
        if rank > 2 && index[rank - 2..] == [0, 0] {
            let outer = index[..rank - 2].iter().map(|i| format!("{i}, "));
            text += &format!("[{}_, _]\n", outer.collect::<String>());
        }
        let position = index_to_position(&index, layout.strides());
        let end = match index[last] + 1 == layout.shape()[last] {
            true => "\n",
            false => "",
        };
        text += &format!("  {position:width$}{end}");
    }
    text
}
