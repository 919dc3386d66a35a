//! What is read and written.

use super::*;

#[test]
fn the_reference_implementation_is_read() {
    let golden = golden();
    let tensors = SafeTensors::parse(&golden).unwrap();
    assert_eq!(
        tensors.metadata().collect::<Vec<_>>(),
        [("a\t\u{1}", "é \"q\"")]
    );
    assert_eq!(tensors.metadata_value("a\t\u{1}"), Some("é \"q\""));
    assert_eq!(tensors.metadata_value("b"), None);
    assert_eq!(tensors.views().len(), 9);
    let weight = tensors.get("fc.weight").unwrap();
    assert_eq!(
        (weight.shape(), weight.dtype(), weight.len()),
        (&[2, 3][..], Dtype::F32, 6)
    );
    assert_eq!(
        weight.read::<f32>().unwrap(),
        [1.0, -2.0, 0.5, 0.0, 1e-3, 3.0]
    );
    assert_eq!(
        tensors.get("half").unwrap().read::<f64>().unwrap(),
        [1.0, -2.5, 2f64.powi(-24)]
    );
    assert_eq!(tensors.get("steps").unwrap().read::<u64>().unwrap(), [17]);
    assert_eq!(
        tensors.get("double").unwrap().read::<f32>().unwrap(),
        [0.1f32]
    );
    assert_eq!(tensors.get("ids").unwrap().read::<u64>().unwrap(), [7, 8]);
    assert_eq!(
        tensors.get("raw").unwrap().read::<f32>().unwrap(),
        [1.0, 2.0, 3.0]
    );
    assert_eq!(tensors.get("é\"\\\n😀").unwrap().data(), [9]);
    assert!(tensors.get("empty").unwrap().is_empty());
    assert!(tensors.get("fc").is_none());
}

#[test]
fn the_same_bytes_as_the_reference_implementation_are_written() {
    let metadata = [("a\t\u{1}", "é \"q\"")];
    let mut entries = golden_entries();
    assert_eq!(serialize(&entries, &metadata).unwrap(), golden());
    entries.reverse();
    assert_eq!(
        serialize(&entries, &metadata).unwrap(),
        golden(),
        "the order of the list does not matter"
    );
    let writer = Writer::new(&entries, &metadata).unwrap();
    assert_eq!(writer.file_len(), golden().len());
    let mut left = 3;
    let stopped = writer.write(|_| {
        left -= 1;
        if left == 0 { Err("full") } else { Ok(()) }
    });
    assert_eq!(stopped, Err("full"));
}

#[test]
fn conversions() {
    let i64s = |values: &[i64]| {
        values
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let (positive, negative) = (i64s(&[0, i64::MAX]), i64s(&[0, -1]));
    let file = serialize(
        &[
            Entry::new(
                "bf16",
                &[2],
                Data::Bytes(Dtype::Bf16, &[0x80, 0x3f, 0x49, 0xc0]),
            ),
            Entry::new("f64", &[2], &[1e300, 1.0 + 2f64.powi(-24)][..]),
            Entry::new("pos", &[2], Data::Bytes(Dtype::I64, &positive)),
            Entry::new("neg", &[2], Data::Bytes(Dtype::I64, &negative)),
            Entry::new("u32", &[1], &[u32::MAX][..]),
            Entry::new("nan", &[1], &[f32::from_bits(0x7fc1_2345)][..]),
        ],
        &[],
    )
    .unwrap();
    let tensors = SafeTensors::parse(&file).unwrap();
    let get = |name: &str| tensors.get(name).unwrap();
    assert_eq!(get("bf16").read::<f32>().unwrap(), [1.0, -3.140625]);
    assert_eq!(get("f64").read::<f32>().unwrap(), [f32::INFINITY, 1.0]);
    assert_eq!(get("pos").read::<u64>().unwrap(), [0, i64::MAX as u64]);
    assert_eq!(get("u32").read::<f64>().unwrap(), [f64::from(u32::MAX)]);
    assert_eq!(get("nan").read::<f32>().unwrap()[0].to_bits(), 0x7fc1_2345);
    let negative = get("neg").read::<u64>().unwrap_err();
    assert_eq!(
        negative.to_string(),
        "a tensor of type I64 with negative elements cannot be read as u64"
    );
    let wrong = get("u32").read::<f32>().unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "a tensor of type U32 cannot be read as f32"
    );
    let short = get("f64").read_into(&mut [0f32; 3]);
    assert_eq!(
        short,
        Err(ReadError::Length {
            found: 2,
            wanted: 3
        })
    );
}

