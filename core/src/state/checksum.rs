//! The checksum that a checkpoint has of its own tensors: a byte that changes on a disk or on the way is found out.

use super::{Dtype, Fnv, SafeTensors};

/// The key of the checksum in the metadata.
pub(super) const KEY: &str = "minitorch_checksum";

/// The checksum of tensors, given as name, type, shape and data: for each one the [`Fnv`] of its name and its type's name,
/// each after its length, the number of its sizes, the sizes (all these numbers as 64 bits, little endian) and its data, and of
/// these the sum modulo 2^64, so that the order does not count. In a file it is 16 hexadecimal digits.
pub(super) fn checksum<'a>(
    tensors: impl IntoIterator<Item = (&'a str, Dtype, &'a [usize], &'a [u8])>,
) -> u64 {
    let one = |(name, dtype, shape, data): (&str, Dtype, &[usize], &[u8])| {
        let mut hash = Fnv::new();
        for text in [name, dtype.name()] {
            hash.write(&(text.len() as u64).to_le_bytes());
            hash.write(text.as_bytes());
        }
        hash.write(&(shape.len() as u64).to_le_bytes());
        for &size in shape {
            hash.write(&(size as u64).to_le_bytes());
        }
        hash.write(data);
        hash.finish()
    };
    tensors.into_iter().map(one).fold(0, u64::wrapping_add)
}

impl SafeTensors<'_> {
    /// Whether the tensors are those that were saved, as far as the file can tell: [`save`](super::save) leaves a checksum in
    /// the metadata. Not against attackers.
    ///
    /// A file without one, which may be from elsewhere, counts as intact.
    ///
    /// ```
    /// use minitorch_core::nn::Linear;
    /// use minitorch_core::state::{SafeTensors, load_weights, save};
    /// use minitorch_core::{Cpu, Generator};
    ///
    /// let mut net = Linear::new(&Cpu::<f32>::default(), 3, 2, &mut Generator::new(1))?;
    /// let mut file = save(&net, None, &[])?;
    /// assert!(SafeTensors::parse(&file)?.is_intact());
    /// *file.last_mut().unwrap() ^= 1;
    /// assert!(!SafeTensors::parse(&file)?.is_intact());
    /// assert!(load_weights(&file, &mut net).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let tensors = self.views().iter();
        let tensors = tensors.map(|view| (view.name(), view.dtype(), view.shape(), view.data()));
        self.metadata_value(KEY).is_none_or(|stated| {
            // No sign and no capital, either of which would be another text.
            let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            stated.len() == 16
                && stated.bytes().all(digit)
                && u64::from_str_radix(stated, 16) == Ok(checksum(tensors))
        })
    }
}
