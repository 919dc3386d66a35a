//! The safetensors format: round trips, the reference implementation's bytes, and hostile files.

mod format;
mod hostile;
#[path = "../memory/mod.rs"]
mod memory;

use minitorch_core::state::{
    Data, Dtype, Entry, FormatError, ReadError, Reason, SafeTensors, WriteError, Writer,
    match_names, serialize,
};

/// Written by the reference implementation (Python package `safetensors` 0.8.0, `safetensors.numpy.save`) for the
/// tensors of [`golden_entries`].
const GOLDEN_HEADER: &str = concat!(
    r#"{"__metadata__":{"a\t\u0001":"é \"q\""},"steps":{"dtype":"U64","shape":[],"data_offsets":[0,8]},"#,
    r#""double":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"#,
    r#""empty":{"dtype":"F32","shape":[0,3],"data_offsets":[16,16]},"#,
    r#""fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"#,
    r#""fc.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[24,48]},"#,
    r#""ids":{"dtype":"U32","shape":[2],"data_offsets":[48,56]},"#,
    r#""half":{"dtype":"F16","shape":[3],"data_offsets":[56,62]},"#,
    r#""raw":{"dtype":"U8","shape":[3],"data_offsets":[62,65]},"#,
    r#""é\"\\\n😀":{"dtype":"U8","shape":[1],"data_offsets":[65,66]}}"#,
    "     ",
);
const GOLDEN_DATA: &str = "11000000000000009a9999999999b93f0000803e000080be0000803f000000c00000003f000000006f12833a00004040\
                           0700000008000000003c00c1010001020309";

fn golden() -> Vec<u8> {
    let data = (0..GOLDEN_DATA.len() / 2)
        .map(|i| u8::from_str_radix(&GOLDEN_DATA[2 * i..2 * i + 2], 16).unwrap());
    file(GOLDEN_HEADER, &data.collect::<Vec<_>>())
}

fn golden_entries() -> Vec<Entry<'static>> {
    vec![
        Entry::new("é\"\\\n😀", &[1], &[9u8][..]),
        Entry::new(
            "fc.weight",
            &[2, 3],
            &[1.0f32, -2.0, 0.5, 0.0, 1e-3, 3.0][..],
        ),
        Entry::new("fc.bias", &[2], &[0.25f32, -0.25][..]),
        Entry::new(
            "half",
            &[3],
            Data::Bytes(Dtype::F16, &[0, 0x3c, 0, 0xc1, 1, 0]),
        ),
        Entry::new("steps", &[], &[17u64][..]),
        Entry::new("double", &[1], &[0.1f64][..]),
        Entry::new("raw", &[3], &[1u8, 2, 3][..]),
        Entry::new("empty", &[0, 3], &[0f32; 0][..]),
        Entry::new("ids", &[2], &[7u32, 8][..]),
    ]
}

/// A file with this header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

fn parse_error(header: &str, data: &[u8]) -> FormatError {
    SafeTensors::parse(&file(header, data)).expect_err(header)
}

/// One tensor `a` of bytes.
fn bytes(shape: &str, offsets: &str) -> String {
    format!(r#"{{"a":{{"dtype":"U8","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

/// A small generator of pseudo-random numbers (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Whatever the bytes are, parsing ends, and what it accepts obeys the format's rules.
fn parse_anything(bytes: &[u8]) -> bool {
    let tensors = match SafeTensors::parse(bytes) {
        Ok(tensors) => tensors,
        Err(error) => {
            assert!(error.offset() <= bytes.len(), "{error}");
            assert!(!error.to_string().contains('\n') && error.to_string().len() < 200);
            return false;
        }
    };
    let mut data = 0;
    for (index, view) in tensors.views().iter().enumerate() {
        assert_eq!(
            view.data().len(),
            view.dtype().size() * view.shape().iter().product::<usize>()
        );
        assert_eq!(tensors.position(view.name()), Some(index));
        data += view.data().len();
        let _ = (
            view.read::<f32>(),
            view.read::<f64>(),
            view.read::<u64>(),
            view.read::<u32>(),
            view.read::<u8>(),
        );
    }
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    assert_eq!(bytes.len() as u64, 8 + header + data as u64);
    true
}