#[test]
fn random_files_survive_the_round_trip() {
    let mut random = Random(42);
    for _ in 0..300 {
        let values: Vec<f32> = (0..200)
            .map(|_| f32::from_bits(random.next() as u32))
            .collect();
        let alphabet = ['a', '.', '"', '\\', '\n', '\0', 'é', '😀', '\u{7f}'];
        let tensors: Vec<(String, Vec<usize>)> = (0..random.below(6))
            .map(|i| {
                let tail: String = (0..random.below(9))
                    .map(|_| alphabet[random.below(alphabet.len())])
                    .collect();
                (
                    format!("{tail}{i}"),
                    (0..random.below(4)).map(|_| random.below(6)).collect(),
                )
            })
            .collect();
        let entries: Vec<_> = tensors
            .iter()
            .map(|(name, shape)| Entry::new(name, shape, &values[..shape.iter().product()]))
            .collect();
        let metadata: Vec<_> = tensors
            .iter()
            .map(|(name, _)| (name.as_str(), name.as_str()))
            .collect();
        let file = serialize(&entries, &metadata).unwrap();
        assert_eq!(u64::from_le_bytes(file[..8].try_into().unwrap()) % 8, 0);
        assert!(parse_anything(&file));
        let read = SafeTensors::parse(&file).unwrap();
        assert_eq!(
            (read.views().len(), read.metadata().len()),
            (tensors.len(), tensors.len())
        );
        for (index, (name, shape)) in match_names(&read, "", tensors.clone())
            .unwrap()
            .into_iter()
            .zip(&tensors)
        {
            let view = &read.views()[index];
            assert_eq!(
                (view.name(), view.shape()),
                (name.as_str(), shape.as_slice())
            );
            let bits = |values: &[f32]| {
                values
                    .iter()
                    .map(|value| value.to_bits())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                bits(&view.read::<f32>().unwrap()),
                bits(&values[..view.len()])
            );
            assert_eq!(read.metadata_value(name), Some(name.as_str()));
        }
    }
}

#[test]
fn unaligned_data_is_read() {
    // A header of odd length after a byte of another tensor.
    let header = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}"#;
    let file = file(header, &[0, 0, 0, 0x80, 0x3f]);
    for shift in 0..4 {
        let moved = [&vec![0; shift][..], &file[..]].concat();
        assert_eq!(
            SafeTensors::parse(&moved[shift..]).unwrap().views()[1]
                .read::<f32>()
                .unwrap(),
            [1.0]
        );
    }
}

#[test]
fn bad_lists_are_not_written() {
    let one = [1.0f32];
    let entry = |name| Entry::new(name, &[1], &one[..]);
    let error = |entries: &[Entry<'_>]| serialize(entries, &[]).unwrap_err();
    assert!(matches!(
        error(&[entry("a"), entry("b"), entry("a")]),
        WriteError::DuplicateName { index: 0 | 2 }
    ));
    assert_eq!(
        error(&[entry("a"), entry("__metadata__")]),
        WriteError::ReservedName { index: 1 }
    );
    assert_eq!(
        error(&[Entry::new("a", &[2], &one[..])]),
        WriteError::Size { index: 0 }
    );
    assert_eq!(
        error(&[Entry::new("a", &[usize::MAX, 2], &one[..])]),
        WriteError::Size { index: 0 }
    );
    let keys = serialize(&[], &[("k", "1"), ("k", "2")]).unwrap_err();
    assert!(matches!(keys, WriteError::DuplicateKey { .. }));
    let long = "x".repeat(100_000_000);
    assert_eq!(
        serialize(&[], &[("k", &long)]).unwrap_err(),
        WriteError::HeaderLength
    );
    assert_eq!(serialize(&[], &[]).unwrap(), file("{}      ", b""));
}

#[test]
fn names_are_matched_under_a_prefix() {
    let (a, b) = ([1.0f32, 2.0], [3.0f32]);
    let entries = [
        Entry::new("model.a", &[2], &a[..]),
        Entry::new("model.b", &[1], &b[..]),
        Entry::new("adam.a", &[2], &a[..]),
    ];
    let file = serialize(&entries, &[]).unwrap();
    let tensors = SafeTensors::parse(&file).unwrap();
    let found = match_names(
        &tensors,
        "model.",
        [("b", vec![1]), ("a", vec![2]), ("b", vec![1])],
    )
    .unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|&index| tensors.views()[index].name())
        .collect();
    assert_eq!(names, ["model.b", "model.a", "model.b"]);
}

#[test]
fn all_differences_are_listed_in_four_lines() {
    let one = [1.0f32];
    let names: Vec<String> = (0..17)
        .map(|i| format!("old.{i:02}\n{}", "x".repeat(100 * usize::from(i == 0))))
        .collect();
    let mut entries: Vec<_> = names
        .iter()
        .map(|name| Entry::new(name, &[1], &one[..]))
        .collect();
    entries.push(Entry::new("kept", &[1], &one[..]));
    entries.push(Entry::new("turned", &[1, 1, 1, 1, 1, 1, 1, 1, 1], &one[..]));
    let file = serialize(&entries, &[]).unwrap();
    let tensors = SafeTensors::parse(&file).unwrap();
    let error = match_names(
        &tensors,
        "",
        [("new", vec![3]), ("kept", vec![1]), ("turned", vec![1, 1])],
    )
    .unwrap_err();
    assert_eq!(error.missing(), ["new"]);
    assert_eq!(error.unexpected(), names);
    assert_eq!(
        (
            error.mismatched().len(),
            error.mismatched()[0].model.as_slice()
        ),
        (1, &[1, 1][..])
    );
    let x = "x".repeat(53);
    assert_eq!(
        error.to_string(),
        format!(
            "the file's tensors are not the model's\nmissing: new\n\
             unexpected: old.00\\n{x}..., old.01\\n, old.02\\n, old.03\\n, old.04\\n, and 12 more\n\
             of another shape: turned ([1, 1, 1, 1, 1, 1, 1, 1] and more in the file, [1, 1] in the model)"
        )
    );
}
