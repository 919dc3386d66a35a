//! `runner show expression`: the graph behind an expression, with the value and the derivative at each node.

mod dot;
mod graph;
mod layered;
mod parse;
mod picture;

use super::Drawn;
use crate::args::show::Expression;
use crate::error::Failure;
use graph::Node;
use parse::Step;

/// The value of a name that is not given, as in MiniTorch's page.
const DEFAULT: f64 = 1.0;

/// Draws the graph of an expression.
///
/// # Errors
///
/// [`Failure::usage`] for what is no expression, and for values that do not go with its names.
pub(super) fn run(options: &Expression) -> Result<(), Failure> {
    let steps = parse::parse(&options.text)?;
    let names: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    check(&names, &options.at)?;
    let value = |name: &str| {
        let given = options.at.iter().find(|(given, _)| given == name);
        given.map_or(DEFAULT, |(_, value)| *value)
    };
    let nodes = graph::nodes(&steps, value)?;

    let mut title = options
        .text
        .split_ascii_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let values = names.iter().map(|name| format!("{name} = {}", value(name)));
    let values = values.collect::<Vec<_>>().join(", ");
    if !values.is_empty() {
        title += &format!(" at {values}");
    }
    super::deliver(
        &format!("{title}\n\n{}", table(&nodes)),
        &[
            Drawn {
                option: "--svg",
                what: "an SVG picture",
                file: options.svg.as_deref(),
                picture: picture::svg(&title, &nodes),
            },
            Drawn {
                option: "--dot",
                what: "a graph in DOT",
                file: options.dot.as_deref(),
                picture: dot::dot(&nodes),
            },
        ],
    )
}

/// Refuses values of names that are not there, and two values of one name.
fn check(names: &[&str], values: &[(String, f64)]) -> Result<(), Failure> {
    for (index, (name, _)) in values.iter().enumerate() {
        let wrong = match names.contains(&name.as_str()) {
            false => "is not a name in the expression",
            true if values[..index].iter().any(|(earlier, _)| earlier == name) => "is given twice",
            true => continue,
        };
        return Err(Failure::usage(format!("--at: {name} {wrong}")));
    }
    Ok(())
}

/// The nodes, each before its operands: what it is, what it is applied to, its value and its derivative.
fn table(nodes: &[Node]) -> String {
    let head = ["node", "operation", "operands", "value", "gradient"].map(String::from);
    let row = |(place, node): (usize, &Node)| {
        let operands = node
            .operands
            .iter()
            .map(|operand| (operand + 1).to_string());
        [
            (place + 1).to_string(),
            node.label.clone(),
            operands.collect::<Vec<_>>().join(", "),
            node.value.to_string(),
            node.derivative.to_string(),
        ]
    };
    let rows: Vec<[String; 5]> = [head]
        .into_iter()
        .chain(nodes.iter().enumerate().map(row))
        .collect();
    super::columns(&rows)
}
