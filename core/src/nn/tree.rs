//! The tree of a model, as text.

use super::{Module, Param, Path, Visitor};
use crate::backend::Backend;
use crate::error::Result;
use crate::shape::Shape;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

/// What a walk finds.
#[derive(Default)]
struct Found {
    leaves: Vec<Leaf>,
    /// Paths, and the steps that the layers there take.
    steps: Vec<(String, String)>,
}

/// A parameter: its path, and what is printed of it.
struct Leaf {
    path: String,
    shape: Shape,
    elements: usize,
}

impl<B: Backend> Visitor<B> for Found {
    fn param(&mut self, path: &Path<'_>, param: &Param<B>) -> Result<()> {
        self.leaves.push(Leaf {
            path: path.to_string(),
            shape: *param.shape(),
            elements: param.leaf().elements(),
        });
        Ok(())
    }

    fn steps(&mut self, path: &Path<'_>, steps: &dyn Display) -> Result<()> {
        self.steps.push((path.to_string(), steps.to_string()));
        Ok(())
    }
}

/// A line for each part of the model, indented by its depth: parts with the number of their parameters, parameters with
/// their shapes.
pub(super) fn tree<B: Backend, M: Module<B> + ?Sized>(module: &M) -> String {
    let mut found = Found::default();
    // This visitor does not fail, and neither does writing to a string.
    module.visit(&Path::ROOT, &mut found).ok();
    let mut text = String::new();
    let Found { leaves, steps } = &found;
    write(&mut text, "model", leaves, steps, 0, 0).ok();
    text
}

/// The part `name`, whose parameters are `leaves`; the first `prefix` bytes of their paths lead to it.
fn write(
    text: &mut String,
    name: &str,
    leaves: &[Leaf],
    steps: &[(String, String)],
    prefix: usize,
    depth: usize,
) -> fmt::Result {
    let elements: usize = leaves.iter().map(|leaf| leaf.elements).sum();
    indent(text, depth)?;
    write!(text, "{name}: {elements} parameters")?;
    // Without the dot behind it; the model itself has no path.
    let path = |leaf: &Leaf| leaf.path[..prefix.saturating_sub(1)].to_string();
    let path = leaves.first().map(path).unwrap_or_default();
    for (_, steps) in steps
        .iter()
        .filter(|(at, steps)| *at == path && !steps.is_empty())
    {
        write!(text, ", then {steps}")?;
    }
    writeln!(text)?;
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
            write(text, name, part, steps, end + 1, depth + 1)?;
        }
    }
    Ok(())
}

fn indent(text: &mut String, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| text.write_str("  "))
}
