//! The graph in the language of Graphviz.

use super::graph::Node;
use crate::task::show::short;

/// A `digraph`, in which lines go from operands to what uses them, in the order of the operands.
pub(super) fn dot(nodes: &[Node]) -> String {
    let mut text =
        String::from("digraph {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (place, node) in nodes.iter().enumerate() {
        let filled = match node.is_leaf() {
            true => ", style=filled, fillcolor=\"#dcebfa\"",
            false => "",
        };
        // Labels are names of letters, digits and _, or numbers: nothing in them has to be escaped.
        text += &format!(
            "  n{} [label=\"{}\\nvalue {}\\ngradient {}\"{filled}];\n",
            place + 1,
            node.label,
            short(node.value),
            short(node.derivative),
        );
    }
    for (place, node) in nodes.iter().enumerate() {
        for operand in &node.operands {
            text += &format!("  n{} -> n{};\n", operand + 1, place + 1);
        }
    }
    text + "}\n"
}
