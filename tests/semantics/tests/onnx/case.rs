//! A folder with a case: `model.onnx`, and in `test_data_set_0` operands `input_0.pb`, .. and results `output_0.pb`, ..

use super::call::{Call, Operand};
use super::model::{Array, Graph, Node, element};
use super::operators::Operator;
use super::{Device, Fault, Outcome, T, operators};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A case whose model is read.
pub(super) struct Case {
    pub(super) name: String,
    folder: PathBuf,
    graph: Graph,
}

/// What a case is to this test.
pub(super) enum Kind {
    /// A model of several nodes.
    Graph,
    /// An operator of tensors of which at least one is of single precision; all others are, too, or are of integers of
    /// 64 bits or truth values.
    Single,
    /// An operator of anything else.
    OtherTypes,
}

/// A case that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) how: How,
    pub(super) error: Fault,
}

/// How a case failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    /// There is no such operator.
    Operator,
    /// A file, an operand or an attribute is refused, by the operator or by the library.
    Refused,
    /// A result is missing, or has another shape than expected.
    Shape,
    /// A result has the shape that is expected, and other numbers.
    Numbers,
}

impl How {
    /// A failure, and what is said of it.
    pub(super) fn with(self, error: impl Into<Fault>) -> Failed {
        Failed {
            how: self,
            error: error.into(),
        }
    }
}

/// The cases in a folder, in the order of their names.
pub(super) fn all(folder: &Path) -> Outcome<Vec<Case>> {
    let about = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(about)?;
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Outcome<_>>()?;
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

/// What a file holds; errors name it.
fn read<V>(path: &Path, parse: impl Fn(&[u8]) -> Outcome<V>) -> Outcome<V> {
    let parsed = fs::read(path).map_err(Into::into);
    let parsed = parsed.and_then(|bytes| parse(&bytes));
    parsed.map_err(|error| format!("{}: {error}", path.display()).into())
}

impl Case {
    fn read(folder: PathBuf) -> Outcome<Self> {
        let name = folder.file_name().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            graph: read(&folder.join("model.onnx"), Graph::file)?,
            folder,
        })
    }

    pub(super) fn kind(&self) -> Kind {
        let graph = &self.graph;
        if graph.nodes.len() != 1 {
            return Kind::Graph;
        }
        let ports = graph.inputs.iter().chain(&graph.outputs);
        let elements: Vec<i64> = ports.map(|port| port.element.unwrap_or(0)).collect();
        let allowed = [element::FLOAT, element::INT64, element::BOOL];
        match elements.contains(&element::FLOAT) && elements.iter().all(|x| allowed.contains(x)) {
            true => Kind::Single,
            false => Kind::OtherTypes,
        }
    }

    /// The operator of a case of one node.
    pub(super) fn operator(&self) -> &str {
        let nodes = &self.graph.nodes;
        nodes.first().map_or("", |node| &node.operator)
    }

    /// Computes the results and compares them with those that are expected.
    pub(super) fn run(&self, device: &Device) -> Result<(), Failed> {
        let [node] = &self.graph.nodes[..] else {
            return Err(How::Refused.with("one node is needed"));
        };
        let operator = operators::find(&node.domain, &node.operator);
        let missing = || How::Operator.with(format!("no operator {}", node.operator));
        let results = self.results(device, node, operator.ok_or_else(missing)?);
        let results = results.map_err(|error| How::Refused.with(error))?;

        let relative = if self.name == FOUR_DIGITS {
            1e-3
        } else {
            RELATIVE
        };
        for (port, at) in self.graph.outputs.iter().zip(0..) {
            let name = &port.name;
            let result = results.get(name);
            let result = result.ok_or_else(|| How::Shape.with(format!("no result {name}")))?;
            let expected = self.operand(device, "output", at);
            let expected = expected.map_err(|error| How::Refused.with(error))?;
            compare(result, &expected, relative)
                .map_err(|Failed { how, error }| how.with(format!("{name}: {error}")))?;
        }
        Ok(())
    }

    /// The results of the case's node by their names.
    fn results<'a>(
        &self,
        device: &Device,
        node: &'a Node,
        operator: Operator,
    ) -> Outcome<BTreeMap<&'a String, T>> {
        let mut known = BTreeMap::new();
        for (port, at) in self.graph.inputs.iter().zip(0..) {
            known.insert(port.name.as_str(), self.operand(device, "input", at)?);
        }
        let operands = node.inputs.iter().map(|name| match name.as_str() {
            "" => Ok(None),
            name => {
                let operand = known.get(name).cloned();
                operand.map(Some).ok_or_else(|| format!("no {name}"))
            }
        });
        let call = Call {
            device,
            node,
            operands: operands.collect::<Result<_, _>>()?,
        };
        let results = operator(&call)?;
        Ok(node.outputs.iter().zip(results).collect())
    }

    fn operand(&self, device: &Device, kind: &str, at: usize) -> Outcome<Operand> {
        let path = format!("test_data_set_0/{kind}_{at}.pb");
        read(&self.folder.join(path), |bytes| {
            Operand::new(device, &Array::file(bytes)?)
        })
    }
}

