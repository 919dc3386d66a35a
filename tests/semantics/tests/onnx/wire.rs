//! The encoding of protocol buffers: a message is a list of fields, each with a number and a value of one of four
//! kinds (<https://protobuf.dev/programming-guides/encoding>). Errors name the byte of the file.

use super::{Fault, Outcome};
use std::fmt::Display;

/// A message, and where it begins in its file.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

/// A field of a message.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    value: Value<'a>,
    pub(super) at: usize,
}

/// The value of a field, before anybody knows its type.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// An integer of variable length.
    Varint(u64),
    /// Eight bytes, which no field that is read has.
    Fixed64,
    /// A string, bytes, a message, or numbers without gaps.
    Bytes(Message<'a>),
    /// Four bytes.
    Fixed32([u8; 4]),
}

impl<'a> Message<'a> {
    /// A whole file.
    pub(super) fn file(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Calls `each` with every field.
    pub(super) fn fields(mut self, mut each: impl FnMut(Field<'a>) -> Outcome<()>) -> Outcome<()> {
        while !self.bytes.is_empty() {
            let at = self.at;
            let key = self.varint()?;
            let value = match key & 7 {
                0 => Value::Varint(self.varint()?),
                1 => self.take(8).map(|_| Value::Fixed64)?,
                2 => {
                    let length = self.varint()?;
                    Value::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
                }
                5 => Value::Fixed32(self.fixed()?),
                kind => {
                    return Err(fault(
                        at,
                        format_args!("a field of kind {kind} is not read"),
                    ));
                }
            };
            let number = key >> 3;
            each(Field { number, value, at })?;
        }
        Ok(())
    }

    /// The next bytes, which are skipped.
    fn take(&mut self, count: usize) -> Outcome<Self> {
        let Some((bytes, rest)) = self.bytes.split_at_checked(count) else {
            return Err(fault(self.at, "the message ends within a field"));
        };
        let taken = Self { bytes, at: self.at };
        *self = Self {
            bytes: rest,
            at: self.at + count,
        };
        Ok(taken)
    }

    fn fixed(&mut self) -> Outcome<[u8; 4]> {
        Ok(self.take(4)?.bytes.try_into()?)
    }

    /// Seven bits a byte, the lowest first; the eighth bit says that more follow.
    fn varint(&mut self) -> Outcome<u64> {
        let start = self.at;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.bytes[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(fault(start, "an integer has more than ten bytes"))
    }
}

impl<'a> Field<'a> {
    /// An integer.
    pub(super) fn int(self) -> Outcome<i64> {
        match self.value {
            Value::Varint(value) => Ok(value.cast_signed()),
            _ => self.is_no("integer"),
        }
    }

    /// A number of four bytes.
    pub(super) fn float(self) -> Outcome<f32> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => self.is_no("number of 32 bits"),
        }
    }

    /// A message within this one.
    pub(super) fn message(self) -> Outcome<Message<'a>> {
        match self.value {
            Value::Bytes(message) => Ok(message),
            _ => self.is_no("message"),
        }
    }

    /// Bytes.
    pub(super) fn bytes(self) -> Outcome<&'a [u8]> {
        Ok(self.message()?.bytes)
    }

    /// A string.
    pub(super) fn text(self) -> Outcome<String> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|error| fault(self.at, error))
    }

    /// Integers: one, or many without gaps.
    pub(super) fn ints(self, list: &mut Vec<i64>) -> Outcome<()> {
        match self.value {
            Value::Bytes(mut rest) => {
                while !rest.bytes.is_empty() {
                    list.push(rest.varint()?.cast_signed());
                }
            }
            _ => list.push(self.int()?),
        }
        Ok(())
    }

    /// Numbers of four bytes: one, or many without gaps.
    pub(super) fn floats(self, list: &mut Vec<f32>) -> Outcome<()> {
        match self.value {
            Value::Bytes(mut rest) => {
                while !rest.bytes.is_empty() {
                    list.push(f32::from_le_bytes(rest.fixed()?));
                }
            }
            _ => list.push(self.float()?),
        }
        Ok(())
    }

    fn is_no<V>(self, kind: &str) -> Outcome<V> {
        Err(fault(
            self.at,
            format_args!("field {} is no {kind}", self.number),
        ))
    }
}

/// An error at a byte of the file.
pub(super) fn fault(at: usize, reason: impl Display) -> Fault {
    format!("byte {at}: {reason}").into()
}

#[test]
fn what_ends_early_or_is_of_no_kind_is_an_error() {
    let read = |bytes: &[u8]| {
        let mut seen = Vec::new();
        let fields = Message::file(bytes).fields(|field| {
            let mut ints = Vec::new();
            field.ints(&mut ints)?;
            seen.push((field.number, ints));
            Ok(())
        });
        fields.map(|()| seen).map_err(|error| error.to_string())
    };
    let seen = read(&[8, 0x96, 1, 18, 2, 7, 8]);
    assert_eq!(seen, Ok(vec![(1, vec![150]), (2, vec![7, 8])]));
    let long = [0xff; 10];
    for (bytes, at) in [
        (&[8][..], 1),
        (&[8, 0x80], 2),
        (&[16, 1, 9, 1, 2], 3),
        (&[16, 1, 13, 1, 2, 3], 3),
        (&[18, 3, 1, 2], 2),
        (&[18, 2, 1, 0x80], 4),
        (&[&[18], &long[1..], &[1]].concat(), 11),
        (&[16, 1, 11], 2),
        (&[&[8], &long[..], &[1]].concat(), 1),
    ] {
        let error = read(bytes).expect_err("an error");
        assert!(
            error.starts_with(&format!("byte {at}: ")),
            "{bytes:?}: {error}"
        );
    }
}
