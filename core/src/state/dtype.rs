//! The element types of the file format.

use core::fmt;

/// The type of the elements of a stored tensor; little endian in the file.
///
/// All types of the format that fill whole bytes, in the format's own order (which decides the order of tensors in a
/// written file, see [`serialize`](super::serialize)). [`Value`](super::Value) says which of them can be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Dtype {
    /// Boolean, one byte.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Floating point, 5 bits of exponent and 2 of fraction.
    F8E5M2,
    /// Floating point, 4 bits of exponent and 3 of fraction.
    F8E4M3,
    /// A power of two, 8 bits of exponent.
    F8E8M0,
    /// Floating point, 4 bits of exponent and 3 of fraction, without infinities and negative zero.
    F8E4M3Fnuz,
    /// Floating point, 5 bits of exponent and 2 of fraction, without infinities and negative zero.
    F8E5M2Fnuz,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 16 bits.
    U16,
    /// Floating point, IEEE 754 half precision: 5 bits of exponent and 10 of fraction.
    F16,
    /// Floating point, the upper half of an `F32`: 8 bits of exponent and 7 of fraction.
    Bf16,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 32 bits.
    U32,
    /// Floating point, IEEE 754 single precision.
    F32,
    /// Complex, two `F32`.
    C64,
    /// Floating point, IEEE 754 double precision.
    F64,
    /// Signed, 64 bits.
    I64,
    /// Unsigned, 64 bits.
    U64,
}

/// Type, name in the file, bytes per element.
const TABLE: [(Dtype, &str, usize); 19] = [
    (Dtype::Bool, "BOOL", 1),
    (Dtype::U8, "U8", 1),
    (Dtype::I8, "I8", 1),
    (Dtype::F8E5M2, "F8_E5M2", 1),
    (Dtype::F8E4M3, "F8_E4M3", 1),
    (Dtype::F8E8M0, "F8_E8M0", 1),
    (Dtype::F8E4M3Fnuz, "F8_E4M3FNUZ", 1),
    (Dtype::F8E5M2Fnuz, "F8_E5M2FNUZ", 1),
    (Dtype::I16, "I16", 2),
    (Dtype::U16, "U16", 2),
    (Dtype::F16, "F16", 2),
    (Dtype::Bf16, "BF16", 2),
    (Dtype::I32, "I32", 4),
    (Dtype::U32, "U32", 4),
    (Dtype::F32, "F32", 4),
    (Dtype::C64, "C64", 8),
    (Dtype::F64, "F64", 8),
    (Dtype::I64, "I64", 8),
    (Dtype::U64, "U64", 8),
];

impl Dtype {
    /// The size of one element in bytes.
    pub const fn size(self) -> usize {
        TABLE[self as usize].2
    }

    /// The name in the file, such as `F32`.
    pub const fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The type with this name in the file.
    ///
    /// ```
    /// # use minitorch_core::state::Dtype;
    /// assert_eq!(Dtype::from_name("BF16"), Some(Dtype::Bf16));
    /// assert_eq!(Dtype::from_name("F31"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The bytes that a tensor of this shape and type takes, if that is a number: `size * shape[0] * shape[1] * ..`.
    /// Like the reference, this refuses a product that overflows before it meets a zero.
    pub(super) fn bytes(self, shape: &[usize]) -> Option<usize> {
        shape
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n))?
            .checked_mul(self.size())
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{Dtype, TABLE};

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, (dtype, name, _)) in TABLE.into_iter().enumerate() {
            assert_eq!((dtype as usize, dtype.name()), (index, name));
            assert_eq!(Dtype::from_name(name), Some(dtype));
        }
    }

    #[test]
    fn sizes_are_checked() {
        assert_eq!(Dtype::F32.bytes(&[]), Some(4));
        assert_eq!(Dtype::F16.bytes(&[3, 0]), Some(0));
        assert_eq!(Dtype::U8.bytes(&[usize::MAX]), Some(usize::MAX));
        assert_eq!(Dtype::F16.bytes(&[usize::MAX]), None);
        assert_eq!(Dtype::U8.bytes(&[usize::MAX, 2, 0]), None);
    }
}