/// What a number may differ by beside the part of it that is allowed. This one is ONNX's.
const ABSOLUTE: f64 = 1e-7;
/// The part of a number that it may differ by. ONNX allows 1e-3; the largest one that is found is 1.71e-6.
const RELATIVE: f64 = 2e-6;
/// The results that are expected of this case have four digits.
const FOUR_DIGITS: &str = "test_averagepool_2d_ceil_last_window_starts_on_pad";

/// Whether the results are those that are expected: of integers and truth values exactly.
fn compare(result: &T, expected: &Operand, relative: f64) -> Result<(), Failed> {
    let (found, wanted) = (result.shape(), expected.tensor.shape());
    if found != wanted {
        return Err(How::Shape.with(format!("shape {found:?} instead of {wanted:?}")));
    }
    let (absolute, relative) = match expected.element {
        element::FLOAT => (ABSOLUTE, relative),
        _ => (0.0, 0.0),
    };
    let numbers = |tensor: &T| {
        tensor
            .try_to_vec()
            .map_err(|error| How::Refused.with(error))
    };
    let (found, wanted) = (numbers(result)?, numbers(&expected.tensor)?);
    for (at, (x, y)) in found.into_iter().zip(wanted).enumerate() {
        let allowed = absolute + relative * f64::from(y).abs();
        // An infinity is only near to itself, and what is no number is near to all that is none.
        let near = y.is_finite() && (f64::from(x) - f64::from(y)).abs() <= allowed;
        if !(near || x == y || x.is_nan() && y.is_nan()) {
            return Err(How::Numbers.with(format!("element {at} is {x} instead of {y}")));
        }
    }
    Ok(())
}

#[test]
fn a_comparison_sees_every_difference() {
    let device = Device::default();
    let tensor = |x: f32| T::full(&device, [1], x.into());
    let compare = |x: f32, y: f32, element: i64| {
        let expected = Operand {
            tensor: tensor(y),
            element,
        };
        compare(&tensor(x), &expected, RELATIVE).is_ok()
    };
    let (none, infinite) = (f32::NAN, f32::INFINITY);
    for (x, y) in [
        (1.0, 1.000_001),
        (9e-8, 0.0),
        (none, none),
        (infinite, infinite),
    ] {
        assert!(compare(x, y, element::FLOAT), "{x} {y}");
    }
    for (x, y) in [
        (1.0, 1.000_003),
        (2e-7, 0.0),
        (none, 1.0),
        (1.0, none),
        (infinite, 1.0),
        (1.0, infinite),
        (infinite, -infinite),
    ] {
        assert!(!compare(x, y, element::FLOAT), "{x} {y}");
    }
    assert!(compare(7.0, 7.0, element::INT64) && !compare(9e-8, 0.0, element::BOOL));
    let expected = Operand {
        tensor: T::zeros(&device, [1, 1]),
        element: element::FLOAT,
    };
    assert!(super::case::compare(&tensor(0.0), &expected, RELATIVE).is_err());
}
