//! ONNX's messages, as much of them as a case of one node needs. The numbers of the fields are those of `onnx.proto`.

use super::wire::{Message, fault};
use super::{Fault, Outcome};
use std::collections::BTreeMap;
use std::fmt::Display;

/// `TensorProto.DataType`, the types that tensors of single precision come with.
pub(super) mod element {
    pub(crate) const FLOAT: i64 = 1;
    pub(crate) const INT64: i64 = 7;
    pub(crate) const BOOL: i64 = 9;
}

/// `GraphProto`.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
}

impl Graph {
    /// The graph of a file with a model (`ModelProto`).
    pub(super) fn file(bytes: &[u8]) -> Outcome<Self> {
        let (file, mut graph) = (Message::file(bytes), None);
        file.fields(|field| {
            if field.number == 7 {
                graph = Some(Self::read(field.message()?)?);
            }
            Ok(())
        })?;
        graph.ok_or_else(|| fault(file.at, "the model has no graph"))
    }

    fn read(message: Message<'_>) -> Outcome<Self> {
        let mut graph = Self::default();
        message.fields(|field| {
            match field.number {
                1 => graph.nodes.push(Node::read(field.message()?)?),
                11 => graph.inputs.push(Port::read(field.message()?)?),
                12 => graph.outputs.push(Port::read(field.message()?)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }
}

/// `NodeProto`.
#[derive(Default)]
pub(super) struct Node {
    /// The names of the operands; an empty one is left out.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) operator: String,
    /// Empty for ONNX's own operators.
    pub(super) domain: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
}

impl Node {
    fn read(message: Message<'_>) -> Outcome<Self> {
        let mut node = Self::default();
        message.fields(|field| {
            match field.number {
                1 => node.inputs.push(field.text()?),
                2 => node.outputs.push(field.text()?),
                4 => node.operator = field.text()?,
                5 => {
                    let (name, attribute) = Attribute::read(field.message()?)?;
                    node.attributes.insert(name, attribute);
                }
                7 => node.domain = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }
}

/// `AttributeProto`: one of these has the value.
#[derive(Default)]
pub(super) struct Attribute {
    pub(super) float: f32,
    pub(super) int: i64,
    pub(super) text: String,
    pub(super) tensor: Option<Array>,
    pub(super) ints: Vec<i64>,
}

impl Attribute {
    fn read(message: Message<'_>) -> Outcome<(String, Self)> {
        let (mut name, mut attribute) = (String::new(), Self::default());
        message.fields(|field| {
            match field.number {
                1 => name = field.text()?,
                2 => attribute.float = field.float()?,
                3 => attribute.int = field.int()?,
                // Bytes, of which this test needs those that are text.
                4 => attribute.text = field.text().unwrap_or_default(),
                5 => attribute.tensor = Some(Array::read(field.message()?)?),
                8 => field.ints(&mut attribute.ints)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok((name, attribute))
    }
}

/// `ValueInfoProto`: an operand or result of a graph.
#[derive(Default)]
pub(super) struct Port {
    pub(super) name: String,
    /// The type of its elements, if it is a tensor and no sequence, map or optional.
    pub(super) element: Option<i64>,
}

impl Port {
    fn read(message: Message<'_>) -> Outcome<Self> {
        let mut port = Self::default();
        message.fields(|field| {
            match field.number {
                1 => port.name = field.text()?,
                // TypeProto; its field 1 is the type of a tensor, whose field 1 is that of the elements.
                2 => field.message()?.fields(|field| match field.number {
                    1 => field.message()?.fields(|field| {
                        if field.number == 1 {
                            port.element = Some(field.int()?);
                        }
                        Ok(())
                    }),
                    _ => Ok(()),
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(port)
    }
}

/// `TensorProto`.
#[derive(Default)]
pub(super) struct Array {
    pub(super) sizes: Vec<usize>,
    pub(super) element: i64,
    floats: Vec<f32>,
    ints: Vec<i64>,
    raw: Option<Vec<u8>>,
    at: usize,
}

impl Array {
    /// A file of one tensor.
    pub(super) fn file(bytes: &[u8]) -> Outcome<Self> {
        Self::read(Message::file(bytes))
    }

    fn read(message: Message<'_>) -> Outcome<Self> {
        let mut array = Self {
            at: message.at,
            ..Self::default()
        };
        message.fields(|field| {
            match field.number {
                1 => {
                    let mut sizes = Vec::new();
                    field.ints(&mut sizes)?;
                    for size in sizes {
                        let size = size.try_into().map_err(|error| fault(field.at, error))?;
                        array.sizes.push(size);
                    }
                }
                2 => array.element = field.int()?,
                4 => field.floats(&mut array.floats)?,
                5 | 7 => field.ints(&mut array.ints)?,
                9 => array.raw = Some(field.bytes()?.to_vec()),
                _ => {}
            }
            Ok(())
        })?;
        Ok(array)
    }

    /// The elements, as the nearest numbers of single precision.
    pub(super) fn values(&self) -> Outcome<Vec<f32>> {
        let values = match (self.element, &self.raw) {
            (element::FLOAT, None) => Some(self.floats.clone()),
            (element::INT64 | element::BOOL, None) => {
                Some(self.ints.iter().map(|&x| x as f32).collect())
            }
            (element::FLOAT, Some(raw)) => numbers(raw, f32::from_le_bytes),
            (element::INT64, Some(raw)) => numbers(raw, |bytes| i64::from_le_bytes(bytes) as f32),
            (element::BOOL, Some(raw)) => numbers(raw, |[byte]| byte.into()),
            (other, _) => return Err(self.fault(format_args!("no elements of type {other}"))),
        };
        values.ok_or_else(|| self.fault("the elements end within one"))
    }

    /// An error that names where the tensor begins.
    pub(super) fn fault(&self, reason: impl Display) -> Fault {
        fault(self.at, reason)
    }
}

fn numbers<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f32) -> Option<Vec<f32>> {
    let (numbers, rest) = raw.as_chunks();
    rest.is_empty()
        .then(|| numbers.iter().map(|&bytes| number(bytes)).collect())
}
