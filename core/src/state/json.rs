//! As much JSON as a header needs: objects, arrays, strings and unsigned integers.
//!
//! The reader is pulled by a caller who knows what must come next, so it never recurses, however deep the input nests,
//! and builds nothing but the strings that contain escapes.

use super::error::{FormatError, Reason};
use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write};

type Result<T> = core::result::Result<T, FormatError>;

/// A cursor over a JSON text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Where the text starts in the file, for errors.
    base: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, base: usize) -> Self {
        Self { text, at: 0, base }
    }

    /// The position in the file.
    pub(super) fn offset(&self) -> usize {
        self.base + self.at
    }

    fn error<T>(&self, reason: Reason) -> Result<T> {
        Err(FormatError::new(self.offset(), reason))
    }

    fn expected<T>(&self, what: &'static str) -> Result<T> {
        self.error(Reason::Expected(what))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes one byte if it is the next one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Sees that nothing but space is left.
    pub(super) fn end(&mut self) -> Result<()> {
        self.skip_space();
        if self.peek().is_none() {
            Ok(())
        } else {
            self.expected("nothing but spaces after the header")
        }
    }

    /// `{"key": .., ..}`: `each` gets every key with its position, and reads the value.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>, usize) -> Result<()>,
    ) -> Result<()> {
        let close = |reader: &mut Self| reader.take(b'}');
        self.list(b'{', "`{`", close, "`,` or `}`", |reader| {
            let at = reader.offset();
            let key = reader.string()?;
            reader.skip_space();
            if !reader.take(b':') {
                return reader.expected("`:`");
            }
            reader.skip_space();
            each(reader, key, at)
        })
    }

    /// `[.., ..]`: `each` reads every element.
    pub(super) fn array(&mut self, each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.list(b'[', "`[`", |reader| reader.take(b']'), "`,` or `]`", each)
    }

    fn list(
        &mut self,
        open: u8,
        opening: &'static str,
        close: impl Fn(&mut Self) -> bool,
        separator: &'static str,
        mut each: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if !self.take(open) {
            return self.expected(opening);
        }
        self.skip_space();
        if close(self) {
            return Ok(());
        }
        loop {
            each(self)?;
            self.skip_space();
            if close(self) {
                return Ok(());
            }
            if !self.take(b',') {
                return self.expected(separator);
            }
            self.skip_space();
        }
    }

    /// An unsigned integer without sign, fraction, exponent or leading zero.
    pub(super) fn integer(&mut self) -> Result<usize> {
        let start = self.at;
        let mut value = 0usize;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            if self.at > start && value == 0 {
                return self.expected("a number without leading zeros");
            }
            let next = value
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(usize::from(digit - b'0')));
            let Some(next) = next else {
                return self.error(Reason::Overflow);
            };
            value = next;
            self.at += 1;
        }
        if self.at == start {
            self.expected("a whole number that is not negative")
        } else {
            Ok(value)
        }
    }

    /// A string; lent from the text if it has no escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        if !self.take(b'"') {
            return self.expected("a string");
        }
        let plain = self.plain()?;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        // An escape is longer than the character that it stands for, so the rest of the string is the upper bound.
        let mut owned = String::new();
        let bound = plain.len() + self.raw_len();
        if owned.try_reserve(bound).is_err() {
            return self.error(Reason::Memory);
        }
        owned.push_str(plain);
        while !self.take(b'"') {
            let character = self.escape()?;
            owned.push(character);
            owned.push_str(self.plain()?);
        }
        Ok(Cow::Owned(owned))
    }

    /// Characters up to the next quote or backslash, which is there.
    fn plain(&mut self) -> Result<&'a str> {
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"' | b'\\') => return Ok(self.text.get(start..self.at).unwrap_or_default()),
                None => return self.expected("the end of the string"),
                Some(0..0x20) => return self.expected("an escape for the control character"),
                Some(_) => self.at += 1,
            }
        }
    }

    /// The bytes from here to the closing quote, or to the end.
    fn raw_len(&self) -> usize {
        let mut bytes = self.text.as_bytes().iter().skip(self.at);
        let mut len = 0;
        while let Some(&byte) = bytes.next()
            && byte != b'"'
        {
            len += 1;
            if byte == b'\\' && bytes.next().is_some() {
                len += 1;
            }
        }
        len
    }

    /// The character of an escape, from its backslash on.
    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        let character = match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(char::from(byte)),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            Some(b'u') => self.unicode(),
            _ => None,
        };
        character.ok_or(FormatError::new(
            self.base + start,
            Reason::Expected("a valid escape"),
        ))
    }

    /// `XXXX`, or `XXXX\uXXXX` for the two halves of a character beyond the basic plane.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            // A second half without a first one is no character.
            return char::from_u32(first);
        }
        if !(self.take(b'\\') && self.take(b'u')) {
            return None;
        }
        let second = self.hex().filter(|half| (0xdc00..0xe000).contains(half))?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    /// Four hexadecimal digits.
    fn hex(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + char::from(self.peek()?).to_digit(16)?;
            self.at += 1;
        }
        Some(value)
    }
}

