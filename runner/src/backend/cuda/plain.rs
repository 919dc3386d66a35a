//! What a kernel takes, as words that can be kept and compared.
#![allow(unsafe_code)]

/// Numbers, alone or several.
///
/// # Safety
///
/// There is no padding, whose bytes have no value and may not be read; and any bytes are a value.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: numbers have no padding.
unsafe impl Plain for u32 {}
// SAFETY: numbers have no padding.
unsafe impl Plain for u64 {}
// SAFETY: numbers have no padding.
unsafe impl Plain for f32 {}
// SAFETY: between elements there is none either.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// The bytes of a `T`, whose type has to be [`Plain`].
pub(super) const fn bytes<T: Plain>() -> usize {
    size_of::<T>()
}

/// The words of a structure that a kernel takes.
pub(super) fn words<T: Plain>(value: &T) -> &[u64] {
    const {
        assert!(
            align_of::<T>() == align_of::<u64>(),
            "a structure of whole words"
        );
    }
    let count = size_of::<T>() / size_of::<u64>();
    // SAFETY: the structure is aligned as words are, so its size is a multiple of theirs, and all its bytes have a value.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), count) }
}

/// A structure that C has, too, which the compiler proves to be [`Plain`]: it is as long as its fields.
macro_rules! plain {
    ($(#[$doc:meta])* $visible:vis struct $name:ident {
        $($(#[$field_doc:meta])* $field_visible:vis $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $visible struct $name {
            $($(#[$field_doc])* $field_visible $field: $type,)*
        }
        const _: () = assert!(
            size_of::<$name>() == 0 $(+ $crate::backend::cuda::plain::bytes::<$type>())*,
            "padding: a field has to be in its place"
        );
        // SAFETY: the fields are plain, and there is no byte more than theirs.
        #[allow(unsafe_code)]
        unsafe impl $crate::backend::cuda::plain::Plain for $name {}
    };
}
pub(super) use plain;

#[cfg(test)]
mod tests {
    use super::*;

    plain! {
        struct Sample {
            first: u64,
            second: [u32; 3],
            third: f32,
        }
    }

    #[test]
    fn words_are_the_bytes_in_order() {
        let sample = Sample {
            first: 7,
            second: [1, 2, 3],
            third: -0.0,
        };
        let bytes: Vec<u8> = words(&sample)
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect();
        let mut expected = 7u64.to_ne_bytes().to_vec();
        for number in [1, 2, 3, 1u32 << 31] {
            expected.extend(number.to_ne_bytes());
        }
        assert_eq!(bytes, expected);
        assert_eq!(sample.second[1], 2);
    }
}
