//! Files that are damaged or lie.

use super::*;

#[test]
fn every_truncation_is_an_error() {
    let golden = golden();
    for len in 0..golden.len() {
        assert!(!parse_anything(&golden[..len]), "{len}");
    }
    assert!(!parse_anything(&[&golden[..], b"\0"].concat()));
}

#[test]
fn every_corruption_of_a_byte_is_survived() {
    let golden = golden();
    for at in 0..golden.len() {
        for byte in 0..=255 {
            let mut bad = golden.clone();
            bad[at] = byte;
            let valid = parse_anything(&bad);
            // The data itself may be anything.
            assert!(valid || at < 8 + GOLDEN_HEADER.len());
        }
    }
}

#[test]
fn garbage_is_survived() {
    let (mut random, golden) = (Random(7), golden());
    for _ in 0..20_000 {
        let noise: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
        parse_anything(&noise);
        let tokens = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"dtype\"",
            "\"shape\"",
            "0",
            "1",
            "\\u",
            " ",
        ];
        let text: String = (0..random.below(30))
            .map(|_| tokens[random.below(tokens.len())])
            .collect();
        parse_anything(&file(&text, &noise));
        // Pieces of a good header in another order.
        let (from, to) = (8 + random.below(500), 8 + random.below(500));
        let mut mixed = golden.clone();
        mixed.copy_within(from..from + random.below(80), to);
        parse_anything(&mixed);
    }
}

#[test]
fn the_length_of_the_header_is_not_believed() {
    let error = SafeTensors::parse(b"abc").unwrap_err();
    assert_eq!((error.reason(), error.offset()), (Reason::TooShort, 3));
    assert_eq!(SafeTensors::parse(b"").unwrap_err().reason(), Reason::Empty);
    for stated in [
        3,
        100_000_001,
        u64::from(u32::MAX),
        1 << 63,
        u64::MAX - 7,
        u64::MAX,
    ] {
        let error = SafeTensors::parse(&[&stated.to_le_bytes()[..], b"{}"].concat()).unwrap_err();
        assert_eq!(error.reason(), Reason::HeaderLength { stated, limit: 2 });
    }
    let long = vec![b' '; 8 + 100_000_001];
    let long = [&100_000_001u64.to_le_bytes()[..], &long[8..]].concat();
    let error = SafeTensors::parse(&long).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the header is said to be 100000001 bytes long, but can be at most 100000000, at byte 0"
    );
}

#[test]
fn lying_sizes_and_places() {
    let max = usize::MAX;
    for (shape, offsets, reason) in [
        (
            "[1]",
            "[1,2]".into(),
            Reason::Place {
                stated: 1,
                expected: 0,
            },
        ),
        ("[1]", "[1,0]".into(), Reason::Backwards),
        (
            "[2]",
            "[0,1]".into(),
            Reason::Size {
                stated: 1,
                needed: 2,
            },
        ),
        (
            "[3]",
            "[0,3]".into(),
            Reason::Beyond {
                stated: 3,
                length: 2,
            },
        ),
        ("[1]", "[0,1]".into(), Reason::Unused { count: 1 }),
        ("[1]", "[0]".into(), Reason::Expected("two `data_offsets`")),
        (
            "[1]",
            "[0,1,2]".into(),
            Reason::Expected("two `data_offsets`"),
        ),
        (
            "[1]",
            format!("[{},{max}]", max - 1),
            Reason::Place {
                stated: max - 1,
                expected: 0,
            },
        ),
        (
            "[1]",
            format!("[{max},{max}]"),
            Reason::Size {
                stated: 0,
                needed: 1,
            },
        ),
        (
            "[4294967296,4294967296,4294967296]",
            "[0,2]".into(),
            Reason::Overflow,
        ),
        (
            "[18446744073709551615,2,0]",
            "[0,0]".into(),
            Reason::Overflow,
        ),
        ("[18446744073709551616]", "[0,2]".into(), Reason::Overflow),
        ("[1]", "[0,99999999999999999999]".into(), Reason::Overflow),
    ] {
        assert_eq!(
            parse_error(&bytes(shape, &offsets), b"ab").reason(),
            reason,
            "{shape} {offsets}"
        );
    }
    assert!(parse_anything(&file(&bytes("[2]", "[0,2]"), b"ab")));
    assert!(parse_anything(&file("{}", b"")));
    assert!(!parse_anything(&file("{}", b"a")));
}