/// Writes a string with quotes, and with the escapes that JSON demands and no others.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{c}' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\0'..' ' => write!(f, "\\u{:04x}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::{Quoted, Reader};
    use alloc::borrow::Cow;
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn string(text: &str) -> Result<Cow<'_, str>, usize> {
        let mut reader = Reader::new(text, 0);
        let value = reader.string().map_err(|error| error.offset())?;
        reader.end().map_err(|error| error.offset())?;
        Ok(value)
    }

    #[test]
    fn strings() {
        assert!(matches!(
            string(r#""é.weight" "#),
            Ok(Cow::Borrowed("é.weight"))
        ));
        assert_eq!(
            string(r#""a\"\\\/\b\f\n\r\té\u0041\ud83d\uDE00z""#).unwrap(),
            "a\"\\/\u{8}\u{c}\n\r\té\u{41}😀z"
        );
        for (text, offset) in [
            ("", 0),
            ("\"", 1),
            ("\"ab", 3),
            ("\"a\\", 2),
            ("\"\\x\"", 1),
            ("\"\n\"", 1),
            (r#""\ud800""#, 1),
            (r#""\ud800\u0041""#, 1),
            (r#""\udc00""#, 1),
            (r#""\u12""#, 1),
            (r#""\u+123""#, 1),
            (r#""a\né"#, 6),
            (r#""a"b"#, 3),
        ] {
            assert_eq!(string(text), Err(offset), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for code in (0..0x300).chain([0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff]) {
            let text = format!("x{}y", char::from_u32(code).unwrap());
            assert_eq!(string(&Quoted(&text).to_string()).unwrap(), text);
        }
    }

    #[test]
    fn integers() {
        fn integer(text: &str) -> Result<usize, usize> {
            Reader::new(text, 0)
                .integer()
                .map_err(|error| error.offset())
        }
        assert_eq!(integer("0"), Ok(0));
        assert_eq!(integer(&usize::MAX.to_string()), Ok(usize::MAX));
        for (text, offset) in [("", 0), ("-1", 0), ("01", 1), ("00", 1), ("x", 0)] {
            assert_eq!(integer(text), Err(offset), "{text}");
        }
        assert!(integer(&format!("{}0", usize::MAX)).is_err());
    }

    #[test]
    fn lists() {
        let array = |text| {
            let (mut reader, mut values) = (Reader::new(text, 0), Vec::new());
            let result = reader.array(|reader| {
                values.push(reader.integer()?);
                Ok(())
            });
            result
                .and_then(|()| reader.end())
                .map(|()| values)
                .map_err(|error| error.offset())
        };
        assert_eq!(array("[]"), Ok([].to_vec()));
        assert_eq!(array("[ 1 ,\t2\n] \r"), Ok([1, 2].to_vec()));
        for (text, offset) in [
            ("[", 1),
            ("[1", 2),
            ("[1,", 3),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("[1]]", 3),
            ("[1.5]", 2),
        ] {
            assert_eq!(array(text), Err(offset), "{text}");
        }
    }
}
