//! The hash by which two runs are compared: FNV-1a, 64 bits, over names, shapes and bits of all weights.

use core::fmt;

/// The hash function FNV-1a with 64 bits: for each byte, `h = (h ^ byte) * 0x100000001b3`, from `0xcbf29ce484222325`.
///
/// Not against attackers: it finds accidental differences. As text it is 16 lower-case hexadecimal digits.
///
/// ```
/// use minitorch_core::state::Fnv;
///
/// let mut hash = Fnv::new();
/// hash.write(b"foobar");
/// assert_eq!(hash.to_string(), "85944171f73967e8");
/// ```
///
/// Source: Fowler, Noll, Vo, Eastlake, *The FNV Non-Cryptographic Hash Algorithm*, RFC 9923.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fnv(u64);

impl Fnv {
    /// The hash of no bytes.
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes. Where one call ends and the next starts makes no difference.
    pub fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// Adds one parameter: its path in UTF-8, each size of its shape as 32 bits, and the bits of each value in
    /// row-major order, all little endian. Every NaN counts as `0x7fc00000`, because their bits are not the same
    /// everywhere.
    pub fn write_parameter(
        &mut self,
        path: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = f32>,
    ) {
        self.write(path.as_bytes());
        for &size in shape {
            // Sizes of 2^32 and more are hashed modulo 2^32.
            self.write(&(size as u32).to_le_bytes());
        }
        for value in values {
            let bits = if value.is_nan() {
                0x7fc0_0000
            } else {
                value.to_bits()
            };
            self.write(&bits.to_le_bytes());
        }
    }

    /// The hash of what was written so far.
    pub const fn finish(self) -> u64 {
        self.0
    }
}

impl Default for Fnv {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Fnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The hash of a model: of each parameter in the order of the walk, see [`Fnv::write_parameter`].
///
/// ```
/// use minitorch_core::state::weights_hash;
///
/// let bias: [f32; 2] = [0.0, 0.5];
/// assert_eq!(weights_hash([("fc.bias", [2], bias)]).to_string(), "075ebf9c04f9ff36");
/// ```
pub fn weights_hash<P, S, V>(parameters: impl IntoIterator<Item = (P, S, V)>) -> Fnv
where
    P: AsRef<str>,
    S: AsRef<[usize]>,
    V: IntoIterator<Item = f32>,
{
    let mut hash = Fnv::new();
    for (path, shape, values) in parameters {
        hash.write_parameter(path.as_ref(), shape.as_ref(), values);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::{Fnv, weights_hash};

    #[test]
    fn known_answers() {
        // From the test vectors of RFC 9923.
        for (text, expected) in [
            ("", 0xcbf29ce484222325),
            ("a", 0xaf63dc4c8601ec8c),
            ("foobar", 0x85944171f73967e8u64),
        ] {
            let mut hash = Fnv::default();
            hash.write(text.as_bytes());
            assert_eq!(hash.finish(), expected);
        }
    }

    #[test]
    fn a_parameter_is_its_bytes() {
        let values = [1.0f32, -0.0, f32::from_bits(0xffc1_2345), f32::INFINITY];
        let mut bytes = Fnv::new();
        bytes.write("é.w".as_bytes());
        bytes.write(&[2, 0, 0, 0, 2, 0, 0, 0]);
        bytes.write(&[
            0, 0, 0x80, 0x3f, 0, 0, 0, 0x80, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f,
        ]);
        assert_eq!(weights_hash([("é.w", [2, 2], values)]), bytes);
    }
}
