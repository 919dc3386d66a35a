//! A case whose files are cut off anywhere is an error that names the file and the byte.

use super::Device;
use super::case;
use std::fs;

/// A field of bytes: its key, their number, and they themselves.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().try_into().expect("a short field");
    [&[number << 3 | 2, length], bytes].concat()
}

/// An integer in a field.
fn integer(number: u8, value: u8) -> [u8; 2] {
    [number << 3, value]
}

/// Softmax of two numbers along axis 0.
fn model() -> Vec<u8> {
    let axis = [&field(1, b"axis")[..], &integer(3, 0)].concat();
    let node = [
        field(1, b"x"),
        field(2, b"y"),
        field(4, b"Softmax"),
        field(5, &axis),
    ]
    .concat();
    let float = field(2, &field(1, &integer(1, 1)));
    let port = |name: &[u8]| [field(1, name), float.clone()].concat();
    let graph = [
        field(1, &node),
        field(11, &port(b"x")),
        field(12, &port(b"y")),
    ]
    .concat();
    [&integer(1, 8)[..], &field(7, &graph)].concat()
}

fn tensor(values: [f32; 2]) -> Vec<u8> {
    let raw = values.map(f32::to_le_bytes).concat();
    [&integer(1, 2)[..], &integer(2, 1), &field(9, &raw)].concat()
}

#[test]
fn a_file_that_is_cut_off_is_an_error_that_names_it_and_the_byte() {
    let root = std::env::temp_dir().join(format!("onnx-truncated-{}", std::process::id()));
    let folder = root.join("test_softmax");
    fs::create_dir_all(folder.join("test_data_set_0")).expect("a folder");
    let files = [
        ("model.onnx", model()),
        ("test_data_set_0/input_0.pb", tensor([0.0, 0.0])),
        ("test_data_set_0/output_0.pb", tensor([0.5, 0.5])),
    ];
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a file");
    for (name, bytes) in &files {
        write(name, bytes);
    }
    let run = || {
        let cases = case::all(&root).map_err(|error| error.to_string())?;
        let run = cases[0].run(&Device::default());
        run.map_err(|failed| failed.error.to_string())
    };
    assert_eq!(run(), Ok(()));
    for (name, bytes) in &files {
        for length in 0..bytes.len() {
            write(name, &bytes[..length]);
            let error = run().expect_err("an error");
            let named = format!("{}: byte ", folder.join(name).display());
            assert!(error.starts_with(&named), "{length} bytes: {error}");
        }
        write(name, bytes);
    }
    fs::remove_dir_all(root).expect("the folder can be removed");
}
