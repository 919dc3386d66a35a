//! The tree of a model, as text.

use super::Module;
use crate::backend::Backend;
use crate::shape::Shape;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// A parameter: its path, and what is printed of it.
struct Leaf {
    path: String,
    shape: Shape,
    elements: usize,
}

/// A line for each part of the model, indented by its depth: parts with the number of their parameters, parameters with
/// their shapes.
pub(super) fn tree<B: Backend, M: Module<B> + ?Sized>(module: &M) -> String {
    let mut leaves = Vec::new();
    // This visitor does not fail, and neither does writing to a string.
    module
        .each_param(&mut |path, param| {
            leaves.push(Leaf {
                path: path.to_string(),
                shape: *param.shape(),
                elements: param.leaf().elements(),
            });
            Ok(())
        })
        .ok();
    let mut text = String::new();
    write(&mut text, "model", &leaves, 0, 0).ok();
    text
}

/// The part `name`, whose parameters are `leaves`; the first `prefix` bytes of their paths lead to it.
fn write(
    text: &mut String,
    name: &str,
    leaves: &[Leaf],
    prefix: usize,
    depth: usize,
) -> fmt::Result {
    let elements: usize = leaves.iter().map(|leaf| leaf.elements).sum();
    indent(text, depth)?;
    writeln!(text, "{name}: {elements} parameters")?;
    let segment = |leaf: &Leaf| leaf.path[prefix..].split('.').next().unwrap_or("").len();
    for part in
        leaves.chunk_by(|a, b| a.path[prefix..][..segment(a)] == b.path[prefix..][..segment(b)])
    {
        let Some(first) = part.first() else { continue };
        let end = prefix + segment(first);
        let name = &first.path[prefix..end];
        if end == first.path.len() {
            indent(text, depth + 1)?;
            writeln!(text, "{name} {}", first.shape)?;
        } else {
            write(text, name, part, end + 1, depth + 1)?;
        }
    }
    Ok(())
}

fn indent(text: &mut String, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| text.write_str("  "))
}
