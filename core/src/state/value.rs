//! [`Value`]: the Rust types that tensors are read into, and the conversions.

use super::Dtype;

mod sealed {
    pub trait Sealed {}
}

/// A type that elements of a file can be read into.
///
/// | into | from |
/// | --- | --- |
/// | `f32` | `F32`, `F16`, `BF16`, `U8` exactly; `F64` rounded to nearest, ties to even |
/// | `f64` | `F64`, `F32`, `F16`, `BF16`, `U8`, `U32` exactly |
/// | `u64` | `U64`, `U32`, `U8`, and `I64` where no element is negative |
/// | `u32` | `U32`, `U8` |
/// | `u8` | `U8` |
pub trait Value: Copy + Default + sealed::Sealed {
    /// The type's name, for messages.
    #[doc(hidden)]
    const NAME: &'static str;

    /// Fills `out` from as many elements in `bytes`; `None` if this type is not read from that one.
    #[doc(hidden)]
    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) -> Option<()>;
}

/// Decodes elements of `N` bytes. The loop is outside of the choice of type, so that it vectorises.
fn each<const N: usize, T>(
    bytes: &[u8],
    out: &mut [T],
    decode: impl Fn([u8; N]) -> T,
) -> Option<()> {
    for (to, from) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *to = decode(*from);
    }
    Some(())
}

impl sealed::Sealed for f32 {}
impl Value for f32 {
    const NAME: &'static str = "f32";

    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) -> Option<()> {
        match dtype {
            Dtype::F32 => each(bytes, out, f32::from_le_bytes),
            Dtype::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
            Dtype::F16 => each(bytes, out, |b| from_half(u16::from_le_bytes(b))),
            Dtype::Bf16 => each(bytes, out, |b| from_bfloat(u16::from_le_bytes(b))),
            Dtype::U8 => each(bytes, out, |[b]| f32::from(b)),
            _ => None,
        }
    }
}

impl sealed::Sealed for f64 {}
impl Value for f64 {
    const NAME: &'static str = "f64";

    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) -> Option<()> {
        match dtype {
            Dtype::F64 => each(bytes, out, f64::from_le_bytes),
            Dtype::F32 => each(bytes, out, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F16 => each(bytes, out, |b| f64::from(from_half(u16::from_le_bytes(b)))),
            Dtype::Bf16 => each(bytes, out, |b| {
                f64::from(from_bfloat(u16::from_le_bytes(b)))
            }),
            Dtype::U32 => each(bytes, out, |b| f64::from(u32::from_le_bytes(b))),
            Dtype::U8 => each(bytes, out, |[b]| f64::from(b)),
            _ => None,
        }
    }
}

impl sealed::Sealed for u64 {}
impl Value for u64 {
    const NAME: &'static str = "u64";

    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) -> Option<()> {
        match dtype {
            Dtype::U64 => each(bytes, out, u64::from_le_bytes),
            Dtype::I64 => {
                each(bytes, out, u64::from_le_bytes)?;
                // A negative number has the highest bit set.
                out.iter().all(|&n| n >> 63 == 0).then_some(())
            }
            Dtype::U32 => each(bytes, out, |b| u64::from(u32::from_le_bytes(b))),
            Dtype::U8 => each(bytes, out, |[b]| u64::from(b)),
            _ => None,
        }
    }
}

impl sealed::Sealed for u32 {}
impl Value for u32 {
    const NAME: &'static str = "u32";

    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) -> Option<()> {
        match dtype {
            Dtype::U32 => each(bytes, out, u32::from_le_bytes),
            Dtype::U8 => each(bytes, out, |[b]| u32::from(b)),
            _ => None,
        }
    }
}

impl sealed::Sealed for u8 {}
impl Value for u8 {
    const NAME: &'static str = "u8";

    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) -> Option<()> {
        match dtype {
            Dtype::U8 => each(bytes, out, |[b]| b),
            _ => None,
        }
    }
}

/// IEEE 754 half precision to single, exactly. A NaN keeps its sign and payload.
fn from_half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 31);
    let fraction = u32::from(bits & 0x3ff);
    let magnitude = match exponent {
        // Zero and subnormals: fraction * 2^-24, which is normal in single precision.
        0 => (fraction as f32 * f32::from_bits(0x3380_0000)).to_bits(),
        31 => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 127 - 15) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The upper half of a single precision number to the number.
fn from_bfloat(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::{from_bfloat, from_half};

    #[test]
    fn every_half_is_its_definition() {
        for bits in 0..=u16::MAX {
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let (exponent, fraction) = (bits >> 10 & 31, f64::from(bits & 1023));
            let power = |e: i32| f64::from_bits(((1023 + e) as u64) << 52);
            let expected = match exponent {
                0 => sign * fraction * power(-24),
                31 if fraction == 0.0 => sign * f64::INFINITY,
                31 => f64::NAN,
                e => sign * (1.0 + fraction / 1024.0) * power(i32::from(e) - 15),
            };
            let found = f64::from(from_half(bits));
            if expected.is_nan() {
                assert!(found.is_nan());
            } else {
                assert_eq!(found.to_bits(), expected.to_bits(), "{bits:04x}");
            }
        }
    }

    #[test]
    fn bfloats_are_upper_halves() {
        assert_eq!(from_bfloat(0x3f80), 1.0);
        assert_eq!(from_bfloat(0xc049), -3.140625);
        assert_eq!(from_bfloat(0x0001).to_bits(), 0x0001_0000);
        assert!(from_bfloat(0x7fc0).is_nan());
    }
}