#[test]
fn holes_overlaps_and_order() {
    let two = |a: &str, b: &str| {
        let tensor = |offsets| format!(r#"{{"dtype":"U8","shape":[1],"data_offsets":{offsets}}}"#);
        format!(r#"{{"a":{},"b":{}}}"#, tensor(a), tensor(b))
    };
    let crossed = file(&two("[1,2]", "[0,1]"), b"xy");
    let tensors = SafeTensors::parse(&crossed).unwrap();
    assert_eq!(
        tensors
            .views()
            .iter()
            .map(|view| view.name())
            .collect::<Vec<_>>(),
        ["b", "a"]
    );
    assert_eq!(tensors.get("a").unwrap().data(), b"y");
    let overlap = parse_error(&two("[0,1]", "[0,1]"), b"x");
    assert_eq!(
        overlap.reason(),
        Reason::Place {
            stated: 0,
            expected: 1
        }
    );
    let hole = parse_error(&two("[0,1]", "[2,3]"), b"xyz");
    assert_eq!(
        hole.to_string(),
        "b: the tensor's data starts at 2, but the data before it ends at 1, at byte 61"
    );
    // A name that a file chose is cut short, and has no line breaks.
    let long = format!(
        r#"{{"{}\n":{{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}}}"#,
        "n".repeat(99)
    );
    let named = parse_error(&long, b"x");
    assert_eq!(named.tensor(), Some(&*format!("{}...", "n".repeat(60))));
    assert_eq!(parse_error("[]", b"").tensor(), None);
}

#[test]
fn malformed_headers() {
    let a = r#""a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    for (header, offset, text) in [
        (String::new(), 8, "expected `{`"),
        (" {}".into(), 8, "expected `{`"),
        (
            "{}x".into(),
            10,
            "expected nothing but spaces after the header",
        ),
        (format!("{{{a},{a}}}"), 61, "the name appears twice"),
        (
            r#"{"__metadata__":{},"__metadata__":{}}"#.into(),
            27,
            "the name appears twice",
        ),
        (
            r#"{"__metadata__":{"k":"1","k":"2"}}"#.into(),
            24,
            "the name appears twice",
        ),
        (
            r#"{"__metadata__":{"k":1}}"#.into(),
            29,
            "expected a string",
        ),
        (
            r#"{"a":{"shape":[0],"data_offsets":[0,0]}}"#.into(),
            9,
            "the tensor has no `dtype`",
        ),
        (
            r#"{"a":{"dtype":"U8","data_offsets":[0,0]}}"#.into(),
            9,
            "the tensor has no `shape`",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[0]}}"#.into(),
            9,
            "the tensor has no `data_offsets`",
        ),
        (
            r#"{"a":{"dtype":"F4"}}"#.into(),
            22,
            "the type of the elements is unknown",
        ),
        (
            r#"{"a":{"dtype":"U8","dtype":"U8"}}"#.into(),
            27,
            "the name appears twice",
        ),
        (
            r#"{"a":{"type":"U8"}}"#.into(),
            14,
            "expected `dtype`, `shape` or `data_offsets`",
        ),
        (bytes("[1.5]", "[0,1]"), 37, "expected `,` or `]`"),
        (
            bytes("[-1]", "[0,1]"),
            36,
            "expected a whole number that is not negative",
        ),
    ] {
        let error = parse_error(&header, b"");
        assert_eq!(
            (error.offset(), error.reason().to_string().as_str()),
            (offset, text),
            "{header}"
        );
    }
    let mut utf8 = file(&format!("{{{a}}}"), b"");
    utf8[10] = 0xff;
    let error = SafeTensors::parse(&utf8).unwrap_err();
    assert_eq!((error.reason(), error.offset()), (Reason::Utf8, 10));
}

#[test]
fn deep_nesting_is_refused_without_a_stack() {
    for piece in ["{\"a\":", "[", "{\"a\":{\"shape\":["] {
        assert!(!parse_anything(&file(&piece.repeat(1_000_000), b"")));
    }
    assert!(!parse_anything(&file(
        &bytes(&"[".repeat(1_000_000), "[0,0]"),
        b""
    )));
}

#[test]
fn an_error_needs_no_memory() {
    let lie = r#"{"a\n":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#;
    let unknown = r#"{"a":{"dtype":"U9","shape":[2],"data_offsets":[0,2]}}"#;
    for header in [lie, unknown] {
        let file = file(header, b"xy");
        let complete = SafeTensors::parse(&file).unwrap_err();
        let mut allocations = 0;
        loop {
            let error = memory::with_allocations(allocations, || SafeTensors::parse(&file));
            let error = error.unwrap_err();
            if error == complete {
                break;
            }
            // Where there is memory for all but its name, it is the same error about a tensor without one.
            let nameless = error.reason() == complete.reason() && error.tensor().is_none();
            assert!(nameless || error.reason() == Reason::Memory, "{error}");
            allocations += 1;
        }
        assert!(allocations > 0, "{complete} was to name a tensor");
    }
}

#[test]
fn differences_need_no_memory() {
    let header = r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[],"data_offsets":[2,3]}}"#;
    let file = file(header, b"xyz");
    let file = SafeTensors::parse(&file).unwrap();
    let compare = |names: &[&str]| match_names(&file, "", names.iter().map(|name| (name, [2])));
    let fine = || match_names(&file, "", [("a", &[2][..]), ("b", &[])]);
    let complete = compare(&["b", "c"]).unwrap_err();
    assert_eq!(
        (complete.missing(), complete.unexpected()),
        (&["c".into()][..], &["a".into()][..])
    );
    assert_eq!(complete.mismatched().len(), 1);

    let mut allocations = 0;
    loop {
        let error = memory::with_allocations(allocations, || compare(&["b", "c"]).unwrap_err());
        if error == complete {
            break;
        }
        assert!(error.is_out_of_memory());
        assert!(
            error.to_string().starts_with("there is not enough memory"),
            "{error}"
        );
        allocations += 1;
    }
    // Each name and shape needs one, and so do the lists that they are in.
    assert!(allocations > 5, "{allocations}");

    let failed = memory::with_allocations(0, fine).unwrap_err();
    let text = "there is not enough memory to compare the file's tensors with the model's";
    assert_eq!(failed.to_string(), text);
    assert_eq!(fine(), Ok(vec![0, 1]));
}
