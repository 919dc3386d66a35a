//! Safetensors files: the parser, reading every tensor, writing again, and the reference implementation beside it.

use super::check_message;
use minitorch_core::state::{
    Data, Dtype, Entry, FormatError, Reason, SafeTensors, View, serialize,
};

/// Parses the bytes and reads all that is in them.
///
/// What is accepted is what the reference accepts, with the same names, types, shapes, data and metadata; it is written to
/// the bytes that the reference writes, and it is the same after it was written and parsed again. What is refused is refused for a byte of the file, in one line.
pub fn check(file: &[u8]) {
    let reference = safetensors::SafeTensors::deserialize(file);
    match SafeTensors::parse(file) {
        Ok(tensors) => {
            let reference = reference.expect("the reference accepts it, too");
            check_against(&tensors, &reference, file);
            check_written_again(&tensors);
            tensors.views().iter().for_each(check_reading);
        }
        Err(error) => {
            check_message(&error.to_string());
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            assert!(error.offset() <= file.len(), "{error}");
            if let Ok(reference) = reference {
                let stricter = is_stricter(&error, &reference) || has_twins(file, &reference);
                assert!(stricter, "{error}");
            }
        }
    }
}

/// Whether this is one of the things that the reference lets pass: a key of the metadata that stands there twice, fields
/// that the format does not know, types below a byte, `null` for no metadata, and a header that begins with a space.
fn is_stricter(error: &FormatError, reference: &safetensors::SafeTensors<'_>) -> bool {
    match error.reason() {
        Reason::Duplicate => true,
        Reason::UnknownDtype => {
            let mut tensors = reference.iter();
            tensors.any(|(_, tensor)| tensor.dtype().bitsize() < 8)
        }
        Reason::Expected(what) => what == "`dtype`, `shape` or `data_offsets`" || what == "`{`",
        _ => false,
    }
}

/// Whether the header may name a tensor twice: of these the reference keeps one, and then finds nothing wrong with the
/// place of its data. Then there are more objects than tensors.
fn has_twins(file: &[u8], reference: &safetensors::SafeTensors<'_>) -> bool {
    let (length, header) = safetensors::SafeTensors::read_metadata(file).expect("it was accepted");
    let header_text = file[8..][..length].iter();
    let objects = header_text.filter(|&&byte| byte == b'{').count();
    objects > 1 + usize::from(header.metadata().is_some()) + reference.len()
}

fn check_against(ours: &SafeTensors<'_>, theirs: &safetensors::SafeTensors<'_>, file: &[u8]) {
    assert_eq!(ours.views().len(), theirs.len());
    for view in ours.views() {
        let tensor = theirs.tensor(view.name()).expect("the same names");
        assert_eq!(view.dtype().name(), format!("{:?}", tensor.dtype()));
        assert_eq!(view.shape(), tensor.shape());
        assert!(view.data() == tensor.data(), "{view:?}");
    }
    let (_, header) = safetensors::SafeTensors::read_metadata(file).expect("it was accepted");
    let texts = header.metadata().clone().unwrap_or_default();
    assert_eq!(ours.metadata().len(), texts.len());
    for (key, value) in ours.metadata() {
        assert_eq!(texts.get(key).map(String::as_str), Some(value));
    }
    // The reference writes metadata in no order, and braces for none.
    if texts.len() < 2 {
        let texts = Some(texts).filter(|texts| !texts.is_empty());
        let written = safetensors::serialize(theirs.iter(), texts).expect("it fits");
        assert!(written == write(ours));
    }
}

fn write(tensors: &SafeTensors<'_>) -> Vec<u8> {
    let views = tensors.views().iter();
    let entries = views.map(|view| {
        let data = Data::Bytes(view.dtype(), view.data());
        Entry::new(view.name(), view.shape(), data)
    });
    let texts: Vec<_> = tensors.metadata().collect();
    serialize(&entries.collect::<Vec<_>>(), &texts).expect("it fits")
}

fn check_written_again(tensors: &SafeTensors<'_>) {
    let written = write(tensors);
    let again = SafeTensors::parse(&written).expect("what is written can be parsed");
    assert_eq!(again.views().len(), tensors.views().len());
    for view in tensors.views() {
        let other = again.get(view.name()).expect("the same names");
        assert_eq!((other.dtype(), other.shape()), (view.dtype(), view.shape()));
        assert!(other.data() == view.data(), "{view:?}");
    }
    assert!(again.metadata().eq(tensors.metadata()));
    assert!(write(&again) == written);
}

/// Reads a tensor into every type: it works exactly for those that the table of `Value` names.
fn check_reading(view: &View<'_>) {
    let among = |dtypes: &[Dtype]| dtypes.contains(&view.dtype());
    let (f16, bf16, f32, f64) = (Dtype::F16, Dtype::Bf16, Dtype::F32, Dtype::F64);
    let numbers = || view.data().as_chunks().0.iter().copied();
    let positive = || numbers().all(|number| i64::from_le_bytes(number) >= 0);
    assert_eq!(view.read::<u8>().is_ok(), among(&[Dtype::U8]));
    assert_eq!(view.read::<u32>().is_ok(), among(&[Dtype::U8, Dtype::U32]));
    assert_eq!(
        view.read::<u64>().is_ok(),
        among(&[Dtype::U8, Dtype::U32, Dtype::U64]) || among(&[Dtype::I64]) && positive()
    );
    let floats = [f16, bf16, f32, f64, Dtype::U8];
    assert_eq!(view.read::<f32>().is_ok(), among(&floats));
    assert_eq!(
        view.read::<f64>().is_ok(),
        among(&floats) || among(&[Dtype::U32])
    );
    let errors = [view.read::<f32>().err(), view.read::<u64>().err()];
    for error in errors.into_iter().flatten() {
        check_message(&error.to_string());
    }
}

/// Files with every type of element, with metadata, with escapes in names, with empty tensors, and with nothing.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let data = [7; 24];
    let types = ["BOOL", "I8", "F8_E5M2", "F16", "BF16", "I64", "C64", "F64"];
    let types = types.map(|name| {
        let dtype = Dtype::from_name(name).expect("a type of the format");
        let shape = [24 / dtype.size()];
        (name, shape, Data::Bytes(dtype, &data))
    });
    let types: Vec<Entry<'_>> = types
        .iter()
        .map(|(name, shape, data)| Entry::new(name, shape, *data))
        .collect();
    let others = [
        Entry::new("fc.weight", &[2, 3], &[1f32, -2.0, 0.5, 0.0, 1e-3, 3.0][..]),
        Entry::new("empty", &[0, 3], &[0f32; 0][..]),
        Entry::new("@epoch", &[], &[17u64][..]),
        Entry::new("ids", &[2], &[7u32, 8][..]),
        Entry::new("é\"\\\n\u{1}😀", &[1], &[9u8][..]),
    ];
    let texts = [("a\t", "é \"q\""), ("format", "pt")];
    [
        serialize(&[], &[]),
        serialize(&types, &[]),
        serialize(&others, &texts),
    ]
    .map(|file| file.expect("a valid file"))
    .into()
}
