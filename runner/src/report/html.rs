//! HTML that is well-formed by construction: elements are closed, and text is never taken for markup.

use std::fmt::{Display, Write};

use crate::error::Printable;

/// A piece of a page that grows.
///
/// Elements are written as XML has them too, so that one page is both.
///
/// ```
/// use runner::report::Html;
///
/// let mut html = Html::default();
/// html.element("p", &[("title", "\"A\" & <B>")], |p| p.text("1 < 2"));
/// assert_eq!(html.finish(), "<p title=\"&quot;A&quot; &amp; &lt;B&gt;\">1 &lt; 2</p>\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html {
    markup: String,
}

impl Html {
    /// An element and what `inside` writes into it, and the end of a line.
    pub fn element(
        &mut self,
        tag: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        self.markup.push('>');
        inside(self);
        // Writing to a string does not fail.
        let _ = writeln!(self.markup, "</{tag}>");
    }

    /// An element with nothing but text inside. What follows stands close to it, so it can be a part of a sentence.
    pub fn leaf(&mut self, tag: &str, attributes: &[(&str, &str)], text: impl Display) {
        self.open(tag, attributes);
        self.markup.push('>');
        self.text(text);
        let _ = write!(self.markup, "</{tag}>");
    }

    /// An element that has no inside, such as `img` and `circle`.
    pub fn void(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.open(tag, attributes);
        self.markup.push_str("/>\n");
    }

    /// Text, its control characters written as escapes.
    pub fn text(&mut self, text: impl Display) {
        self.markup.push_str(&escape(&text.to_string()));
    }

    /// Another piece.
    pub fn append(&mut self, other: &Self) {
        self.markup.push_str(&other.markup);
    }

    /// Markup that is well-formed already, and of this program's own making.
    pub(super) fn markup(&mut self, markup: &str) {
        self.markup.push_str(markup);
    }

    /// The markup.
    pub fn finish(self) -> String {
        self.markup
    }

    fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.markup.push('<');
        self.markup.push_str(tag);
        for (name, value) in attributes {
            let _ = write!(self.markup, " {name}=\"{}\"", escape(value));
        }
    }
}

/// Text as it stands between elements, and between the double quotes of an attribute.
fn escape(text: &str) -> String {
    let text = Printable(text).to_string();
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_text_or_an_attribute() {
        let hostile = "</p><script>alert('&amp;\")\u{0}\u{1b}";
        let mut html = Html::default();
        html.leaf("p", &[("title", hostile)], hostile);
        html.void("br", &[]);
        let escaped = "&lt;/p&gt;&lt;script&gt;alert('&amp;amp;&quot;)\\u{0}\\u{1b}";
        let expected = format!("<p title=\"{escaped}\">{escaped}</p><br/>\n");
        assert_eq!(html.finish(), expected);
    }
}
