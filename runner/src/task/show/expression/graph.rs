//! The graph that automatic differentiation keeps of an expression, with what goes through it in both directions.

use minitorch_core::Scalar;
use minitorch_core::autodiff::NodeInfo;
use minitorch_core::scalar::topological_sort;

use super::parse::Step;
use crate::error::Failure;

/// A node of the graph: a variable, a number, or an operation.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    /// The name of the operation or the variable, or the number.
    pub(super) label: String,
    pub(super) value: f64,
    /// The derivative of the whole expression by this value.
    pub(super) derivative: f64,
    /// The positions in the list of the nodes that the operation is applied to: none for a leaf.
    pub(super) operands: Vec<usize>,
}

impl Node {
    pub(super) fn is_leaf(&self) -> bool {
        self.operands.is_empty()
    }
}

/// Computes the expression and its derivatives: the nodes, each before all of its operands.
///
/// As in MiniTorch's pictures, numbers are leaves too and have a derivative.
///
/// # Errors
///
/// [`Failure`] if memory is out.
pub(super) fn nodes(steps: &[Step], value: impl Fn(&str) -> f64) -> Result<Vec<Node>, Failure> {
    let mut scalars: Vec<Scalar> = Vec::with_capacity(steps.len());
    for step in steps {
        scalars.push(match *step {
            Step::Number(number) => Scalar::try_tracked(number)?,
            Step::Name(ref name) => Scalar::try_tracked(value(name))?,
            Step::One(apply, a) => apply(&scalars[a])?,
            Step::Two(apply, a, b) => apply(&scalars[a], &scalars[b])?,
        });
    }
    let order = scalars.last().map(topological_sort).unwrap_or_default();
    // The step of each node: it has the number, and of a leaf the name.
    let step_of = |id| (0..steps.len()).find(|&step| scalars[step].leaf_id() == Some(id));
    let places: Vec<usize> = order.iter().filter_map(|info| step_of(info.id)).collect();

    // The chain rule from node to node, as MiniTorch's `backpropagate` applies it: when a node is reached, all that use
    // it have been through.
    let mut derivatives = vec![0.0; order.len()];
    if let Some(root) = derivatives.first_mut() {
        *root = 1.0;
    }
    for (node, (info, &step)) in order.iter().zip(&places).enumerate() {
        let by_operand = scalars[step].chain_rule(derivatives[node])?;
        for (&operand, derivative) in info.parents.iter().zip(by_operand.into_iter().flatten()) {
            derivatives[operand] += derivative;
        }
    }

    let nodes = order.into_iter().zip(places).zip(derivatives);
    let node = |((info, step), derivative): ((NodeInfo, usize), f64)| Node {
        label: match &steps[step] {
            Step::Number(number) => number.to_string(),
            Step::Name(name) => name.clone(),
            Step::One(..) | Step::Two(..) => info.op.to_string(),
        },
        value: scalars[step].data(),
        derivative,
        operands: info.parents,
    };
    Ok(nodes.map(node).collect())
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn of(text: &str, at: &[(&str, f64)]) -> Vec<Node> {
        let value = |name: &str| {
            let known = at.iter().find(|(known, _)| *known == name);
            known.expect("a value").1
        };
        nodes(&parse(text).expect(text), value).expect(text)
    }

    /// The derivative by the one node of this label.
    fn derivative(nodes: &[Node], label: &str) -> f64 {
        let mut found = nodes.iter().filter(|node| node.label == label);
        let node = found.next().expect(label);
        assert!(found.next().is_none(), "{label} is one node");
        node.derivative
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-14 * b.abs().max(1.0)
    }

    #[test]
    fn values_and_derivatives_are_those_of_calculus() {
        let (x, y) = (2.0f64, 3.0f64);
        let at = [("x", x), ("y", y)];
        let s = 1.0 / (1.0 + (-x).exp());
        // Expression, value, derivative by x, derivative by y.
        let cases = [
            ("x*y + log(x)", x * y + x.ln(), y + 1.0 / x, x),
            ("x*x*y + 10.0*x", 4.0 * y + 20.0, 2.0 * x * y + 10.0, 4.0),
            ("x - y - x", -3.0, 0.0, -1.0),
            ("x / y / x", 1.0 / y, 0.0, -1.0 / (y * y)),
            ("-x * -y", 6.0, y, x),
            (
                "exp(x - y)",
                (-1.0f64).exp(),
                (-1.0f64).exp(),
                -(-1.0f64).exp(),
            ),
            ("sigmoid(x) + y", s + y, s * (1.0 - s), 1.0),
            ("relu(y - x) + relu(x - y)", 1.0, -1.0, 1.0),
            ("inv(x) * y", 1.5, -y / (x * x), 0.5),
            ("x*(x < y) + y*(x > y) + y*(x == y)", 2.0, 1.0, 0.0),
            ("2 + 3 * 4 - x * y", 8.0, -y, -x),
        ];
        for (text, value, by_x, by_y) in cases {
            let nodes = of(text, &at);
            assert!(near(nodes[0].value, value), "{text}: {}", nodes[0].value);
            assert_eq!(nodes[0].derivative, 1.0, "{text}");
            let found = (derivative(&nodes, "x"), derivative(&nodes, "y"));
            assert!(
                near(found.0, by_x) && near(found.1, by_y),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn every_node_has_the_derivative_that_core_finds_by_it() {
        // log((x*y) * (x*y) + 3): cut at the product p, core differentiates log(p * p + 3) by p.
        let nodes = of("log((x*y)*(x*y) + 3)", &[("x", 0.5), ("y", -1.25)]);
        for node in nodes.iter().filter(|node| node.value == -0.625) {
            let p = Scalar::tracked(-0.625);
            let upper = &p * Scalar::new(-0.625);
            let expected = (upper + 3.0).log().backward().get(&p).expect("p");
            assert!(near(node.derivative, expected), "{node:?}");
        }
        assert_eq!(nodes.iter().filter(|node| node.value == -0.625).count(), 2);
    }

    #[test]
    fn operands_come_later_in_their_order_and_a_variable_is_one_node() {
        let nodes = of("x - y*x", &[("x", 1.0), ("y", 2.0)]);
        let labels: Vec<&str> = nodes.iter().map(|node| node.label.as_str()).collect();
        assert_eq!(labels.len(), 4);
        assert_eq!(labels[0], "sub");
        let named = |place: &usize| labels[*place];
        assert_eq!(
            nodes[0].operands.iter().map(named).collect::<Vec<_>>(),
            ["x", "mul"]
        );
        for (place, node) in nodes.iter().enumerate() {
            assert!(node.operands.iter().all(|&operand| operand > place));
        }
        let twice = of("x*x", &[("x", 3.0)]);
        assert_eq!(
            (twice[0].operands.as_slice(), twice[1].derivative),
            (&[1, 1][..], 6.0)
        );
        assert_eq!(of("7", &[]).len(), 1);
    }
}
